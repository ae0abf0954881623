"""What `ar log` prints: the list, one experiment in full, or a part of it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from autoresearch.cli.browsed import Browsed, difference, open_browsed
from autoresearch.cli.denied import Setting, denials
from autoresearch.cli.log_options import Asked, Form, Part, Selection, Sort, Source
from autoresearch.cli.output import is_terminal
from autoresearch.cli.render.detail import Detail, detail, diff_lines
from autoresearch.cli.render.records import dumps, experiment_json
from autoresearch.cli.render.table import listing
from autoresearch.cli.render.text import clean_lines
from autoresearch.cli.view import Record
from autoresearch.cli.whole import whole
from autoresearch.core.experiment import Experiment
from autoresearch.core.history import History
from autoresearch.core.isolation import Level
from autoresearch.core.named import named
from autoresearch.errors import UsageError
from autoresearch.record.plain_files import read_end, read_plain

TAIL = 4_000
"""Characters of output that are shown with an experiment."""
UNASKED = {"baseline": "a baseline", "replay": "a replay", "revert": "a revert", "tuner": "what the tuner tries"}
"""Proposers that ask no model, and what they propose."""


def browse(source: Source, asked: Asked) -> int:
    """Print what was asked for; returns the exit code.

    Raises UsageError for an experiment that does not exist; and without a run, where somebody else would take an empty
    file for one.
    """
    form, file = _form(asked)
    wants_one = asked.name is not None or bool(asked.parts)
    browsed = open_browsed(source, needed=wants_one or form is not Form.TEXT)
    if browsed is None:
        typer.echo("no run yet")
        sys.stderr.write("hint: ar run --budget 5m\n")
        return 0
    history = browsed.history
    if form.is_whole:
        show(whole(browsed, form, file))
    elif asked.name is not None:
        _show_one(browsed, find_experiment(history, asked.name), asked.parts, form)
    elif form is Form.JSON:
        for experiment in select(history, asked.selection):
            typer.echo(dumps(experiment_json(experiment, history)))
    else:
        width = shutil.get_terminal_size().columns if is_terminal() else None
        show(listing(history, select(history, asked.selection), width, browsed.final))
    return 0


def _form(asked: Asked) -> tuple[Form, Path | None]:
    """As what, and into which file. Raises UsageError for options that do not go together."""
    form = asked.forms[0] if asked.forms else Form.TEXT
    if len(asked.forms) > 1:
        raise UsageError(f"--{form} and --{asked.forms[1]} cannot be had at once", hint="one after the other")
    if form is Form.PLOT and not asked.parts:
        file = Path(asked.name) if asked.name is not None else None
    elif form.is_whole and asked.name is not None:
        raise UsageError(
            f"--{form} prints the whole list, not one experiment", hint=f"ar log --{form}, or: ar log {asked.name}"
        )
    else:
        file = asked.page
    if asked.parts and (asked.name is None or form.is_whole):
        part = asked.parts[0]
        raise UsageError(f"--{part} needs an experiment", hint=f"ar log 12 --{part}, or: ar log best --{part}")
    if form.is_whole and (asked.selection.is_narrowed or asked.selection.count is not None):
        raise UsageError(f"--{form} shows the whole history, and no selection of it", hint="ar log --kept")
    return form, file


def find_experiment(history: History, name: str) -> Experiment:
    """The experiment that a number, a commit id, `best` or `baseline` means. Raises UsageError."""
    words = {"best": history.best, "baseline": history.baseline}
    matches = [one for one in (words[name],) if one is not None] if name in words else named(history, name)
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise UsageError(
            f"{name} could be any of {len(matches)} experiments", hint="give more characters of the commit"
        )
    last = history.experiments[-1].number if history.experiments else None
    there = "there is none yet" if last is None else f"there are 0 to {last}"
    raise UsageError(f"there is no experiment {name}", hint=f"{there}; ar log --all lists them")


def select(history: History, selection: Selection) -> list[Experiment]:
    """The experiments of a listing, in its order."""
    rows: Iterable[Experiment] = history.experiments
    if selection.kept or selection.discarded or selection.failed:
        rows = (one for one in rows if _wanted(one, selection))
    if selection.sort is Sort.METRIC:
        measured = (
            (history.direction.cost(value), one) for one in rows if (value := history.metric(one.number)) is not None
        )
        ordered = [one for _, one in sorted(measured, key=lambda pair: (pair[0], pair[1].number))]
    else:
        ordered = list(reversed(list(rows)))
    if selection.count is not None:
        ordered = ordered[: selection.count]
    return list(reversed(ordered)) if selection.reverse else ordered


def _wanted(one: Experiment, selection: Selection) -> bool:
    kept = selection.kept and one.is_kept
    discarded = selection.discarded and not one.is_kept
    return kept or discarded or (selection.failed and one.outcome.is_failure)


def _show_one(browsed: Browsed, one: Experiment, parts: Sequence[Part], form: Form) -> None:
    history, record = browsed.history, browsed.record
    if form is Form.JSON:
        typer.echo(dumps(experiment_json(one, history)))
        return
    for part in parts:
        _show_part(record, one, part)
    if not parts:
        diff = difference(record.repository, one) if record else ""
        output = _end_of_output(record, one) if record else ""
        hints = _hints(record, one, output) if record else ()
        width = shutil.get_terminal_size().columns if is_terminal() else None
        show(detail(Detail(one, history, diff, output, hints), width))


def _hints(record: Record, one: Experiment, output: str) -> tuple[str, ...]:
    """What the level that it ran at may have denied it; nothing where it did not fail."""
    known = one.outcome.is_failure and one.isolation in set(Level)
    layout = record.layout
    return tuple(denials(output, Setting(Level(one.isolation), layout.root, layout.worktrees))) if known else ()


def _show_part(record: Record | None, one: Experiment, part: Part) -> None:
    if part is Part.SHA:
        typer.echo(one.commit)
        return
    if record is None:
        raise UsageError(f"an imported history has no {part}", hint=f"ar log {one.number} --import FILE")
    match part:
        case Part.DIFF:
            text = difference(record.repository, one)
            if is_terminal():
                show(diff_lines(text))
            else:
                sys.stdout.write(text + "\n" if text else "")
        case Part.OUTPUT:
            _write(_kept_file(record.layout.output(one.number), one, "output"))
        case Part.PROMPT:
            folder = record.layout.experiment(one.number)
            _refuse_unasked(folder, one)
            prompt = _kept_file(folder / "prompt.md", one, "prompt")
            _write(f"{prompt}\n--- reply ---\n{_reply(folder)}\n")


def _refuse_unasked(folder: Path, one: Experiment) -> None:
    """Raises UsageError where there never was a prompt."""
    if one.proposer in UNASKED and not (folder / "prompt.md").exists():
        raise UsageError(
            f"experiment {one.number} has no prompt: no model is asked for {UNASKED[one.proposer]}",
            hint=f"ar log {one.number} shows the record",
        )


def _kept_file(path: Path, one: Experiment, what: str) -> str:
    """Raises UsageError where there is none, and for what an experiment put in its place."""
    name, record = f"the {what} of experiment {one.number}", f"ar log {one.number} shows the record"
    try:
        return read_plain(path)
    except FileNotFoundError as error:
        raise UsageError(f"{name} is not on disk", hint=record) from error
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}", hint=f"look at {path}\n{record}") from error


def _end_of_output(record: Record, one: Experiment) -> str:
    with suppress(OSError):
        return read_end(record.layout.output(one.number), TAIL)
    return ""


def _reply(folder: Path) -> str:
    with suppress(OSError):
        return read_plain(folder / "reply.md")
    return ""


def _write(text: str) -> None:
    """As it is into a file; on a terminal nothing in it may do more than be read."""
    if is_terminal():
        show(Text(line) for line in clean_lines(text))
    else:
        sys.stdout.write(text)


def show(lines: Iterable[Text]) -> None:
    """Print lines, through the pager when they do not fit on the terminal."""
    console = Console(highlight=False)
    rows = list(lines)
    if is_terminal() and len(rows) >= console.size.height:
        # As git does: without it `less` shows the codes of the colours instead of the colours.
        os.environ.setdefault("LESS", "FRX")
        with console.pager(styles=True):
            for row in rows:
                console.print(row, soft_wrap=True)
        return
    for row in rows:
        console.print(row, soft_wrap=True)
