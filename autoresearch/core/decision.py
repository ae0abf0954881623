"""Keep or discard: the rules, as pure functions of the samples. The loop asks and obeys; no rule knows the loop.

Not in here: taking samples, constraints, checks. The present rule is the plain one of the field, keep-if-better on one
sample; a rule that asks for more samples answers `More`, which the loop already understands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean

from autoresearch.core.history import Direction
from autoresearch.core.quantity import Gain, format_change, format_metric


class Side(StrEnum):
    """Whose sample is wanted next."""

    CANDIDATE = "candidate"
    INCUMBENT = "incumbent"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a rule may look at: the samples of both sides, oldest first, each side with at least one."""

    candidate: Sequence[float]
    incumbent: Sequence[float]
    incumbent_number: int
    groups: Sequence[Sequence[float]] = ()
    """Repeat groups (two samples or more) of earlier configurations, newest first."""


@dataclass(frozen=True, slots=True)
class Keep:
    """The change is an improvement."""

    reason: str


@dataclass(frozen=True, slots=True)
class Discard:
    """It is not, or not shown to be."""

    reason: str


@dataclass(frozen=True, slots=True)
class More:
    """One more sample is needed before this can be decided."""

    side: Side
    reason: str


Verdict = Keep | Discard | More
Rule = Callable[[Evidence], Verdict]


def keep_if_better(direction: Direction, min_gain: Gain) -> Rule:
    """The plain rule: the candidate's mean must be better than the incumbent's by more than `min_gain`.

    It believes every lucky sample, so what it keeps is unproved.
    """

    def decide(evidence: Evidence) -> Verdict:
        candidate, incumbent = fmean(evidence.candidate), fmean(evidence.incumbent)
        change = f"{format_metric(candidate)} against {format_metric(incumbent)} of #{evidence.incumbent_number}"
        change += f" ({format_change(candidate, incumbent)})"
        gain = direction.cost(incumbent) - direction.cost(candidate)
        if gain <= 0:
            return Discard(f"not better: {change}")
        if gain <= min_gain.of(incumbent):
            return Discard(f"gain within min_gain: {change}")
        return Keep(f"better: {change}")

    return decide
