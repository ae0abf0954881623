"""SIGKILL for a running `ar`, and for its git, at moments that are spread over all that it does.

A moment is a state that can be seen from outside (the lock taken, an event printed) and a short random time after it.
What must be true afterwards is not here.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.cli import Done
from tests.support.running import Running

LOCK = "autoresearch.lock"
START_UP = 0.5
"""Seconds, about, until a call has begun."""
SAMPLE = 0.06
"""Seconds, about, of an experiment of the toys."""
WRITING = 0.006
"""Seconds, about, that a decision is written in, or the end of a run."""

TRANSACTION = 0.0002
"""Seconds, about, in which git moves refs together."""


@dataclass(frozen=True)
class Moment:
    """When something is seen of a call of `ar run --json`, and a while later; or when the call has ended."""

    seen: Callable[[Running, Path], None]
    """Waits for it; the path is the repository's `.git`."""
    longest: float
    """Seconds; a random part of them passes."""
    changes: int = 30
    """So many the call should have to try."""
    name: str = ""
    """Empty: what the call said last is as good a name."""
    at_a_lock: bool = False
    """And then when git holds the lock of one of our refs, which is a fraction of a millisecond."""

    def comes(self, running: Running, common: Path, chance: random.Random) -> list[int]:
        """Wait for the moment; returns the gits that `ar` has started."""
        self.seen(running, common)
        if not self.at_a_lock:
            running.waits(chance.uniform(0, self.longest))
            return gits_below(running.process.pid)
        gits = gits_below(running.process.pid)
        _wait_for_a_lock(running, common, self.longest)
        # Looking at a clock: no sleep is as short as this.
        until = time.monotonic() + chance.uniform(0, TRANSACTION)
        while time.monotonic() < until:
            pass
        return gits


def _wait_for_a_lock(running: Running, common: Path, longest: float) -> None:
    """Until git moves the number of the experiment that was sampled last, or its branch."""
    if running.events and "experiment" in running.events[-1]:
        tag, number = running.events[0]["tag"], running.events[-1]["experiment"]
        locks = [f"{common}/refs/autoresearch/{tag}/{number:04d}.lock", f"{common}/refs/heads/autoresearch/{tag}.lock"]
        until = time.monotonic() + longest
        while time.monotonic() < until and not any(map(os.path.lexists, locks)):
            pass


def any_moment(chance: random.Random, *, lays_ahead: bool = False) -> Moment:
    """From the first instruction to the last one, mostly where something is being written.

    `lays_ahead`: also while the next candidate is laid out beside the one that runs.
    """
    ahead = [Moment(_lays_ahead(chance.randint(1, 4)), 2 * WRITING, name="laying out ahead")]
    return chance.choice(
        (
            Moment(_at_once, START_UP),
            Moment(_holds, 2 * SAMPLE),
            *[Moment(_reads("run-started"), SAMPLE)] * 2,
            *[Moment(_reads("proposed", chance.randint(1, 3)), 2 * WRITING)] * 2,
            *[Moment(_reads("sample-finished", chance.randint(1, 5)), WRITING)] * 3,
            *[Moment(_reads("sample-finished", chance.randint(1, 5)), SAMPLE, at_a_lock=True)] * 4,
            Moment(_reads("experiment-finished", chance.randint(1, 3)), 2 * WRITING),
            *[Moment(_reads("", chance.randint(1, 12)), SAMPLE)] * 4,
            Moment(_interrupts(chance.randint(1, 9)), SAMPLE),
            Moment(_reads("run-finished"), WRITING, changes=1),
            *ahead * (5 if lays_ahead else 0),
        )
    )


def _at_once(running: Running, common: Path) -> None:
    """Its first instruction."""


def _holds(running: Running, common: Path) -> None:
    """It holds the lock."""
    while running.process.poll() is None and not _is_locked_by(running, common):
        time.sleep(0.005)


def _reads(name: str, times: int = 1) -> Callable[[Running, Path], None]:
    """So many events of that name, or of any."""

    def seen(running: Running, common: Path) -> None:
        left = times
        while left and running.reads():
            left -= name in ("", running.events[-1]["event"])

    return seen


def _lays_ahead(times: int) -> Callable[[Running, Path], None]:
    """After so many samples git has begun to write a candidate's files, or the entry of the worktree they are for."""

    def seen(running: Running, common: Path) -> None:
        _reads("sample-started", times)(running, common)
        before, until = _entries(common), time.monotonic() + 2 * SAMPLE
        while time.monotonic() < until and not _entries(common) - before:
            pass

    return seen


def _entries(common: Path) -> set[Path]:
    """The entries of worktrees that git has, and the locks of those in which it writes."""
    return {path for name in ("*", "*/index.lock") for path in common.glob(f"worktrees/{name}")}


def _interrupts(times: int) -> Callable[[Running, Path], None]:
    """Ctrl-C after so many events."""

    def seen(running: Running, common: Path) -> None:
        _reads("", times)(running, common)
        running.signal(signal.SIGINT)

    return seen


def strike(running: Running, gits: list[int], chance: random.Random) -> Done:
    """SIGKILL for `ar` and these gits, in a random order; what it said before."""
    victims = [running.process.pid, *gits]
    chance.shuffle(victims)
    for pid in victims:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return running.ends()


def gits_below(root: int) -> list[int]:
    """The git processes among the descendants of a process. Quick: what they do takes a millisecond."""
    return [pid for pid in _descendants(root) if _is_git(pid)]


def _descendants(root: int) -> Iterator[int]:
    below = [root]
    for pid in below:
        with suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                below += map(int, (task / "children").read_text().split())
        yield pid


def _is_git(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().startswith("git")
    return False


@dataclass(frozen=True)
class Process:
    """One that was seen; its number may be another's by now, the instant at which it was started is not."""

    pid: int
    started: str


def below(root: int) -> list[Process]:
    """All descendants of a process, with itself."""
    return [Process(pid, started) for pid in _descendants(root) if (started := _started(pid))]


def is_alive(process: Process) -> bool:
    """Does it run, or at least has nobody said that it may go?"""
    return _started(process.pid) == process.started


def _started(pid: int) -> str:
    """In ticks since the system began; empty when it has ended."""
    with suppress(OSError):
        facts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if facts[0] == "Z" else facts[19]
    return ""


def phase(running: Running, common: Path) -> str:
    """What the call did last, as far as it was told."""
    if not running.events:
        return "start-up, with the lock" if _is_locked_by(running, common) else "start-up"
    last = running.events[-1]
    number = last.get("experiment", last.get("number"))
    return " ".join(filter(None, (last["event"], last.get("task"), number == 0 and "of the baseline")))


def _is_locked_by(running: Running, common: Path) -> bool:
    with suppress(OSError, ValueError):
        return bool(json.loads((common / LOCK).read_text())["pid"] == running.process.pid)
    return False
