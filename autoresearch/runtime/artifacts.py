"""What experiments leave that is worth keeping, or that is to be evaluated: copied, never moved or linked.

Kept artefacts are copied after each measured sample, for until the decision other samples run in the same worktree.
What is not there is left out: that an artefact is missing is no reason to lose a measurement, unless it is what is
measured. Which files count, and which links, is in `made`.
"""

from __future__ import annotations

import filecmp
import os
import posixpath
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from autoresearch.core.experiment import Outcome
from autoresearch.core.layout import Layout
from autoresearch.errors import RunError
from autoresearch.runtime import space
from autoresearch.runtime.made import Made, copy, look
from autoresearch.runtime.tree import remove
from autoresearch.runtime.worktree import inside

NAMED = 3


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why artefacts cannot be evaluated."""

    outcome: Outcome
    reason: str


class Artifacts:
    """The artefacts of one run."""

    def __init__(self, layout: Layout, names: Sequence[str], sub: str) -> None:
        """`names` are paths or globs relative to `sub`. Raises ConfigError for one that leads out of the repository."""
        self._layout = layout
        inner = [inside(sub, name, "artifacts") for name in names]
        # Kept below the configuration's folder, unless some lie outside of it.
        self._base = sub if all(name.startswith(f"{sub}/") for name in inner) else ""
        self._names = [posixpath.relpath(name, self._base or ".") for name in inner]
        # A baseline is sampled in all slots together: its copies must be of one sample.
        self._staging = threading.Lock()

    def _stage(self, number: int) -> Path:
        return self._layout.artifacts(number).with_name("staged") / f"{number:04d}"

    def stage(self, number: int, worktree: Path) -> None:
        """Copy what is there now, where there is room for it. Raises RunError when that cannot be done (disk full)."""
        if not self._names:
            return
        with self._staging:
            self.drop(number)
            made = self._look(worktree)
            if made.files and made.size <= _room(worktree):
                self._copy(made, worktree / self._base, self._stage(number), lambda _: True)

    def keep(self, number: int) -> None:
        """Move the copies of that experiment to where kept ones lie; none is fine."""
        if self._stage(number).is_dir():
            kept = self._layout.artifacts(number)
            remove(kept)
            self._stage(number).rename(kept)

    def drop(self, number: int) -> None:
        """Remove the copies of that experiment, where they are not kept."""
        if self._names:
            remove(self._stage(number))

    def place(self, number: int, worktree: Path) -> bool:
        """Copy an experiment's artefacts to where its command left them.

        False when there are none, and should be. Raises RunError when they cannot be copied (disk full).
        """
        stage = self._stage(number)
        source = stage if stage.is_dir() else self._layout.artifacts(number)
        if not self._names or not source.is_dir():
            return not self._names
        self._copy(look(source, self._names), source, worktree / self._base, lambda _: True)
        return True

    def carry(
        self, worktree: Path, clean: Path, is_protected: Callable[[str], bool], protected: Sequence[str]
    ) -> Trouble | None:
        """Copy what was made in a worktree to the same places of a clean one of another commit.

        No file there is replaced that `is_protected` (a path from its root), unless `artifacts` names it itself. Nor
        does one stay that was not made. No link to one of the `protected` files of the worktree is followed. Raises
        RunError when the disk is full.
        """
        folder, base = worktree / self._base, clean / self._base
        closed = frozenset(protected)
        made = self._look(worktree, lambda path: posixpath.join(self._base, path) not in closed)
        missing = [name for name in self._names if not made.under(name)]
        if missing:
            why = f" ({', '.join(made.passed_over[:NAMED])})" if made.passed_over else ""
            return Trouble(Outcome.NO_METRIC, f"the command made no {', '.join(missing)} to evaluate{why}")
        if made.size > _room(clean):
            largest = max(made.files, key=lambda path: made.files[path])
            said = f"{largest} takes {made.files[largest] / 2**30:.2g} GiB, and the disk has no room for a copy"
            return Trouble(Outcome.OVER_LIMITS, said)

        def may_replace(path: str) -> bool:
            return path in self._names or not is_protected(posixpath.join(self._base, path))

        for path in look(base, self._names).files:
            if may_replace(path) and path not in made.files:
                remove(base / path)
        refused = list(self._copy(made, folder, base, may_replace))
        said = f"what it made would replace protected files: {', '.join(refused[:NAMED])}"
        return Trouble(Outcome.TAMPERED, said) if refused else None

    def discard(self) -> None:
        """Remove what was copied and not kept, also by a killed call that worked on another run."""
        for stage in self._layout.artifacts(0).parents[1].glob("*/staged"):
            remove(stage)

    def _look(self, worktree: Path, follow: Callable[[str], bool] = lambda _: True) -> Made:
        """Nothing where the configuration's own folder was made a link."""
        is_there = os.path.realpath(worktree / self._base) == os.path.normpath(
            os.path.realpath(worktree) / Path(self._base)
        )
        return look(worktree / self._base, self._names, follow) if is_there else Made({})

    def _copy(self, made: Made, source: Path, target: Path, may_replace: Callable[[str], bool]) -> list[str]:
        """The files that are there already, are others, and must stay."""
        try:
            return list(_copied(made, source, target, may_replace))
        except OSError as error:
            raise RunError(f"cannot copy an artefact: {error}", hint="is the disk full?") from error


def _copied(made: Made, source: Path, target: Path, may_replace: Callable[[str], bool]) -> Iterator[str]:
    for path in made.files:
        there = target / path
        if os.path.lexists(there) and not may_replace(path):
            if there.is_symlink() or not there.is_file() or not filecmp.cmp(source / path, there, shallow=False):
                yield path
        elif not any(map(Path.is_symlink, _ways(there, target))):
            remove(there)
            copy(source / path, there, target)


def _ways(path: Path, root: Path) -> list[Path]:
    return [one for one in path.parents if one.is_relative_to(root) and one != root]


def _room(folder: Path) -> int:
    """Bytes that may be written."""
    return shutil.disk_usage(folder).free - space.floor(folder)
