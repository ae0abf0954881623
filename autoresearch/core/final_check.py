"""The last look at what a run gained: baseline and best, sampled in turn with fresh seeds, just before the end.

What was kept was chosen because it looked good, so that its own mean is a little too good. These samples chose nothing:
their difference is the number to believe. What is not here: taking them (`closing`), and printing them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from autoresearch.core.experiment import Sample

SHARE = 0.1
"""Of the budget, for the check."""
MOST_PAIRS = 3


@dataclass(frozen=True, slots=True)
class FinalCheck:
    """As many samples of the baseline as of experiment `best`, taken in turn."""

    best: int
    baseline_samples: tuple[Sample, ...]
    best_samples: tuple[Sample, ...]

    @property
    def last(self) -> int:
        """The running count of samples in the run after the check."""
        return max(one.at for one in (*self.baseline_samples, *self.best_samples))

    def __str__(self) -> str:
        """As it stands in the record: `0 3.281@200 3.279@202 / 12 3.204@201 3.206@203`."""
        return f"0 {_written(self.baseline_samples)} / {self.best} {_written(self.best_samples)}"

    @classmethod
    def read(cls, text: str) -> Self | None:
        """What `str` wrote; None for anything else."""
        match = re.fullmatch(r"0 ([^/]+) / (\d+) ([^/]+)", text)
        try:
            return cls(int(match[2]), _read(match[1]), _read(match[3])) if match else None
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What the holdout measured at the end, of the baseline and of experiment `best`."""

    best: int
    baseline_value: float
    best_value: float


def _written(samples: Iterable[Sample]) -> str:
    return " ".join(f"{one.value!r}@{one.at}" for one in samples)


def _read(text: str) -> tuple[Sample, ...]:
    pairs = (word.split("@") for word in text.split())
    return tuple(Sample(float(value), int(at)) for value, at in pairs)


def pairs_in(budget: float, spent_each: float) -> int:
    """How many pairs of samples fit in the check's share of a budget, both in the same unit."""
    return min(MOST_PAIRS, int(SHARE * budget / (2 * spent_each) + 1e-9)) if spent_each > 0 else MOST_PAIRS
