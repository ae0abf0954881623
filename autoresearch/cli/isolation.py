"""Which level of isolation a call works at, and what is said about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from autoresearch.config import Config
from autoresearch.core.isolation import Level
from autoresearch.errors import UsageError
from autoresearch.runtime.confinement import choose


@dataclass(frozen=True, slots=True)
class Isolation:
    """`why_not_better` is empty where nobody would ask."""

    level: Level
    why_not_better: str = ""

    def lines(self) -> Iterator[str]:
        """For the first lines of a call: what an experiment can do all the same."""
        yield f"isolation: {self.level}; {self.level.gaps}"
        if self.why_not_better:
            yield f"isolation guarded cannot be had: {self.why_not_better}"


def check_level(asked: str | None) -> None:
    """Raises UsageError for a level that does not exist."""
    if asked is not None and asked not in set(Level):
        levels = ", ".join(Level)
        raise UsageError(f'--isolation "{asked}" is no level: there are {levels}', hint="ar run --isolation guarded")


def isolation_of(config: Config, asked: str | None) -> Isolation:
    """The command line's level, else the configuration's, else the best that needs nothing to be set up.

    Only with the lock held, for it is tried out. Raises UsageError for a level that does not exist and RunError for one
    that does not work on this machine.
    """
    check_level(asked)
    name = asked or config.experiment.isolation
    return Isolation(*choose(Level(name) if name else None))
