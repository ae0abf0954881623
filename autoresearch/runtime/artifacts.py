"""What experiments leave that is worth keeping: copied after each measured sample, kept with the experiment.

Copied before the decision, for until then other samples run in the same worktree. Links that lead out of the worktree
are not followed. What is not there is left out: that an artefact is missing is no reason to lose a measurement.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from autoresearch.core.layout import Layout
from autoresearch.errors import RunError
from autoresearch.runtime.tree import remove
from autoresearch.runtime.worktree import inside


class Artifacts:
    """The artefacts of one run."""

    def __init__(self, layout: Layout, names: Sequence[str], sub: str) -> None:
        """`names` are paths or globs relative to `sub`. Raises ConfigError for one that leads out of the repository."""
        self._layout = layout
        self._names = [inside(sub, name, "artifacts") for name in names]
        self._sub = sub
        self._staged: int | None = None

    @property
    def _stage(self) -> Path:
        return self._layout.artifacts(0).with_name("staged")

    def stage(self, number: int, worktree: Path) -> None:
        """Copy what is there now. Raises RunError when that cannot be done (disk full)."""
        if not self._names or (self._staged is not None and number < self._staged):
            # A sample of the incumbent, taken while a younger experiment waits for its decision.
            return
        self.discard()
        self._staged = number
        try:
            for path in self._found(worktree):
                base = worktree / self._sub if path.is_relative_to(worktree / self._sub) else worktree
                _copy(path, self._stage / path.relative_to(base))
        except OSError as error:
            raise RunError(f"cannot copy an artefact: {error}", hint="is the disk full?") from error

    def keep(self, number: int) -> None:
        """Move the copies of that experiment to where kept ones lie; none is fine."""
        if self._staged == number and self._stage.is_dir():
            kept = self._layout.artifacts(number)
            remove(kept)
            self._stage.rename(kept)
            self._staged = None

    def place(self, number: int, folder: Path) -> bool:
        """Copy an experiment's artefacts to where its command left them, below the configuration's folder.

        False when there are none, and should be. Raises RunError when they cannot be copied (disk full).
        """
        source = self._stage if self._staged == number else self._layout.artifacts(number)
        if not self._names or not source.is_dir():
            return not self._names
        try:
            _copy(source, folder)
        except OSError as error:
            raise RunError(f"cannot copy an artefact: {error}", hint="is the disk full?") from error
        return True

    def carry(self, worktree: Path, folder: Path) -> list[str]:
        """Copy what was made in a worktree to another one, below the configuration's folder; no links.

        Returns the names for which nothing is there. Raises RunError when that cannot be done (disk full).
        """
        missing = []
        for name in self._names:
            found = [path for path in sorted(worktree.glob(name)) if not _leads_away(path, worktree)]
            missing += [] if found else [name]
            for path in found:
                base = worktree / self._sub if path.is_relative_to(worktree / self._sub) else worktree
                try:
                    _copy(path, folder / path.relative_to(base), links=False)
                except OSError as error:
                    raise RunError(f"cannot copy an artefact: {error}", hint="is the disk full?") from error
        return missing

    def discard(self) -> None:
        """Remove what was copied and not kept."""
        remove(self._stage)
        self._staged = None

    def _found(self, worktree: Path) -> Iterator[Path]:
        home = worktree.resolve()
        for name in self._names:
            for path in sorted(worktree.glob(name)):
                if path.resolve().is_relative_to(home):
                    yield path


def _leads_away(path: Path, worktree: Path) -> bool:
    """Is the path, or a folder on the way to it, a link?"""
    return any(one.is_symlink() for one in (path, *path.parents) if one.is_relative_to(worktree))


def _links_in(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if Path(folder, name).is_symlink()]


def _copy(source: Path, target: Path, *, links: bool = True) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        ignored = None if links else _links_in
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, ignore=ignored)
    elif source.is_file():
        shutil.copy2(source, target)
