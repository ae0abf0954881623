"""The four seams of `ar`, as Protocols. They are satisfied, not inherited, and have no optional methods.

A second implementation of each lives beside the first or in the tests, and both pass the same contract tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from autoresearch.core.edit import Change, Refusal
from autoresearch.core.experiment import Draft, Execution, Experiment, Proposal, Result, Usage
from autoresearch.core.final_check import FinalCheck, HeldOut
from autoresearch.core.history import Digest, History
from autoresearch.core.metric import Convention
from autoresearch.core.utilisation import Used


@dataclass(frozen=True, slots=True)
class Attempt:
    """An earlier proposal for this experiment, and why it cannot stand: a gate's reason or a crash's last lines."""

    proposal: Proposal
    problem: str


@dataclass(frozen=True, slots=True)
class Request:
    """What a proposer may know. Pure data, except for `source`, which is safe to call from any thread."""

    number: int
    parent: Experiment
    files: Mapping[str, str]
    """Editable files of the parent: path to text."""
    context: Mapping[str, str]
    """Files that are shown and never changed."""
    instructions: str
    """The present text of program.md."""
    record: Digest
    source: Callable[[str], Mapping[str, str]]
    """Editable files of any commit of the run."""
    budget_left: str = ""
    in_flight: tuple[str, ...] = ()
    """Titles of the experiments that are not decided yet, and of the proposals that wait for their turn."""
    attempts: tuple[Attempt, ...] = ()
    feedback: Mapping[int, str] = field(default_factory=dict)
    """What the newest kept and the last two experiments had to say, by number; data, never instructions."""


class Proposer(Protocol):
    """Where changes come from."""

    name: str
    is_free: bool
    """Asking costs neither money nor time: it is asked one at a time, and again when the incumbent has moved."""

    def propose(self, request: Request) -> Proposal:
        """One proposal; blocks as long as it needs. Called from several threads at once, unless it is free.

        Raises ProposalFailed when this request came to nothing, ProposerBroken when no later one can do better, and
        ProposalsExhausted when there is nothing left to propose.
        """
        ...


class Task(StrEnum):
    """What is run of an experiment."""

    SAMPLE = "sample"
    """The command, on the candidate."""
    INCUMBENT = "incumbent"
    """The command, on what the candidate must beat."""
    FRESH = "fresh sample"
    """The command, on the candidate, in a new worktree with empty caches."""
    CHECKS = "checks"
    """The commands that must succeed; gives `Passed`, or `Unmeasured` with the outcome *checks failed*."""
    HOLDOUT = "holdout"
    """The holdout's command and metric, with the artefacts of the experiment's last sample in place."""
    INCUMBENT_HOLDOUT = "holdout of the incumbent"
    """The same of what the candidate must beat, where that is not known."""
    WARM_UP = "warm-up"
    """The command once, so that the machine is warm; nobody looks at what it gives."""

    @property
    def is_sample(self) -> bool:
        """Does it count as a sample of the run?"""
        return self in (Task.SAMPLE, Task.INCUMBENT, Task.FRESH)

    @property
    def is_holdout(self) -> bool:
        """Is it a number that no proposer may know?"""
        return self in (Task.HOLDOUT, Task.INCUMBENT_HOLDOUT)


@dataclass(frozen=True, slots=True)
class Job:
    """One execution to make: which commit, as which sample, with which seed and limit (seconds)."""

    number: int
    commit: str
    sample: int
    seed: int
    limit: float
    convention: Convention | None
    """How the baseline printed the metric; None while that is being found out."""
    task: Task = Task.SAMPLE
    slot: int = 0
    tree: str = ""
    """The commit's tree, where it is known: it may be laid out already."""


class Executor(Protocol):
    """Runs the experiment's commands, one at a time per slot."""

    isolation: str

    def prepare(self, slot: int, tree: str) -> None:
        """That tree will probably run next in the slot: do now what can be done beside what runs there. Never waits."""
        ...

    def submit(self, job: Job) -> Future[Execution]:
        """Start what the job's task says, in its slot. Raises RunError while something runs there.

        The future always gets a value. Broken machinery is set as its exception: SampleLost where a machine failed,
        and not the experiment.
        """
        ...

    def settle(self, number: int, *, keep: bool) -> None:
        """The experiment is decided: store what its last sample left (`artifacts`), or drop it."""
        ...

    def stop(self, *, at_once: bool) -> None:
        """End all that runs: TERM, a grace period and KILL, or KILL at once. The futures get `interrupted`."""
        ...

    def close(self) -> None:
        """Remove the worktrees. Nothing runs any more when this returns."""
        ...


class Strategy(Protocol):
    """Which experiment the next proposal starts from."""

    def parent(self, history: History) -> Experiment: ...


class Journal(Protocol):
    """The record. Only the loop's thread writes; `files` may be called from any."""

    def history(self) -> History:
        """Everything that is recorded; the same object grows with `finish`."""
        ...

    def files(self, commit: str) -> Mapping[str, str]:
        """Editable files at a commit, or of a tree."""
        ...

    def context(self, commit: str) -> Mapping[str, str]:
        """Context files at a commit."""
        ...

    @property
    def next_number(self) -> int:
        """What the next draft will be called."""
        ...

    def tree(self, commit: str, change: Change) -> str | Refusal:
        """The id of the commit's tree with the change in it; a refusal for what git cannot hold (symlink, `.git`)."""
        ...

    def merged(self, *, base: str, ours: str, theirs: str) -> str | Refusal:
        """The tree (all are ids of trees) with both changes, `base` to `ours` and to `theirs`; or the conflict."""
        ...

    def base_tree(self) -> str:
        """The id of the base's tree: what the baseline runs."""
        ...

    def draft(
        self,
        parent: Experiment | None,
        tree: str,
        proposal: Proposal,
        reverts: Sequence[int] = (),
        carried_from: int | None = None,
    ) -> Draft:
        """Give the proposal its number and its commit, before it runs. No parent: the baseline, on the base."""
        ...

    def redraft(self, draft: Draft, tree: str, proposal: Proposal) -> Draft:
        """The same number with a repaired change."""
        ...

    def spend(self, draft: Draft, spent: Usage) -> None:
        """Note what was spent so far besides the proposal, all in all, so that a death does not lose it."""
        ...

    def hold(self, usd: float) -> None:
        """Note dollars that were paid for what is no experiment yet, all in all, so that a death does not lose them."""
        ...

    def left_over(self) -> Usage:
        """What a baseline cost that failed, and is taken again: the next commit has to carry it."""
        ...

    def feedback(self, number: int) -> str:
        """What the experiment had to say; empty where nothing is left of it."""
        ...

    def finish(self, draft: Draft, result: Result) -> Experiment:
        """Replace the draft by its result and, on keep, move the branch: one transaction, all or nothing."""
        ...

    def close(
        self,
        why: str,
        unbilled_usd: float,
        final: FinalCheck | None = None,
        held_out: HeldOut | None = None,
        used: Used | None = None,
    ) -> None:
        """Record the end of this call of `ar run`, and how well its slots were used where that was counted."""
        ...
