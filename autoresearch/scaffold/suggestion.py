"""A guess at how the project is run, and what goes with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from autoresearch.core.history import Direction
from autoresearch.scaffold.survey import Survey

Which = Callable[[str], str | None]
"""Where a program is on the PATH; None where it is not (`shutil.which`)."""

SECONDS = "ar.seconds"
"""The metric that `ar` measures itself: for commands that print none."""


class Kind(IntEnum):
    """What a command is for; the first kinds are the better guesses."""

    AUTORESEARCH = 1
    MEASURES = 2
    RUNS = 3
    TESTS = 4


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A command, and what goes with it. `reads` are the files that probably print the metric."""

    kind: Kind
    command: str
    because: str
    editable: tuple[str, ...]
    context: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    setup: str = ""
    cache: tuple[str, ...] = ()
    metric: str = ""
    direction: Direction | None = None
    pattern: str = ""
    """Finds the metric where it is not printed as `name: value`."""

    @classmethod
    def nothing(cls, survey: Survey) -> Suggestion:
        """Where nothing is known to run: a command of the person's may run anything that is there."""
        return cls(Kind.TESTS, "", "", survey.all_sources(), reads=tuple(survey.texts))
