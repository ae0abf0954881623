"""What `ar init` does: look, say what was seen, ask or take the answers, write two files; or copy a ready task."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path

import typer

from autoresearch.cli.init import Answers
from autoresearch.cli.trial import printed_numbers
from autoresearch.core.scope import CONFIG_NAME
from autoresearch.errors import UsageError
from autoresearch.record.repository import Repository, create_repository
from autoresearch.scaffold import (
    Choices,
    Detected,
    choose,
    copy_task,
    detect,
    guess_direction,
    pick_metric,
    program_text,
    tasks,
    template,
    write,
)

PROGRAM_NAME = "program.md"
OFFERED = 8
"""So many metrics are offered to choose from."""


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
    typer.echo(f"{into} holds the task {name}" + ("" if is_root else ", in a repository of its own"))
    if is_root:
        typer.echo("next:  git add --all && git commit --message 'the task'")
    typer.echo(f"next:  cd {shlex.quote(str(into))} && ar run --budget 5m")
    return 0


def set_up(answers: Answers, folder: Path) -> int:
    """`ar init`. Raises UsageError and ConfigError with nothing written."""
    repository = Repository(folder)
    repository.head()
    _refuse_existing(folder, answers)
    inside = repository.git("-C", str(folder), "ls-files", "-z").split("\0")
    found = detect(folder, [path for path in inside if path])
    for note in found.notes:
        typer.echo(f"- {note}")
    interactive = sys.stdin.isatty() and sys.stdout.isatty() and not answers.yes
    choices = _ask(found, answers, folder) if interactive else _taken(found, answers)
    files = {folder / CONFIG_NAME: template(choices)}
    if not found.has_program:
        files[folder / PROGRAM_NAME] = program_text(choices)
    written = write(files, force=answers.force)
    for path in written.originals:
        typer.echo(f"kept as {path.name}")
    typer.echo(f"wrote {' and '.join(path.name for path in written.files)}; nothing was committed")
    typer.echo(f"  runs      {choices.command}")
    typer.echo(f"  measures  {choices.metric}, {choices.direction} is better")
    typer.echo(f"  may edit  {', '.join(choices.editable)}")
    typer.echo("next:  ar init --check    (three samples: time, noise, experiments per night)")
    typer.echo("       ar run --budget 5m")
    return 0


def _refuse_existing(folder: Path, answers: Answers) -> None:
    """Before any question is asked, not after."""
    if (folder / CONFIG_NAME).exists() and not answers.force:
        raise UsageError(
            f"{CONFIG_NAME} is here already; nothing was written",
            hint="ar run    or: ar init --force    keeps what is there as .orig",
        )


def _taken(found: Detected, answers: Answers) -> Choices:
    return choose(
        found,
        command=answers.command or "",
        metric=answers.metric or "",
        direction=answers.direction or "",
        editable=answers.editable,
    )


def _ask(found: Detected, answers: Answers, folder: Path) -> Choices:
    """Each question has a default; Enter takes it. What was said on the command line is not asked."""
    command = answers.command or typer.prompt("Command for one sample", default=found.command or None)
    names = list(found.metrics)
    if not answers.metric and typer.confirm("Run it once now, and pick the metric from what it prints?", default=False):
        names = [guess.name for guess in pick_metric(printed_numbers(folder, command, found.data))] or names
    metric = answers.metric or _ask_metric(names)
    guessed = found.direction if metric == found.metric else guess_direction(metric)
    direction = answers.direction or typer.prompt("Is less better (min) or more (max)?", default=guessed or "min")
    editable = answers.editable or _split(
        typer.prompt("Files that may be changed", default=" ".join(found.editable) or None)
    )
    data = found.data and _split(typer.prompt("Untracked files it needs", default=" ".join(found.data)))
    goal = typer.prompt("The goal, in one line", default="", show_default=False)
    chosen = choose(found, command=command, metric=metric, direction=direction, editable=tuple(editable))
    return replace(chosen, data=tuple(data), goal=goal.strip())


def _ask_metric(names: list[str]) -> str:
    for number, name in enumerate(names[:OFFERED], 1):
        typer.echo(f"  {number}  {name}")
    answer = str(typer.prompt("Metric: a number of the list, or a name", default="1" if names else None)).strip()
    if answer.isdigit() and 1 <= int(answer) <= min(len(names), OFFERED):
        return names[int(answer) - 1]
    return answer


def _split(text: str) -> list[str]:
    return shlex.split(text.replace(",", " "))
