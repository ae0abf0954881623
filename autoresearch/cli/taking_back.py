"""What `ar revert` does: find the state without the change, measure it, put it on the branch."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import typer

from autoresearch.cli import build
from autoresearch.cli.checking import ignore_line
from autoresearch.cli.project import Project, open_project
from autoresearch.cli.render.plain import finished_line
from autoresearch.core.edit import Refusal
from autoresearch.core.experiment import Experiment
from autoresearch.core.history import History
from autoresearch.errors import RunError, UsageError
from autoresearch.orders import Settings
from autoresearch.record import snapshot
from autoresearch.record.journal import checked_out_at
from autoresearch.record.merge import merge
from autoresearch.record.repository import Repository
from autoresearch.record.runs import Run, find_run
from autoresearch.runtime.lock import RunLock
from autoresearch.undo import Undo, find_kept, undo


def take_back(config: Path | None, tag: str | None, name: str | None, to: str | None, *, measure: bool) -> int:
    """Returns the exit code. Raises UsageError and RunError; then nothing has changed."""
    if (name is None) == (to is None):
        raise UsageError(
            "name one experiment, or --to and one", hint="ar revert 12    ar revert last    ar revert --to 8"
        )
    project = open_project(config)
    run = find_run(project.repository, tag, None if tag else project.config_name)
    if run is None:
        raise UsageError("there is no run yet, so there is nothing to take back", hint="ar run --budget 5m")
    with RunLock(project.repository.common_dir, "ar revert", tag=run.tag), ExitStack() as closing:
        closing.callback(project.repository.close)
        checkout = _checkout(project.repository, run)
        journal = build.open_journal(project, run, moves_checkout=checkout is not None)
        history = journal.history()
        what = _without(project.repository, history, find_kept(history, name)) if name else _state(history, to or "")
        executor = None
        if measure:
            executor = build.open_executor(project, run.tag, ignore_line)
            closing.callback(executor.close)
        before = history.incumbent
        done = undo(journal, executor, settings_of(project), what)
        if checkout is not None and before is not None:
            snapshot.move_checkout(project.repository, checkout, before.commit, done.commit)
        against = history.metric(before.number) if before else None
        typer.echo(finished_line(done, against))
        typer.echo(f"{run.branch} is at {done.commit[:10]} now; ar run goes on from there")
    return 0


def settings_of(project: Project) -> Settings:
    """Seed and limit of the one sample."""
    return Settings(seed=project.config.experiment.seed, limit=project.config.experiment.timeout)


def _checkout(repository: Repository, run: Run) -> Path | None:
    """Where the branch is checked out. Raises RunError when there is uncommitted work that a move could touch."""
    place = checked_out_at(repository, run.branch_ref)
    if place is not None:
        dirty = snapshot.modified(Repository(place), besides=())
        if dirty:
            raise RunError(
                f"{run.branch} is checked out in {place}, with uncommitted changes in {', '.join(dirty[:3])}",
                hint="commit or stash them there, or: git switch --detach",
            )
    return place


def _without(repository: Repository, history: History, one: Experiment) -> Undo:
    """The incumbent's files without the change of one experiment."""
    incumbent = history.incumbent
    if one.parent is None or incumbent is None:
        raise UsageError("the baseline is no change, so it cannot be taken back", hint="ar revert --to baseline")
    if history.is_reverted(one.number):
        raise UsageError(f"experiment {one.number} has been taken back already", hint="ar log --kept")
    parent_tree = repository.tree_of(repository.parents(one.commit)[0])
    tree = merge(repository, base=one.tree, ours=incumbent.tree, theirs=parent_tree)
    if isinstance(tree, Refusal):
        raise RunError(
            f"experiment {one.number} cannot be taken back alone: {tree.reason}",
            hint=f"later changes touch the same lines; ar revert --to {one.parent} goes back before it",
        )
    if tree == incumbent.tree:
        raise UsageError(f"nothing of experiment {one.number} is left in the incumbent", hint=f"ar log {one.number}")
    return Undo(f"revert #{one.number}: {one.title}", f"Takes experiment {one.number} back.", tree, (one.number,))


def _state(history: History, name: str) -> Undo:
    """The files of an older kept experiment."""
    one = find_kept(history, "0" if name == "baseline" else name)
    if history.incumbent is not None and one.tree == history.incumbent.tree:
        raise UsageError(f"the branch has the files of experiment {one.number} already", hint="ar log --kept")
    after = tuple(
        kept.number for kept in history.kept if kept.number > one.number and not history.is_reverted(kept.number)
    )
    return Undo(
        f"back to #{one.number}: {one.title}", f"Goes back to the files of experiment {one.number}.", one.tree, after
    )
