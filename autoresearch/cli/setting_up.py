"""What `ar init` does: look, say what was seen, ask or take the answers, write two files; or copy a ready task."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import typer

from autoresearch.cli.init import Answers
from autoresearch.cli.place import Place, open_place
from autoresearch.config import parse_direction
from autoresearch.core.history import Direction
from autoresearch.core.scope import CONFIG_NAME
from autoresearch.errors import UsageError
from autoresearch.record.repository import create_repository
from autoresearch.scaffold import (
    Choices,
    Detected,
    choose,
    copy_task,
    detect,
    forging,
    metric_problem,
    program_text,
    tasks,
    template,
    write,
)

PROGRAM_NAME = "program.md"


def list_tasks() -> int:
    """`ar init --list`."""
    known = tasks()
    width = max(len(task.name) for task in known)
    for task in known:
        typer.echo(f"{task.name:<{width}}  {task.summary}")
    typer.echo(f"\nar init --from {known[0].name} DIR    copies one, as a repository of its own")
    return 0


def copy_ready_task(name: str, folder: Path | None) -> int:
    """`ar init --from NAME [DIR]`. Raises UsageError with nothing written."""
    into = folder or Path(name)
    is_root = (into / ".git").exists()
    copy_task(name, into)
    if not is_root:
        create_repository(into, f"the {name} task of ar")
    here = into.resolve() == Path.cwd()
    typer.echo(f"copied the task {name} to {into}{'' if is_root else ', a repository of its own with a first commit'}")
    steps = [] if here else [f"cd {shlex.quote(str(into))}"]
    steps += ["git add --all && git commit --message 'the task'"] if is_root else []
    for number, step in enumerate([*steps, "ar run --budget 5m"]):
        typer.echo(f"{'       ' if number else 'next:  '}{step}")
    return 0


def set_up(answers: Answers, folder: Path) -> int:
    """`ar init`. Raises UsageError and ConfigError with nothing written."""
    place = open_place(folder)
    _refuse_wrong(answers, place)
    found = detect(folder, place.tracked_here)
    for note in found.notes:
        typer.echo(f"- {note}")
    choices = _ask(found, answers, place) if _is_conversation(answers) else _take(found, answers)
    choices = replace(choices, forging=forging(folder, place.tracked_here, choices))
    files = {folder / CONFIG_NAME: template(choices)}
    if not found.has_program:
        files[folder / PROGRAM_NAME] = program_text(choices)
    written = write(files, force=answers.force)
    typer.echo(f"wrote {' and '.join(path.name for path in written.files)}; nothing was committed")
    for path in written.originals:
        typer.echo(f"what stood there is in {path.name}")
    for line in _told(choices):
        typer.echo(line)
    return 0


def _is_conversation(answers: Answers) -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and not answers.yes


def _refuse_wrong(answers: Answers, place: Place) -> None:
    """Before any question is asked, not after."""
    if (place.folder / CONFIG_NAME).exists() and not answers.force:
        raise UsageError(
            f"{CONFIG_NAME} is here already; nothing was written",
            hint="ar run --budget 5m    uses it\nar init --force       writes a new one and keeps this one as .orig",
        )
    if problem := next(filter(None, map(place.glob_problem, answers.editable)), ""):
        raise UsageError(f"--editable: {problem}")
    if answers.metric and (problem := metric_problem(answers.metric)):
        raise UsageError(f"--metric: {problem}")
    if answers.direction:
        try:
            parse_direction(answers.direction)
        except ValueError as error:
            raise UsageError(f"--direction: {error}") from error


def _take(found: Detected, answers: Answers) -> Choices:
    return choose(
        found,
        command=answers.command or "",
        metric=answers.metric or "",
        direction=answers.direction or "",
        editable=answers.editable,
    )


def _ask(found: Detected, answers: Answers, place: Place) -> Choices:
    from autoresearch.cli.asking import ask

    try:
        return ask(found, answers, place)
    except (typer.Abort, KeyboardInterrupt) as error:
        typer.echo("\nnothing was written")
        # Typer ends without a word on a KeyboardInterrupt.
        raise typer.Abort from error


def _told(choices: Choices) -> Iterator[str]:
    """What the file says, in words, and how to go on."""
    better = "lower" if choices.direction is Direction.MIN else "higher"
    yield f"  runs      {choices.command}"
    yield f"  measures  {choices.metric}: {better} is better"
    yield f"  may edit  {', '.join(choices.editable)}"
    if choices.data:
        yield f"  reads     {', '.join(choices.data)} (not tracked: linked into the worktree)"
    if choices.forging:
        yield "  note      edited code could forge the number: see `evaluate` in the file"
    yield "next:  ar init --check    takes three samples: time, noise, experiments a night"
    yield "       ar run --budget 5m"
