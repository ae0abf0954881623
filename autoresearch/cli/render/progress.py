"""How far a run has come: which two numbers say it, and how sure they are.

Not in here: taking the samples of the final check, and every other number of a run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, variance

from autoresearch.core.decision import pooled_noise
from autoresearch.core.final_check import FinalCheck
from autoresearch.core.history import History
from autoresearch.core.quantity import format_change, format_metric


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come, from the baseline's number to the best one's.

    `error` is the standard error of their difference, in units of the metric; None where it is not known. `pairs` of
    samples were taken for the final check that the numbers are of; 0: they are the means of all samples.
    """

    first: float
    best: float
    error: float | None
    pairs: int = 0

    def __str__(self) -> str:
        """`3.281 → 3.204 (−2.3 % ± 0.2)`."""
        # In per cent of the size of the first one, or as it is where that is 0: as the change itself is written.
        reference = abs(self.first) / 100 or 1.0
        error = "" if self.error is None else f" ± {format_metric(float(f'{self.error / reference:.1g}'))}"
        change = format_change(self.best, self.first)
        return f"{format_metric(self.first)} → {format_metric(self.best)} ({change}{error})"

    @property
    def source(self) -> str:
        """`3 pairs` of the final check."""
        return f"{self.pairs} pair{'s' * (self.pairs > 1)}"


def progress(history: History, final: FinalCheck | None = None) -> Progress | None:
    """By the final check where there is one; None as long as nothing is better than the baseline."""
    baseline, best = history.baseline, history.best
    if baseline is None or best is None or best is baseline:
        return None
    before, after = history.values(baseline.number), history.values(best.number)
    error = _error(before, after) if min(len(before), len(after)) >= 2 else None
    return final_check(history, final) or Progress(fmean(before), fmean(after), error)


def final_check(history: History, final: FinalCheck | None) -> Progress | None:
    """What the final check says; None where it is not of the present best.

    One pair says nothing about its own error: there the noise of the whole run counts.
    """
    if final is None or history.best is None or final.best != history.best.number:
        return None
    before, after = ([one.value for one in side] for side in (final.baseline_samples, final.best_samples))
    pairs, noise = len(before), pooled_noise(history.groups())
    known = noise.deviation * math.sqrt(2 / pairs) if noise.freedom else None
    return Progress(fmean(before), fmean(after), _error(before, after) if pairs >= 2 else known, pairs)


def holdout_means(history: History) -> tuple[float, float] | None:
    """What the holdout measured of the baseline and of the best; None where one of them is not known."""
    best = history.best
    if best is None or best is history.baseline or not history.holdout(0) or not history.holdout(best.number):
        return None
    return fmean(history.holdout(0)), fmean(history.holdout(best.number))


def _error(before: Sequence[float], after: Sequence[float]) -> float:
    return math.sqrt(variance(before) / len(before) + variance(after) / len(after))
