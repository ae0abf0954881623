"""Which run goes on, and from which files: answered before anything is written."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import datetime
from os.path import normpath
from pathlib import Path

import typer

from autoresearch.cli.project import Project
from autoresearch.cli.run_options import RunOptions
from autoresearch.cli.surroundings import refuse_in_progress
from autoresearch.errors import RunError, UsageError
from autoresearch.record import snapshot
from autoresearch.record.checkouts import checked_out_at
from autoresearch.record.recorded import read_run
from autoresearch.record.recovery import check_branch
from autoresearch.record.resume import Base, Task, Uncommitted, here, obstacle, on_snapshot
from autoresearch.record.runs import Run, find_run
from autoresearch.record.state import conflicts
from autoresearch.record.tags import check_tag, free_tag

SHOWN = 5
STOP = "stop"


@dataclass(frozen=True, slots=True)
class Chosen:
    """`previous` is None for a new run; `note` says why, for the first lines of the screen."""

    tag: str
    base: Base
    previous: Run | None
    note: str


def choose(project: Project, options: RunOptions) -> Chosen:
    """Raises UsageError for options that contradict each other or files that somebody must decide about.

    Raises RunError where the run cannot go on or begin now: a merge in progress, or its branch checked out.
    """
    if options.snapshot and options.committed:
        raise UsageError("--snapshot and --committed exclude each other")
    refuse_in_progress(project.repository.root)
    task = task_of(project)
    candidate = _candidate(project, options)
    modified = snapshot.modified(project.repository, besides=task.own_files)
    same_snapshot = candidate is not None and bool(modified) and on_snapshot(project.repository, candidate, task)
    uncommitted = Uncommitted.COMMITTED if same_snapshot else _about(project, modified, options)
    reason = _why_new(project, candidate, task, uncommitted, same_snapshot=same_snapshot)
    if candidate is not None and not reason:
        _refuse_checked_out(project, candidate)
        check_branch(project.repository, candidate, read_run(project.repository, candidate).incumbent)
        opening = candidate.opening
        base = Base(opening.base, opening.base_tree, opening.snapshot_of)
        return Chosen(candidate.tag, base, candidate, f"going on with {candidate.tag}")
    if candidate is not None and options.tag:
        raise UsageError(f"run {options.tag} cannot go on from here: {reason}", hint="ar run --new")
    now = datetime.now().astimezone()
    tag = check_tag(project.repository, options.tag) if options.tag else free_tag(project.repository, now)
    note = f"new run {tag}" + (f": {reason}" if reason else "")
    return Chosen(tag, here(project.repository, uncommitted), None, note)


def task_of(project: Project) -> Task:
    """What is measured now."""
    root = project.repository.root
    instructions = Path(normpath(project.instructions_path))
    own = {project.config_name}
    if instructions.is_relative_to(root):
        own.add(instructions.relative_to(root).as_posix())
    return Task(project.recorded_config, project.config_name, project.scope, frozenset(own), project.secrets)


def _candidate(project: Project, options: RunOptions) -> Run | None:
    """The run that would go on, if nothing speaks against it."""
    if options.new:
        return None
    if options.tag is None:
        return find_run(project.repository, None, project.config_name)
    known = project.repository.resolve(f"refs/autoresearch/{options.tag}/run")
    return find_run(project.repository, options.tag) if known else None


def _why_new(
    project: Project, candidate: Run | None, task: Task, uncommitted: Uncommitted | None, *, same_snapshot: bool
) -> str:
    if candidate is None:
        return ""
    if uncommitted is Uncommitted.SNAPSHOT:
        return "it starts from a snapshot of your uncommitted work"
    return obstacle(project.repository, candidate, task, ignore_head=same_snapshot)


def _about(project: Project, modified: list[str], options: RunOptions) -> Uncommitted | None:
    """What happens to uncommitted work: as told, else asked, else refused."""
    if not modified:
        return None
    if options.committed:
        return Uncommitted.COMMITTED
    _refuse_conflicts(project)
    if options.snapshot:
        return Uncommitted.SNAPSHOT
    names = _some(modified)
    if sys.stdin.isatty() and sys.stdout.isatty() and not options.json:
        return _ask(names)
    raise UsageError(
        f"uncommitted changes in {names}",
        hint="ar run --snapshot     starts from the files as they are (nothing of yours is touched)\n"
        "ar run --committed    starts from HEAD and leaves them out",
    )


def _some(paths: list[str]) -> str:
    return ", ".join(paths[:SHOWN]) + (f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else "")


def _refuse_conflicts(project: Project) -> None:
    """A snapshot would have git's marks of a conflict in it: of a stash that did not fit, or a squashed merge."""
    if paths := conflicts(project.repository):
        raise RunError(
            f"conflicts are not resolved yet in {_some(paths)}",
            hint="resolve them, then: git add\nar run --committed    starts from HEAD and leaves them out",
        )


def _ask(names: str) -> Uncommitted:
    typer.echo(f"Uncommitted changes in {names}.")
    typer.echo("  snapshot   experiments start from the files as they are; nothing of yours is touched")
    typer.echo("  committed  experiments start from HEAD; your changes are left out")
    typer.echo("  stop       do nothing")
    while True:
        answer = typer.prompt("Start from", default="snapshot").strip().lower()
        fitting = [word for word in (*Uncommitted, STOP) if answer and word.startswith(answer)]
        if fitting == [STOP]:
            typer.echo("nothing was changed")
            raise typer.Exit(0)
        if len(fitting) == 1:
            return Uncommitted(fitting[0])
        typer.echo("snapshot, committed or stop?")


def _refuse_checked_out(project: Project, run: Run) -> None:
    place = checked_out_at(project.repository, run.branch_ref)
    if place is not None:
        where = "" if place == project.repository.root else f" in {place}"
        raise RunError(
            f"{run.branch} is checked out{where}: a kept experiment would move it under your feet",
            hint="git switch --detach    (no file changes, and the run still continues)",
        )
