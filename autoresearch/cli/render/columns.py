"""The table of experiments, one line each, with the same columns on the live screen and in `ar log`.

A line is made for a width: what does not fit is left out in a fixed order (hypothesis, words in full, wide gaps,
commit), so that 80 columns are enough. Not in here: which experiments are shown, and where.
"""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text

from autoresearch.cli.render.text import MISSING, clean, fit, mark, pad, spread
from autoresearch.core.experiment import Experiment, Usage
from autoresearch.core.history import History
from autoresearch.core.quantity import format_change, format_duration, format_metric, format_money

NUMBER, COMMIT, CHANGE, TOOK, COST = 4, 7, 8, 6, 6
SHORT_WORD, FULL_WORD = 11, 18
METRIC, WITH_SPREAD, LONGEST_NAME = 8, 15, 20
ROOMY = 100
"""From this width on words are written in full and the hypothesis follows the title."""
ENOUGH = 14
"""With less room than this for the title, columns move together; if that does not help, the commit is left out."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one line says. `metric` is the mean of `values`, `against` the incumbent's that it had to beat."""

    experiment: Experiment
    metric: float | None
    values: tuple[float, ...]
    against: float | None
    reverted: bool = False


def recorded_row(experiment: Experiment, history: History) -> Row:
    """The line as the record has it now: with every sample, and compared with its parent."""
    number, parent = experiment.number, experiment.parent
    return Row(
        experiment=experiment,
        metric=history.metric(number),
        values=history.values(number),
        against=None if parent is None else history.metric(parent),
        reverted=history.is_reverted(number),
    )


def is_spread(values: tuple[float, ...]) -> bool:
    """Do the samples differ? Where none ever does, a column for that would only take room."""
    return bool(spread(values))


def metric_text(value: float | None, values: tuple[float, ...] = ()) -> str:
    """The metric, with the standard deviation of its samples when there are several."""
    if value is None:
        return MISSING
    deviation = spread(values)
    return format_metric(value) + (f" ±{format_metric(float(f'{deviation:.2g}'))}" if deviation is not None else "")


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns there are; `width` is that of the whole line, in cells.

    `spreads`: some experiment has samples that differ. `cost`: some experiment cost money. `took`: it is known how long
    they took.
    """

    width: int
    name: str
    spreads: bool = False
    cost: bool = False
    took: bool = True

    @property
    def is_roomy(self) -> bool:
        return self.width >= ROOMY

    @property
    def _metric(self) -> int:
        narrow = WITH_SPREAD if self.spreads else METRIC
        return max(narrow, min(len(self.name), LONGEST_NAME)) if self.is_roomy else narrow

    @property
    def _gap(self) -> str:
        return "  " if self._title_room("  ") >= ENOUGH else " "

    @property
    def _has_commit(self) -> bool:
        return self._title_room(self._gap) >= ENOUGH

    def _title_room(self, gap: str) -> int:
        widths = [NUMBER, COMMIT, self._metric, CHANGE, self._word]
        widths += [*([TOOK] if self.took else []), *([COST] if self.cost else [])]
        return self.width - sum(width + len(gap) for width in widths)

    @property
    def _word(self) -> int:
        return FULL_WORD if self.is_roomy else SHORT_WORD

    def heading(self) -> Text:
        cells = [pad("#", NUMBER, right=True), *([pad("commit", COMMIT)] if self._has_commit else [])]
        cells += [pad(fit(self.name, self._metric), self._metric), pad("change", CHANGE, right=True)]
        cells += [pad("decision", self._word), *([pad("took", TOOK, right=True)] if self.took else [])]
        cells += [pad("usd", COST, right=True)] if self.cost else []
        return Text(fit(self._gap.join([*cells, "hypothesis"]), self.width), style="bold")

    def row(self, row: Row) -> Text:
        """One experiment. Its text cannot break the line: it is cleaned and cut."""
        one = row.experiment
        sign = mark(one, reverted=row.reverted, short=not self.is_roomy)
        signal = sign.style if sign.style != "dim" else ""
        number = signal if one.is_kept else ""
        cells = [(pad(str(one.number), NUMBER, right=True), "")]
        cells += [(one.commit[:COMMIT], "dim")] if self._has_commit else []
        values = row.values if is_spread(row.values) else ()
        cells += [(pad(metric_text(row.metric, values), self._metric), number)]
        cells += [(pad(_change(row), CHANGE, right=True), number)]
        cells += [(pad(f"{sign.symbol} {sign.word}", self._word), signal)]
        cells += [(pad(format_duration(one.seconds), TOOK, right=True), "")] if self.took else []
        cells += [(pad(cost_text(one.usage), COST, right=True), "")] if self.cost else []
        line = Text(style="dim" if sign.style == "dim" else "")
        for text, style in cells:
            line.append(text, style=style).append(self._gap)
        return self._described(line, one)

    def _described(self, line: Text, one: Experiment) -> Text:
        line.append(fit(clean(one.title), self.width - line.cell_len))
        more = clean(one.reason if one.outcome.is_failure else one.hypothesis)
        room = self.width - line.cell_len - len(" — ")
        if self.is_roomy and more not in ("", clean(one.title)) and room > ENOUGH:
            line.append(" — " + fit(more, room), style="dim")
        line.rstrip()
        line.truncate(self.width)
        return line


def cost_text(usage: Usage) -> str:
    """US dollars without the unit: nothing where it was free, a question mark for what no price is known of."""
    known = format_money(usage.cost_usd).removesuffix(" usd") if usage.cost_usd else ""
    return f"{known}?" if usage.cost_usd is None or usage.is_partial else known


def _change(row: Row) -> str:
    if row.metric is None or row.against is None:
        return ""
    return format_change(row.metric, row.against)
