"""Which format a file has, and its text whatever the system that wrote it. The file is only read."""

from __future__ import annotations

import codecs
from dataclasses import replace
from pathlib import Path

from autoresearch.core.history import Direction
from autoresearch.errors import UsageError
from autoresearch.imports.pi_log import read_pi_log
from autoresearch.imports.results_tsv import read_tsv
from autoresearch.imports.rows import Imported

ASSUMED = "lower is taken to be better: --direction max    if not"
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_history(path: Path, direction: Direction | None) -> Imported:
    """The history in that file: a line that begins with a brace makes it pi's, else it is a table.

    `direction` None: as the file says; a table says nothing, so lower is taken to be better, and a note says that.
    Raises UsageError.
    """
    text = _text(path)
    if text.lstrip().startswith("{"):
        return read_pi_log(text, path.name, direction)
    found = read_tsv(text, path.name, direction or Direction.MIN)
    return found if direction else replace(found, notes=(*found.notes, ASSUMED))


def _text(path: Path) -> str:
    """Line ends of any system, UTF-8 or UTF-16 by its mark; what is neither becomes question marks."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        what = (error.strerror or "cannot be read").lower()
        raise UsageError(f"{path}: {what}", hint="ar log --import results.tsv") from error
    text = raw.decode("utf-16" if raw.startswith(UTF_16) else "utf-8-sig", errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
