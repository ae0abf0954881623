"""What the live region says: the header, a bar per budget, and what is happening now. A pure function of the events
and the time, so that it can be tested without a terminal.

Not in here: drawing (`live`, `region`), and the finished experiments, which are printed once and not remembered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from rich.text import Text

from autoresearch.cli.render.bars import bar, bar_width, bars
from autoresearch.cli.render.doing import particulars, verb
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
from autoresearch.cli.render.view import RunView
from autoresearch.core.budget import Share
from autoresearch.core.events import (
    Event,
    ExperimentFinished,
    OutputLine,
    Proposed,
    Proposing,
    RunFinished,
    RunStarted,
    SampleFinished,
    SampleStarted,
    Warned,
)
from autoresearch.core.quantity import format_change, format_duration, format_metric

INDENT = 4


class Doing(StrEnum):
    """What is happening with one experiment, besides what is run of it."""

    PROPOSING = "proposing"
    PROPOSED = "next is"
    DECIDING = "deciding"


@dataclass(frozen=True, slots=True)
class Activity:
    """One thing that goes on, since an instant of the monotonic clock; `limit` in seconds, None: none is known."""

    doing: str
    since: float
    title: str = ""
    limit: float | None = None
    output: str = ""


class Board:
    """Told of every event; asked for the lines of the live region."""

    def __init__(self, view: RunView, started: float) -> None:
        self._view = view
        self._started = started
        self._activities: dict[int, Activity] = {}
        self._kept, self._tried = kept_changes(view.history), tried_changes(view.history)
        self._best = self._headline()

    def tell(self, event: Event, now: float) -> None:
        """Take in an event that happened at `now` (monotonic, seconds)."""
        match event:
            case Proposing(number):
                self._activities[number] = Activity(Doing.PROPOSING, now)
            case Proposed(number, title):
                self._drop_proposing(number)
                self._activities[number] = Activity(Doing.PROPOSED, now, title)
            case SampleStarted(number, sample, limit, task):
                more = particulars(task, number, sample, self._view.history)
                doing = ", ".join(filter(None, (verb(task), more)))
                self._activities[number] = Activity(doing, now, self._title(number), limit)
            case OutputLine(number, text):
                self._change(number, output=clean(text))
            case SampleFinished(number) if self._view.history.get(number) is not None:
                self._activities.pop(number, None)
            case SampleFinished(number):
                self._change(number, doing=Doing.DECIDING, since=now, limit=None)
            case ExperimentFinished(experiment):
                self._drop_proposing(experiment.number)
                self._activities.pop(experiment.number, None)
                self._kept += is_kept_change(experiment)
                self._tried += is_tried_change(experiment)
                self._best = self._headline()
            case RunFinished():
                self._activities.clear()
            case RunStarted() | Warned():
                pass

    def _drop_proposing(self, upto: int) -> None:
        """Numbers are given in order: what was still expected under an earlier one has come to nothing."""
        for number, activity in list(self._activities.items()):
            if activity.doing is Doing.PROPOSING and number <= upto:
                del self._activities[number]

    def _change(self, number: int, **changes: object) -> None:
        if number in self._activities:
            self._activities[number] = replace(self._activities[number], **changes)  # type: ignore[arg-type]

    def _title(self, number: int) -> str:
        if number in self._activities:
            return self._activities[number].title
        known = self._view.history.get(number)
        if known is not None:
            return known.title
        return "the baseline" if number == 0 else ""

    def lines(self, size: tuple[int, int], now: float, shares: Sequence[Share]) -> list[Text]:
        """At most `rows - 1` lines of at most `columns - 1` cells; on a small screen the bars go first."""
        width, height = size[0] - 1, max(size[1] - 1, 1)
        header = [self._title_rule(width), self._best_line(width)]
        spent = bars(shares, width) or [self._unlimited(width, now)]
        activity = self._activity(width, now)[: max(height - 1, 1)]
        room = height - len(activity)
        return [*[*header, *spent][:room], *activity]

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

    def _activity(self, width: int, now: float) -> list[Text]:
        """One line for each thing that goes on, and below them the newest output."""
        if not self._activities:
            return [Text(" one moment", style="dim"), Text("")]
        running = sorted(self._activities.items())
        lines = [_activity_line(number, activity, width, now) for number, activity in running]
        output = next((one.output for _, one in running if one.output), "")
        return [*lines, Text(" " * INDENT + fit(output, width - INDENT), style="dim")]


def _activity_line(number: int, activity: Activity, width: int, now: float) -> Text:
    line = Text(f" #{number} {activity.doing}", style="bold")
    elapsed, limit = max(now - activity.since, 0.0), activity.limit
    if limit is None:
        line.append(f"  {format_duration(int(elapsed))}", style="not bold")
    else:
        line.append("  ").append_text(bar(elapsed / limit if limit > 0 else 1.0, bar_width(width) // 2))
        line.append(f"  {format_duration(int(elapsed))} of {format_duration(limit)}", style="not bold")
    return cut(line.append("  " + clean(activity.title), style="not bold"), width)
