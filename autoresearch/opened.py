"""What the loop holds while it runs: open experiments, and the messages that wake it. It is gone with the process.

An experiment is open from its first sample to its decision; between two samples it holds no slot.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import fmean
from typing import TypeVar

from autoresearch.core.experiment import (
    FREE,
    AnySample,
    Decision,
    Draft,
    Execution,
    LostSample,
    Measured,
    Outcome,
    Passed,
    Result,
    Sample,
    Unmeasured,
    Usage,
)
from autoresearch.core.ports import Job, Request, Task
from autoresearch.core.promise import fulfil
from autoresearch.errors import ArError
from autoresearch.gate import Answer, Ready

T = TypeVar("T")


@dataclass
class Open:
    """One experiment between its draft and its decision."""

    draft: Draft
    wants: Task | None = Task.SAMPLE
    """What is to be run next; None while something runs, or a repair is thought of."""
    running: int = 0
    """How much of it runs now: never more than one thing, but for the samples of a baseline."""
    slot: int = 0
    """Where it ran last."""
    refreshes: bool = False
    """It waits for a sample of its incumbent, for that one has not been sampled for long."""
    begun: int = 0
    """How many of its samples were begun."""
    lost: int = 0
    """Executions that a machine failed to finish."""
    again: list[int] = field(default_factory=list)
    """The numbers of the samples among these."""
    failed: Unmeasured | None = None
    """The first of several samples side by side that gave nothing."""
    samples: list[AnySample] = field(default_factory=list)
    incumbent_samples: list[tuple[int, Sample]] = field(default_factory=list)
    last: Execution | None = None
    seconds: float = 0.0
    besides: float = 0.0
    """Of these, for what is no sample."""
    took: list[float] = field(default_factory=list)
    """Seconds of each of its measured samples: how long one took that crashed says nothing about the next."""
    numbers: list[Mapping[str, float]] = field(default_factory=list)
    """What each of its measured samples printed besides the metric."""
    holdout: list[float] = field(default_factory=list)
    longest_holdout: float = 0.0
    """Seconds of the longest measurement of it."""
    incumbent_holdout: list[float] = field(default_factory=list)
    checked: bool = False
    """The checks have passed."""
    suspicion: str = ""
    """Why its gain was not believed at once; a fresh sample has been asked for."""
    fresh: list[Sample] = field(default_factory=list)
    """Of its samples, those from a fresh worktree."""
    spent_usd: float = 0.0
    """Money that running it cost, so far."""
    repairs: int = 0
    lost_incumbents: int = 0
    flags: tuple[str, ...] = ()
    feedback: str = ""

    @property
    def title(self) -> str:
        return self.draft.proposal.title

    @property
    def is_baseline(self) -> bool:
        return self.draft.parent is None

    @property
    def measured(self) -> list[Sample]:
        return [sample for sample in self.samples if isinstance(sample, Sample)]

    @property
    def measures(self) -> Mapping[str, float]:
        """The means of the numbers that every measured sample printed; without one, what the last execution printed."""
        if self.numbers:
            first, *others = self.numbers
            names = [name for name in first if all(name in one for one in others)]
            return {name: fmean(one[name] for one in self.numbers) for name in names}
        return {} if self.last is None or isinstance(self.last, Passed) else self.last.measures

    def next_sample(self) -> int:
        """The number of the sample that begins now: of one that was lost, so that it has its seed, else a new one."""
        if self.again:
            return self.again.pop()
        self.begun += 1
        return self.begun

    def take(self, task: Task, execution: Execution, at: int) -> None:
        """Book what came of one execution; `at` is its running count among the samples of the run."""
        self.seconds += execution.seconds
        self.besides += 0.0 if task.is_sample else execution.seconds
        match task:
            case Task.SAMPLE | Task.FRESH:
                self._take_sample(execution, at)
                if task is Task.FRESH and isinstance(execution, Measured):
                    self.fresh += self.measured[-1:]
            case Task.INCUMBENT:
                self._take_incumbent(execution, at)
            case Task.HOLDOUT if isinstance(execution, Measured):
                self.holdout.append(execution.value)
                self.longest_holdout = max(self.longest_holdout, execution.seconds)
            case Task.INCUMBENT_HOLDOUT if isinstance(execution, Measured):
                self.incumbent_holdout.append(execution.value)
            case Task.CHECKS if isinstance(execution, Passed):
                self.checked = True
            case Task.INCUMBENT_HOLDOUT:
                self.lost_incumbents += 1
                self.last = execution if _is_stop(execution) else self.last
            case Task.CHECKS | Task.HOLDOUT:
                self.last = execution
            case Task.WARM_UP:
                self.last = execution if _is_stop(execution) else self.last

    def _take_sample(self, execution: Execution, at: int) -> None:
        self.last = execution
        match execution:
            case Measured():
                self.took.append(execution.seconds)
                self.samples.append(Sample(execution.value, at))
                self.numbers.append(execution.measures)
                self.flags = tuple(dict.fromkeys((*self.flags, *execution.flags)))
                self.feedback = execution.feedback
            case Unmeasured():
                self.failed = self.failed or execution
                self.samples.append(LostSample(execution.outcome, at))
                self.feedback = execution.feedback
            case Passed():
                raise TypeError("a sample gives a number, or says why there is none")

    def _take_incumbent(self, execution: Execution, at: int) -> None:
        """A sample that was taken to judge this one. A lost one says nothing about this one."""
        if isinstance(execution, Measured) and self.draft.parent is not None:
            self.incumbent_samples.append((self.draft.parent, Sample(execution.value, at)))
        else:
            self.lost_incumbents += 1
            self.last = execution if _is_stop(execution) else self.last

    def result(self, outcome: Outcome, decision: Decision, reason: str, unbilled: Usage = FREE) -> Result:
        """The experiment's end, as the record wants it."""
        return Result(
            outcome=outcome,
            decision=decision,
            reason=reason,
            samples=tuple(self.samples),
            incumbent_samples=tuple(self.incumbent_samples),
            measures=self.measures,
            seconds=self.seconds,
            ended=datetime.now(UTC),
            flags=self.flags,
            unbilled=unbilled + Usage(cost_usd=self.spent_usd),
            holdout=tuple(self.holdout),
            incumbent_holdout=tuple(self.incumbent_holdout),
            feedback=self.feedback,
            slot=self.slot,
        )


def _is_stop(execution: Execution) -> bool:
    return isinstance(execution, Unmeasured) and execution.outcome is Outcome.INTERRUPTED


@dataclass(eq=False)
class Asked:
    """A proposal from the question to its turn; `number` is what its experiment will probably be called."""

    number: int
    request: Request
    before: tuple[Asked | Open, ...] = ()
    """What was under way when it was asked for."""
    repairs: Open | None = None
    """The open experiment that is to be mended."""
    since: float | None = None
    """The instant of the monotonic clock at which it went out; None: it waits."""
    answer: Answer | None = None

    @property
    def title(self) -> str:
        """Empty until it is known."""
        return self.answer.proposal.title if self.answer else ""

    @property
    def settled(self) -> Answer:
        """The answer. Raises ValueError while there is none."""
        if self.answer is None:
            raise ValueError(f"proposal {self.number} has no answer yet")
        return self.answer

    @property
    def tree(self) -> str | None:
        """What would run; None before the answer, and for a rejected one."""
        return self.answer.tree if isinstance(self.answer, Ready) else None


@dataclass(frozen=True, slots=True)
class Answered:
    """A proposer's thread ended."""

    asked: Asked
    future: Future[Answer]


@dataclass(frozen=True, slots=True)
class Sampled:
    """An execution ended; `at` is the running count of samples in the run."""

    experiment: Open
    at: int
    job: Job
    future: Future[Execution]


@dataclass(frozen=True, slots=True)
class SampledAgain:
    """A sample of the final check ended."""

    future: Future[Execution]


@dataclass(frozen=True, slots=True)
class StopRequested:
    """The person, or the time budget, wants an end. Twice: at once."""

    why: str
    at_once: bool


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Nothing can come of this run, whatever it does."""

    error: ArError


Message = Answered | Sampled | SampledAgain | StopRequested | GivenUp


def in_background(work: Callable[[], T]) -> Future[T]:
    """Run `work` on a daemon thread, so that one that hangs in somebody's library never keeps the process alive."""
    future: Future[T] = Future()
    threading.Thread(target=fulfil, args=(future, work), daemon=True).start()
    return future
