"""The real loop on a file with two numbers, in memory: the metric is their sum, and less is better."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from autoresearch.core import events
from autoresearch.core.budget import Budget, Meter
from autoresearch.core.decision import Rule, keep_if_better
from autoresearch.core.edit import Replace
from autoresearch.core.experiment import Execution, Measured, Proposal
from autoresearch.core.history import Direction, History
from autoresearch.core.ports import Job, Request
from autoresearch.core.quantity import Gain
from autoresearch.core.scope import Scope
from autoresearch.gate import Gate
from autoresearch.loop import Loop
from autoresearch.orders import Parts, Settings
from autoresearch.record.memory import MemoryJournal
from autoresearch.strategy import Greedy
from tests.support.fakes import ComputingExecutor, ScriptedProposer

SCOPE = Scope(("x.txt", "y.txt"), ())
PATIENCE = 20.0
START = "a = 5\n\n\nb = 5\n"


def edit(old: str, new: str) -> Proposal:
    return Proposal(f"{old} to {new}", "It may be better.", (Replace("x.txt", old, new),), "script")


def total(files: Mapping[str, str], job: Job) -> Execution:
    """The metric is the sum of all numbers in the file."""
    return Measured(float(sum(int(word) for word in files["x.txt"].split() if word.isdigit())), 1.0)


@dataclass
class Toy:
    """A loop on a file with two numbers."""

    proposer: object
    settings: Settings
    experiment: Callable[[Mapping[str, str], Job], Execution] = total
    budget: Budget = field(default_factory=Budget)
    rule: Rule = field(default_factory=lambda: keep_if_better(Direction.MIN, Gain()))
    seen: list[events.Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.history = History(Direction.MIN)
        self.journal = MemoryJournal({"x.txt": START, "y.txt": "c = 5\n"}, SCOPE, self.history)
        self.executor = ComputingExecutor(self.journal, self.experiment)

    def prepare(self) -> None:
        """Make the loop; `run` does it, too."""
        gate = Gate(self.proposer, self.journal, SCOPE)  # type: ignore[arg-type]
        meter = Meter(self.budget, time.monotonic)
        parts = Parts(
            gate, self.executor, Greedy(), self.journal, self.rule, meter, self.seen.append, lambda: "be better"
        )
        self.loop = Loop(parts, self.settings)

    def run(self) -> str:
        self.prepare()
        return self.loop.run()

    def rows(self) -> list[tuple[int, str, str]]:
        found = [(one.number, one.decision.value, one.title) for one in self.history.experiments]
        return sorted(found)

    def file(self, number: int) -> str:
        one = self.history.get(number)
        assert one is not None
        return self.journal.files(one.commit)["x.txt"]


class Watched(ScriptedProposer):
    """Tells when the n-th question has come."""

    def __init__(self, answers: Sequence[Proposal]) -> None:
        super().__init__(answers)
        self.came = [threading.Event() for _ in range(10)]

    def propose(self, request: Request) -> Proposal:
        answer = super().propose(request)
        self.came[len(self.requests)].set()
        return answer


class Free(ScriptedProposer):
    is_free = True


def waiting_for(event: threading.Event, number: int) -> Callable[[Mapping[str, str], Job], Execution]:
    """The toy experiment, but that one ends only when something has happened."""

    def run(files: Mapping[str, str], job: Job) -> Execution:
        if job.number == number:
            assert event.wait(PATIENCE)
        return total(files, job)

    return run


class Hears(list[events.Event]):
    """A list that somebody listens to."""

    def __init__(self, hear: Callable[[events.Event], object]) -> None:
        super().__init__()
        self.hear = hear

    def append(self, event: events.Event) -> None:
        super().append(event)
        self.hear(event)


def is_end_of(event: events.Event, number: int) -> bool:
    return isinstance(event, events.ExperimentFinished) and event.experiment.number == number


def second_after_first(proposer: ScriptedProposer, budget: Budget | None = None) -> Toy:
    """Two slots; the second experiment ends when the first one is in the record."""
    ended = threading.Event()
    task = Toy(proposer, Settings(workers=2), waiting_for(ended, 2), budget or Budget())
    task.seen = Hears(lambda event: is_end_of(event, 1) and ended.set())  # type: ignore[assignment]
    return task
