"""A command and what became of it, as values. How it is run is in `process`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from autoresearch.core.secrets import NO_SECRETS, Secrets
from autoresearch.runtime import supervisor

PROCESSES = 2048
OUTPUT = 4 * 2**30


class Why(StrEnum):
    """Why a command does not run any more."""

    ENDED = supervisor.ENDED
    TIMED_OUT = supervisor.TIMED_OUT
    STOPPED = supervisor.STOPPED
    KILLED = supervisor.KILLED
    OVER = supervisor.OVER
    LOST = "lost"
    """The supervisor itself went away; never said by it, of course."""


class Failure(StrEnum):
    """What could not be done for a command, so that it never ran."""

    PLACE = supervisor.PLACE
    CONFINE = supervisor.CONFINE
    START = supervisor.START


@dataclass(frozen=True, slots=True)
class Limits:
    """What a command may use, besides its time. Sizes in bytes; 0 is no limit."""

    memory: int = 0
    processes: int = PROCESSES
    output: int = OUTPUT
    disk: Mapping[Path, int] = field(default_factory=dict)
    """What must stay free on the file systems of these folders."""


@dataclass(frozen=True, slots=True)
class Confinement:
    """How a command is kept from the rest of the machine."""

    writable: tuple[Path, ...] | None = None
    """The only places that it may change, enforced by Landlock; None: no such rule."""
    wrapper: tuple[str, ...] = ()
    """The program, with its arguments, that starts the command in a place of its own."""


FREE = Confinement()


@dataclass(frozen=True, slots=True)
class Command:
    """What to run. A string goes to `sh -c`, a tuple does not. Times are in seconds."""

    arguments: str | tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    limit: float
    stop_grace: float = 5.0
    limits: Limits = Limits()
    confinement: Confinement = FREE
    secrets: Secrets = NO_SECRETS
    """Taken out of everything that it prints."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that ran. One of `exit_code` and `signal` is set; neither where nobody can know (`Why.LOST`)."""

    why: Why
    exit_code: int | None
    signal: int | None
    seconds: float
    cpu_seconds: float
    peak_rss_mb: float
    """Of the largest single process, in MiB; never below the few MiB of the supervisor that it was forked from."""
    tail: str
    """The end of the output, stdout and stderr as they came; at most 8 KiB, as the two below."""
    stdout_tail: str
    stderr_tail: str
    over: str = ""
    """Which limit it passed, in words."""
    ran_out_of_memory: bool = False


@dataclass(frozen=True, slots=True)
class NotStarted:
    """There is no such command, or it is no program."""

    reason: str
    seconds: float = 0.0
    tail: str = ""
