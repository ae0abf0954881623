"""Where an axis begins and ends: what happened fills the picture, and what is much worse stands at its edge."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from autoresearch.core.history import Direction

MARGIN, REACH = 0.08, 1.25
"""Room beyond the outermost values; and how far behind the best a value is still drawn where it belongs. Both as parts
of the stretch in which things happened."""
USUAL, MOST = 0.75, 2.0
"""So large a part of all values lies in that stretch, however bad the rest is; unless it would then be longer than so
many times what was gained, or than as many times twice the noise: the stairs must be seen."""
BETTER = 3.0
"""So many of these stretches before the best kept one a value that was not kept is still drawn where it belongs."""


@dataclass(frozen=True, slots=True)
class Span:
    """The ends of an axis; `low` is below `high`."""

    low: float
    high: float

    def part(self, value: float) -> float:
        """Where a value lies: 0 at `low`, 1 at `high`; what is beyond an end lies at it."""
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


def span_of(measured: Sequence[float], kept: Sequence[float], direction: Direction, noise: float) -> Span:
    """From the best value to the worst that belongs to the story: all that was `kept`, and most of the rest.

    `measured` are all values (one or more), `noise` the standard deviation of a sample, all in the metric's unit.
    """
    costs, kept = sorted(map(direction.cost, measured)), [direction.cost(value) for value in kept]
    best = min(kept, default=costs[0])
    usual = max(costs[math.ceil(USUAL * len(costs)) - 1] - best, 0.0)
    gained = max(kept, default=best) - best
    stretch = max(gained, min(usual, MOST * max(gained, 2 * noise)) if gained else usual) + noise
    first = max(costs[0], best - BETTER * stretch) if stretch else costs[0]
    last = min(costs[-1], best + REACH * stretch) if stretch else best
    return around([direction.cost(min(first, best - noise)), direction.cost(last)])


def around(values: Sequence[float]) -> Span:
    """A span with some room on both sides, also around a single value."""
    low, high = min(values), max(values)
    room = MARGIN * (high - low) or abs(high) * 0.01 or 1.0
    return Span(low - room, high + room)
