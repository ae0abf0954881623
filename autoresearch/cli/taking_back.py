"""What `ar revert` does: find the state without the change, measure it, put it on the branch."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import typer

from autoresearch.cli import build
from autoresearch.cli.choose import task_of
from autoresearch.cli.isolation import isolation_of
from autoresearch.cli.machines import open_machines
from autoresearch.cli.project import Project, open_project
from autoresearch.cli.render.plain import finished_line
from autoresearch.cli.signals import signals
from autoresearch.cli.slots import wanted
from autoresearch.cli.surroundings import refuse_in_progress, refuse_unwritable
from autoresearch.cli.waiting import Waiting
from autoresearch.core.edit import Refusal
from autoresearch.core.experiment import Execution, Experiment, Measured
from autoresearch.core.history import History
from autoresearch.core.ports import Job
from autoresearch.core.quantity import format_duration
from autoresearch.errors import RunError, UsageError
from autoresearch.orders import Settings
from autoresearch.record import snapshot
from autoresearch.record.checkouts import checked_out_at
from autoresearch.record.merge import merge
from autoresearch.record.repository import Repository
from autoresearch.record.resume import other_task
from autoresearch.record.runs import Run, find_run
from autoresearch.runtime.lock import RunLock
from autoresearch.undo import Undo, find, undo

Measure = Callable[[Job], Execution]
INTERRUPTED = 130


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
    if measure:
        _refuse_another_task(project, run, name or f"--to {to}")
    refuse_unwritable(project.repository)
    with RunLock(project.repository.common_dir, "ar revert", tag=run.tag), ExitStack() as closing:
        closing.callback(project.repository.close)
        waiting = Waiting()
        closing.enter_context(signals(waiting.stop, lambda: None))
        sample = _measuring(project, run, waiting, closing) if measure else None
        done = _put_back(project, run, name, to, sample)
    if not done.is_kept:
        typer.echo(f"nothing was taken back; {run.branch} is where it was")
        return INTERRUPTED
    typer.echo(f"{run.branch} is at {done.commit[:10]} now; ar run goes on from there")
    return 0


def _put_back(project: Project, run: Run, name: str | None, to: str | None, measure: Measure | None) -> Experiment:
    """What came of it. The checkout of the branch, where there is one, comes along."""
    repository = project.repository
    checkout = _checkout(repository, run)
    journal = build.open_journal(project, run, moves_checkout=checkout is not None)
    history = journal.history()
    what = _without(repository, history, _kept(history, name)) if name else _state(history, to or "")
    before = history.incumbent
    if checkout is not None and before is not None:
        _refuse_to_overwrite(repository, run, checkout, before.commit, what.tree)
    done = undo(journal, measure, settings_of(project), what)
    if checkout is not None and before is not None and done.is_kept:
        snapshot.move_checkout(repository, checkout, before.commit, done.commit)
    typer.echo(finished_line(done, history.metric(before.number) if before else None))
    return done


def _measuring(project: Project, run: Run, waiting: Waiting, closing: ExitStack) -> Measure:
    """Takes the sample; Ctrl-C ends it."""
    level, asked = isolation_of(project.config, None).level, wanted(project.config, "1")
    executor = open_machines(project, run, level, asked).executor
    closing.callback(executor.close)

    def measure(job: Job) -> Execution:
        typer.echo(f"measuring … (at most {format_duration(job.limit)}; Ctrl-C takes nothing back)")
        execution = waiting.for_result(executor, executor.submit(job))
        if isinstance(execution, Measured):
            # Whatever it measured, it is kept.
            executor.settle(job.number, keep=True)
        return execution

    return measure


def _refuse_another_task(project: Project, run: Run, which: str) -> None:
    """Raises RunError when a sample could not be compared with those of the run."""
    reason = other_task(run, task_of(project))
    if reason:
        raise RunError(
            f"that state cannot be measured as the others were: {reason}",
            hint=f"ar revert {which} --no-measure    takes it back all the same\nar run --new    starts a new run",
        )


def _refuse_to_overwrite(repository: Repository, run: Run, place: Path, old: str, new: str) -> None:
    """Raises RunError when the checkout of the branch could not be brought along."""
    reason = snapshot.refusal_to_move(repository, place, old, new)
    if reason:
        raise RunError(
            f"{run.branch} is checked out in {place}, which cannot follow: {reason}",
            hint="move that file away, or there: git switch --detach",
        )


def settings_of(project: Project) -> Settings:
    """Seed and limit of the one sample."""
    config = project.config.experiment
    price = (config.price or 0.0) / 3600
    return Settings(seed=config.seed, limit=config.timeout, cost_name=config.cost, usd_per_second=price)


def _checkout(repository: Repository, run: Run) -> Path | None:
    """Where the branch is checked out. Raises RunError when there is uncommitted work that a move could touch."""
    place = checked_out_at(repository, run.branch_ref)
    if place is not None:
        refuse_in_progress(place)
        dirty = snapshot.modified(Repository(place), besides=())
        if dirty:
            raise RunError(
                f"{run.branch} is checked out in {place}, with uncommitted changes in {', '.join(dirty[:3])}",
                hint="commit or stash them there, or: git switch --detach",
            )
    return place


def _kept(history: History, name: str) -> Experiment:
    """Raises UsageError, also where there is no last one."""
    try:
        one = find(history, name)
    except UsageError as error:
        if name != "last":
            raise
        raise UsageError(
            "nothing is left to take back: no kept change is on the branch", hint="ar log --kept"
        ) from error
    if not one.is_kept:
        raise UsageError(
            f"experiment {one.number} was discarded: there is nothing to take back", hint=f"ar log {one.number}"
        )
    return one


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
    """The files of an older kept experiment. Raises UsageError for any other."""
    one = find(history, "0" if name == "baseline" else name)
    if not one.is_kept:
        raise UsageError(
            f"experiment {one.number} was discarded: it was never on the branch",
            hint="ar log --kept    lists the states to go back to\n"
            f"ar run --replay {one.number}    tries its change again",
        )
    if history.incumbent is not None and one.tree == history.incumbent.tree:
        raise UsageError(f"the branch has the files of experiment {one.number} already", hint="ar log --kept")
    # Returns, too: those who are not named would count again with the one that took them back gone.
    after = tuple(kept.number for kept in history.kept if kept.number > one.number)
    return Undo(
        f"back to #{one.number}: {one.title}", f"Goes back to the files of experiment {one.number}.", one.tree, after
    )
