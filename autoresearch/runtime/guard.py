"""The guard of one worktree: takes traces before a command runs, and says afterwards what it changed that it may not.

Always watched are the protected files of the worktree. Where the level lets an experiment write elsewhere, also the
data that is linked in, the repository's settings and hooks, and where its branches and tags are; settings and hooks are
put back. Branches are not: it may have been the person who moved them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from autoresearch.errors import RecordError
from autoresearch.runtime.git import git
from autoresearch.runtime.protection import SETTINGS, Restorable, Trace, below, differences, traces


@dataclass(frozen=True, slots=True)
class Open:
    """What an experiment could reach, and must not change."""

    common: Path
    """Where the repository's settings are."""
    data: tuple[Path, ...]
    own_branch: str
    """`ar` itself moves this one."""


class Guard:
    """`before` and `after` are called in turn, by one thread."""

    def __init__(self, worktree: Path, is_protected: Callable[[str], bool], reach: Open | None) -> None:
        """`reach` is None where the level keeps everything outside from being written."""
        self._worktree = worktree
        self._is_protected = is_protected
        self._reach = reach
        self._names: list[str] = []
        self._before: dict[str, Trace] = {}
        self._refs: dict[str, str] = {}
        self._settings: Restorable | None = None

    @property
    def protected(self) -> list[str]:
        """The worktree's protected files; the same in every commit of a run."""
        if not self._names:
            listed = git(["ls-files", "-z"], self._worktree).split("\0")
            self._names = [".git", *(name for name in listed if name and self._is_protected(name))]
        return self._names

    def before(self) -> None:
        """Remember everything as it is now."""
        self._before = self._traces()
        if self._reach is not None:
            self._settings = Restorable(self._reach.common)
            self._refs = _refs(self._reach)

    def after(self, aside: Path) -> list[str]:
        """What is not as it was, in words. Settings of git that were changed are put back, and kept in `aside`."""
        words = differences(self._before, self._traces())
        if self._reach is None or self._settings is None:
            return words
        if restored := self._settings.restore(aside):
            words.append(f"{', '.join(path.name for path in restored)} put back (what was found is in {aside})")
        now = _refs(self._reach)
        moved = [name for name in {*now, *self._refs} if now.get(name) != self._refs.get(name)]
        words += [f"{name} (it was at {self._refs.get(name, 'no commit')[:12]})" for name in sorted(moved)]
        return words

    def _traces(self) -> dict[str, Trace]:
        found = traces(self._worktree, self.protected)
        if self._reach is not None:
            outside = below(*(self._reach.common / name for name in SETTINGS), *self._reach.data)
            found |= traces(self._worktree, outside)
        return found


def _refs(reach: Open) -> dict[str, str]:
    """Where branches and tags are; nothing where the repository is broken, which somebody else will tell."""
    try:
        rows = git(["for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/tags"], reach.common)
    except RecordError:
        return {}
    found = dict(row.rsplit(" ", 1) for row in rows.splitlines())
    found.pop(reach.own_branch, None)
    return found
