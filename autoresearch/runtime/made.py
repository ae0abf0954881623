"""What an experiment made, found by names and globs and copied: plain files, and nothing that leads elsewhere.

Everything that it can leave there is expected: links to the person's files, pipes, devices, files that cannot be read,
trees deeper than a path can be long, files larger than the disk. They are passed over, and said. Nothing may be running
in the folder meanwhile.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from autoresearch.core.scope import Scope

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)
_WILD = "*?["


@dataclass(frozen=True, slots=True)
class Made:
    """Plain files by path relative to the folder, with their sizes in bytes."""

    files: Mapping[str, int]
    passed_over: tuple[str, ...] = ()
    """In words, each beginning with its path."""

    def under(self, name: str) -> list[str]:
        """Those of the files that one of the names means."""
        return list(filter(_meaning(name), self.files))

    @property
    def size(self) -> int:
        """Bytes of all of them."""
        return sum(self.files.values())


def look(folder: Path, names: Sequence[str], follow: Callable[[str], bool] = lambda _: True) -> Made:
    """Every plain file that the names mean, which are files, folders and globs relative to `folder`.

    A link counts as the plain file that it leads to, if that lies in the folder too, not below another link, and
    `follow` allows it.
    """
    files: dict[str, int] = {}
    passed_over: dict[str, str] = {}
    for name in names:
        is_meant = _meaning(name)
        for path in _entries(folder, name):
            if path not in files and is_meant(path):
                words = _problem(folder, path, follow)
                if words:
                    passed_over[path] = f"{path} {words}"
                else:
                    files[path] = (folder / path).stat().st_size
    return Made(files, tuple(passed_over.values()))


def _meaning(name: str) -> Callable[[str], bool]:
    """Is a path what the name means, or below it?"""
    is_meant = Scope((name,)).is_editable
    return lambda path: any(is_meant(str(one)) for one in (path, *PurePosixPath(path).parents) if str(one) != ".")


def _entries(folder: Path, name: str) -> Iterator[str]:
    """What is no folder, at and below the part of a glob that has no wildcard."""
    parts = PurePosixPath(name).parts
    sure = next((parts[:index] for index, part in enumerate(parts) if any(one in part for one in _WILD)), parts)
    for length in range(1, len(sure)):
        if (folder / PurePosixPath(*sure[:length])).is_symlink():
            return
    waiting = [str(PurePosixPath(*sure)) if sure else ""]
    while waiting:
        path = waiting.pop()
        try:
            is_folder = stat.S_ISDIR((folder / path).lstat().st_mode)
            below = sorted(one.name for one in (folder / path).iterdir()) if is_folder else []
        except OSError:
            continue
        waiting += [f"{path}/{one}" if path else one for one in below]
        if not is_folder:
            yield path


def _problem(folder: Path, path: str, follow: Callable[[str], bool]) -> str:
    """Why this is nothing that can be copied, in words; empty when it can."""
    there = folder / path
    try:
        if there.is_symlink():
            real = os.path.relpath(os.path.realpath(there), os.path.realpath(folder))
            if real.split("/")[0] == ".." or not follow(real):
                return "is a link that leads elsewhere"
        if not stat.S_ISREG(there.stat().st_mode):
            return "is no regular file"
    except OSError:
        return "cannot be read"
    return "" if os.access(there, os.R_OK) else "cannot be read"


def copy(source: Path, target: Path, root: Path) -> str:
    """Copy one plain file to a place below `root`, through no link; why that cannot be, in words.

    Raises OSError when it is the disk that is to blame.
    """
    if any(one.is_symlink() for one in (target, *target.parents) if one.is_relative_to(root) and one != root):
        return "would be written through a link"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        there = source.stat()
        target.chmod(stat.S_IMODE(there.st_mode) & 0o777 | stat.S_IRUSR | stat.S_IWUSR)
        os.utime(target, ns=(there.st_atime_ns, there.st_mtime_ns))
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise
        return f"cannot be copied: {error.strerror}"
    return ""
