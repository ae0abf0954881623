"""What a running loop does now, as a small file that `ar status` reads from another process.

It is a cache: written after every event but output, missing after a clean-up, stale after a crash. Whether the run is
alive is not said here but by the lock; how the file is read, `live_file` knows.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from autoresearch.cli.render.live_file import Busy, Live, LiveWriter, Phase, read_live
from autoresearch.cli.render.view import Thought, Thoughts
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
from autoresearch.core.utilisation import Used

__all__ = ["Busy", "Live", "LiveState", "LiveWriter", "Phase", "read_live"]


class LiveState:
    """A listener that keeps the file up to date; readers see the old or the new one, never half of one."""

    def __init__(
        self,
        write: Callable[[Live], None],
        shares: Callable[[], Sequence[Share]],
        clock: Callable[[], float] = time.time,
        *,
        slots: int = 1,
        thoughts: Thoughts = tuple,
        used: Callable[[], Used | None] = lambda: None,
    ) -> None:
        """`thoughts` and `used` tell what no event does; they are asked by whoever announces."""
        self._write = write
        self._shares = shares
        self._clock = clock
        self._thoughts = thoughts
        self._used = used
        self._live = Live(os.getpid(), Phase.STARTING, clock(), clock(), slot_count=slots)

    def __call__(self, event: Event) -> None:
        if isinstance(event, OutputLine):
            return
        now = self._clock()
        live = _after(self._live, event, now, self._thoughts)
        self._live = replace(live, updated=now, budget=tuple(self._shares()), used=self._used())
        self._write(self._live)


def _after(live: Live, event: Event, now: float, thoughts: Thoughts) -> Live:
    match event:
        case Proposing(number) if not live.slots:
            return _idle(live, Phase.PROPOSING, now, number)
        case SampleStarted(number, sample, limit, task, slot):
            begun = Busy(slot, number, sample, task, now, limit)
            # What a machine lost is run again, perhaps elsewhere.
            others = (one for one in live.slots if one.slot != slot and not one.is_of(number, sample))
            return _busy(live, [begun, *others])
        case SampleFinished(number, sample):
            left = [one for one in live.slots if not one.is_of(number, sample)]
            return _busy(live, left) if left else _idle(live, Phase.DECIDING, now, number, sample)
        case ExperimentFinished() if not live.slots and (asked := thoughts()):
            return _proposing(live, asked[0], now)
        case RunFinished():
            return _idle(live, Phase.FINISHED, now)
        case RunStarted() | Proposing() | Proposed() | ExperimentFinished() | Warned() | OutputLine():
            return live


def _busy(live: Live, slots: Sequence[Busy]) -> Live:
    """The first slot that runs something stands for all of them, for readers that know of one only."""
    slots = tuple(sorted(slots, key=lambda one: one.slot))
    first = slots[0]
    return replace(
        live,
        phase=Phase.SAMPLING,
        since=first.since,
        number=first.number,
        sample=first.sample,
        limit=first.limit,
        task=first.task,
        slots=slots,
    )


def _proposing(live: Live, thought: Thought, now: float) -> Live:
    return _idle(live, Phase.PROPOSING, now - thought.seconds, thought.number)


def _idle(live: Live, phase: Phase, since: float, number: int | None = None, sample: int | None = None) -> Live:
    return Live(live.pid, phase, since, since, number, sample, slot_count=live.slot_count)
