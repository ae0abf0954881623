"""`ar log` for the whole history at once: as a picture, as a page, in the formats of other tools."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import typer
from rich.text import Text

from autoresearch.cli.browsed import Browsed, differences
from autoresearch.cli.log_options import Form
from autoresearch.cli.render.pi_log import pi_log
from autoresearch.cli.render.picture.model import Picture, picture
from autoresearch.cli.render.tsv import tsv
from autoresearch.errors import UsageError

ENDINGS, PAGE_ENDINGS = (".png", ".svg"), (".html", ".htm")
WITHOUT_TERMINAL = (80, 24)


def whole(browsed: Browsed, form: Form, file: Path | None) -> Iterable[Text]:
    """Write it, to stdout or to the file; what is left to be printed comes back. Raises UsageError."""
    match form:
        case Form.TSV:
            sys.stdout.write(tsv(browsed.history))
        case Form.JSONL:
            sys.stdout.writelines(f"{line}\n" for line in pi_log(browsed.history, browsed.title))
        case Form.PLOT if file is None:
            return _in_the_terminal(_picture(browsed))
        case Form.PLOT if file is not None:
            _draw(_picture(browsed), file)
        case Form.HTML if file is not None:
            _write_page(browsed, file)
        case _:
            raise AssertionError(f"{form} is not for the whole history, or for no file")
    return ()


def _picture(browsed: Browsed) -> Picture:
    found = picture(browsed.history, browsed.title, browsed.final)
    if found is None:
        raise UsageError("no experiment has a number yet: there is nothing to draw", hint="ar log")
    return found


def _in_the_terminal(drawing: Picture) -> Iterable[Text]:
    from autoresearch.cli.render.picture.terminal import drawn

    width, height = shutil.get_terminal_size(WITHOUT_TERMINAL)
    # The last line is the prompt's.
    return drawn(drawing, width, height - 1)


def _draw(drawing: Picture, path: Path) -> None:
    from autoresearch.cli.render.picture.drawing import save

    if path.suffix.lower() not in ENDINGS:
        raise UsageError(
            f"{path.name} is no name of a picture: it ends in .png or .svg",
            hint="ar log --plot progress.png\nin the terminal: ar log --plot",
        )
    try:
        save(drawing, path)
    except OSError as error:
        raise _unwritable(path, error) from error
    typer.echo(f"wrote {path}")


def _write_page(browsed: Browsed, path: Path) -> None:
    from autoresearch.cli.render.picture.page import page

    if path.suffix.lower() not in PAGE_ENDINGS:
        raise UsageError(
            f"{path.name or path} is no name of a page: it ends in .html or .htm", hint="ar log --html night.html"
        )
    record = browsed.record
    drawing, history = _picture(browsed), browsed.history
    diffs: Mapping[str, str] = differences(record.repository, history.experiments) if record is not None else {}
    lines = page(drawing, history, lambda one: diffs.get(one.commit, ""))
    try:
        with path.open("w", encoding="utf-8", errors="replace") as stream:
            stream.writelines(f"{line}\n" for line in lines)
    except OSError as error:
        raise _unwritable(path, error) from error
    typer.echo(f"wrote {path}")


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(f"{path} cannot be written: {(error.strerror or str(error)).lower()}", hint="name another file")
