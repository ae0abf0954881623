"""What the loop holds while it runs: open experiments, and the messages that wake it. It is gone with the process.

An experiment is open from its first sample to its decision; between two samples it holds no slot.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from autoresearch.core.decision import Side
from autoresearch.core.experiment import (
    FREE,
    AnySample,
    Decision,
    Draft,
    Execution,
    LostSample,
    Measured,
    Outcome,
    Result,
    Sample,
    Unmeasured,
    Usage,
)
from autoresearch.core.ports import Job
from autoresearch.core.promise import fulfil
from autoresearch.gate import Answer

T = TypeVar("T")


@dataclass
class Open:
    """One experiment between its draft and its decision."""

    draft: Draft
    wants: Side | None = Side.CANDIDATE
    """Whose sample is to be taken next; None while one runs, or a repair is thought of."""
    samples: list[AnySample] = field(default_factory=list)
    incumbent_samples: list[tuple[int, Sample]] = field(default_factory=list)
    last: Execution | None = None
    seconds: float = 0.0
    slowest: float = 0.0
    """Seconds of its longest sample."""
    repairs: int = 0
    lost_incumbents: int = 0
    flags: tuple[str, ...] = ()

    @property
    def is_baseline(self) -> bool:
        return self.draft.parent is None

    @property
    def measured(self) -> list[Sample]:
        return [sample for sample in self.samples if isinstance(sample, Sample)]

    def take(self, execution: Execution, at: int) -> None:
        """Book one of its own samples."""
        self.last = execution
        self.seconds += execution.seconds
        self.slowest = max(self.slowest, execution.seconds)
        if isinstance(execution, Measured):
            self.samples.append(Sample(execution.value, at))
            self.flags = tuple(dict.fromkeys((*self.flags, *execution.flags)))
        else:
            self.samples.append(LostSample(execution.outcome, at))

    def take_incumbent(self, execution: Execution, at: int) -> None:
        """Book a sample of the incumbent that was taken to judge this one. A lost one says nothing about this one."""
        self.seconds += execution.seconds
        if isinstance(execution, Measured) and self.draft.parent is not None:
            self.incumbent_samples.append((self.draft.parent, Sample(execution.value, at)))
        else:
            self.lost_incumbents += 1
            self.last = execution if self._is_stop(execution) else self.last

    @staticmethod
    def _is_stop(execution: Execution) -> bool:
        return isinstance(execution, Unmeasured) and execution.outcome is Outcome.INTERRUPTED

    def result(self, outcome: Outcome, decision: Decision, reason: str, unbilled: Usage = FREE) -> Result:
        """The experiment's end, as the record wants it."""
        return Result(
            outcome=outcome,
            decision=decision,
            reason=reason,
            samples=tuple(self.samples),
            incumbent_samples=tuple(self.incumbent_samples),
            measures=self.last.measures if self.last else {},
            seconds=self.seconds,
            ended=datetime.now(UTC),
            flags=self.flags,
            unbilled=unbilled,
        )


@dataclass(frozen=True, slots=True)
class Answered:
    """A proposer's thread ended; `repairs` is the open experiment that it was asked to mend."""

    future: Future[Answer]
    repairs: Open | None


@dataclass(frozen=True, slots=True)
class Sampled:
    """A sample ended; `at` is its running count in the run."""

    experiment: Open
    side: Side
    at: int
    job: Job
    future: Future[Execution]


@dataclass(frozen=True, slots=True)
class StopRequested:
    """The person, or the time budget, wants an end. Twice: at once."""

    why: str
    at_once: bool


Message = Answered | Sampled | StopRequested


def in_background(work: Callable[[], T]) -> Future[T]:
    """Run `work` on a daemon thread, so that one that hangs in somebody's library never keeps the process alive."""
    future: Future[T] = Future()
    threading.Thread(target=fulfil, args=(future, work), daemon=True).start()
    return future
