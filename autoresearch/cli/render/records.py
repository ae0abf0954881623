"""The record as JSON objects: what `ar log --json` prints, one experiment a line. Numbers are finite or null.

Not in here: events (`jsonl`) and the status page (`status`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime

from autoresearch.core.experiment import AnySample, Experiment, LostSample, Sample
from autoresearch.core.history import History
from autoresearch.imports.rows import NO_TIME

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


def number(value: float | None) -> float | None:
    """JSON knows neither NaN nor infinity."""
    return value if value is not None and math.isfinite(value) else None


def timestamp(instant: datetime) -> str:
    """RFC 3339 in UTC, to the millisecond."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def dumps(value: Mapping[str, Json]) -> str:
    """One line of plain ASCII, so that it survives every encoding; never NaN."""
    return json.dumps(value, allow_nan=False)


def experiment_json(experiment: Experiment, history: History) -> dict[str, Json]:
    """Every field; a time that is not known is null. `metric` is the mean over all commits, `metric_at_decision` that
    of its own samples then.
    """
    one = experiment
    return {
        "number": one.number,
        "commit": one.commit,
        "tree": one.tree,
        "parent": one.parent,
        "title": one.title,
        "hypothesis": one.hypothesis,
        "outcome": one.outcome.value,
        "decision": one.decision.value,
        "reason": one.reason,
        "metric_name": one.metric_name,
        "metric": number(history.metric(one.number)),
        "metric_at_decision": number(one.metric),
        "samples": [_sample(sample) for sample in one.samples],
        "incumbent_samples": [{"number": owner, **_sample(sample)} for owner, sample in one.incumbent_samples],
        "measures": {name: number(value) for name, value in one.measures.items()},
        "seconds": number(one.seconds),
        "started": None if one.started == NO_TIME else timestamp(one.started),
        "ended": None if one.ended == NO_TIME else timestamp(one.ended),
        **_origin(one),
        "reverted": history.is_reverted(one.number),
    }


def _origin(one: Experiment) -> dict[str, Json]:
    return {
        "proposer": one.proposer,
        "model": one.model,
        "params": {name: number(value) if isinstance(value, float) else value for name, value in one.params.items()},
        "tokens_in": one.usage.tokens_in,
        "tokens_out": one.usage.tokens_out,
        "cost_usd": number(one.usage.cost_usd),
        "isolation": one.isolation,
        "slot": one.slot,
        "flags": list(one.flags),
        "carried_from": one.carried_from,
        "reverts": list(one.reverts),
    }


def _sample(sample: AnySample) -> dict[str, Json]:
    match sample:
        case Sample(value, at):
            return {"value": number(value), "at": at}
        case LostSample(outcome, at):
            return {"value": None, "outcome": outcome.value, "at": at}
