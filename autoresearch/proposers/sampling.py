"""Which values next: three samplers behind one function, all of which start near the incumbent.

    local   a quadratic model of the record, small steps from the incumbent (`local`); the default
    cmaes   CMA-ES, all constants at once
    tpe     Optuna's multivariate tree-structured Parzen estimator

They hold no state: each call builds it anew from what it is given, in a time that does not grow with the run. What is
not here: files and literals (`constants`), and whether a suggestion was tried before (`tuner`).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from enum import StrEnum

import numpy as np

from autoresearch.proposers.local import draw_moves, suggest_local
from autoresearch.proposers.space import Axis, Past, Point

SIGMA = 0.1
"""First standard deviation of CMA-ES, as a share of each range."""
TPE_START = 10
"""Experiments before TPE: until then random steps, as it would otherwise draw from the whole range."""


class Sampler(StrEnum):
    """How the next values are chosen."""

    LOCAL = "local"
    CMAES = "cmaes"
    TPE = "tpe"


def suggest(sampler: Sampler, axes: Sequence[Axis], past: Past, seed: Sequence[int]) -> Iterator[Point]:
    """Points to try, best first, without end; some may repeat. Equal arguments give equal points."""
    rng = np.random.default_rng(list(seed))
    match sampler:
        case Sampler.LOCAL:
            return suggest_local(axes, past, rng)
        case Sampler.CMAES:
            return _suggest_cmaes(axes, past, rng)
        case Sampler.TPE:
            return _suggest_tpe(axes, past, rng)


def _suggest_cmaes(axes: Sequence[Axis], past: Past, rng: np.random.Generator) -> Iterator[Point]:
    """The record is told generation by generation, as if it had been asked for."""
    import cmaes  # noqa: PLC0415 (only where this sampler is chosen)

    dimensions = max(2, len(axes))  # it cannot do with one
    spare = (0.5,) * (dimensions - len(axes))
    told = [np.array([*point, *spare]) for point in (one.point for one in past.observations)]
    start = np.clip(told[0] if told else [*(axis.centre for axis in axes), *spare], 0, 1)
    bounds = np.array([[0.0, 1.0]] * dimensions)
    optimiser = cmaes.CMA(mean=start, sigma=SIGMA, bounds=bounds, seed=int(rng.integers(2**31)))
    solutions = list(zip(told[1:], _costs(past)[1:], strict=True))
    size = optimiser.population_size
    for end in range(size, len(solutions) + 1, size):
        optimiser.tell(solutions[end - size : end])
    while True:
        yield tuple(float(place) for place in optimiser.ask()[: len(axes)])


def _suggest_tpe(axes: Sequence[Axis], past: Past, rng: np.random.Generator) -> Iterator[Point]:
    if len(past.measured) < TPE_START:
        while True:
            yield from (tuple(move) for move in draw_moves(axes, SIGMA, rng))
    import optuna  # noqa: PLC0415 (only where this sampler is chosen)

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    names = [str(number) for number in range(len(axes))]
    floats = optuna.distributions.FloatDistribution(0.0, 1.0)
    space = {
        name: optuna.distributions.CategoricalDistribution(range(axis.unordered)) if axis.unordered else floats
        for name, axis in zip(names, axes, strict=True)
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "multivariate is experimental"
        sampler = optuna.samplers.TPESampler(multivariate=True, n_startup_trials=0, seed=int(rng.integers(2**31)))
    study = optuna.create_study(sampler=sampler)
    for one, cost in zip(past.observations, _costs(past), strict=True):
        params = {name: _told(axis, place) for name, axis, place in zip(names, axes, one.point, strict=True)}
        study.add_trial(optuna.trial.create_trial(params=params, distributions=space, value=cost))
    while True:
        params = study.ask(space).params
        yield tuple(
            params[name] * (axis.least if axis.unordered else 1) for name, axis in zip(names, axes, strict=True)
        )


def _told(axis: Axis, place: float) -> float | int:
    """A place as TPE knows it: the number of an unordered option, or clipped to the range."""
    return round(place / axis.least) if axis.unordered else min(1.0, max(0.0, place))


def _costs(past: Past) -> list[float]:
    """Failures are a little worse than the worst that was measured."""
    worst = max(past.measured, default=past.incumbent_cost)
    failed = worst + 0.1 * (worst - min(past.measured, default=worst)) + 1e-9
    return [failed if one.cost is None else one.cost for one in past.observations]
