"""The scenarios that the decision rules are tried on: made up, with sizes in deviations of one sample.

    noise          no change has any effect
    mix            of 100 changes 15 do nothing, 22 next to nothing, 54 harm and 9 gain 1 to 5
    sparse         harder: of 100 changes 50 do nothing, 44 harm and 6 gain 1 to 5
    rare           1 change in 50 gains, and much: 10 to 40
    drift          the mix on a machine whose speed wanders by 0.4 between two samples; the rule is told (`timing`)
    deterministic  the mix without noise
    whole          the mix in whole numbers: a count that is not quite reproducible
    max            the mix, with more being better
    tails          the mix with Student's noise of three degrees of freedom: now and then a sample is far off
    planted        one gain of 3 among 200 changes that do nothing

The proportions of the mix are those of a published history of 126 experiments on a small language model.

What is not here: measures with an upper or lower bound, noise that grows or shrinks with the metric.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

from autoresearch.core.history import Direction
from tests.benchmarks.simulated import Scenario

PLANTED, AMONG = 3.0, 200


def no_effects(rng: random.Random) -> Iterator[float]:
    while True:
        yield 0.0


def harm(rng: random.Random, mean: float = 3.0) -> float:
    """With a long tail, for a change can break everything."""
    return -rng.expovariate(1 / mean)


def mixed(rng: random.Random) -> Iterator[float]:
    while True:
        kind = rng.random()
        if kind < 0.15:
            yield 0.0
        elif kind < 0.37:
            yield rng.gauss(0.0, 0.5)
        else:
            yield harm(rng) if kind < 0.91 else rng.uniform(1, 5)


def sparse(rng: random.Random) -> Iterator[float]:
    while True:
        kind = rng.random()
        if kind < 0.50:
            yield 0.0
        else:
            yield harm(rng) if kind < 0.94 else rng.uniform(1, 5)


def whole_mixed(rng: random.Random) -> Iterator[float]:
    return (float(round(gain)) for gain in mixed(rng))


def rare(rng: random.Random) -> Iterator[float]:
    while True:
        kind = rng.random()
        if kind < 0.37:
            yield 0.0
        else:
            yield harm(rng, 6.0) if kind < 0.98 else rng.uniform(10, 40)


def planted(rng: random.Random) -> Iterator[float]:
    """The one gain stands anywhere among the others."""
    place = rng.randrange(AMONG + 1)
    return (PLANTED if number == place else 0.0 for number in range(AMONG + 1))


def student(rng: random.Random) -> float:
    """Student's t with three degrees of freedom, scaled to a deviation of 1 (its own variance is 3)."""
    chi_squared = 2 * rng.gammavariate(1.5, 1.0)
    return rng.gauss(0.0, 1.0) / math.sqrt(chi_squared / 3) / math.sqrt(3)


SCENARIOS = (
    Scenario("noise", no_effects),
    Scenario("mix", mixed),
    Scenario("sparse", sparse),
    Scenario("rare", rare),
    Scenario("drift", mixed, drift=0.4),
    Scenario("deterministic", mixed, noisy=False),
    Scenario("whole", whole_mixed, whole=True),
    Scenario("max", mixed, direction=Direction.MAX),
    Scenario("tails", mixed, noise=student),
    Scenario("planted", planted, samples=None),
)
