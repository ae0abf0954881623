"""The samplers: where they suggest to go, given the same past."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from autoresearch.proposers.local import FIRST_REACH, LONGEST_REACH, SHORTEST_REACH, draw_moves, reach_after
from autoresearch.proposers.ranges import Interval, Options
from autoresearch.proposers.sampling import Sampler, suggest
from autoresearch.proposers.space import Axis, Observation, Past, Point
from tests.benchmarks import tuner_bench
from tests.benchmarks.surrogates import FUNCTIONS

EVERY = pytest.mark.parametrize("sampler", list(Sampler))
UNIT = Axis(Interval(0.0, 1.0), 0.5)
COARSE = Axis(Options((1, 2, 4, 8), ordered=True), 2)
WORD = Axis(Options(("gelu", "relu", "tanh"), ordered=False), "gelu")
WHOLE = Axis(Interval(1, 9, multiple=1), 5)
MIXED = (UNIT, UNIT, COARSE, WORD, WHOLE)


def centre(axes: tuple[Axis, ...]) -> Point:
    return tuple(axis.centre for axis in axes)


def past(*observations: Observation, cost: float = 1.0, keeps: tuple[bool, ...] = ()) -> Past:
    return Past(observations, cost, keeps)


def start(axes: tuple[Axis, ...]) -> Past:
    return past(Observation(centre(axes), 1.0))


def first(sampler: Sampler, axes: tuple[Axis, ...], known: Past, count: int = 20, seed: int = 7) -> list[Point]:
    return list(islice(suggest(sampler, axes, known, (seed, 1)), count))


def random_past(axes: tuple[Axis, ...], count: int, seed: int = 3) -> Past:
    """Costs fall with the first coordinate; every seventh experiment failed."""
    rng = np.random.default_rng(seed)
    points = [
        tuple(axis.snap(float(place)) for axis, place in zip(axes, row, strict=True))
        for row in rng.uniform(size=(count, len(axes)))
    ]
    tried = [Observation(one, None if number % 7 == 6 else 2 - one[0]) for number, one in enumerate(points)]
    return past(Observation(centre(axes), 1.5), *tried, cost=1.5)


@EVERY
@pytest.mark.parametrize("count", [0, 5, 40, 500])
@pytest.mark.parametrize("axes", [MIXED, (UNIT,), (WORD,), (COARSE, WHOLE)], ids=["mixed", "one", "word", "coarse"])
def test_every_suggestion_is_a_value_of_each_axis(sampler: Sampler, count: int, axes: tuple[Axis, ...]) -> None:
    for point in first(sampler, axes, random_past(axes, count), count=3):
        assert len(point) == len(axes)
        for axis, place in zip(axes, point, strict=True):
            assert 0 <= axis.snap(place) <= 1


@EVERY
def test_equal_pasts_and_seeds_give_equal_suggestions(sampler: Sampler) -> None:
    known = random_past(MIXED, 30)
    assert first(sampler, MIXED, known) == first(sampler, MIXED, known)
    assert first(sampler, MIXED, known) != first(sampler, MIXED, known, seed=8)


@EVERY
def test_the_first_steps_are_small(sampler: Sampler) -> None:
    axes = (UNIT,) * 14
    distances = [np.abs(np.array(point) - 0.5).mean() for point in first(sampler, axes, start(axes))]
    assert np.mean(distances) < 0.12


@EVERY
def test_failures_and_values_out_of_range_are_no_problem(sampler: Sampler) -> None:
    points = [(1.4, -0.4), (0.5, 0.5), (0.2, 0.1), *((0.05 * number, 0.3) for number in range(12))]
    known = past(Observation((0.5, 0.5), 1.0), *(Observation(point, None) for point in points))
    assert len(first(sampler, (UNIT, UNIT), known)) == 20


def test_the_local_sampler_repeats_a_direction_that_helped_and_leaves_one_that_failed() -> None:
    better = past(Observation((0.5, 0.5), 1.0), Observation((0.6, 0.5), 0.9), cost=0.9, keeps=(True,))
    axes = (Axis(UNIT.domain, 0.6), UNIT)
    assert all(point[0] >= 0.6 for point in first(Sampler.LOCAL, axes, better, count=10))
    worse = past(
        Observation((0.5, 0.5), 1.0), Observation((0.6, 0.5), None), Observation((0.7, 0.5), None), keeps=(False, False)
    )
    assert all(point[0] <= 0.5 for point in first(Sampler.LOCAL, (UNIT, UNIT), worse, count=10))


def test_the_local_sampler_prefers_the_option_that_was_good_before() -> None:
    tried = [Observation((0.5, 0.5), 0.2 + 0.1 * step) for step in range(3)]
    tried += [Observation((0.5 + 0.05 * step, 1.0), 1.5) for step in range(3)]
    points = first(Sampler.LOCAL, (UNIT, WORD), past(Observation((0.5, 0.0), 1.0), *tried), count=10)
    assert {point[1] for point in points} == {0.5}


def test_steps_grow_with_success_and_shrink_without_within_bounds() -> None:
    assert reach_after([]) == FIRST_REACH
    assert reach_after([True]) > FIRST_REACH > reach_after([False])
    assert reach_after([True] * 50) == LONGEST_REACH
    assert reach_after([False] * 50) == SHORTEST_REACH


def test_a_step_never_leaves_a_single_coarse_constant_where_it_is() -> None:
    for axis in (COARSE, WORD, WHOLE):
        moves = draw_moves((axis,), 0.05, np.random.default_rng(1))
        assert np.all(np.abs(moves[:, 0] - axis.centre) > 1e-6)


def test_the_metric_being_the_same_everywhere_is_no_problem() -> None:
    known = past(*(Observation((0.1 * number, 0.5), 1.0) for number in range(10)))
    assert len(set(first(Sampler.LOCAL, (UNIT, UNIT), known))) > 10


@pytest.mark.parametrize("function", ["bowl", "choices", "ill-conditioned", "kinks"])
def test_a_dozen_experiments_find_something_better_on_made_up_functions(function: str) -> None:
    make, sampler = FUNCTIONS[function], tuner_bench.SAMPLERS["local"]
    gains = [tuner_bench.search(make(np.random.default_rng([seed, 0])), sampler, 12, seed)[-1] for seed in range(3)]
    assert min(gains) > 0


def test_the_benchmark_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    samplers = ["local", "cmaes", "tpe", "one-at-a-time", "random"]
    functions = ["one constant", "training"]
    given = [
        "--functions",
        ",".join(functions),
        "--samplers",
        ",".join(samplers),
        "--repeats",
        "2",
        "--budgets",
        "3,12",
    ]
    tuner_bench.main(given)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[-len(samplers) :] == samplers
    assert [line[:12].strip() for line in lines[1:]] == [*functions, "mean"]
    assert all(len(line[26:].split()) == 3 * len(samplers) for line in lines[1:])
