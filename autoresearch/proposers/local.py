"""Small steps from the incumbent, to where a quadratic model of the record expects the most.

The model is Bayesian ridge regression of the metric on steps from the incumbent: slopes, curvatures, products of two
steps, and one level per unordered option, each with a normal prior. It is fitted in kernel form, so that its cost
depends on the number of experiments looked at and hardly on the number of constants; experiments far away count less.
Some random steps are drawn, of one to six constants each, and ordered by what the model expects plus a share of what
it does not know. A step that helped makes the next ones longer, one that did not makes them shorter.

Measured against CMA-ES, TPE and plainer steps by `tests/benchmarks/tuner_bench.py`. What is not here: rounding to
values that can be written (`space`), and leaving out what was tried (`tuner`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from autoresearch.proposers.space import Axis, Past, Point

Array: TypeAlias = NDArray[np.float64]

MOVES = 150
"""Steps drawn for one proposal."""
TOGETHER = (1, 2, 3, 4, 6)
"""How many constants one step changes: each number as often."""
NEAREST = 64
"""Experiments that the model is fitted to. More gained nothing, and from about 100 on the linear algebra uses threads,
which cost 300 ms instead of one while an experiment has the cores."""
NEAR = 0.35
"""Distance from the incumbent at which an experiment counts half."""
NOISE = 2e-3
"""Variance of a sample, in units of the variance that a step over the whole range may have by the prior."""
PRIOR_SLOPE, PRIOR_CURVATURE, PRIOR_PRODUCT, PRIOR_OPTION = 1.0, 8.0, 1.0, 0.1
"""Variances of the model's coefficients before any experiment."""
CURIOSITY = 0.25
"""Standard deviations of its own ignorance that the model adds to what it expects of a step."""
FIRST_REACH, SHORTEST_REACH, LONGEST_REACH = 0.12, 0.05, 0.3
"""Length of a step of one constant, as a share of its range."""
VARIETY = 0.3
"""Standard deviation of the logarithm of the lengths of steps."""
LONGER, SHORTER = 1.35, 0.94
"""What a kept and a discarded proposal make of the reach: even at one kept of six."""


def reach_after(keeps: Sequence[bool]) -> float:
    """The length of the next step, from what became of the earlier ones."""
    reach = FIRST_REACH
    for kept in keeps:
        reach = min(LONGEST_REACH, max(SHORTEST_REACH, reach * (LONGER if kept else SHORTER)))
    return reach


def suggest_local(axes: Sequence[Axis], past: Past, rng: np.random.Generator) -> Iterator[Point]:
    """Points, the most promising first; when those are used up, random steps that grow longer. Endless."""
    reach = reach_after(past.keeps)
    moves = draw_moves(axes, reach, rng)
    promise = _Model(axes, past).promise(moves)
    yield from (tuple(moves[index]) for index in np.argsort(-promise, kind="stable"))
    while True:
        reach = min(1.0, 1.5 * reach)
        yield from (tuple(move) for move in draw_moves(axes, reach, rng))


def draw_moves(axes: Sequence[Axis], reach: float, rng: np.random.Generator) -> Array:
    """Random points around the incumbent, [MOVES, axes]. Steps of many constants at once are shorter in each."""
    centre = np.array([axis.centre for axis in axes])
    least = np.array([axis.least for axis in axes])
    shape = (MOVES, len(axes))
    count = np.minimum(rng.choice(TOGETHER, MOVES), len(axes))[:, None]
    changed = rng.permuted(np.broadcast_to(np.arange(len(axes)), shape), axis=1) < count
    length = reach / count**0.25
    # a coarse constant that changes with many others does so rarely: its smallest step is a large one
    changed &= (count <= 3) | (rng.random(shape) < length / np.maximum(least, 1e-9))
    step = np.maximum(length * np.exp(rng.normal(0, VARIETY, shape)), least) * rng.choice([-1.0, 1.0], shape)
    turned = np.where((centre + step < 0) | (centre + step > 1), centre - step, centre + step)
    moves = np.where(changed, np.clip(turned, 0, 1), centre)
    for column, axis in enumerate(axes):
        rows = np.flatnonzero(changed[:, column])
        if axis.unordered:
            other = round(axis.centre / axis.least) + rng.integers(1, axis.unordered, len(rows))
            moves[rows, column] = other % axis.unordered * axis.least
        else:
            moves[rows, column] = [axis.snap(place) for place in moves[rows, column].tolist()]
    return moves


class _Model:
    """The metric near the incumbent, relative to it, in units of the spread of the record; smaller is better."""

    def __init__(self, axes: Sequence[Axis], past: Past) -> None:
        self.centre = np.array([axis.centre for axis in axes])
        self.options = np.array([axis.unordered for axis in axes])
        points = np.array([one.point for one in past.observations]).reshape(-1, len(axes))
        distance = ((points - self.centre) ** 2).sum(axis=1)
        nearest = np.argsort(distance, kind="stable")[:NEAREST]
        self.known = self._features(points[nearest])
        costs = _standardised(past)[nearest]
        noise = NOISE * (1 + distance[nearest] / NEAR**2)
        # the constant: the incumbent's own number has its luck in it too
        covariance = self._kernel(self.known, self.known) + NOISE + np.diag(noise)
        self.root = np.linalg.cholesky(covariance)
        self.fitted = np.linalg.solve(self.root, costs)
        self.variance = (self.fitted @ self.fitted + 0.5) / (len(costs) + 1)

    def promise(self, moves: Array) -> Array:
        """Expected gain of each move plus a share of the standard deviation of that, [moves]."""
        features = self._features(moves)
        projected = np.linalg.solve(self.root, self._kernel(self.known, features))
        unknown = self._prior(features) - (projected**2).sum(axis=0)
        promise: Array = CURIOSITY * np.sqrt(self.variance * np.maximum(unknown, 0)) - projected.T @ self.fitted
        return promise

    def _features(self, points: Array) -> tuple[Array, Array]:
        """Steps from the incumbent, and one column of 0 and 1 per unordered option that is not the present one."""
        ordered = self.options == 0
        steps = (points - self.centre)[:, ordered]
        columns = [np.zeros(len(points))]
        for index in np.flatnonzero(~ordered):
            places = np.arange(self.options[index]) / (self.options[index] - 1)
            others = places[np.abs(places - self.centre[index]) > 1e-9]
            columns.extend((np.abs(points[:, index] - place) < 1e-9).astype(float) for place in others)
        return steps, np.stack(columns, axis=1)

    def _kernel(self, first: tuple[Array, Array], second: tuple[Array, Array]) -> Array:
        """Covariance of two sets of points by the prior. [first, second]"""
        product = first[0] @ second[0].T
        curved = (first[0] ** 2) @ (second[0] ** 2).T
        options = first[1] @ second[1].T
        return _weighed(product, curved, options)

    def _prior(self, features: tuple[Array, Array]) -> Array:
        """The diagonal of the kernel of points with themselves."""
        square = (features[0] ** 2).sum(axis=1)
        curved = (features[0] ** 4).sum(axis=1)
        options = (features[1] ** 2).sum(axis=1)
        return _weighed(square, curved, options)


def _weighed(product: Array, curved: Array, options: Array) -> Array:
    weighed: Array = (
        PRIOR_SLOPE * product + PRIOR_CURVATURE * curved + PRIOR_PRODUCT * product**2 + PRIOR_OPTION * options
    )
    return weighed


def _standardised(past: Past) -> Array:
    """Costs relative to the incumbent in units of their spread; failures as bad, outliers cut at three."""
    measured = np.abs(np.array(past.measured) - past.incumbent_cost)
    spread = max(float(np.quantile(measured, 0.75) if len(measured) > 3 else max(measured, default=0.0)), 1e-12)
    costs = [1.5 if one.cost is None else (one.cost - past.incumbent_cost) / spread for one in past.observations]
    clipped: Array = np.clip(np.array(costs), -3.0, 3.0)
    return clipped
