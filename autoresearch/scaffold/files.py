"""Writing new files into somebody's folder: all or none, and nothing of theirs is lost.

Not in here: what is in them (`scaffold.template`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from autoresearch.errors import UsageError


@dataclass(frozen=True, slots=True)
class Written:
    """What was written, and under which names the files that stood there were kept."""

    files: tuple[Path, ...]
    originals: tuple[Path, ...]


def write(files: Mapping[Path, str], *, force: bool = False) -> Written:
    """Write each text to its path. With `force` a file that exists is kept as `.orig` (`.orig.1`, …) first.

    Raises UsageError, with nothing changed, when a file exists and `force` is not set, or a folder is in the way or
    cannot be written to.
    """
    folders = [path for path in files if path.is_dir() and not path.is_symlink()]
    if folders:
        raise UsageError(f"{folders[0]} is a folder: no file of that name can be written")
    existing = [path for path in files if os.path.lexists(path)]
    if existing and not force:
        names = " and ".join(str(path) for path in existing)
        raise UsageError(
            f"{names} {'exists' if len(existing) == 1 else 'exist'} already; nothing was written",
            hint="ar init --force    keeps what is there as .orig",
        )
    try:
        return Written(tuple(files), tuple(_replace_all(files)))
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be written: {error.strerror}") from error


def _replace_all(files: Mapping[Path, str]) -> Iterator[Path]:
    """Every text is on disk before the first file takes its place; gives the new names of what stood there."""
    drafts = {path: path.with_name(f".{path.name}.{os.getpid()}.new") for path in files}
    try:
        for path, draft in drafts.items():
            draft.write_text(files[path], encoding="utf-8", newline="\n")
        for path, draft in drafts.items():
            if os.path.lexists(path):
                yield path.rename(_free(path))
            draft.replace(path)
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)


def _free(path: Path) -> Path:
    names = (path.with_name(f"{path.name}.orig{f'.{number}' if number else ''}") for number in count())
    return next(name for name in names if not os.path.lexists(name))
