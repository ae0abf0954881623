"""The repository, the configuration and the run that a command is about: found once, in the same way for all."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autoresearch.config import Config, find, load
from autoresearch.config.load import parse, read
from autoresearch.core.layout import Layout
from autoresearch.core.scope import Scope
from autoresearch.core.secrets import NO_SECRETS, Secrets
from autoresearch.errors import ConfigError
from autoresearch.record.repository import Repository, current_folder
from autoresearch.record.runs import CONFIG_NAME


@dataclass(frozen=True, slots=True)
class Project:
    """What `ar` works on. `base` is the folder of the configuration, relative to the root, empty at the root.

    `secrets`, of the environment and of the configuration, must be seen by nobody.
    """

    repository: Repository
    config_path: Path
    config: Config
    base: str
    secrets: Secrets = NO_SECRETS

    @property
    def recorded_config(self) -> Config:
        """The configuration as the record has it: without secrets."""
        text = read(self.config_path)
        with suppress(ConfigError):
            return parse(self.secrets.redact(text), self.config_path) if self.secrets.found_in(text) else self.config
        return self.config

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
    loaded = load(path)
    secrets = Secrets.of(os.environ, loaded.experiment.env)
    return Project(repository, path, loaded, "" if base == "." else base, secrets)


__all__ = ["CONFIG_NAME", "Project", "open_project"]
