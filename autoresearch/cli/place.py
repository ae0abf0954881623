"""Where `ar init` works: a folder of a repository that has a commit, and what git tracks there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autoresearch.core.layout import Layout
from autoresearch.core.scope import misread
from autoresearch.record.repository import Repository
from autoresearch.scaffold import glob_problem


@dataclass(frozen=True, slots=True)
class Place:
    """The folder in which the configuration will lie; `base` is its path from the root, empty at the root."""

    repository: Repository
    folder: Path
    base: str
    tracked: tuple[str, ...]
    """Relative to the root."""

    @property
    def home(self) -> Path:
        """`.autoresearch/`, where trials leave their output."""
        return Layout(self.repository.root, "").home

    @property
    def tracked_here(self) -> list[str]:
        """What is tracked in the folder and below, relative to it."""
        above = f"{self.base}/" if self.base else ""
        return [path.removeprefix(above) for path in self.tracked if path.startswith(above)]

    def glob_problem(self, glob: str) -> str:
        """Why no file could be changed by that name; empty when there is one."""
        if problem := glob_problem(glob, self.base, self.tracked):
            there = (self.folder / glob).exists() and not misread(glob, self.base, self.tracked)
            return f'"{glob}" is there, but git does not track it: git add, git commit' if there else problem
        return ""


def open_place(folder: Path) -> Place:
    """Raises UsageError where there is no repository, no commit, or a bare repository."""
    repository = Repository(folder)
    repository.head()
    tracked = repository.git("ls-files", "-z", "--full-name", ":/").split("\0")
    base = folder.resolve().relative_to(repository.root.resolve()).as_posix()
    return Place(repository, folder, "" if base == "." else base, tuple(path for path in tracked if path))
