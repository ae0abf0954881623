"""Keep or discard: the rules, as pure functions of the samples. The loop asks and obeys; no rule knows the loop.

`keep_if_better` believes every lucky sample. `proved` keeps what the samples prove, with as few of them as that takes:
most candidates end after one, and a deterministic metric never needs a second. Not in here: taking samples, checks,
constraints, and what the loop does between two candidates (refreshing the incumbent).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import pairwise
from statistics import fmean

from autoresearch.core.experiment import Sample
from autoresearch.core.history import Direction
from autoresearch.core.quantity import Gain, format_change, format_metric
from autoresearch.core.seeds import Seeds

ENOUGH_FREEDOM = 60
"""Degrees of freedom at which older repeat groups say nothing more about the noise."""
SAME = 1e-9
"""Relative difference below which two numbers are the same."""
PROOF, TIMING_PROOF = 2.2, 2.6
"""Normal scores that prove a gain; a drifting machine asks for more."""
ONE_SEED = "; one seed: luck of the seed not ruled out"
VETO = 1.645
"""Normal score at which a loss counts as one."""
NEAR_FIRST, NEAR_REPEAT = 10, 2
"""Samples before the candidate's first, or a repeat, within which the machine is taken to be the same."""


class Side(StrEnum):
    """Whose sample is wanted next."""

    CANDIDATE = "candidate"
    INCUMBENT = "incumbent"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a rule may look at: the samples of both sides, oldest first, each side with at least one."""

    candidate: Sequence[Sample]
    incumbent: Sequence[Sample]
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


def keep_if_better(direction: Direction, min_gain: Gain, seeds: Seeds = Seeds.ABSENT) -> Rule:
    """The plain rule: the candidate's mean must be better than the incumbent's by more than `min_gain`.

    It believes every lucky sample, so what it keeps is unproved. `seeds` changes nothing but its words.
    """

    def decide(evidence: Evidence) -> Verdict:
        candidate, incumbent = _mean(evidence.candidate), _mean(evidence.incumbent)
        change = _comparison(candidate, incumbent, evidence.incumbent_number)
        gain = direction.cost(incumbent) - direction.cost(candidate)
        if gain <= 0:
            return Discard(f"not better: {change}")
        if gain <= min_gain.of(incumbent):
            return Discard(f"gain within min_gain: {change}")
        return Keep(f"better: {change}{_doubt(seeds, one_seed=False)}")

    return decide


def proved(
    direction: Direction,
    min_gain: Gain,
    *,
    max_samples: int = 6,
    timing: bool = False,
    seeds: Seeds = Seeds.VARIED,
    tolerated: float = 0.0,
) -> Rule:
    """A keep must be proved against the pooled noise of all repeats.

    `max_samples` (2 or more) bounds the samples of a candidate. `timing` is for metrics that drift with the machine:
    noise from successive differences, and only samples of the incumbent that were taken near the candidate's. `seeds`
    changes no decision, only what a keep may be called. With `tolerated`, in units of the metric, it is not a gain that
    is to be proved but a loss no larger than that.

    Samples that are all equal, by chance or not, are taken as a metric without noise until one differs: any repeat
    group that does so, of whichever configuration, brings the noise back.
    """
    most = max(2, max_samples)
    threshold = TIMING_PROOF if timing else PROOF
    called = partial(_called, seeds, tolerated)

    def decide(evidence: Evidence) -> Verdict:
        candidate = [direction.cost(sample.value) for sample in evidence.candidate]
        near = _near(evidence) if timing else evidence.incumbent
        incumbent = [direction.cost(sample.value) for sample in near]
        if not incumbent:
            return More(Side.INCUMBENT, "the incumbent has no sample near this one")
        change = _comparison(_mean(evidence.candidate), _mean(near), evidence.incumbent_number)
        gain = fmean(incumbent) - fmean(candidate) + (tolerated or -min_gain.of(_mean(near)))
        noise = pooled_noise((candidate, incumbent, *evidence.groups), successive=timing)
        if noise.freedom == 0:
            better = gain > 0
            return More(Side.INCUMBENT, "the noise is not known yet") if better else Discard(f"not better: {change}")
        tiny = SAME * max(abs(fmean(incumbent)), abs(candidate[0]))
        if noise.deviation <= tiny:
            words = f"{called(noise=False)}: {change}; no noise{_doubt(seeds, one_seed=True)}"
            return Keep(words) if gain > tiny else Discard(f"not better: {change}; no noise")
        verdict = _weigh(gain, noise, (len(candidate), len(incumbent)), (most, threshold), change)
        if isinstance(verdict, Keep):
            one_seed = _looks_fixed(candidate, tiny)
            return Keep(f"{called(noise=not one_seed)}: {verdict.reason}{_doubt(seeds, one_seed=one_seed)}")
        return verdict

    return decide


def _called(seeds: Seeds, tolerated: float, *, noise: bool) -> str:
    """What a keep may be called: *proved* needs samples that differed by their seeds, or nothing random at all."""
    if tolerated:
        return f"simpler, and loses no more than {format_metric(tolerated)}"
    if seeds is Seeds.ABSENT or (seeds is Seeds.VARIED and noise):
        return "proved better"
    return "better beyond the noise" if noise else "better"


def _doubt(seeds: Seeds, *, one_seed: bool) -> str:
    """What is still open; samples with different seeds that agree exactly have not used them."""
    return ONE_SEED if seeds is Seeds.FIXED or (seeds is Seeds.VARIED and one_seed) else ""


def _looks_fixed(values: Sequence[float], tiny: float) -> bool:
    """Do repeats agree although the metric has noise? Whole numbers may do that by chance."""
    return max(values) - min(values) <= tiny and not all(value.is_integer() for value in values)


@dataclass(frozen=True, slots=True)
class Noise:
    """Standard deviation of one sample, and the degrees of freedom that it rests on (0: not known)."""

    deviation: float
    freedom: int


def _weigh(gain: float, noise: Noise, counts: tuple[int, int], limits: tuple[int, float], change: str) -> Verdict:
    """Steps 3 to 5: is it proved, can it still be proved, and whose sample would tell most?"""
    (n, m), (most, threshold) = counts, limits
    error = noise.deviation * math.sqrt(1 / n + 1 / m)
    score = normal_score(gain / error, noise.freedom)
    words = f"{change}; z {score:.1f}, noise ±{format_metric(noise.deviation)}, {n} against {m} samples"
    if n >= 2 and score >= threshold:
        return Keep(words)
    reach = threshold * noise.deviation * math.sqrt(1 / most + 1 / max(most, m))
    if n >= most:
        return Discard(f"not told from noise with {most} samples: {words}")
    if gain + 0.25 * error < reach:
        return Discard(f"{'not better' if gain <= 0 else 'too small to be told from noise'}: {words}")
    return More(Side.INCUMBENT if m < n else Side.CANDIDATE, f"not told from noise yet: {words}")


def is_worse(
    candidate: Sequence[float], incumbent: Sequence[float], groups: Iterable[Sequence[float]], direction: Direction
) -> bool:
    """Is the candidate worse by more than the noise of the groups? Without any known noise: worse at all.

    A veto needs less certainty than a keep: one-sided, 5 of 100 harmless changes are lost.
    """
    loss = direction.cost(fmean(candidate)) - direction.cost(fmean(incumbent))
    noise = pooled_noise(groups)
    if noise.deviation <= SAME * max(abs(fmean(incumbent)), abs(fmean(candidate))):
        return loss > SAME * max(abs(fmean(incumbent)), abs(fmean(candidate)))
    error = noise.deviation * math.sqrt(1 / len(candidate) + 1 / len(incumbent))
    return normal_score(loss / error, noise.freedom) > VETO


def normal_score(t: float, freedom: int) -> float:
    """Student's t with that many degrees of freedom as a normal score.

    D. L. Wallace, "Bounds on normal approximations to Student's and the chi-square distributions", Annals of
    Mathematical Statistics 30 (1959), pages 1121-1130; its error is below 0.02 from two degrees of freedom on.
    """
    stretch = (8 * freedom + 1) / (8 * freedom + 3)
    return math.copysign(stretch * math.sqrt(freedom * math.log1p(t * t / freedom)), t)


def pooled_noise(groups: Iterable[Sequence[float]], *, successive: bool = False) -> Noise:
    """Pooled over repeat groups, newest first, until they say enough."""
    squares, freedom = 0.0, 0
    for group in groups:
        if len(group) >= 2 and freedom < ENOUGH_FREEDOM:
            squares += _successive_squares(group) if successive else _squares(group)
            freedom += len(group) - 1
    return Noise(math.sqrt(squares / freedom) if freedom else 0.0, freedom)


def _squares(group: Sequence[float]) -> float:
    mean = fmean(group)
    return sum((value - mean) ** 2 for value in group)


def _successive_squares(group: Sequence[float]) -> float:
    """Half of each squared step: the same expectation as `_squares` without drift, and hardly moved by it."""
    return sum((after - before) ** 2 for before, after in pairwise(group)) / 2


def _near(evidence: Evidence) -> Sequence[Sample]:
    """The incumbent's samples that were taken when the machine was as it was for the candidate's."""
    window = NEAR_FIRST if len(evidence.candidate) == 1 else NEAR_REPEAT
    since = evidence.candidate[0].at - window
    return [sample for sample in evidence.incumbent if sample.at >= since]


def _mean(samples: Sequence[Sample]) -> float:
    return fmean(sample.value for sample in samples)


def _comparison(candidate: float, incumbent: float, number: int) -> str:
    against = f"{format_metric(candidate)} against {format_metric(incumbent)} of #{number}"
    return f"{against} ({format_change(candidate, incumbent)})"
