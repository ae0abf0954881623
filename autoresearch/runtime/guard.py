"""The guard of one worktree: takes traces before a command runs, and says afterwards what it changed that it may not.

What all worktrees share, the repository's settings and hooks among it, is in `shared_guard`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from autoresearch.runtime.git import git
from autoresearch.runtime.protection import Trace, differences, traces


class Guard:
    """`before` and `after` are called in turn, by one thread."""

    def __init__(self, worktree: Path, is_protected: Callable[[str], bool]) -> None:
        self._worktree = worktree
        self._is_protected = is_protected
        self._names: list[str] = []
        self._before: dict[str, Trace] = {}

    @property
    def protected(self) -> list[str]:
        """The worktree's protected files; the same in every commit of a run."""
        if not self._names:
            listed = git(["ls-files", "-z"], self._worktree).split("\0")
            self._names = [".git", *(name for name in listed if name and self._is_protected(name))]
        return self._names

    def before(self) -> None:
        """Remember everything as it is now."""
        self._before = traces(self._worktree, self.protected)

    def after(self) -> list[str]:
        """What is not as it was, in words."""
        return differences(self._before, traces(self._worktree, self.protected))
