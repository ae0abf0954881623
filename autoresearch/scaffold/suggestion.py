"""A guess at how the project is run, and what goes with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from autoresearch.core.history import Direction
from autoresearch.scaffold.adapters import Adapter
from autoresearch.scaffold.survey import Survey

Which = Callable[[str], str | None]
"""Where a program is on the PATH; None where it is not (`shutil.which`)."""

SECONDS = "ar.seconds"
"""The metric that `ar` measures itself: for commands that print none."""


class Kind(IntEnum):
    """What a command is for; the first kinds are the better guesses."""

    MADE_FOR_A_TOOL = 1
    MEASURES = 2
    RUNS = 3
    TESTS = 4


@dataclass(frozen=True, slots=True)
class Extras:
    """What only repositories say that were made for a tool like this one. An empty value: nothing about it."""

    goal: str = ""
    words: str = ""
    """What its own files tell a model about the task: goes into program.md."""
    instructions: str = ""
    """The file that is there in the place of program.md."""
    timeout: str = ""
    """Of one sample, as the configuration writes it."""
    checks: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    """Untracked files that the command needs."""
    experiments: int = 0
    """The most that shall be made."""
    markers: bool = False
    """Only what stands between EVOLVE-BLOCK markers may change."""
    adapter: Adapter | None = None
    """A script that the command runs: written beside the configuration."""
    prints_metrics: bool = False
    """What the first `METRIC name=value` line of a run names is the metric, where nothing else names it."""
    notes: tuple[str, ...] = ()
    """For people, a line each."""


NO_EXTRAS = Extras()


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
    extras: Extras = NO_EXTRAS

    @classmethod
    def nothing(cls, survey: Survey) -> Suggestion:
        """Where nothing is known to run: a command of the person's may run anything that is there."""
        return cls(Kind.TESTS, "", "", survey.all_sources(), reads=tuple(survey.texts))
