"""Functions with known optima that stand for what people tune: made up, and drawn anew from each seed.

Noise, sizes, interactions and the place of the optimum are random; the shape is what the name says. What is not here:
real training, and the loop that is run on them (`tuner_bench`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from autoresearch.proposers.ranges import Domain, Interval, Options
from autoresearch.proposers.space import Point

UNIT = Interval(0.0, 1.0)
Rng = np.random.Generator


@dataclass(frozen=True)
class Surrogate:
    """A function of places between 0 and 1 (one per domain); None where an experiment would crash."""

    domains: tuple[Domain, ...]
    start: Point
    cost: Callable[[np.ndarray], float | None]
    best: float
    noise: float


def levels(count: int) -> Options:
    return Options(tuple(range(count)), ordered=True)


def words(count: int) -> Options:
    return Options(tuple(f"option{number}" for number in range(count)), ordered=False)


def snapped(domains: Sequence[Domain], point: np.ndarray) -> np.ndarray:
    return np.array([domain.unit(domain.at(float(place))) for domain, place in zip(domains, point, strict=True)])


def bowl(rng: Rng, *, size: int = 14, away: float = 0.18, gain: float = 0.03, noise: float = 0.0015) -> Surrogate:
    """Fourteen constants of very different weight with interactions, four of them coarse; three have a cliff."""
    domains = (UNIT,) * (size - 4) + (levels(7),) * 4
    start = np.full(size, 0.5)
    optimum = snapped(domains, np.clip(start + rng.normal(0, away, size), 0.05, 0.95))
    weight = np.exp(rng.normal(0, 1.2, size))
    shape = np.diag(weight)
    for _ in range(size):
        one, other = rng.choice(size, 2, replace=False)
        shape[one, other] += (pull := 0.25 * rng.uniform(-1, 1) * math.sqrt(weight[one] * weight[other]))
        shape[other, one] += pull
    scale, axes = np.linalg.eigh(shape)
    shape = (axes * np.maximum(scale, 0.005 * scale.max())) @ axes.T
    full = (start - optimum) @ shape @ (start - optimum)
    cliffs = {int(index): max(optimum[index] + 0.2, 0.7) for index in rng.choice(size - 4, 3, replace=False)}

    def cost(point: np.ndarray) -> float | None:
        if any(point[index] > edge for index, edge in cliffs.items()):
            return None
        share = (point - optimum) @ shape @ (point - optimum) / full
        return 0.968 + gain * 1.15 * share / (1 + 0.15 * share)

    return Surrogate(domains, tuple(start), cost, 0.968, noise)


def few_matter(rng: Rng) -> Surrogate:
    """Twenty constants, three of which do something."""
    start, optimum = np.full(20, 0.5), np.full(20, 0.5)
    which = rng.choice(20, 3, replace=False)
    optimum[which] += rng.choice([-1, 1], 3) * rng.uniform(0.15, 0.4, 3)
    full = float(((start - optimum) ** 2).sum())
    return Surrogate((UNIT,) * 20, tuple(start), lambda x: ((x - optimum)[which] ** 2).sum() / full, 0.0, 0.05)


def ill_conditioned(rng: Rng) -> Surrogate:
    """Ten constants in a rotated valley a thousand times longer than wide (in curvature)."""
    turn, _ = np.linalg.qr(rng.normal(size=(10, 10)))
    shape = (turn * 10 ** np.linspace(0, -3, 10)) @ turn.T
    start = np.full(10, 0.5)
    optimum = np.clip(start + rng.normal(0, 0.2, 10), 0, 1)
    full = (start - optimum) @ shape @ (start - optimum)
    return Surrogate((UNIT,) * 10, tuple(start), lambda x: (x - optimum) @ shape @ (x - optimum) / full, 0.0, 0.01)


def with_choices(rng: Rng) -> Surrogate:
    """Three unordered choices, three coarse and four continuous constants."""
    domains = (words(3), words(4), words(3), levels(4), levels(5), levels(3), UNIT, UNIT, UNIT, UNIT)
    effects = [rng.normal(0, 0.3, count) for count in (3, 4, 3)]
    start = np.array([0, 0, 0, 1 / 3, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5])
    optimum = snapped(domains, np.clip(start + rng.normal(0, 0.25, 10), 0, 1))
    weight = 4 * np.exp(rng.normal(0, 0.7, 10))

    def cost(point: np.ndarray) -> float:
        chosen = sum(effect[round(place * (len(effect) - 1))] for effect, place in zip(effects, point, strict=False))
        return float(chosen + (weight * (point - optimum) ** 2)[3:].sum())

    best = float(sum(effect.min() for effect in effects))
    return Surrogate(domains, tuple(start), cost, best, 0.03 * (cost(start) - best))


def deceptive(rng: Rng) -> Surrogate:
    """A near, shallow optimum on one side, the far, deep one on the other, and ripples."""
    start, way = np.full(8, 0.5), rng.choice([-1, 1], 8) * 0.3
    near, far = start - way * rng.uniform(0.2, 0.4, 8), start + way

    def cost(point: np.ndarray) -> float:
        ripple = 0.02 * np.cos(25 * (point - near)).mean()
        return float(min(0.55 + 3 * ((point - near) ** 2).sum(), 8 * ((point - far) ** 2).sum()) + ripple)

    return Surrogate((UNIT,) * 8, tuple(start), cost, -0.02, 0.01)


def plateaus(rng: Rng) -> Surrogate:
    """Eight constants, and a metric that takes about twenty values, as an accuracy on few examples does."""
    smooth = bowl(rng, size=8, noise=0.0)

    def cost(point: np.ndarray) -> float | None:
        value = smooth.cost(point)
        return None if value is None else round((value - smooth.best) / 0.03 * 20) / 20

    return Surrogate(smooth.domains, smooth.start, cost, 0.0, 0.0)


def kinks(rng: Rng) -> Surrogate:
    """Ten constants, each with a sharp edge at its optimum."""
    start = np.full(10, 0.5)
    optimum, weight = np.clip(start + rng.normal(0, 0.2, 10), 0, 1), np.exp(rng.normal(0, 1, 10))
    full = float((weight * np.abs(start - optimum)).sum())
    return Surrogate((UNIT,) * 10, tuple(start), lambda x: (weight * np.abs(x - optimum)).sum() / full, 0.0, 0.03)


def one_constant(rng: Rng) -> Surrogate:
    optimum = 0.5 + rng.choice([-1, 1]) * rng.uniform(0.15, 0.45)
    full = (0.5 - optimum) ** 2
    return Surrogate((UNIT,), (0.5,), lambda x: (x[0] - optimum) ** 2 / full, 0.0, 0.05)


WIDTHS = (32, 48, 64, 96, 128)
MINOR = 8


def training(rng: Rng) -> Surrogate:
    """A small model trained for a fixed time: sizes trade steps for capacity, learning rates depend on both.

    Rates that are far too large diverge. Axes: two learning rates, batch, depth, width, context, and eight lesser ones.
    """
    domains = (UNIT, UNIT, levels(5), levels(4), levels(5), levels(4), *(UNIT,) * MINOR)
    minor_start = rng.uniform(0, 0.8, MINOR)
    start = np.array([0.5, 0.5, 0.25, 1 / 3, 0.5, 2 / 3, *minor_start])
    rates, minor = rng.normal(0, 0.35, 2), np.clip(minor_start + rng.normal(0, 0.25, MINOR), 0, 1)
    weights, power, slow = np.exp(rng.normal(math.log(0.03), 0.8, MINOR)), rng.uniform(0.3, 0.7), rng.uniform(0.5, 1.2)

    def cost(point: np.ndarray) -> float | None:
        batch, depth = 2 * 2 ** round(point[2] * 4), 1 + round(point[3] * 3)
        width, context = WIDTHS[round(point[4] * 4)], 64 * 2 ** round(point[5] * 3)
        size = depth * width**2 / 8192
        steps = 2000 / (0.4 + slow * (batch * context / 1024) ** 0.85 * size**0.8)
        loss = 1.9 + 0.5 * size**-0.12 + 0.28 * (steps / 600) ** -power
        loss += 0.12 * (batch * context / 1024) ** -0.5 + 0.08 * (context / 256) ** -0.7
        ideal = rates + 0.35 * math.log(batch / 4) - 0.2 * math.log(width / 64)
        off = (point[:2] - 0.5) * (4.6, 5.8) - ideal
        if off.max() > 2.2:
            return None
        loss += float(((0.05, 0.035) * off**2 * np.where(off > 0, 1.5, 1.0)).sum())
        return loss + float((weights * (point[6:] - minor) ** 2).sum())

    known = cost(start)
    assert known is not None
    return Surrogate(domains, tuple(start), cost, polished(domains, start, cost, rng), 0.005)


def polished(
    domains: Sequence[Domain], start: np.ndarray, cost: Callable[[np.ndarray], float | None], rng: Rng
) -> float:
    """About the best cost there is: 1,500 random steps without noise that grow shorter."""
    best, value = start, cost(start)
    assert value is not None
    for turn in range(1500):
        point = best.copy()
        which = rng.choice(len(point), rng.integers(1, 4), replace=False)
        point[which] += rng.normal(0, 0.22 - 0.2 * turn / 1500, len(which))
        new = cost(point := snapped(domains, point))
        if new is not None and new < value:
            best, value = point, new
    return value


FUNCTIONS: dict[str, Callable[[Rng], Surrogate]] = {
    "training": training,
    "bowl": bowl,
    "noisy bowl": lambda rng: bowl(rng, noise=0.006),
    "near optimum": lambda rng: bowl(rng, away=0.07, gain=0.006),
    "few matter": few_matter,
    "ill-conditioned": ill_conditioned,
    "choices": with_choices,
    "deceptive": deceptive,
    "plateaus": plateaus,
    "kinks": kinks,
    "one constant": one_constant,
}
