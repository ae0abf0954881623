"""The picture as SVG for a page: shapes with classes, so that the page's style colours them, light and dark.

Each experiment is a link to its row, and says what it is when it is pointed at. No text gets in unescaped.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from rich.cells import cell_len

from autoresearch.cli.render.picture.labels import Label, Room, placed
from autoresearch.cli.render.picture.model import Kind, Picture, Point
from autoresearch.cli.render.picture.scale import ticks
from autoresearch.cli.render.picture.span import Span
from autoresearch.cli.render.text import fit
from autoresearch.core.history import Direction
from autoresearch.core.quantity import format_metric

WIDTH, HEIGHT, BELOW = 1000, 460, 90
LEFT, TOP, RIGHT, BOTTOM = 70, 28, 100, 40
RAIL = 16
"""Height of the strip for what has no number."""
FONT, LETTER, LONGEST_NAME, TILT = 11.0, 0.54, 36, 30.0
FEW, MANY = 60, 400


def svg(picture: Picture) -> str:
    """One `<svg>` element, with a second, smaller chart below where there is a holdout."""
    chart = _Chart(picture)
    height = HEIGHT + (BELOW if picture.holdout else 0)
    parts = [*chart.frame(), *chart.stairs(), *chart.points(), *chart.names()]
    parts += _holdout(chart, picture.holdout, picture.holdout_values) if picture.holdout_values else []
    what = escape(f"{picture.metric_name} by experiment: {picture.headline}")
    start = f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{what}">'
    return "\n".join([start, *parts, "</svg>"])


class _Chart:
    """Where things lie, in units of the SVG; `y` grows downwards."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self._bottom = HEIGHT - BOTTOM - (RAIL if picture.rail else 0)

    def x(self, number: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * number / max(self.picture.last, 1), 1)

    def y(self, value: float) -> float:
        return round(self._bottom - (self._bottom - TOP) * self.picture.values.part(value), 1)

    def frame(self) -> Iterator[str]:
        """Axes, with lines across the picture at round numbers."""
        right, foot = WIDTH - RIGHT, HEIGHT - BOTTOM
        for tick in ticks(self.picture.values, 7):
            y = self.y(tick.value)
            yield f'<path class="grid" d="M{LEFT} {y}H{right}"/>'
            yield f'<text class="tick" x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{tick.text}</text>'
        for tick in ticks(Span(0, max(self.picture.last, 1)), 10, whole=True):
            x = self.x(tick.value)
            yield f'<path class="axis" d="M{x} {foot}v5"/>'
            yield f'<text class="tick" x="{x}" y="{foot + 18}" text-anchor="middle">{tick.text}</text>'
        yield f'<path class="axis" d="M{LEFT} {TOP}V{foot}H{right}"/>'
        yield f'<text class="tick" x="{right}" y="{foot + 34}" text-anchor="end">experiment</text>'
        yield f'<text class="tick" x="4" y="12">{escape(self.picture.axis_name)}</text>'

    def stairs(self) -> Iterator[str]:
        """The noise of one sample of the running best, and the running best itself."""
        steps, noise, end = self.picture.stairs, self.picture.noise, self.x(self.picture.last)
        ends = [*(self.x(step.number) for step in steps[1:]), end]
        if noise:
            for step, until in zip(steps, ends, strict=True):
                top, bottom, start = self.y(step.value + noise), self.y(step.value - noise), self.x(step.number)
                size = f'width="{until - start:.1f}" height="{bottom - top:.1f}"'
                yield f'<rect class="noise" x="{start}" y="{top}" {size}/>'
        if steps:
            path = "".join(f"H{self.x(step.number)}V{self.y(step.value)}" for step in steps[1:])
            yield f'<path class="best" d="M{self.x(steps[0].number)} {self.y(steps[0].value)}{path}H{end}"/>'

    def points(self) -> Iterator[str]:
        """What was kept comes last, so that it lies above the rest."""
        order = (Kind.STOPPED, Kind.FAILED, Kind.DISCARDED, Kind.REVERTED, Kind.KEPT)
        for point in sorted(self.picture.points, key=lambda point: order.index(point.kind)):
            yield from self._point(point)

    def _point(self, point: Point) -> Iterator[str]:
        x = self.x(point.number)
        y = HEIGHT - BOTTOM - RAIL / 2 if point.value is None else self.y(point.value)
        if point.error is not None and point.value is not None and point.kind is Kind.KEPT:
            ends = self.y(point.value + point.error), self.y(point.value - point.error)
            yield f'<path class="error" d="M{x} {ends[0]}V{ends[1]}m-3 0h6M{x - 3} {ends[0]}h6"/>'
        what = point.kind.value if point.value is None else format_metric(point.value)
        title = escape(f"#{point.number} {what} {point.name}")
        shape = self._shape(point, x, y)
        yield f'<a href="#e{point.number}"><title>{title}</title>{shape}</a>'

    def _shape(self, point: Point, x: float, y: float) -> str:
        count = len(self.picture.points)
        few, small = count <= FEW, 2.5 if count <= MANY else 1.8
        match point.kind:
            case Kind.KEPT | Kind.REVERTED:
                name = "kept" if point.kind is Kind.KEPT else "reverted"
                return f'<circle class="{name}" cx="{x}" cy="{y}" r="{5 if few else 4}"/>'
            case Kind.FAILED:
                return f'<path class="failed" d="M{x - 3} {y - 3}l6 6m0 -6l-6 6"/>'
            case Kind.STOPPED:
                return f'<path class="stopped" d="M{x - 4} {y}h8"/>'
            case Kind.DISCARDED if self.picture.values.holds(point.value or 0.0):
                return f'<circle class="discarded" cx="{x}" cy="{y}" r="{4 if few else small}"/>'
            case Kind.DISCARDED:
                up = -1 if (point.value or 0.0) > self.picture.values.high else 1
                return f'<path class="discarded" d="M{x - 4} {y}h8l-4 {7 * up}z"/>'

    def names(self) -> Iterator[str]:
        """Tilted away from the stairs; a name that would cover another one is left out."""
        tilt = TILT if self.picture.direction is Direction.MIN else -TILT
        wanted = []
        for point in self.picture.named():
            x, y = self.x(point.number), self.y(point.value or 0.0)
            most = int((WIDTH - 10 - x) / math.cos(math.radians(TILT)) / (LETTER * FONT))
            text = fit(point.name, min(LONGEST_NAME, most))
            width = cell_len(text) * LETTER * FONT
            wanted.append(Label(text, x + 6, y + (-6 if tilt > 0 else 13), width, 1.15 * FONT))
        for label in placed(wanted, tilt, Room(0, TOP - 10, WIDTH - 2, HEIGHT - BOTTOM)):
            x, y = round(label.x, 1), round(label.y, 1)
            turned = f'transform="rotate({-tilt:g} {x} {y})"'
            yield f'<text class="name" x="{x}" y="{y}" {turned}>{escape(label.text)}</text>'


def _holdout(chart: _Chart, points: Sequence[Point], span: Span) -> Iterator[str]:
    top, bottom, right = HEIGHT + 8, HEIGHT + BELOW - 8, WIDTH - RIGHT
    places = [(chart.x(one.number), round(bottom - (bottom - top) * span.part(one.value or 0.0), 1)) for one in points]
    yield f'<path class="axis" d="M{LEFT} {top}V{bottom}H{right}"/>'
    for tick in ticks(span, 3):
        y = round(bottom - (bottom - top) * span.part(tick.value), 1)
        yield f'<path class="grid" d="M{LEFT} {y}H{right}"/>'
        yield f'<text class="tick" x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{tick.text}</text>'
    yield f'<text class="tick" x="{right + 8}" y="{bottom}">holdout</text>'
    line = "L".join(f"{x} {y}" for x, y in places)
    yield f'<path class="holdout line" d="M{line}"/>'
    for (x, y), one in zip(places, points, strict=True):
        title = escape(f"#{one.number} holdout {format_metric(one.value or 0.0)}")
        diamond = f'<path class="holdout" d="M{x} {y - 5}l5 5l-5 5l-5 -5z"/>'
        yield f'<a href="#e{one.number}"><title>{title}</title>{diamond}</a>'
