"""`ar log --plot`: the picture in letters, as large as the terminal.

    ●  kept, with its name where there is room    ·  discarded    ×  failed, on the rail at the bottom
    ─  the running best                           ░  within the noise of one sample of it
    ▲  ▼ at the edge: worse or better than the axis shows

Shapes say what colours say. On the rail stands too what was kept without a number: a return that was not measured. Not
in here: what the points are (`model`), and printing.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from autoresearch.cli.render.picture.grid import ACROSS, DOWN, Grid, is_narrow
from autoresearch.cli.render.picture.model import Kind, Picture, Point
from autoresearch.cli.render.picture.scale import Tick, ticks
from autoresearch.cli.render.picture.span import Span
from autoresearch.cli.render.text import cut, fit, pad
from autoresearch.core.history import Direction
from autoresearch.core.quantity import format_change, format_metric

LEAST_WIDTH, LEAST_HEIGHT = 40, 12
AROUND = 5
"""Lines besides the grid: two above, the axis with its numbers, the legend."""
ROWS_PER_TICK, COLUMNS_PER_TICK = 4, 12
SHORTEST_NAME, LONGEST_NAME = 10, 32
BAND = "░"
LEGEND = {
    Kind.KEPT: ("●", "kept", "green"),
    Kind.REVERTED: ("○", "taken back", "green"),
    Kind.DISCARDED: ("·", "discarded", "dim"),
    Kind.FAILED: ("×", "failed", "red"),
    Kind.STOPPED: ("–", "stopped", "dim"),
}


def drawn(picture: Picture, width: int, height: int) -> Iterator[Text]:
    """Lines for a terminal of that size; at least 40 columns and 12 lines are used."""
    width, height = max(width, LEAST_WIDTH), max(height, LEAST_HEIGHT)
    side = ticks(picture.values, max(2, (height - AROUND) // ROWS_PER_TICK))
    gutter = max((len(tick.text) for tick in side), default=0)
    chart = _Chart(picture, width - gutter - 2, height - AROUND - bool(picture.holdout))
    yield cut(Text(fit(picture.headline, width), style="bold"), width)
    yield cut(Text(f"{pad('', gutter)}  {picture.axis_name}", style="dim"), width)
    texts = {chart.row(tick.value): tick.text for tick in side}
    for row, line in enumerate(chart.lines()):
        sign = "┤" if row in texts else "│"
        yield Text(f"{pad(texts.get(row, ''), gutter, right=True)} {sign}", style="dim").append_text(line)
    yield from _axis(chart, gutter)
    yield cut(_legend(picture), width)
    if picture.holdout:
        yield cut(Text(f"holdout  {_holdout(picture)}", style="dim"), width)


def _holdout(picture: Picture) -> str:
    ends = picture.held_out()
    if ends is None:
        return format_metric(picture.holdout[0].value or 0.0)
    return f"{format_metric(ends[0])} → {format_metric(ends[1])} ({format_change(ends[1], ends[0])})"


def _axis(chart: _Chart, gutter: int) -> Iterator[Text]:
    marks, numbers = ["─"] * chart.width, [" "] * chart.width
    for tick in chart.below():
        column = chart.column(round(tick.value))
        marks[column] = "┬"
        start = max(0, min(column - len(tick.text) // 2, len(numbers) - len(tick.text)))
        numbers[start : start + len(tick.text)] = tick.text
    yield Text(f"{pad('', gutter)} └{''.join(marks)}", style="dim")
    yield Text(f"{pad('', gutter)}  {''.join(numbers).rstrip()}", style="dim")


def _legend(picture: Picture) -> Text:
    line = Text()
    kinds = {point.kind for point in picture.points}
    signs = [sign for kind, sign in LEGEND.items() if kind in kinds]
    signs += [(edge.sign, edge.word, "dim") for edge in picture.beyond]
    signs += [("─", "running best", "green")] if picture.stairs else []
    signs += [(BAND, f"±{format_metric(float(f'{picture.noise:.2g}'))} noise", "dim")] if picture.noise else []
    for sign, word, style in signs:
        line.append(sign, style=style).append(f" {word}  ", style="dim")
    line.rstrip()
    return line


class _Chart:
    """The grid between the axes."""

    def __init__(self, picture: Picture, width: int, height: int) -> None:
        self.picture, self.width = picture, width
        self._grid = Grid(width, height)
        self._floor = height - bool(picture.rail)
        """Rows for values; below them is the rail."""
        self._is_dense = picture.last + 1 > width

    def column(self, number: int) -> int:
        return self._x(number) // ACROSS

    def row(self, value: float) -> int:
        return self._y(value) // DOWN

    def _x(self, number: int) -> int:
        last = max(self.picture.last, 1)
        return round(number / last * (self.width * ACROSS - 1))

    def _y(self, value: float) -> int:
        return round((1 - self.picture.values.part(value)) * (self._floor * DOWN - 1))

    def below(self) -> tuple[Tick, ...]:
        """The numbers below the axis."""
        return ticks(Span(0, max(self.picture.last, 1)), max(2, self.width // COLUMNS_PER_TICK), whole=True)

    def lines(self) -> list[Text]:
        """Drawn from the back to the front."""
        self._draw_band()
        self._draw_discarded()
        self._draw_rail()
        self._draw_stairs()
        self._draw_kept()
        self._draw_names()
        return self._grid.lines()

    def _levels(self) -> Iterator[tuple[int, float]]:
        """The running best at the right end of each column."""
        steps = {self.column(step.number): step.value for step in self.picture.stairs}
        value: float | None = None
        for column in range(self.width):
            value = steps.get(column, value)
            if value is not None:
                yield column, value

    def _draw_band(self) -> None:
        noise = self.picture.noise or 0.0
        for column, value in self._levels() if noise else ():
            for row in range(self.row(value + noise), self.row(value - noise) + 1):
                self._grid.put(row, column, BAND, "dim")

    def _draw_discarded(self) -> None:
        for point in self.picture.of(Kind.DISCARDED):
            value = point.value or 0.0
            if not self.picture.values.holds(value):
                is_high = value > self.picture.values.high
                row, letter = (0, "▲") if is_high else (self._floor - 1, "▼")
                self._grid.put(row, self.column(point.number), letter, "dim")
            elif self._is_dense:
                self._grid.dot(self._x(point.number), self._y(value), "dim")
            else:
                self._grid.put(self.row(value), self.column(point.number), "·", "")

    def _draw_rail(self) -> None:
        for point in sorted(self.picture.rail, key=lambda point: point.kind is Kind.FAILED):
            letter, _, style = LEGEND[point.kind]
            self._grid.put(self._floor, self.column(point.number), letter, style)

    def _draw_stairs(self) -> None:
        before: int | None = None
        for column, value in self._levels():
            row = self.row(value)
            if before is None or before == row:
                self._grid.put(row, column, "─", "green")
            else:
                down = row > before
                for between in range(min(row, before) + 1, max(row, before)):
                    self._grid.put(between, column, "│", "green")
                self._grid.put(before, column, "┐" if down else "┘", "green")
                self._grid.put(row, column, "└" if down else "┌", "green")
            before = row

    def _draw_kept(self) -> None:
        for kind in (Kind.REVERTED, Kind.KEPT):
            letter, _, style = LEGEND[kind]
            for point in self.picture.of(kind):
                self._draw_error(point)
                self._grid.put(self.row(point.value or 0.0), self.column(point.number), letter, style)

    def _draw_error(self, point: Point) -> None:
        value, error = point.value or 0.0, point.error or 0.0
        for row in range(self.row(value + error), self.row(value - error) + 1):
            if self._grid.is_blank(row, self.column(point.number), besides=BAND + "·"):
                self._grid.put(row, self.column(point.number), "╎", "green")

    def _draw_names(self) -> None:
        """Where nothing is: before the point, where the running best was worse, or one row better than it."""
        better = 1 if self.picture.direction is Direction.MIN else -1
        for point in self.picture.named():
            row, column = self.row(point.value or 0.0), self.column(point.number)
            name = point.name if is_narrow(point.name) else ""
            for text in filter(None, (name, f"#{point.number}")):
                if (
                    self._writes(row, column - 1, text, -1)
                    or self._writes(row + better, column + 1, text, 1)
                    or self._writes(row + better, column - 1, text, -1)
                    or self._writes(row - better, column + 1, text, 1)
                ):
                    break

    def _writes(self, row: int, column: int, text: str, towards: int) -> bool:
        """Write it there, cut if need be, if that covers nothing; `towards` -1: it ends there. Is it there now?"""
        room = 0
        while room <= LONGEST_NAME and row < self._floor:
            if not self._grid.is_blank(row, column + towards * room, besides=BAND):
                break
            room += 1
        shown = fit(text, min(room - 1, LONGEST_NAME))
        if shown != text and len(shown) < SHORTEST_NAME:
            return False
        start = column if towards > 0 else column - len(shown)
        self._grid.write(row, start, shown if towards > 0 else f"{shown} ", "")
        return True
