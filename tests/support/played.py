"""A run that is played in memory: a record, files by commit, and a function in place of the command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from autoresearch.core.edit import Change, apply
from autoresearch.core.experiment import Decision, Experiment, Proposal
from autoresearch.core.history import Direction, History
from autoresearch.core.ports import Attempt, Proposer, Request
from autoresearch.proposers.constants import find
from autoresearch.proposers.tuner import Sampler, TunerProposer
from tests.support.experiments import experiment

Files = Mapping[str, str]


def values(files: Files) -> dict[str, object]:
    """Of all constants, by short name."""
    return {one.short: one.value for one in find(files)}


def tuner(sampler: Sampler = Sampler.LOCAL, *, direction: Direction = Direction.MIN, seed: int = 1) -> TunerProposer:
    return TunerProposer(sampler=sampler, direction=direction, seed=seed)


@dataclass
class Run:
    """A run in memory: what the loop would do with each proposal, by keep-if-better."""

    files: Files
    measure: Callable[[Files], float | None] = lambda files: 1.0
    direction: Direction = Direction.MIN
    history: History = field(init=False)
    commits: dict[str, Files] = field(default_factory=dict)
    reads: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.history = History(self.direction)
        self.record("baseline", self.files)

    def record(self, title: str, files: Files, **fields: object) -> Experiment:
        number, value, best = self.history.next_number, self.measure(files), self.history.incumbent
        known = self.history.metric(best.number) if best else None
        kept = value is not None and (known is None or self.direction.improves(value, known))
        decision = Decision.KEEP if kept else Decision.DISCARD
        done = experiment(number, value, **{"title": title, "decision": decision, **fields})
        self.commits[done.commit] = files
        self.history.add(done)
        return done

    def source(self, commit: str) -> Files:
        self.reads.append(commit)
        return self.commits[commit]

    def request(self, attempts: tuple[Attempt, ...] = (), in_flight: tuple[str, ...] = ()) -> Request:
        parent = self.history.incumbent
        assert parent is not None
        files, record = self.commits[parent.commit], self.history.digest()
        number = self.history.next_number
        return Request(number, parent, files, {}, "", record, self.source, "", in_flight, attempts)

    def edited(self, proposal: Proposal) -> Files:
        files = self.request().files
        change = apply(proposal.edits, files, exactly=True)
        assert isinstance(change, Change), change
        return {path: text for path, text in {**files, **change.files}.items() if text is not None}

    def play(self, tuner: Proposer, experiments: int) -> list[Files]:
        played = []
        for _ in range(experiments):
            proposal = tuner.propose(self.request())
            played.append(self.edited(proposal))
            self.record(proposal.title, played[-1], params=proposal.params)
        return played
