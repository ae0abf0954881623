"""What the loop announces. The screen, the plain lines, `--json` and the live state are listeners of these.

Nothing in an event needs to be remembered: a listener that missed one finds everything that counts in git.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from autoresearch.core.experiment import Execution, Experiment
from autoresearch.core.ports import Task


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The record is open, the lock held; `resumed` experiments are already in it."""

    tag: str
    branch: str
    base: str
    isolation: str
    resumed: int


@dataclass(frozen=True, slots=True)
class Proposing:
    """The proposer was asked; `number` is the experiment that is expected to come of it."""

    number: int


@dataclass(frozen=True, slots=True)
class Proposed:
    """A proposal passed the gates and has its number. `cost_usd` is None where the price is not known."""

    number: int
    title: str
    hypothesis: str
    cost_usd: float | None


@dataclass(frozen=True, slots=True)
class SampleStarted:
    """A command is started. `sample` counts from 1 within the experiment; `limit` is in seconds."""

    number: int
    sample: int
    limit: float
    task: Task = Task.SAMPLE
    slot: int = 0


@dataclass(frozen=True, slots=True)
class OutputLine:
    """A line that the experiment printed, stripped of escapes. Many are dropped: it is for the screen only."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class SampleFinished:
    """One execution ended."""

    number: int
    sample: int
    execution: Execution
    task: Task = Task.SAMPLE


@dataclass(frozen=True, slots=True)
class ExperimentFinished:
    """An experiment is in the record. `against` is the incumbent's metric that it was compared with."""

    experiment: Experiment
    against: float | None


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that the person should know, in one line."""

    message: str


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The loop ended: `why` in words; `best` is None when no baseline was measured."""

    why: str
    best: float | None
    kept: int
    discarded: int
    exit_code: int


Event = (
    RunStarted
    | Proposing
    | Proposed
    | SampleStarted
    | OutputLine
    | SampleFinished
    | ExperimentFinished
    | Warned
    | RunFinished
)
Listener = Callable[[Event], None]
