"""Finished experiments for tests: everything has a plausible default, and any field can be given."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from autoresearch.core.experiment import Decision, Experiment, Outcome, Sample

START = datetime(2025, 11, 23, 4, 48, tzinfo=UTC)


def experiment(number: int, value: float | None = None, **fields: Any) -> Experiment:
    """With a value it is measured; without one it crashed. Number 0 is kept, others are discarded unless said."""
    commit = f"{number:07x}" + "c" * 33
    seconds = fields.get("seconds", 12.0)
    defaults: dict[str, Any] = {
        "commit": commit,
        "tree": f"{number:040x}",
        "parent": None if number == 0 else 0,
        "title": "baseline" if number == 0 else f"LR 0.00{number} → 0.0021",
        "hypothesis": "",
        "outcome": Outcome.CRASHED if value is None else Outcome.MEASURED,
        "decision": Decision.KEEP if number == 0 and value is not None else Decision.DISCARD,
        "reason": "exit code 1" if value is None else "not better",
        "metric_name": "val_bpb",
        "metric": value,
        "samples": () if value is None else (Sample(value, number),),
        "incumbent_samples": (),
        "measures": {},
        "seconds": seconds,
        "started": START,
        "ended": START + timedelta(seconds=seconds),
        "proposer": "tuner",
    }
    return Experiment(number=number, **{**defaults, **fields})
