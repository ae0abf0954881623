"""What a running loop does now, as a small file that `ar status` reads from another process.

It is a cache: written at every event but output, missing after a clean-up, stale after a crash. Whether the run is
alive is not said here but by the lock.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path

from autoresearch.core.budget import Share
from autoresearch.core.events import (
    Event,
    ExperimentFinished,
    OutputLine,
    Proposed,
    Proposing,
    RunFinished,
    RunStarted,
    SampleFinished,
    SampleStarted,
    Warned,
)
from autoresearch.core.ports import Task


class Phase(StrEnum):
    """What the loop is busy with."""

    STARTING = "starting"
    PROPOSING = "proposing"
    SAMPLING = "sampling"
    DECIDING = "deciding"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Live:
    """`since` and `updated` in seconds since 1970; `limit` of the sample in seconds; `budget` as in the header."""

    pid: int
    phase: Phase
    since: float
    updated: float
    number: int | None = None
    sample: int | None = None
    limit: float | None = None
    budget: tuple[Share, ...] = ()
    task: Task = Task.SAMPLE
    """What is run while the phase is *sampling*."""


class LiveState:
    """A listener that keeps `path` up to date; readers see the old or the new file, never half of one."""

    def __init__(
        self, path: Path, shares: Callable[[], Sequence[Share]], clock: Callable[[], float] = time.time
    ) -> None:
        self._path = path
        self._shares = shares
        self._clock = clock
        self._live = Live(os.getpid(), Phase.STARTING, clock(), clock())

    def __call__(self, event: Event) -> None:
        if isinstance(event, OutputLine):
            return
        now = self._clock()
        self._live = replace(_after(self._live, event, now), updated=now, budget=tuple(self._shares()))
        self._write(json.dumps({**asdict(self._live), "budget": [list(share) for share in self._live.budget]}))

    def _write(self, text: str) -> None:
        fresh = self._path.with_name(f"{self._path.name}.new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(text + "\n", encoding="utf-8")
            fresh.replace(self._path)
        except OSError:
            # a full disk or a folder that was just deleted: nothing depends on this file
            return


def _after(live: Live, event: Event, now: float) -> Live:
    match event:
        case Proposing(number) if live.phase is not Phase.SAMPLING:
            return Live(live.pid, Phase.PROPOSING, now, now, number)
        case SampleStarted(number, sample, limit, task):
            return Live(live.pid, Phase.SAMPLING, now, now, number, sample, limit, task=task)
        case SampleFinished(number, sample):
            return Live(live.pid, Phase.DECIDING, now, now, number, sample)
        case RunFinished():
            return Live(live.pid, Phase.FINISHED, now, now)
        case RunStarted() | Proposing() | Proposed() | ExperimentFinished() | Warned() | OutputLine():
            return live


def read_live(path: Path) -> Live | None:
    """The state, or None when the file is missing, torn, or of another version."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return Live(
            pid=int(raw["pid"]),
            phase=Phase(raw["phase"]),
            since=float(raw["since"]),
            updated=float(raw["updated"]),
            number=None if raw["number"] is None else int(raw["number"]),
            sample=None if raw["sample"] is None else int(raw["sample"]),
            limit=None if raw["limit"] is None else float(raw["limit"]),
            budget=tuple(Share(str(label), float(used), str(text)) for label, used, text in raw["budget"]),
            task=Task(raw["task"]),
        )
    except (OSError, ValueError, TypeError, KeyError):
        return None
