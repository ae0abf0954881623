"""Folders of a worktree: removing, sweeping and linking, never through a symbolic link.

Everything an experiment can leave behind is expected: read-only folders, links to the user's files, nested
repositories. Which paths are the user's is not known here; callers name what stays.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Iterator, Set
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autoresearch.errors import RunError

_ATTEMPTS = 5
_MOVED = ".ar-moved-"
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
                _remove_folder(path)
        except OSError as error:
            if attempt == _ATTEMPTS - 1:
                message = f"cannot remove {path}: {error.strerror or error}"
                raise RunError(message, hint=f"remove it by hand: rm -rf '{path}'") from error
            make_writable(path)
            # A process that was killed a moment ago may still be writing its last file.
            time.sleep(0.05 * attempt)
        else:
            return


def _remove_folder(path: Path) -> None:
    """Level by level: what is deeper is moved up first, for paths and Python's stack have an end, folders have none."""
    make_writable_here(path)
    folders, moved = [path], 0
    while folders:
        folder = folders.pop()
        for entry in list(os.scandir(folder)):
            below = folder / entry.name
            if not entry.is_dir(follow_symlinks=False):
                below.unlink()
                continue
            make_writable_here(below)
            if folder != path:
                while os.path.lexists(up := path / f"{_MOVED}{moved}"):
                    moved += 1
                below = below.rename(up)
            folders.append(below)
        if folder != path:
            folder.rmdir()
    path.rmdir()


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
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & stat.S_IRWXU != stat.S_IRWXU:
            path.chmod(mode | stat.S_IRWXU)


def walk(path: Path) -> Iterator[Path]:
    """Everything below a folder, each folder before what is in it; links are not followed."""
    folders = [path]
    for folder in folders:
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                below = folder / entry.name
                yield below
                if entry.is_dir(follow_symlinks=False):
                    folders.append(below)


def undo_unseen(path: Path, but: Set[Path]) -> None:
    """Undo what git does not see below `path`: sockets, named pipes, folders that nobody may list, and any `.git` but
    that of `path` itself. Subtrees in `but` are left alone.
    """
    folders = [path]
    for folder in folders:
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                below = folder / entry.name
                if entry.name == ".git" and folder != path:
                    remove(below)
                elif entry.is_dir(follow_symlinks=False) and below not in but:
                    make_writable_here(below)
                    folders.append(below)
                elif entry.is_dir(follow_symlinks=False):
                    continue
                elif not entry.is_file(follow_symlinks=False) and not entry.is_symlink():
                    remove(below)


def sweep(path: Path, keep: Keep) -> None:
    """Remove `path` and everything below it that is not kept."""
    left = [path]
    for one in left:
        is_folder = one.is_dir() and not one.is_symlink()
        if one in keep.whole or (one in keep.files and not is_folder):
            continue
        if one in keep.folders and is_folder:
            make_writable_here(one)
            left.extend(one.iterdir())
        else:
            remove(one)


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
    fresh = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
