"""`ar log --jsonl`: the history as pi-autoresearch writes its `log.jsonl`, for its dashboards and scripts.

A line of configuration, then a line for each experiment, numbered from 1, all in one segment. What was not measured is
a `crash` with metric 0, as there; what really happened stands in `asi`, the field that is free for such things. What
was taken back is a `discard`; a return to an earlier state that has no number yet is left out, for its 0 would be taken
for the best. So is a time that is not known.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from autoresearch.cli.render.records import Json, dumps, number
from autoresearch.cli.render.tsv import decision, told
from autoresearch.core.experiment import Experiment, Outcome
from autoresearch.core.history import Direction, History
from autoresearch.core.metric import UNIT
from autoresearch.imports.rows import NO_TIME

DIGITS = 12
"""So many of a measure are written: what is behind them comes of computing with it, as from bytes to megabytes."""


def pi_log(history: History, name: str) -> Iterator[str]:
    """The lines, baseline first; `name` is what the session is called."""
    first = history.baseline
    unit = next((flag.removeprefix(UNIT) for flag in (first.flags if first else ()) if flag.startswith(UNIT)), "")
    yield dumps(
        {
            "type": "config",
            "name": name,
            "metricName": history.metric_name,
            "metricUnit": unit,
            "bestDirection": "lower" if history.direction is Direction.MIN else "higher",
        }
    )
    for run, one in enumerate(told(history), 1):
        yield dumps(_run(one, history, run))


def _run(one: Experiment, history: History, run: int) -> dict[str, Json]:
    metric = history.metric(one.number)
    return {
        "run": run,
        "commit": one.commit[:7],
        "metric": number(metric) or 0,
        "metrics": {name: float(f"{value:.{DIGITS}g}") for name, value in one.measures.items() if math.isfinite(value)},
        "status": _status(one, history),
        "description": one.title,
        **({"timestamp": round(one.ended.timestamp() * 1000)} if one.ended != NO_TIME else {}),
        "segment": 0,
        "confidence": None,
        **_more(one),
    }


def _status(one: Experiment, history: History) -> str:
    if one.outcome is Outcome.CHECKS_FAILED:
        return "checks_failed"
    return "crash" if history.metric(one.number) is None else decision(one, history).value


def _more(one: Experiment) -> dict[str, Json]:
    more: dict[str, Json] = {"hypothesis": one.hypothesis} if one.hypothesis else {}
    if one.outcome is not Outcome.MEASURED:
        more |= {"outcome": one.outcome.value, "reason": one.reason}
    return {"asi": more} if more else {}
