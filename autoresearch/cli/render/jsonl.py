"""`ar run --json`: an event a line, for programs. A field is always there; what is not known is null.

Not in here: output of experiments, requests to the proposer, and ids of drafts, which are gone when they are read.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TextIO

from autoresearch.cli.render.records import Json, dumps, number, timestamp
from autoresearch.cli.render.text import Lines
from autoresearch.core.events import (
    Event,
    ExperimentFinished,
    OutputLine,
    Proposed,
    Proposing,
    RunFinished,
    RunStarted,
    SampleFinished,
    SampleStarted,
    Warned,
)
from autoresearch.core.experiment import Execution, Experiment, Measured, Outcome, Passed, Sample, Unmeasured
from autoresearch.core.ports import Task


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


class JsonLines:
    """A listener that prints to `stream`; each line is flushed."""

    def __init__(self, stream: TextIO, now: Callable[[], datetime] = utc_now) -> None:
        self._print = Lines(stream)
        self._now = now
        self._slots: dict[tuple[int, int], int] = {}
        """Where each sample was started: its end does not say that."""

    def __call__(self, event: Event) -> None:
        named = event_json(event, self._slot(event))
        if named is not None:
            name, fields = named
            self._print(dumps({"event": name, "time": timestamp(self._now()), **fields}))

    def _slot(self, event: Event) -> int | None:
        if isinstance(event, SampleStarted):
            self._slots[event.number, event.sample] = event.slot
            return event.slot
        return self._slots.pop((event.number, event.sample), None) if isinstance(event, SampleFinished) else None


def event_json(event: Event, slot: int | None = None) -> tuple[str, dict[str, Json]] | None:
    """The event's name and fields; None for what programs are not told. `slot`: where the sample runs, or ran."""
    match event:
        case RunStarted(tag, branch, base, isolation):
            return "run-started", {"tag": tag, "branch": branch, "base": base, "isolation": isolation}
        case Proposed(experiment, title, hypothesis, cost):
            fields: dict[str, Json] = {"experiment": experiment, "title": title, "hypothesis": hypothesis}
            return "proposed", {**fields, "cost_usd": number(cost)}
        case SampleStarted(experiment, sample, limit, task):
            return "sample-started", {**_job(experiment, sample, task, slot), "limit": number(limit)}
        case SampleFinished(experiment, sample, execution, task):
            return "sample-finished", {**_job(experiment, sample, task, slot), **_execution(execution)}
        case ExperimentFinished(finished):
            return "experiment-finished", _finished(finished)
        case Warned(message):
            return "warning", {"message": message}
        case RunFinished():
            return "run-finished", _run_finished(event)
        case Proposing() | OutputLine():
            return None


def _job(experiment: int, sample: int, task: Task, slot: int | None) -> dict[str, Json]:
    return {"experiment": experiment, "sample": sample, "task": task.value, "slot": slot}


def _execution(execution: Execution) -> dict[str, Json]:
    match execution:
        case Measured(value, seconds):
            return {"value": number(value), "seconds": number(seconds), "outcome": Outcome.MEASURED.value}
        case Unmeasured(outcome, _, seconds):
            return {"value": None, "seconds": number(seconds), "outcome": outcome.value}
        case Passed(seconds):
            return {"value": None, "seconds": number(seconds), "outcome": "passed"}


def _finished(one: Experiment) -> dict[str, Json]:
    return {
        "number": one.number,
        "commit": one.commit,
        "outcome": one.outcome.value,
        "decision": one.decision.value,
        "reason": one.reason,
        "metric": number(one.metric),
        "samples": [number(sample.value) if isinstance(sample, Sample) else None for sample in one.samples],
        "seconds": number(one.seconds),
        "cost_usd": number(one.usage.cost_usd),
        "flags": list(one.flags),
        "title": one.title,
    }


def _run_finished(event: RunFinished) -> dict[str, Json]:
    return {
        "why": event.why,
        "best": number(event.best),
        "kept": event.kept,
        "discarded": event.discarded,
        "exit_code": event.exit_code,
    }
