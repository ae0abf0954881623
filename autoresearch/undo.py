"""Taking a kept experiment back: a new experiment on top, measured, and kept because a person said so.

History is never rewritten. What is not here: the merge that makes the tree (`record.merge`), and the command's words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from autoresearch.core.experiment import (
    Decision,
    Execution,
    Experiment,
    Measured,
    Outcome,
    Passed,
    Proposal,
    Unmeasured,
)
from autoresearch.core.history import History
from autoresearch.core.named import named
from autoresearch.core.ports import Job, Journal, Task
from autoresearch.errors import RunError, UsageError
from autoresearch.opened import Open
from autoresearch.orders import Settings, job_for
from autoresearch.prices import money_of

REASON = "reverted by hand"


@dataclass(frozen=True, slots=True)
class Undo:
    """What is taken back: `tree` is the incumbent's without it. `reverts` are the experiments that this undoes."""

    title: str
    hypothesis: str
    tree: str
    reverts: tuple[int, ...]


def find(history: History, name: str) -> Experiment:
    """The experiment that a number, `last` or the beginning of a commit id means. Raises UsageError."""
    if name == "last":
        # Not one that took something back itself: asked for twice, it goes back two changes.
        changes = (one for one in history.kept if one.number and not one.reverts)
        matches = [one for one in changes if not history.is_reverted(one.number)][-1:]
    else:
        matches = named(history, name)
    if not matches:
        raise UsageError(f"there is no experiment {name} in this run", hint="ar log --kept lists those to choose from")
    if len(matches) > 1:
        raise UsageError(f"{name} could be any of {len(matches)} experiments", hint="give more characters")
    return matches[0]


def undo(journal: Journal, measure: Callable[[Job], Execution] | None, settings: Settings, what: Undo) -> Experiment:
    """Record the return, on the branch, after one sample of it; without `measure`, unmeasured.

    One whose sample was interrupted is returned discarded. Raises RunError when the state cannot be measured. In both
    cases the branch stays where it was, and the attempt is recorded.
    """
    parent = journal.history().incumbent
    if parent is None:
        raise RunError("this run has no baseline yet", hint="ar run")
    proposal = Proposal(what.title, what.hypothesis, (), "revert")
    opened = Open(journal.draft(parent, what.tree, proposal, what.reverts))
    if measure is None:
        result = opened.result(Outcome.SKIPPED, Decision.KEEP, f"{REASON}, not measured")
        return journal.finish(opened.draft, result)
    job = job_for(opened, Task.SAMPLE, journal.history(), settings)
    execution = measure(job)
    opened.take(Task.SAMPLE, execution, journal.history().sample_count + 1)
    opened.spent_usd = money_of(Task.SAMPLE, execution, journal.history(), settings)
    match execution:
        case Passed():
            raise TypeError("a sample gives a number, or says why there is none")
        case Measured():
            return journal.finish(opened.draft, opened.result(Outcome.MEASURED, Decision.KEEP, REASON))
        case Unmeasured(Outcome.INTERRUPTED, reason):
            return journal.finish(opened.draft, opened.result(Outcome.INTERRUPTED, Decision.DISCARD, reason))
        case Unmeasured(outcome, reason):
            journal.finish(opened.draft, opened.result(outcome, Decision.DISCARD, f"{REASON}, but {reason}"))
            raise RunError(
                f"nothing was taken back: that state cannot be measured ({reason})",
                hint=f"ar log {opened.draft.number} shows its output; --no-measure takes it back all the same",
            )
