"""The baseline: sampled until it is known how much its samples scatter, and kept whatever it measures.

All that a keep must hold is asked of it first: what the code as it is cannot do, no change will ever be kept for. What
is not here: running what is asked for, and recording what came of it (`judging`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean

from autoresearch.confirming import Veto, confirm_baseline, more_holdout, numbers_of
from autoresearch.core.budget import Meter
from autoresearch.core.constraints import first_problem
from autoresearch.core.experiment import CHECKED, HELD_OUT, SLOWEST, TYPICAL, Proposal
from autoresearch.core.history import History
from autoresearch.core.ports import Task
from autoresearch.opened import Open
from autoresearch.orders import SMALL_SHARE, Settings

BASELINE = Proposal("baseline", "The code as it is, before any change.", (), "baseline")
SAMPLES, LONG_SAMPLE = 3, 1200.0
"""So many are taken, unless one takes so many seconds, or a large share of the time or the money there is."""


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why nothing could ever be kept, and what to do about it."""

    reason: str
    hint: str


def next_step(baseline: Open, settings: Settings, meter: Meter) -> Task | Unfit | None:
    """What is to be run next, after each of its executions; None: it is done."""
    if problem := _unpriced(baseline, settings):
        return Unfit(problem, "print it, or take `cost` out of [experiment]")
    match confirm_baseline(baseline, settings.standards):
        case Task() as task:
            return task
        case Veto(_, why):
            return Unfit(why, "what the code as it is cannot do, no change is kept for")
        case None if not _is_done(baseline, settings, meter):
            return Task.SAMPLE
        case None:
            return Task.HOLDOUT if more_holdout(baseline, settings.standards) else None


def flags_of(baseline: Open) -> tuple[str, ...]:
    """That it passed the checks, and what its seconds alone do not say: how long one sample takes, and the holdout."""
    told = {
        SLOWEST: max(baseline.took) if baseline.besides or len(baseline.took) > 1 else None,
        TYPICAL: fmean(baseline.took) if baseline.besides else None,
        HELD_OUT: baseline.longest_holdout if baseline.holdout else None,
    }
    lengths = (f"{name}{seconds:.3f}" for name, seconds in told.items() if seconds is not None)
    return (*(CHECKED,) * baseline.checked, *lengths)


def problem_of(history: History, settings: Settings) -> str:
    """What the recorded baseline of a run that goes on cannot do, once more was asked of it; empty: nothing."""
    baseline, standards = history.baseline, settings.standards
    if baseline is None:
        return ""
    if settings.cost_name and settings.cost_name not in baseline.measures:
        return f'cost = "{settings.cost_name}": it did not print that number'
    numbers = numbers_of(baseline, history, standards.metric_name)
    problem = first_problem(standards.constraints, numbers, numbers)
    return f"the constraint {problem}" if problem else ""


def _is_done(opened: Open, settings: Settings, meter: Meter) -> bool:
    """Are there enough samples of the baseline to begin with?"""
    taken = len(opened.measured)
    if meter.too_short():
        return True
    if settings.baseline_samples is not None:
        return taken >= settings.baseline_samples
    whole, money = meter.budget.seconds or math.inf, meter.budget.usd or math.inf
    dear = sum(opened.took) / len(opened.took) > min(LONG_SAMPLE, SMALL_SHARE * whole)
    return taken >= SAMPLES or dear or opened.spent_usd / taken > SMALL_SHARE * money


def _unpriced(baseline: Open, settings: Settings) -> str:
    """Why the money of experiments cannot be counted, in words; empty when it can."""
    if not settings.cost_name or settings.cost_name in baseline.measures:
        return ""
    printed = ", ".join(baseline.measures) or "none"
    return f'cost = "{settings.cost_name}": that number was not printed; numbers that were: {printed}'
