"""What the picture of a run shows, as values: every experiment a point, the running best as stairs, noise, holdout.

Pure: the three drawings differ in pixels and letters only. Where an axis begins and ends is decided here, because it
decides what can be seen: the stretch in which things happened fills the picture, what is much worse stands at its edge.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import fmean, stdev

from autoresearch.cli.render.summary import headline
from autoresearch.cli.render.text import clean
from autoresearch.core.decision import pooled_noise
from autoresearch.core.experiment import Experiment, Outcome
from autoresearch.core.final_check import FinalCheck
from autoresearch.core.history import Direction, History

MARGIN, REACH = 0.08, 1.25
"""Room beyond the outermost values; and how far behind the best a value is still drawn where it belongs. Both as parts
of the stretch in which things happened."""
USUAL = 0.75
"""So large a part of all values lies in that stretch, however bad the rest is."""


class Kind(Enum):
    """What became of an experiment."""

    KEPT = "kept"
    REVERTED = "taken back"
    DISCARDED = "discarded"
    FAILED = "failed"
    STOPPED = "not finished"


@dataclass(frozen=True, slots=True)
class Point:
    """One experiment. `value` is the mean of its samples, None for what stands on the rail below: it has no number, or
    none that counts. `error` is the standard error of that mean; None with fewer than two samples."""

    number: int
    kind: Kind
    name: str
    value: float | None = None
    error: float | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """From this experiment on the running best is `value`."""

    number: int
    value: float


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


@dataclass(frozen=True, slots=True)
class Picture:
    """All that is drawn. `noise` is the standard deviation of one sample; `last` the highest number of an experiment.

    `holdout` are the kept experiments that the holdout measured, in a unit of its own that may not be the metric's.
    """

    title: str
    headline: str
    metric_name: str
    direction: Direction
    points: tuple[Point, ...]
    stairs: tuple[Step, ...]
    values: Span
    last: int
    noise: float | None = None
    holdout: tuple[Point, ...] = ()
    holdout_values: Span | None = None

    @property
    def axis_name(self) -> str:
        """`val_bpb (lower is better)`."""
        return f"{self.metric_name} ({'lower' if self.direction is Direction.MIN else 'higher'} is better)"

    @property
    def rail(self) -> tuple[Point, ...]:
        """What has no number that counts."""
        return tuple(point for point in self.points if point.value is None)

    def of(self, kind: Kind) -> tuple[Point, ...]:
        """The points of that kind that have a value."""
        return tuple(point for point in self.points if point.kind is kind and point.value is not None)

    def best_at(self, number: int) -> float | None:
        """The running best when that experiment had ended."""
        return next((step.value for step in reversed(self.stairs) if step.number <= number), None)

    def named(self) -> list[Point]:
        """Kept experiments, the ones that one most wants to read the names of first: the best, then by their gain."""
        kept = self.of(Kind.KEPT)
        cost = {point.number: self.direction.cost(point.value) for point in kept if point.value is not None}
        best, gains = math.inf, {}
        for point in kept:
            gains[point.number] = best - cost[point.number]
            best = min(best, cost[point.number])
        top = min(cost, key=lambda number: (cost[number], number), default=None)
        return sorted(kept, key=lambda point: (point.number != top, -gains[point.number], point.number))


def picture(history: History, title: str, final: FinalCheck | None = None) -> Picture | None:
    """The picture of a run; None as long as no experiment has a number."""
    points = tuple(_point(one, history) for one in history.experiments)
    measured = [point for point in points if point.value is not None]
    if not measured:
        return None
    noise = pooled_noise(history.groups())
    deviation = noise.deviation if noise.freedom and noise.deviation > 0 else None
    holdout = tuple(_held_out(history, point) for point in measured if history.holdout(point.number))
    return Picture(
        title=clean(title),
        headline=headline(history, final),
        metric_name=clean(history.metric_name),
        direction=history.direction,
        points=points,
        stairs=tuple(_stairs(history)),
        values=_values(measured, history.direction, deviation or 0.0),
        last=max(point.number for point in points),
        noise=deviation,
        holdout=holdout,
        holdout_values=_wide([point.value for point in holdout if point.value is not None]) if holdout else None,
    )


def _point(one: Experiment, history: History) -> Point:
    kind = _kind(one, history)
    value = history.metric(one.number) if kind not in (Kind.FAILED, Kind.STOPPED) else None
    return Point(one.number, kind, clean(one.title), value, _error(history.values(one.number)) if value else None)


def _kind(one: Experiment, history: History) -> Kind:
    if one.is_kept and history.metric(one.number) is not None:
        return Kind.REVERTED if history.is_reverted(one.number) else Kind.KEPT
    if one.outcome.is_failure:
        return Kind.FAILED
    return Kind.DISCARDED if one.outcome is Outcome.MEASURED else Kind.STOPPED


def _error(values: Sequence[float]) -> float | None:
    return stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None


def _held_out(history: History, point: Point) -> Point:
    values = history.holdout(point.number)
    return Point(point.number, point.kind, point.name, fmean(values), _error(values))


def _stairs(history: History) -> Iterator[Step]:
    """The best of what was kept and not yet taken back, wherever that changes."""
    live: dict[int, float] = {}
    taken_back: dict[int, float] = {}
    best: float | None = None
    for one in history.kept:
        for number in one.reverts:
            undone = history.get(number)
            live |= {again: taken_back.pop(again) for again in (undone.reverts if undone else ()) if again in taken_back}
            if number in live:
                taken_back[number] = live.pop(number)
        value = history.metric(one.number)
        if value is None:
            continue
        live[one.number] = value
        if one.reverts:
            now = min(live.values(), key=history.direction.cost)
        else:
            now = value if best is None or history.direction.improves(value, best) else best
        if now != best:
            best = now
            yield Step(one.number, now)


def _values(points: Sequence[Point], direction: Direction, noise: float) -> Span:
    """From the best value to the worst that belongs to the story: all that was kept, and most of the rest."""
    costs = sorted(direction.cost(point.value) for point in points if point.value is not None)
    kept = [direction.cost(point.value) for point in points if point.kind is Kind.KEPT and point.value is not None]
    best = costs[0]
    usual = costs[math.ceil(USUAL * len(costs)) - 1]
    stretch = max([usual - best, *(cost - best for cost in kept)]) + noise
    worst = min(costs[-1], best + REACH * stretch)
    shown = [cost for cost in (best - noise, worst) if math.isfinite(cost)]
    return _wide([direction.cost(cost) for cost in shown] or [0.0])


def _wide(values: Sequence[float]) -> Span:
    """A span with some room on both sides, also around a single value."""
    low, high = min(values), max(values)
    room = MARGIN * (high - low) or abs(high) * 0.01 or 1.0
    return Span(low - room, high + room)
