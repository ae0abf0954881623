"""Constants as the samplers see them: one axis each, from 0 to 1, and the experiments as points. Pure.

What is not here: how the record is read into this form (`trials`), and how the next point is chosen (`sampling`).
"""

from __future__ import annotations

from dataclasses import dataclass

from autoresearch.proposers.ranges import Domain, Interval, Options, Value

Point = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Axis:
    """One constant: where it may go, and its present value, from which steps are taken."""

    domain: Domain
    value: Value

    @property
    def centre(self) -> float:
        """The place of the present value; outside 0 to 1 when it lies outside its range."""
        return self.place(self.value)

    @property
    def unordered(self) -> int:
        """How many options, where none of them is nearer to the present one than the others; else 0."""
        return len(self.domain.values) if isinstance(self.domain, Options) and not self.domain.ordered else 0

    @property
    def least(self) -> float:
        """The smallest step that leads to another value; 0 for what is continuous."""
        match self.domain:
            case Options(values=values):
                return 1 / (len(values) - 1)
            case Interval(multiple=multiple) if multiple and not isinstance(self.value, str):
                steps = (self.domain.unit(self.value + way * multiple) - self.centre for way in (1, -1))
                return min(1.0, max(abs(step) for step in steps))
            case Interval():
                return 0.0

    def place(self, value: Value) -> float:
        """Raises ValueError for what cannot be compared with the values of this axis."""
        match self.domain:
            case Options() as domain:
                return domain.unit(value)
            case Interval() as domain:
                return domain.unit(float(value))

    def at(self, place: float) -> Value:
        """The value there; the present one, however long, exactly where it stands."""
        return self.value if place == self.centre else self.domain.at(place)

    def snap(self, place: float) -> float:
        """The place of the value that would be written."""
        return self.place(self.at(place))


@dataclass(frozen=True, slots=True)
class Observation:
    """An experiment: its point, and its metric as something to be minimised; None when it failed."""

    point: Point
    cost: float | None


@dataclass(frozen=True, slots=True)
class Past:
    """What samplers may know."""

    observations: tuple[Observation, ...]
    """Oldest first; the incumbent is one of them."""
    incumbent_cost: float
    keeps: tuple[bool, ...]
    """Which of the tuner's own proposals were kept, oldest first."""

    @property
    def measured(self) -> tuple[float, ...]:
        return tuple(one.cost for one in self.observations if one.cost is not None)
