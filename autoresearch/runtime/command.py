"""A command and what became of it, as values. How it is run is in `process`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autoresearch.runtime.supervisor import Why


@dataclass(frozen=True, slots=True)
class Command:
    """What to run. A string goes to `sh -c`, a tuple does not. Times are in seconds."""

    arguments: str | tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    limit: float
    stop_grace: float = 5.0


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


@dataclass(frozen=True, slots=True)
class NotStarted:
    """There is no such command, or it is no program."""

    reason: str
    seconds: float = 0.0
    tail: str = ""
