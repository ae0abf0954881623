"""Protected content: looked at before an experiment runs, and compared after.

A change of type, mode, size, or times is a trace; the inode's own time (ctime) cannot be set back without the clock of
the system: a file that was rewritten and put back is found as well. Small files are also read, against turned clocks.
Not covered: what leaves no trace in files, such as a number that edited code forges in the memory of a process (there
is `evaluate` for that), and what a level keeps from being written at all.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from autoresearch.errors import RunError
from autoresearch.runtime.tree import make_writable_here, remove, walk

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


_State = tuple[int, bytes]
"""Of a file or a link: its mode, and what is in it or where it leads."""


class Restorable:
    """The repository's settings and hooks as they were: a hook that an experiment plants would run as the person."""

    def __init__(self, common: Path) -> None:
        self._common = common
        self._before = {path: _state(path) for path in self._there()}

    def restore(self, aside: Path) -> list[Path]:
        """Put back what differs; what was found instead goes to the folder `aside`. Returns the files."""
        there = set(self._there())
        changed = {path for path in there if path not in self._before or _state(path) != self._before[path]}
        # A folder that became something else comes before what was in it.
        wrong = sorted(changed | (self._before.keys() - there))
        for path in wrong:
            make_writable_here(path.parent)
            if os.path.lexists(path):
                _move_aside(path, aside, path.relative_to(self._common))
            if before := self._before.get(path):
                _put_back(path, *before)
        return wrong

    def _there(self) -> list[Path]:
        """Everything but the folders, each after those that it is in; a link is no folder."""
        found = (Path(path) for path in below(*(self._common / name for name in SETTINGS)))
        return [path for path in found if path.is_symlink() or not path.is_dir()]


def _state(path: Path) -> _State | None:
    """None of what is neither, and of what cannot be read."""
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            return mode, os.fsencode(path.readlink())
        return (mode, path.read_bytes()) if stat.S_ISREG(mode) else None
    except OSError:
        return None


def _move_aside(path: Path, aside: Path, name: Path) -> None:
    """Or away: better lost than left where it is."""
    try:
        for folder in reversed(name.parents[:-1]):
            # What was found earlier, of the same name.
            if (aside / folder).is_symlink() or not (aside / folder).is_dir():
                remove(aside / folder)
        (aside / name).parent.mkdir(parents=True, exist_ok=True)
        remove(aside / name)
        shutil.move(path, aside / name)
    except (OSError, RunError):
        remove(path)


def _put_back(path: Path, mode: int, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if stat.S_ISLNK(mode):
        path.symlink_to(os.fsdecode(content))
        return
    path.write_bytes(content)
    path.chmod(stat.S_IMODE(mode))


def _digest(path: str) -> bytes:
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return blake2b(file.read(SMALL + 1), digest_size=16).digest()
    except OSError:
        return b""
