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
    verdict = rule()(evidence([0.1, 0.1], [1.0, 1.05], QUIET))
    assert isinstance(verdict, Keep)
    assert verdict.reason.startswith("proved: 0.1 against 1.025 of #12")


def test_what_cannot_be_proved_any_more_ends_at_once() -> None:
    verdict = rule()(evidence([0.99], [1.0, 1.0], QUIET))
    assert isinstance(verdict, Discard)
    assert "too small to be proved" in verdict.reason


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


def run(decide: Rule, effect: float, rng: random.Random, noise: Callable[[random.Random], float]) -> bool:
    """One candidate through the rule, as the loop would do it."""
    incumbent, candidate = [1.0 + noise(rng) for _ in range(3)], [1.0 + effect + noise(rng)]
    groups = [[1.0 + noise(rng) for _ in range(3)] for _ in range(8)]
    for _ in range(30):
        verdict = decide(evidence(candidate, incumbent, groups))
        if not isinstance(verdict, More):
            return isinstance(verdict, Keep)
        side, value = (incumbent, 1.0) if verdict.side is Side.INCUMBENT else (candidate, 1.0 + effect)
        side.append(value + noise(rng))
    raise AssertionError("no decision after 30 samples")


@pytest.mark.parametrize("noise", [lambda rng: rng.gauss(0, 0.01), lambda rng: rng.uniform(-0.02, 0.02)])
def test_luck_is_kept_in_less_than_one_of_a_hundred_null_changes_and_three_sigma_is_found(
    noise: Callable[[random.Random], float],
) -> None:
    rng = random.Random(11)
    false = sum(run(rule(), 0.0, rng, noise) for _ in range(1000))
    found = sum(run(rule(), -0.03, rng, noise) for _ in range(200))
    greedy = sum(run(keep_if_better(Direction.MIN, Gain()), 0.0, rng, noise) for _ in range(200))
    assert false <= 10
    assert found >= 170
    assert greedy >= 40


def test_the_normal_score_is_the_published_approximation() -> None:
    # Two-sided 5 % points of Student's t; the normal score must be 1.960.
    for freedom, t in ((5, 2.5706), (10, 2.2281), (30, 2.0423), (100, 1.9840)):
        assert normal_score(t, freedom) == pytest.approx(1.960, abs=0.02)
    assert normal_score(-2.2281, 10) == -normal_score(2.2281, 10)
