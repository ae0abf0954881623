"""How well the slots were used: the share of time with every slot busy, and what was waited for in the rest.

Pure book-keeping on a monotonic clock in seconds, of one call of `ar run`, between its first sample and the moment at
which nothing more is begun. Not here: how busy a slot's processor or GPU is while a sample runs in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Self

PROPOSAL, RECORD = "a proposal", "the record"
"""What a free slot waits for: an answer of the proposer, or `ar` itself, which decides, records and lays out."""


_RECORDED = re.compile(r'[01]\.\d+ slots=(\d+) seconds=([\d.]+) unused=(\d+)((?: "[^"]+"=[\d.]+)*)')
_WAITED = re.compile(r'"([^"]+)"=([\d.]+)')


@dataclass(frozen=True, slots=True)
class Used:
    """Seconds: with every slot busy, and with a free one by what it waited for."""

    slots: int
    full: float = 0.0
    waited: Mapping[str, float] = field(default_factory=dict)
    unused: int = 0
    """Proposals that were paid for and never run."""

    @property
    def seconds(self) -> float:
        return self.full + sum(self.waited.values())

    @property
    def share(self) -> float | None:
        """From 0 to 1; None where nothing was counted."""
        return self.full / self.seconds if self.seconds > 0 else None

    def __str__(self) -> str:
        """As it stands in the record: `0.934 slots=4 seconds=301.200 unused=2 "a proposal"=12.100`; empty for nothing.

        The share comes first for people; it is not read back.
        """
        if self.share is None:
            return ""
        waited = (f'"{what}"={seconds:.3f}' for what, seconds in sorted(self.waited.items()))
        return " ".join(
            [f"{self.share:.3f} slots={self.slots} seconds={self.seconds:.3f} unused={self.unused}", *waited]
        )

    @classmethod
    def read(cls, text: str) -> Self | None:
        """What `str` wrote, to the millisecond; None for anything else."""
        match = _RECORDED.fullmatch(text)
        try:
            if match is None:
                return None
            waited = {what: float(seconds) for what, seconds in _WAITED.findall(match[4])}
            full = max(float(match[2]) - sum(waited.values()), 0.0)
            return cls(int(match[1]), full, waited, int(match[3]))
        except ValueError:
            return None


class Utilisation:
    """Told of every change; the time since the one before counts as what was said then."""

    def __init__(self, slots: int, now: Callable[[], float] = monotonic) -> None:
        self.slots = slots
        self._now = now
        self._full = 0.0
        self._waited: Mapping[str, float] = {}
        self._last: float | None = None
        self._waits = ""

    def note(self, busy: int, waits: str) -> None:
        """So many slots are busy from now on, and a free one waits for that; empty: nothing is waited for any more."""
        now = self._now()
        self._count(now)
        self._waits = "" if busy >= self.slots else waits
        self._last = now if busy >= self.slots or (waits and (busy or self._last is not None)) else None

    def _count(self, now: float) -> None:
        used = self._used(now)
        self._full, self._waited = used.full, used.waited

    def used(self) -> Used:
        """Up to now; changes nothing."""
        return self._used(self._now())

    def _used(self, now: float) -> Used:
        full, waited = self._full, dict(self._waited)
        passed = 0.0 if self._last is None else now - self._last
        if self._waits and passed:
            waited[self._waits] = waited.get(self._waits, 0.0) + passed
        elif passed:
            full += passed
        return Used(self.slots, full, waited)
