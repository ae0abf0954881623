"""`ar log --jsonl`: the history as pi-autoresearch writes its `log.jsonl`, for its dashboards and scripts.

A line of configuration, then a line for each experiment, numbered from 1, all in one segment. What was not measured is
a `crash` with metric 0, as there; what really happened stands in `asi`, the field that is free for such things.
"""

from __future__ import annotations

from collections.abc import Iterator

from autoresearch.cli.render.records import Json, dumps, number
from autoresearch.core.experiment import Experiment, Outcome
from autoresearch.core.history import Direction, History
from autoresearch.core.metric import UNIT


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
    for run, one in enumerate(history.experiments, 1):
        yield dumps(_run(one, history.metric(one.number), run))


def _run(one: Experiment, metric: float | None, run: int) -> dict[str, Json]:
    return {
        "run": run,
        "commit": one.commit[:7],
        "metric": number(metric) or 0,
        "metrics": {name: number(value) for name, value in one.measures.items() if number(value) is not None},
        "status": _status(one, metric),
        "description": one.title,
        "timestamp": round(one.ended.timestamp() * 1000),
        "segment": 0,
        "confidence": None,
        **_more(one),
    }


def _status(one: Experiment, metric: float | None) -> str:
    if one.outcome is Outcome.CHECKS_FAILED:
        return "checks_failed"
    return "crash" if metric is None else one.decision.value


def _more(one: Experiment) -> dict[str, Json]:
    more: dict[str, Json] = {"hypothesis": one.hypothesis} if one.hypothesis else {}
    if one.outcome is not Outcome.MEASURED:
        more |= {"outcome": one.outcome.value, "reason": one.reason}
    return {"asi": more} if more else {}
