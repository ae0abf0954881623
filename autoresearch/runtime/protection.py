"""Protected content: looked at before an experiment runs, and compared after.

A change of type, mode, size, or times is a trace; the inode's own time (ctime) cannot be set back without the clock of
the system: a file that was rewritten and put back is found as well. Small files are also read, against turned clocks.
Not covered: what leaves no trace in files, such as a number that edited code forges in the memory of a process (there
is `evaluate` for that), and what a level keeps from being written at all.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from autoresearch.runtime.tree import remove, walk

SMALL, ALL_SMALL = 64 * 1024, 8 * 2**20
"""Bytes: of a file that is read, and of all of them together."""
NAMED = 3
SETTINGS = ("config", "config.worktree", "info", "hooks")
"""Of a repository: what steers git, for the person too."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What a file shows of itself; `content` is empty where it was not read."""

    mode: int
    size: int
    inode: int
    mtime: int
    ctime: int
    content: bytes = b""


Traces = Mapping[str, Trace]


def traces(folder: Path, names: Iterable[str], room: int = ALL_SMALL) -> dict[str, Trace]:
    """Of the files that are there, by name; names are relative to the folder, or absolute."""
    found = {}
    for name in names:
        path = os.path.join(folder, name)  # noqa: PTH118  (thousands of them, before and after each sample)
        try:
            there = os.lstat(path)
        except OSError:
            continue
        is_read = stat.S_ISREG(there.st_mode) and there.st_size <= min(SMALL, room)
        room -= there.st_size if is_read else 0
        content = _digest(path) if is_read else b""
        times = (there.st_mtime_ns, there.st_ctime_ns)
        found[name] = Trace(there.st_mode, there.st_size, there.st_ino, *times, content)
    return found


def differences(before: Traces, after: Traces) -> list[str]:
    """What was changed, added or removed, as `prepare.py (rewritten and put back)`."""
    words = []
    for name in sorted({*before, *after}):
        one, other = before.get(name), after.get(name)
        if one != other:
            words.append(f"{name} ({_change(one, other)})")
    return words


def _change(before: Trace | None, after: Trace | None) -> str:
    if before is None:
        return "added"
    if after is None:
        return "removed"
    if before.content and before.content == after.content and before.mode == after.mode:
        return "rewritten and put back"
    return "changed"


def listed(words: Sequence[str]) -> str:
    """The first few of them."""
    return ", ".join(words[:NAMED]) + (f" and {len(words) - NAMED} more" if len(words) > NAMED else "")


def below(*places: Path) -> Iterator[str]:
    """Everything in some folders, and the folders themselves, as absolute paths; links are not followed."""
    for place in filter(os.path.lexists, places):
        yield str(place)
        if place.is_dir() and not place.is_symlink():
            yield from map(str, walk(place))


class Restorable:
    """The repository's settings and hooks as they were: a hook that an experiment plants would run as the person."""

    def __init__(self, common: Path) -> None:
        self._common = common
        files = (Path(path) for path in below(*(common / name for name in SETTINGS)))
        self._content = {path: (path.read_bytes(), path.stat().st_mode) for path in files if _is_plain(path)}

    def restore(self, aside: Path) -> list[Path]:
        """Put back what differs; what was found instead goes to the folder `aside`. Returns the files."""
        there = [Path(path) for path in below(*(self._common / name for name in SETTINGS))]
        wrong = [path for path in there if not path.is_dir() and not self._is_as_before(path)]
        wrong += [path for path in self._content if path not in there]
        for path in wrong:
            self._put_back(path, aside / path.relative_to(self._common))
        return wrong

    def _is_as_before(self, path: Path) -> bool:
        return _is_plain(path) and self._content.get(path) == (path.read_bytes(), path.stat().st_mode)

    def _put_back(self, path: Path, aside: Path) -> None:
        aside.parent.mkdir(parents=True, exist_ok=True)
        remove(aside)
        if path.is_symlink() or path.exists():
            path.rename(aside)
        if path in self._content:
            content, mode = self._content[path]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            path.chmod(stat.S_IMODE(mode))


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _digest(path: str) -> bytes:
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return blake2b(file.read(SMALL + 1), digest_size=16).digest()
    except OSError:
        return b""
