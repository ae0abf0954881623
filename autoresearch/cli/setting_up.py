"""What `ar init` does: look, say what was seen, ask or take the answers, write two files; or copy a ready task."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import typer

from autoresearch.cli.first_run import editable_files, first_run
from autoresearch.cli.init_answers import Answers
from autoresearch.cli.place import Place, open_place
from autoresearch.config import load, parse_direction
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
    guess_direction,
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
    config = load(into / CONFIG_NAME)
    names = [str(path.relative_to(into)) for path in into.rglob("*")]
    files = editable_files(into, names, config.editable)
    steps += [first_run(files, config.proposer.model, markers=config.markers)]
    for number, step in enumerate(steps):
        typer.echo(f"{'       ' if number else 'next:  '}{step}")
    return 0


def set_up(answers: Answers, folder: Path) -> int:
    """`ar init`. Raises UsageError and ConfigError with nothing written."""
    place = open_place(folder)
    _refuse_wrong(answers, place)
    found = detect(folder, place.tracked_here, command=answers.command or "")
    for note in found.notes:
        typer.echo(f"- {note}")
    choices = _ask(found, answers, place) if _is_conversation(answers) else _take(found, answers, place)
    choices = replace(choices, forging=forging(folder, place.tracked_here, choices))
    files = {folder / CONFIG_NAME: template(choices)}
    if not found.has_program:
        files[folder / PROGRAM_NAME] = program_text(choices)
    files |= _scripts(choices, folder)
    written = write(files, force=answers.force)
    typer.echo(f"wrote {_listed([path.name for path in written.files])}; nothing was committed")
    for path in written.originals:
        typer.echo(f"what stood there is in {path.name}")
    may_change = editable_files(folder, place.tracked_here, choices.editable)
    for line in _told(choices, first_run(may_change, choices.model, markers=choices.extras.markers)):
        typer.echo(line)
    return 0


def _scripts(choices: Choices, folder: Path) -> dict[Path, str]:
    """Ours, that the command runs; the one that an earlier call has written is as good."""
    adapter = choices.extras.adapter
    if adapter is None:
        return {}
    path = folder / adapter.name
    is_there = path.is_file() and path.read_text(encoding="utf-8", errors="replace") == adapter.text
    return {} if is_there else {path: adapter.text}


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


def _take(found: Detected, answers: Answers, place: Place) -> Choices:
    if found.extras.prints_metrics and found.command and not (found.metric or answers.metric or answers.command):
        found = _with_first_metric(found, place)
    return choose(
        found,
        command=answers.command or "",
        metric=answers.metric or "",
        direction=answers.direction or "",
        editable=answers.editable,
    )


def _with_first_metric(found: Detected, place: Place) -> Detected:
    """The metric that one run of the command names first; lower is better where its name does not tell."""
    from autoresearch.cli.trial import Trial, try_once

    printed = try_once(place, Trial(found.command, found.setup, found.data, found.cache))
    if printed is None or not printed.named:
        return found
    name = printed.named[0]
    typer.echo(f"- its first METRIC line names {name}")
    return replace(found, metric=name, metrics=printed.named, direction=guess_direction(name) or Direction.MIN)


def _ask(found: Detected, answers: Answers, place: Place) -> Choices:
    from autoresearch.cli.asking import ask
    from autoresearch.cli.trial import leave_nothing

    was_there = place.home.exists()
    try:
        return ask(found, answers, place)
    except (typer.Abort, KeyboardInterrupt) as error:
        if not was_there:
            leave_nothing(place)
        typer.echo("\nnothing was written")
        # Typer ends without a word on a KeyboardInterrupt.
        raise typer.Abort from error


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _told(choices: Choices, run: str) -> Iterator[str]:
    """What the file says, in words, and how to go on."""
    better = "lower" if choices.direction is Direction.MIN else "higher"
    yield f"  runs      {choices.command}"
    yield f"  measures  {choices.metric}: {better} is better"
    yield f"  may edit  {', '.join(choices.editable)}"
    if choices.extras.timeout:
        yield f"  at most   {choices.extras.timeout} for a sample"
    if choices.extras.checks:
        yield f"  checks    {', '.join(choices.extras.checks)}"
    if choices.data:
        yield f"  reads     {', '.join(choices.data)} (not tracked: linked into the worktree)"
    if choices.awaited:
        yield f"  awaits    {', '.join(choices.awaited)}: uv sync makes it"
    if choices.forging:
        yield "  note      edited code could forge the number: see `evaluate` in the file"
    yield "next:  ar init --check    takes three samples: time, noise, experiments a night"
    yield f"       {run}"
