"""The rules, on samples whose truth is known."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest

from autoresearch.core.decision import Discard, Evidence, Keep, More, Rule, Side, keep_if_better, normal_score, proved
from autoresearch.core.experiment import Sample
from autoresearch.core.history import Direction
from autoresearch.core.quantity import Gain

QUIET = [[1.0, 1.1, 0.9, 1.0, 1.05, 0.95]] * 4
"""Repeat groups with a deviation of about 0.07."""


def evidence(
    candidate: Sequence[float], incumbent: Sequence[float], groups: Sequence[Sequence[float]] = ()
) -> Evidence:
    times = iter(range(1, 1000))
    return Evidence(
        incumbent=[Sample(value, next(times)) for value in incumbent],
        candidate=[Sample(value, next(times)) for value in candidate],
        incumbent_number=12,
        groups=groups,
    )


def rule(**more: object) -> Rule:
    return proved(Direction.MIN, Gain(), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("direction", "value", "kept"), [("min", 4.9, True), ("min", 5.0, False), ("max", 5.1, True)])
def test_the_plain_rule_keeps_whatever_is_better(direction: str, value: float, kept: bool) -> None:
    verdict = keep_if_better(Direction(direction), Gain())(evidence([value], [5.0]))
    assert isinstance(verdict, Keep if kept else Discard)
    assert "of #12" in verdict.reason


def test_the_plain_rule_asks_for_min_gain() -> None:
    decide = keep_if_better(Direction.MIN, Gain(relative=0.1))
    assert isinstance(decide(evidence([4.6], [5.0])), Discard)
    assert isinstance(decide(evidence([4.4], [5.0])), Keep)


def test_a_deterministic_metric_needs_one_sample() -> None:
    assert isinstance(rule()(evidence([0.9], [1.0, 1.0])), Keep)
    assert isinstance(rule()(evidence([1.0], [1.0, 1.0])), Discard)
    assert isinstance(rule()(evidence([1.1], [1.0, 1.0])), Discard)


def test_an_unknown_noise_is_found_out_only_for_what_looks_better() -> None:
    assert isinstance(rule()(evidence([1.1], [1.0])), Discard)
    assert rule()(evidence([0.9], [1.0])) == More(Side.INCUMBENT, "the noise is not known yet")


def test_one_sample_proves_nothing_however_good() -> None:
    assert isinstance(rule()(evidence([0.1], [1.0], QUIET)), More)


def test_two_samples_far_beyond_the_noise_do() -> None:
    verdict = rule()(evidence([0.1, 0.12], [1.0, 1.05], QUIET))
    assert isinstance(verdict, Keep)
    assert verdict.reason.startswith("proved better: 0.11 against 1.025 of #12")


def test_what_cannot_be_proved_any_more_ends_at_once() -> None:
    verdict = rule()(evidence([0.99], [1.0, 1.0], QUIET))
    assert isinstance(verdict, Discard)
    assert "too small to be told from noise" in verdict.reason


def test_the_side_with_fewer_samples_gets_the_next_one() -> None:
    verdict = rule()(evidence([0.85, 0.92], [1.0], QUIET))
    assert isinstance(verdict, More)
    assert verdict.side is Side.INCUMBENT


def test_the_number_of_samples_is_bounded() -> None:
    verdict = rule(max_samples=3)(evidence([0.95, 0.9, 1.0], [1.0, 1.02, 0.98], QUIET))
    assert isinstance(verdict, Discard)


def test_min_gain_must_be_proved_too() -> None:
    decide = proved(Direction.MIN, Gain(relative=0.5))
    assert isinstance(decide(evidence([0.7, 0.7], [1.0, 1.0], QUIET)), Discard)
    assert isinstance(decide(evidence([0.1, 0.1], [1.0, 1.0], QUIET)), Keep)


def test_a_timing_needs_samples_of_the_incumbent_from_the_same_time() -> None:
    old = Evidence([Sample(0.5, 100)], [Sample(1.0, 1), Sample(1.1, 2)], 12, QUIET)
    assert rule(timing=True)(old) == More(Side.INCUMBENT, "the incumbent has no sample near this one")


class Search:
    """A run as the loop does it, on changes of known truth: one incumbent whose samples grow and are refreshed."""

    def __init__(self, decide: Rule, noise: Callable[[], float]) -> None:
        self.decide = decide
        self.noise = noise
        self.at = 0
        self.truth = 1.0
        self.incumbent = [self.sample(1.0) for _ in range(3)]
        self.groups: list[list[float]] = []

    def sample(self, truth: float) -> Sample:
        self.at += 1
        return Sample(truth + self.noise(), self.at)

    def tries(self, effect: float) -> bool:
        """Is a change of that effect kept?"""
        if self.at - self.incumbent[-1].at >= 25:
            self.incumbent.append(self.sample(self.truth))
        candidate = [self.sample(self.truth + effect)]
        verdict = self.decide(Evidence(candidate, self.incumbent, 12, self.groups))
        while isinstance(verdict, More):
            side, truth = (self.incumbent, 0.0) if verdict.side is Side.INCUMBENT else (candidate, effect)
            side.append(self.sample(self.truth + truth))
            verdict = self.decide(Evidence(candidate, self.incumbent, 12, self.groups))
        kept = isinstance(verdict, Keep)
        loser = self.incumbent if kept else candidate
        if len(loser) > 1:
            self.groups.insert(0, [sample.value for sample in loser])
        if kept:
            self.incumbent, self.truth = candidate, self.truth + effect
        return kept


@pytest.mark.parametrize("shape", ["gauss", "uniform"])
def test_on_pure_noise_almost_nothing_is_kept_and_three_sigma_is_found(shape: str) -> None:
    rng = random.Random(11)
    noise = {"gauss": lambda: rng.gauss(0, 0.01), "uniform": lambda: rng.uniform(-0.017, 0.017)}[shape]
    searches = [Search(rule(), noise) for _ in range(10)]
    luck = sum(search.tries(0.0) for search in searches for _ in range(200))
    found = sum(search.tries(-0.03) for search in searches for _ in range(10))
    greedy = [Search(keep_if_better(Direction.MIN, Gain()), noise) for _ in range(10)]
    believed = sum(search.tries(0.0) for search in greedy for _ in range(200))
    assert luck <= 0.0035 * 2000
    assert found >= 75
    assert believed >= 5 * max(1, luck)


def test_the_normal_score_is_the_published_approximation() -> None:
    # Two-sided 5 % points of Student's t; the normal score must be 1.960.
    for freedom, t in ((5, 2.5706), (10, 2.2281), (30, 2.0423), (100, 1.9840)):
        assert normal_score(t, freedom) == pytest.approx(1.960, abs=0.02)
    assert normal_score(-2.2281, 10) == -normal_score(2.2281, 10)
