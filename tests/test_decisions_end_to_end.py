"""The decision rules through the real loop, on scenarios whose truth is known; `make bench` does the same at
length. What is not here: single decisions (`core/test_decision.py`) and what a person is shown.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from autoresearch.core.experiment import SUSPICIOUS
from autoresearch.core.history import Direction
from tests.benchmarks.scenarios import SCENARIOS
from tests.benchmarks.simulated import PLAIN, PROVED, Scenario, Search, search, true_gain


def named(name: str) -> Scenario:
    [found] = [one for one in SCENARIOS if one.name == name]
    return found


def test_hardly_anything_is_kept_where_no_change_has_an_effect() -> None:
    noise = replace(named("noise"), samples=None)
    careful, greedy = ([search(noise, method, seed, most=200) for seed in range(3)] for method in (PROVED, PLAIN))
    assert sum(len(one.tried) for one in careful) == sum(len(one.tried) for one in greedy) == 600
    kept = sum(len(one.kept) for one in careful)
    assert kept <= 5
    assert sum(len(one.kept) for one in greedy) > 3 * kept


def test_a_metric_without_noise_takes_one_sample_of_each_candidate_and_is_never_wrong() -> None:
    done = search(named("deterministic"), PROVED, seed=0, most=150)
    assert all(len(one.samples) == (2 if SUSPICIOUS in one.flags else 1) for one in done.tried)
    assert len([one for one in done.tried if SUSPICIOUS in one.flags]) <= 3
    assert len(done.kept) > 5
    assert all(one.is_kept == (true_gain(one) > 0) for one in done.tried)
    assert done.optimism == pytest.approx(0.0, abs=1e-9)


def test_a_planted_gain_of_three_deviations_is_kept() -> None:
    searches = [search(named("planted"), PROVED, seed) for seed in range(20)]
    assert sum(true_gain(one) > 0 for each in searches for one in each.kept) >= 17


def test_more_is_better_means_the_same_decisions_on_the_mirrored_metric() -> None:
    low, high = (search(replace(named("mix"), direction=way), PROVED, seed=0, most=60) for way in Direction)
    assert decisions(low) == decisions(high)
    assert {kept for _, kept in decisions(low)} == {True, False}


def decisions(one: Search) -> list[tuple[float, bool]]:
    return [(true_gain(each), each.is_kept) for each in one.tried]


def test_a_whole_number_with_noise_is_sampled_more_than_once_before_it_is_kept() -> None:
    done = search(named("whole"), PROVED, seed=0, most=100)
    assert done.kept
    assert min(len(one.samples) for one in done.kept) >= 2
    assert all(value == int(value) for one in done.tried for value in one.values)
