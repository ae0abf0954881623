"""The file that says what a running loop does: its content, written and read.

Not in here: when it changes (`live_state`). A file of another version is read as far as it goes, or not at all.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from autoresearch.core.budget import Share
from autoresearch.core.ports import Task
from autoresearch.core.utilisation import Used

GAP, PATIENCE = 0.1, 1.0
"""Seconds: between two writings, and that leaving waits for a disk."""


class Phase(StrEnum):
    """What the loop is busy with."""

    STARTING = "starting"
    PROPOSING = "proposing"
    SAMPLING = "sampling"
    DECIDING = "deciding"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Busy:
    """What runs in a slot. `since` in seconds since 1970, `limit` in seconds."""

    slot: int
    number: int
    sample: int
    task: Task
    since: float
    limit: float

    def is_of(self, number: int, sample: int) -> bool:
        """Is it this one? The end of a sample does not say in which slot it was."""
        return (self.number, self.sample) == (number, sample)


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
    """What is run while the phase is *sampling*: in the first busy slot, where there are several."""
    slots: tuple[Busy, ...] = ()
    """All that runs, in the order of the slots."""
    slot_count: int = 1
    used: Used | None = None
    """How well the slots have been used when this was written."""


def write_live(path: Path, live: Live) -> None:
    """Replace the file; a disk that is full does not matter."""
    fresh = path.with_name(f"{path.name}.new")
    text = json.dumps({**asdict(live), "budget": [list(share) for share in live.budget]})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(text + "\n", encoding="utf-8")
        fresh.replace(path)
    except OSError:
        # a full disk or a folder that was just deleted: nothing depends on this file
        return


class LiveWriter:
    """Writes what it was given last, on a thread of its own: a slow disk does not hold up the loop."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last: Live | None = None
        self._wake, self._leaving = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._write_until_left, name="live", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._leaving.set()
        self._wake.set()
        self._thread.join(PATIENCE)

    def __call__(self, live: Live) -> None:
        """It is written within a tenth of a second, unless there is something newer by then."""
        self._last = live
        self._wake.set()

    def _write_until_left(self) -> None:
        while not self._leaving.is_set():
            self._wake.wait()
            self._wake.clear()
            if self._last is not None:
                write_live(self._path, self._last)
            self._leaving.wait(GAP)
        if self._last is not None:
            write_live(self._path, self._last)


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
            slots=tuple(_busy(one) for one in raw.get("slots", ())),
            slot_count=int(raw.get("slot_count", 1)),
            used=_used(raw.get("used")),
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _busy(raw: Mapping[str, Any]) -> Busy:
    number, sample, limit = int(raw["number"]), int(raw["sample"]), float(raw["limit"])
    return Busy(int(raw["slot"]), number, sample, Task(raw["task"]), float(raw["since"]), limit)


def _used(raw: Mapping[str, Any] | None) -> Used | None:
    if raw is None:
        return None
    waited = {str(what): float(seconds) for what, seconds in raw["waited"].items()}
    return Used(int(raw["slots"]), float(raw["full"]), waited, int(raw["unused"]))
