"""The rule says keep: what else must hold before it is one, each at its own price, the cheapest first.

    constraints    numbers that are there already
    suspicion      one more sample, in a fresh worktree
    checks         the commands of `[experiment] checks`
    holdout        the measurement that no proposer sees

All of it is asked of the baseline first: what the code as it is cannot do, no change will ever be kept for. A check
that hangs ends at its limit and has failed; a holdout that fails, or gives no number, is a veto like a failed check.
Pure functions: the loop runs what they ask for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

from autoresearch.core.constraints import Constraint, first_problem
from autoresearch.core.decision import Evidence, is_worse
from autoresearch.core.experiment import Experiment, Outcome, sample_seconds
from autoresearch.core.history import Direction, History
from autoresearch.core.ports import Task
from autoresearch.core.quantity import Gain, format_metric
from autoresearch.opened import Open

TOO_GOOD = 5.0
"""A gain of more than so many times the largest one so far is not believed at once …"""
FIRST_GAINS = 2
"""… once so many changes have been kept."""
TOO_SHORT, SHORTEST = 0.3, 1.0
"""Nor is a sample that took less than that share of the baseline's, where those took so many seconds or more."""
NO_LOSS = Gain()
LEAST_HOLDOUTS = 2
"""Of the baseline: fewer say nothing about the noise."""


@dataclass(frozen=True, slots=True)
class Standards:
    """What a keep must hold besides the rule, as configured."""

    metric_name: str = "metric"
    constraints: tuple[Constraint, ...] = ()
    checks: bool = False
    holdout: Direction | None = None
    """Which way the holdout's metric improves; None: there is none."""
    holdout_at_end: bool = False
    """It vetoes nothing: it is tried on the baseline, and measured for baseline and best when the run ends."""
    max_loss: Gain = NO_LOSS
    """What a change that removes code may lose; 0: nothing is kept for being simpler."""
    metric_is_time: bool = False
    """A shorter sample is what is searched for, and no reason for suspicion."""


@dataclass(frozen=True, slots=True)
class Veto:
    """It is no keep, and why."""

    outcome: Outcome
    reason: str


def confirm(opened: Open, history: History, standards: Standards) -> Task | Veto | None:
    """What is still to be run before the candidate may be kept, or what forbids it; None: keep it."""
    baseline = history.baseline
    known = numbers_of(baseline, history, standards.metric_name) if baseline else {}
    if problem := first_problem(standards.constraints, _numbers(opened, standards.metric_name), known):
        return Veto(Outcome.MEASURED, f"breaks the constraint {problem}")
    if not opened.suspicion:
        opened.suspicion = suspicion(opened, history, standards)
        if opened.suspicion:
            return Task.FRESH
    if standards.checks and not opened.checked:
        return Task.CHECKS
    if standards.holdout is None or standards.holdout_at_end:
        return None
    return _confirm_holdout(opened, history, standards.holdout)


def unconfirmed(opened: Open, evidence: Evidence, direction: Direction) -> Veto | None:
    """What was suspicious must be the same in a fresh worktree, but for the noise."""
    fresh = [one.value for one in opened.fresh]
    others = [one.value for one in opened.measured if one not in opened.fresh]
    incumbent = [one.value for one in evidence.incumbent]
    if not fresh or not others or not is_worse(fresh, others, (others, incumbent, *evidence.groups), direction):
        return None
    numbers = f"{format_metric(fmean(fresh))} in a fresh worktree, {format_metric(fmean(others))} before"
    return Veto(Outcome.MEASURED, f"suspicious ({opened.suspicion}), and rightly so: {numbers}")


def confirm_baseline(opened: Open, standards: Standards) -> Task | Veto | None:
    """The same of the code as it is, after each of its samples."""
    numbers = _numbers(opened, standards.metric_name)
    if problem := first_problem(standards.constraints, numbers, numbers):
        printed = ", ".join(numbers)
        return Veto(Outcome.CHECKS_FAILED, f"the constraint {problem}; numbers that are printed: {printed}")
    if standards.checks and not opened.checked:
        return Task.CHECKS
    wanted = 1 if standards.holdout_at_end else len(opened.measured)
    return Task.HOLDOUT if standards.holdout and len(opened.holdout) < wanted else None


def more_holdout(opened: Open, standards: Standards) -> bool:
    """Does the baseline, with all its samples, need one more measurement of the holdout?"""
    needed = standards.holdout is not None and not standards.holdout_at_end
    return needed and len(opened.holdout) < LEAST_HOLDOUTS


def _confirm_holdout(opened: Open, history: History, direction: Direction) -> Task | Veto | None:
    before = history.holdout(opened.draft.parent or 0) or opened.incumbent_holdout
    if not opened.holdout:
        return Task.HOLDOUT
    if not before:
        return Task.INCUMBENT_HOLDOUT
    if is_worse(opened.holdout, before, history.holdout_groups(), direction):
        # No number: reasons are shown to proposers.
        return Veto(Outcome.MEASURED, "better in the metric, but the holdout is worse by more than its noise")
    return None


def suspicion(opened: Open, history: History, standards: Standards) -> str:
    """Why this is too good to be believed at once, in words; empty when it is not."""
    parent, baseline = opened.draft.parent, history.baseline
    if parent is None or baseline is None:
        return ""
    values, first = [one.value for one in opened.measured], history.values(baseline.number)
    exact = next((value for value in values if value in (0.0, 1.0)), None)
    if exact is not None and not any(value in (0.0, 1.0) for value in first):
        return f"exactly {exact:g}, which the baseline was not"
    usual = sample_seconds(baseline)
    if not standards.metric_is_time and usual >= SHORTEST and min(opened.took) < TOO_SHORT * usual:
        return f"a sample took {min(opened.took) / usual:.0%} of the baseline's time"
    gains = [gain for one in history.kept[1:] if (gain := _gain(one, history)) is not None]
    gain = history.gain(sum(values) / len(values), parent)
    if len(gains) >= FIRST_GAINS and gain is not None and gain > TOO_GOOD * max(gains) > 0:
        return f"the gain is {format_metric(float(f'{gain / max(gains):.2g}'))} times the largest one kept so far"
    return ""


def _gain(one: Experiment, history: History) -> float | None:
    """By how much it was better than its parent; a return is no gain."""
    metric = history.metric(one.number)
    return None if metric is None or one.parent is None or one.reverts else history.gain(metric, one.parent)


def _numbers(opened: Open, name: str) -> Mapping[str, float]:
    values = [one.value for one in opened.measured]
    return {**opened.measures, name: sum(values) / len(values)} if values else opened.measures


def numbers_of(baseline: Experiment, history: History, name: str) -> Mapping[str, float]:
    """Means of everything that the baseline printed, the metric included."""
    metric = history.metric(baseline.number)
    return {**baseline.measures, **({} if metric is None else {name: metric})}
