"""The repository, the configuration and the run that a command is about: found once, in the same way for all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autoresearch.config import Config, find, load
from autoresearch.core.layout import Layout
from autoresearch.core.scope import Scope
from autoresearch.record.repository import Repository, current_folder
from autoresearch.record.runs import CONFIG_NAME


@dataclass(frozen=True, slots=True)
class Project:
    """What `ar` works on. `base` is the folder of the configuration, relative to the root, empty at the root."""

    repository: Repository
    config_path: Path
    config: Config
    base: str

    @property
    def scope(self) -> Scope:
        return Scope(self.config.editable, self.config.context, self.base, self.config_path.name)

    @property
    def config_name(self) -> str:
        """Repository-relative, as the record has it."""
        return self.config_path.relative_to(self.repository.root).as_posix()

    @property
    def instructions_path(self) -> Path:
        return self.config_path.parent / self.config.instructions

    @property
    def tracked(self) -> list[str]:
        """Git's files in the index, relative to the root."""
        return [path for path in self.repository.git("ls-files", "-z", "--full-name", ":/").split("\0") if path]

    def layout(self, tag: str) -> Layout:
        return Layout(self.repository.root, tag)


def open_project(config: Path | None) -> Project:
    """The nearest configuration upwards from here, or the one that is named.

    Raises UsageError outside a repository and ConfigError for a configuration that cannot be used.
    """
    here = current_folder()
    repository = Repository(config.resolve().parent if config else here)
    repository.head()
    path = config.resolve() if config else find(here, repository.root)
    base = path.parent.resolve().relative_to(repository.root.resolve()).as_posix()
    return Project(repository, path, load(path), "" if base == "." else base)


__all__ = ["CONFIG_NAME", "Project", "open_project"]
