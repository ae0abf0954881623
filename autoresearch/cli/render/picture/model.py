"""What the picture of a run shows, as values: every experiment a point, the running best as stairs, noise, holdout.

Pure: the three drawings differ in pixels and letters only. Not in here: where an axis begins and ends (`span`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import fmean, stdev

from autoresearch.cli.render.picture.span import Span, around, span_of
from autoresearch.cli.render.summary import headline
from autoresearch.cli.render.text import clean
from autoresearch.core.decision import pooled_noise
from autoresearch.core.experiment import Experiment, Outcome
from autoresearch.core.final_check import FinalCheck
from autoresearch.core.history import Direction, History

LARGEST = 1e300
"""Larger than what anybody measures; the difference of two numbers of this size is still one."""


class Kind(Enum):
    """What became of an experiment."""

    KEPT = "kept"
    REVERTED = "taken back"
    DISCARDED = "discarded"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Point:
    """One experiment. `value` is the mean of its samples, None for what stands on the rail below: it has no number, or
    none that counts. Of what was kept, that is a return which was not measured. `error` is the standard error of that
    mean; None with fewer than two samples.
    """

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
class Edge:
    """One end of the axis: the sign for what is beyond it, what that means, and what is there."""

    sign: str
    word: str
    points: tuple[Point, ...]


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

    @property
    def beyond(self) -> tuple[Edge, ...]:
        """What is beyond the ends of the axis, the worse end first."""
        values = [point for point in self.points if point.value is not None]
        high = tuple(point for point in values if point.value is not None and point.value > self.values.high)
        low = tuple(point for point in values if point.value is not None and point.value < self.values.low)
        is_min = self.direction is Direction.MIN
        edges = (Edge("▲", "worse" if is_min else "better", high), Edge("▼", "better" if is_min else "worse", low))
        return tuple(edge for edge in (edges if is_min else edges[::-1]) if edge.points)

    def of(self, kind: Kind) -> tuple[Point, ...]:
        """The points of that kind that have a value."""
        return tuple(point for point in self.points if point.kind is kind and point.value is not None)

    def held_out(self) -> tuple[float, float] | None:
        """What the holdout measured first, and of the best of what it measured (by the metric, not by the holdout)."""
        if len(self.holdout) < 2:
            return None
        metric = {point.number: point.value for point in self.points}
        costs = [(self.direction.cost(metric[one.number] or 0.0), -one.number, one.value) for one in self.holdout]
        first, best = self.holdout[0].value, min(costs)[2]
        return None if first is None or best is None else (first, best)

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
    values = [point.value for point in measured if point.value is not None]
    kept = [point.value for point in measured if point.kind is Kind.KEPT and point.value is not None]
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
        values=span_of(values, kept, history.direction, deviation or 0.0),
        last=max(point.number for point in points),
        noise=deviation,
        holdout=holdout,
        holdout_values=around([point.value for point in holdout if point.value is not None]) if holdout else None,
    )


def _point(one: Experiment, history: History) -> Point:
    kind = _kind(one, history)
    value = _metric(one, history) if kind not in (Kind.FAILED, Kind.STOPPED) else None
    error = None if value is None else _error(history.values(one.number))
    return Point(one.number, kind, clean(one.title), value, error)


def _metric(one: Experiment, history: History) -> float | None:
    value = history.metric(one.number)
    return None if value is None else min(max(value, -LARGEST), LARGEST)


def _kind(one: Experiment, history: History) -> Kind:
    if one.is_kept:
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
    best: float | None = None
    for count, one in enumerate(history.kept, 1):
        value = _metric(one, history)
        if one.reverts:
            now = _best_left(history, history.kept[:count])
        else:
            now = value if best is None or (value is not None and history.direction.improves(value, best)) else best
        if now is not None and now != best:
            best = now
            yield Step(one.number, now)


def _best_left(history: History, kept: Sequence[Experiment]) -> float | None:
    """Of what was kept so far: a return counts as long as it is not taken back itself, by a later one."""
    taken_back: set[int] = set()
    values = []
    for one in reversed(kept):
        if one.number not in taken_back:
            taken_back.update(one.reverts)
            values.append(_metric(one, history))
    return min((value for value in values if value is not None), key=history.direction.cost, default=None)
