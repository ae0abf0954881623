"""What a death in the middle leaves behind, and how the next `ar run` puts it right. Called with the lock held.

git moves the refs of a transaction one after the other, so the number of a kept experiment can be there before the
branch has followed; and an experiment that ran has a draft and no result. What is not here: the lock files of a git
that was killed (`runs.remove_locks`), leftover processes and worktrees (the runtime's).
"""

from __future__ import annotations

from datetime import UTC, datetime

from autoresearch.core.experiment import Decision, Draft, Experiment, Outcome, Result
from autoresearch.errors import RecordError
from autoresearch.record import trailers
from autoresearch.record.pipes import ZERO, RefChange
from autoresearch.record.repository import RefRow, Repository
from autoresearch.record.runs import Run


def check_branch(repository: Repository, run: Run, incumbent: Experiment | None) -> tuple[str, str]:
    """Where the branch is (ZERO: nowhere) and where it belongs: at the newest kept experiment, or one step behind.

    Raises RecordError when it is anywhere else: somebody moved it by hand.
    """
    tip = repository.resolve(run.branch_ref) or ZERO
    expected = incumbent.commit if incumbent else run.opening.base
    behind = repository.parents(incumbent.commit)[:1] if incumbent else (ZERO,)
    if tip not in (expected, *behind):
        where = "gone" if tip == ZERO else f"at {tip[:12]}, which is no experiment of this run"
        raise RecordError(
            f"{run.branch} is {where}",
            hint="ar run --new starts a fresh run\n"
            f"git branch -f {run.branch} {expected[:12]} goes back to the newest kept experiment",
        )
    return tip, expected


def realign(repository: Repository, run: Run, incumbent: Experiment | None) -> None:
    """Move the branch to where it belongs. Raises what `check_branch` raises."""
    tip, expected = check_branch(repository, run, incumbent)
    if tip != expected:
        repository.move(RefChange(run.branch_ref, expected, tip))


def interrupted(row: RefRow) -> tuple[Draft, Result]:
    """The end of an experiment whose process died: its cost is kept, it is not judged, it may be proposed again."""
    number = int(row.ref.rpartition("/")[2])
    draft = trailers.read_draft(number, row.commit, row.tree, row.parents[0], row.message)
    reason = "the process ended before the result was known"
    return draft, Result(Outcome.INTERRUPTED, Decision.DISCARD, reason, (), (), {}, 0.0, datetime.now(UTC))
