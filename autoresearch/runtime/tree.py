"""Folders of a worktree: removing, sweeping and linking, never through a symbolic link.

Everything an experiment can leave behind is expected: read-only folders, links to the user's files, nested
repositories. Which paths are the user's is not known here; callers name what stays.
"""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Iterator, Set
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autoresearch.errors import RunError

_ATTEMPTS = 5
IGNORE_ALL = "*\n"
"""The `.gitignore` of a folder that ignores itself."""


@dataclass(frozen=True, slots=True)
class Keep:
    """What a sweep leaves: whole subtrees, single files, and folders whose content is looked at one by one."""

    whole: Set[Path] = frozenset()
    folders: Set[Path] = frozenset()
    files: Set[Path] = frozenset()


def remove(path: Path) -> None:
    """Remove a file, a link (not what it points to) or a whole folder; nothing there is fine.

    Raises RunError when that is not possible, e.g. for files of another user.
    """
    for attempt in range(_ATTEMPTS):
        try:
            if path.is_symlink() or not path.is_dir():
                path.unlink(missing_ok=True)
            else:
                shutil.rmtree(path)
        except OSError as error:
            if attempt == _ATTEMPTS - 1:
                message = f"cannot remove {path}: {error.strerror or error}"
                raise RunError(message, hint=f"remove it by hand: rm -rf '{path}'") from error
            make_writable(path)
            # A process that was killed a moment ago may still be writing its last file.
            time.sleep(0.05 * attempt)
        else:
            return


def make_writable(path: Path) -> None:
    """Give back to us the right to list and change every folder from `path` down."""
    make_writable_here(path)
    for below in walk(path):
        # Before its turn to be listed: the walk yields a folder first.
        make_writable_here(below)


def make_writable_here(path: Path) -> None:
    """The same for one folder; anything else is left alone."""
    if path.is_symlink() or not path.is_dir():
        return
    with suppress(OSError):
        path.chmod(stat.S_IMODE(path.stat().st_mode) | stat.S_IRWXU)


def walk(path: Path) -> Iterator[Path]:
    """Everything below a folder, each folder before what is in it; links are not followed."""
    try:
        entries = list(os.scandir(path))
    except OSError:
        return
    for entry in entries:
        yield path / entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from walk(path / entry.name)


def remove_special(path: Path, but: Set[Path]) -> None:
    """Remove sockets and named pipes below `path`, which git does not see; subtrees in `but` are left alone."""
    with suppress(OSError), os.scandir(path) as entries:
        for entry in entries:
            below = path / entry.name
            if entry.is_dir(follow_symlinks=False):
                if below not in but:
                    remove_special(below, but)
            elif not entry.is_file(follow_symlinks=False) and not entry.is_symlink():
                remove(below)


def sweep(path: Path, keep: Keep) -> None:
    """Remove `path` and everything below it that is not kept."""
    is_folder = path.is_dir() and not path.is_symlink()
    if path in keep.whole or (path in keep.files and not is_folder):
        return
    if path in keep.folders and is_folder:
        make_writable_here(path)
        for child in list(path.iterdir()):
            sweep(child, keep)
    else:
        remove(path)


def overlay(source: Path, target: Path) -> list[Path]:
    """Link `target` to the user's `source` and return the links that were made.

    Where a commit holds files in such a folder (`data/.gitkeep`), these stay and the rest is linked entry by entry.
    """
    if target.is_symlink() and not target.exists():
        target.unlink()
    if not os.path.lexists(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(source)
        return [target]
    if source.is_dir() and target.is_dir() and not target.is_symlink():
        return [link for child in sorted(source.iterdir()) for link in overlay(child, target / child.name)]
    return []


def provide(path: Path, text: str) -> None:
    """Write a file that is not there, or empty; never half of it, for nobody writes it again. Raises OSError."""
    if path.exists() and path.stat().st_size:
        return
    path.parent.mkdir(exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
