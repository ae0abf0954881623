"""Compares the tuner's samplers on made-up functions, in the loop's own way: keep what is better on one sample.

    python -m tests.benchmarks.tuner_bench                  everything; about half an hour on one core
    python -m tests.benchmarks.tuner_bench --samplers local,tpe --functions training,bowl --repeats 10

Printed per function and sampler: the share of the gain that can be had (0: still at the start, 1: at the optimum)
after 12, 30 and 100 experiments, and in how many of 100 runs the first 12 experiments truly gained something. Two
samplers are only here, for comparison: `random` over the whole range, and `one-at-a-time`. What is not here: timing,
real training.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from statistics import fmean

import numpy as np

from autoresearch.proposers.sampling import Sampler, suggest
from autoresearch.proposers.space import Axis, Observation, Past, Point
from tests.benchmarks.surrogates import FUNCTIONS, Rng, Surrogate

BUDGETS = (12, 30, 100)
Suggest = Callable[[Sequence[Axis], Past, Sequence[int]], Iterator[Point]]


def suggest_random(axes: Sequence[Axis], past: Past, seed: Sequence[int]) -> Iterator[Point]:
    rng = np.random.default_rng(list(seed))
    while True:
        yield tuple(rng.uniform(size=len(axes)))


def suggest_one_at_a_time(axes: Sequence[Axis], past: Past, seed: Sequence[int]) -> Iterator[Point]:
    rng = np.random.default_rng(list(seed))
    while True:
        point = [axis.centre for axis in axes]
        index = int(rng.integers(len(axes)))
        point[index] += max(axes[index].least, rng.uniform(0.05, 0.25)) * rng.choice([-1, 1])
        yield tuple(point)


SAMPLERS: dict[str, Suggest] = {
    **{sampler.value: partial(suggest, sampler) for sampler in Sampler},
    "one-at-a-time": suggest_one_at_a_time,
    "random": suggest_random,
}


def search(task: Surrogate, sampler: Suggest, experiments: int, seed: int) -> list[float]:
    """The incumbent's true share of the possible gain after 0, 1, ... experiments."""
    rng = np.random.default_rng([seed, 1])

    def measure(point: Point) -> float | None:
        cost = task.cost(np.array(point))
        return None if cost is None else cost + task.noise * float(rng.normal())

    start = task.cost(np.array(task.start))
    cost = measure(task.start)
    assert start is not None
    assert cost is not None
    incumbent, observations, keeps, gains = task.start, [Observation(task.start, cost)], [], [0.0]
    for number in range(1, experiments + 1):
        values = [domain.at(place) for domain, place in zip(task.domains, incumbent, strict=True)]
        axes = [Axis(domain, value) for domain, value in zip(task.domains, values, strict=True)]
        past = Past(tuple(observations), cost, tuple(keeps))
        point = first_new(axes, sampler(axes, past, (seed, number)), {one.point for one in observations})
        if point is None:
            gains.append(gains[-1])
            continue
        observed = measure(point)
        observations.append(Observation(point, observed))
        keeps.append(observed is not None and observed < cost)
        if observed is not None and observed < cost:
            incumbent, cost = point, observed
        true = task.cost(np.array(incumbent))
        assert true is not None
        gains.append((start - true) / (start - task.best))
    return gains


def first_new(axes: Sequence[Axis], points: Iterator[Point], known: set[Point]) -> Point | None:
    """None when 300 suggestions were all tried before."""
    for point in islice(points, 300):
        snapped = tuple(axis.snap(place) for axis, place in zip(axes, point, strict=True))
        if snapped not in known:
            return snapped
    return None


def row(make: Callable[[Rng], Surrogate], sampler: Suggest, repeats: int, budgets: Sequence[int]) -> list[float]:
    """Mean gain at each budget, and how often the first gained at least a fiftieth."""
    runs = [search(make(np.random.default_rng([seed, 0])), sampler, max(budgets), seed) for seed in range(repeats)]
    return [fmean(run[budget] for run in runs) for budget in budgets] + [fmean(run[budgets[0]] > 0.02 for run in runs)]


def table(functions: Sequence[str], samplers: Sequence[str], repeats: int, budgets: Sequence[int]) -> Iterator[str]:
    """The lines of the table, as they are ready."""
    heading = "  ".join(f"{name:^{6 * len(budgets) + 4}}" for name in samplers)
    yield f"{'gain after ' + ', '.join(map(str, budgets)):26}{heading}"
    rows: dict[str, list[list[float]]] = {name: [] for name in samplers}
    for function in functions:
        for name in samplers:
            rows[name].append(row(FUNCTIONS[function], SAMPLERS[name], repeats, budgets))
        yield line(function, [rows[name][-1] for name in samplers])
    yield line("mean", [[fmean(column) for column in zip(*rows[name], strict=True)] for name in samplers])


def line(title: str, results: Sequence[Sequence[float]]) -> str:
    cells = ["".join(f"{gain:6.2f}" for gain in gains) + f"{100 * often:4.0f}" for *gains, often in results]
    return f"{title:26}" + "  ".join(cells)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--functions", default=",".join(FUNCTIONS), help="comma-separated")
    parser.add_argument("--samplers", default=",".join(SAMPLERS), help="comma-separated")
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--budgets", default=",".join(map(str, BUDGETS)), help="experiments, ascending")
    given = parser.parse_args(arguments)
    budgets = [int(text) for text in given.budgets.split(",")]
    for text in table(given.functions.split(","), given.samplers.split(","), given.repeats, budgets):
        print(text, flush=True)


if __name__ == "__main__":
    main()
