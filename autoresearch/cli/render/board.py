"""What the live region says: the header, a bar per budget, and what is happening now. A pure function of the events
and the time, so that it can be tested without a terminal.

Not in here: drawing (`live`, `region`), and the finished experiments, which are printed once and not remembered.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from autoresearch.cli.render.bars import bars
from autoresearch.cli.render.slot_lines import other_lines, slot_lines
from autoresearch.cli.render.text import (
    MISSING,
    clean,
    cut,
    fit,
    is_kept_change,
    is_tried_change,
    kept_changes,
    tried_changes,
)
from autoresearch.cli.render.under_way import UnderWay
from autoresearch.cli.render.view import RunView
from autoresearch.core.budget import Share
from autoresearch.core.events import Event, ExperimentFinished
from autoresearch.core.quantity import format_change, format_duration, format_metric

TABLE = 6
"""Rows of the screen that are left to finished experiments, where many slots would take them all."""
FEWEST = 2
"""Lines that slots have on any screen: the first, and how many more there are."""


class Board:
    """Told of every event; asked for the lines of the live region."""

    def __init__(self, view: RunView, started: float) -> None:
        self._view = view
        self._started = started
        self._under_way = UnderWay(view)
        self._kept, self._tried = kept_changes(view.history), tried_changes(view.history)
        self._best = self._headline()

    def tell(self, event: Event, now: float) -> None:
        """Take in an event that happened at `now` (monotonic, seconds)."""
        self._under_way.tell(event, now)
        if isinstance(event, ExperimentFinished):
            self._kept += is_kept_change(event.experiment)
            self._tried += is_tried_change(event.experiment)
            self._best = self._headline()

    def lines(self, size: tuple[int, int], now: float, shares: Sequence[Share]) -> list[Text]:
        """At most `rows - 1` lines of at most `columns - 1` cells; on a small screen the bars go first."""
        width, height = size[0] - 1, max(size[1] - 1, 1)
        header = [self._title_rule(width), self._best_line(width)]
        spent = bars(shares, width) or [self._unlimited(width, now)]
        others = other_lines(self._under_way, self._view.devices, width, now)
        room = height - len(header) - len(spent) - len(others) - TABLE
        activity = [*self._slots(width, now, max(room, FEWEST)), *others][: max(height - 1, 1)]
        return [*[*header, *spent][: height - len(activity)], *activity]

    def _slots(self, width: int, now: float, room: int) -> list[Text]:
        """One line for each slot; of more than there is room for, the first ones and how many more are busy."""
        lines = slot_lines(self._under_way, self._view.devices, width, now)
        if len(lines) <= room:
            return lines
        more = sum(slot >= room - 1 for slot in self._under_way.slots)
        return [*lines[: room - 1], cut(Text(f" … and {more} more", style="dim"), width)]

    def _title_rule(self, width: int) -> Text:
        branch = f" {self._view.branch} ──"
        goal = fit(clean(self._view.goal), max(width - len(branch) - 6, 8))
        line = Text("── ", style="dim").append(goal, style="not dim bold").append(" ")
        line.append("─" * (width - line.cell_len - len(branch)))
        return cut(line.append(branch), width)

    def _headline(self) -> tuple[Text, Text]:
        """The best number and how far it has come; and, for screens with room, since which number."""
        history = self._view.history
        best, baseline = history.best, history.baseline
        line = Text(f" {clean(self._view.metric_name)} ")
        first = None if baseline is None else history.metric(baseline.number)
        value = None if best is None else history.metric(best.number)
        if first is None or value is None:
            return line.append(MISSING, style="bold"), Text("   no baseline yet", style="dim")
        line.append(format_metric(value), style="bold")
        if best is baseline:
            return line, Text("   the baseline", style="dim")
        line.append(f"   {format_change(value, first)}", style="green")
        return line, Text(f" since the baseline {format_metric(first)}", style="dim")

    def _best_line(self, width: int) -> Text:
        counts = f"{self._kept} kept of {self._tried}"
        best, since = self._best
        line = best.copy()
        if line.cell_len + since.cell_len + len(counts) + 2 < width:
            line.append_text(since)
        line.append(" " * (width - line.cell_len - len(counts) - 1) or " ")
        return cut(line.append(counts), width)

    def _unlimited(self, width: int, now: float) -> Text:
        return cut(Text(f" until stopped, so far {format_duration(now - self._started)}"), width)
