"""`ar log 12`: one experiment in full, in the order of the questions that people ask of it.

What was it, what became of it and why, how good was it, what did it cost, what did it change, what did it print.
Not in here: finding the experiment, its diff and its output.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from statistics import fmean

from rich.text import Text

from autoresearch.cli.render.columns import metric_text
from autoresearch.cli.render.text import clean, clean_lines, fit, folded, mark, paid, sample_text
from autoresearch.core.experiment import CHECKED, HELD_OUT, SIMPLER, SLOWEST, SUSPICIOUS, TYPICAL, VETOED, Experiment
from autoresearch.core.history import History
from autoresearch.core.metric import MANY, UNIT
from autoresearch.core.quantity import format_change, format_duration, format_metric, format_tokens

LABEL = 11
DIFF_STYLES = {"+++": "bold", "---": "bold", "diff": "bold", "@@": "cyan", "+": "green", "-": "red"}
"""By the line's beginning; the longer beginnings come first."""

SECONDS = {SLOWEST: "slowest sample", TYPICAL: "mean sample", HELD_OUT: "holdout"}
FLAGS = {
    SUSPICIOUS: "suspicious: too good to be believed at once, and as good again in a fresh worktree",
    SIMPLER: "simplification: no gain, kept for the code that it removes",
    CHECKED: "the checks passed",
    VETOED: "vetoed: the rule said keep, and something else forbids it",
    MANY: "metric printed on several lines, the last one counts",
}


@dataclass(frozen=True, slots=True)
class Detail:
    """`diff` against the parent as git prints it; `output` the end of the output, empty when it is gone."""

    experiment: Experiment
    history: History
    diff: str = ""
    output: str = ""
    hints: tuple[str, ...] = ()
    """What may be behind the reason, and what to set."""


def detail(view: Detail, width: int | None) -> Iterator[Text]:
    """Lines for a terminal of `width` columns; None: no terminal, nothing is folded."""
    one = view.experiment
    sign = mark(one, reverted=view.history.is_reverted(one.number))
    yield (
        Text(f"#{one.number} ", style="bold")
        .append(f"{sign.symbol} {sign.word}", sign.style)
        .append(f"  {clean(one.title)}")
    )
    for label, value in _facts(one, view.history):
        yield from _labelled(label, value, width)
        for hint in view.hints if label == "decision" else ():
            yield from _labelled("hint", clean(hint), width)
    if one.hypothesis.strip() and clean(one.hypothesis) != clean(one.title):
        yield from _section("hypothesis", (Text(line) for line in clean_lines(one.hypothesis)), width)
    if view.diff.strip():
        yield from _section("diff", diff_lines(view.diff), None)
    if view.output.strip():
        yield from _section("end of the output", (Text(line) for line in clean_lines(view.output)), None)


def diff_lines(diff: str) -> Iterator[Text]:
    """The diff's lines in colours; their signs say the same without."""
    for line in clean_lines(diff):
        style = next((style for start, style in DIFF_STYLES.items() if line.startswith(start)), "")
        yield Text(line, style=style)


def _section(title: str, lines: Iterator[Text], width: int | None) -> Iterator[Text]:
    yield Text("")
    yield Text(title, style="bold")
    for line in lines:
        yield from _folded(line, width)


def _labelled(label: str, value: str, width: int | None) -> Iterator[Text]:
    for index, part in enumerate(_folded(Text(value), None if width is None else max(width - LABEL, LABEL))):
        yield Text(f"{label if index == 0 else '':<{LABEL}}", style="dim").append_text(Text(part.plain, "not dim"))


def _folded(line: Text, width: int | None) -> Iterator[Text]:
    yield from [line] if width is None or line.cell_len <= width else folded(line, width)


def _facts(one: Experiment, history: History) -> Iterator[tuple[str, str]]:
    yield "decision", f"{one.decision.value}: {clean(one.reason)}"
    yield fit(clean(one.metric_name), LABEL - 1), _metric(one, history)
    if values := tuple(history.holdout(one.number)):
        yield "holdout", _holdout(values, one, tuple(history.holdout(0)))
    yield from _measured(one, history)
    yield from _origin(one, history)
    yield from _kinship(one, history)
    yield "commit", one.commit


def _metric(one: Experiment, history: History) -> str:
    now, values = history.metric(one.number), history.values(one.number)
    if now is None:
        return f"not measured ({one.outcome.value})"
    parent = None if one.parent is None else history.metric(one.parent)
    text = metric_text(now, values)
    text += f", {format_change(now, parent)} against {format_metric(parent)} of #{one.parent}" if parent else ""
    if one.metric is not None and format_metric(one.metric) != format_metric(now):
        text += f"; {format_metric(one.metric)} when it was decided"
    return text


def _holdout(values: tuple[float, ...], one: Experiment, first: tuple[float, ...]) -> str:
    """Its mean, and how far that is from the baseline's."""
    mean = fmean(values)
    text = metric_text(mean, values)
    if one.number == 0 or not first:
        return text
    return f"{text}, {format_change(mean, fmean(first))} against {format_metric(fmean(first))} of #0"


def _measured(one: Experiment, history: History) -> Iterator[tuple[str, str]]:
    own = [sample_text(sample) for sample in one.samples]
    later = [sample_text(sample) for sample in history.samples(one.number) if sample not in one.samples]
    if own:
        yield "samples", " ".join(own) + (f", later {' '.join(later)}" if later else "")
    against = [f"#{number} {sample_text(sample)}" for number, sample in one.incumbent_samples]
    if against:
        yield "compared", "with new samples " + " ".join(against)
    if one.measures:
        measures = (f"{clean(name)} {format_metric(value)}" for name, value in one.measures.items())
        yield "measures", ", ".join(measures)
    started, ended = one.started.astimezone(UTC), one.ended.astimezone(UTC)
    if history.seconds:
        yield "took", f"{format_duration(one.seconds)}, {started:%Y-%m-%d %H:%M:%S} to {ended:%H:%M:%S} UTC"


def _origin(one: Experiment, history: History) -> Iterator[tuple[str, str]]:
    if one.proposer:
        yield "proposer", " ".join(filter(None, (one.proposer, clean(one.model))))
    if one.params:
        yield "params", ", ".join(f"{clean(name)} {clean(str(value))}" for name, value in one.params.items())
    if one.usage.tokens:
        yield "tokens", f"{format_tokens(one.usage.tokens_in)} in, {format_tokens(one.usage.tokens_out)} out"
    if cost := paid(one.usage):
        yield "cost", cost
    if one.isolation:
        yield "isolation", one.isolation
    if any(other.slot for other in history.experiments):
        yield "slot", str(one.slot)
    if one.flags:
        yield "flags", ", ".join(_flag(flag, kept=one.is_kept) for flag in one.flags)


def _flag(flag: str, *, kept: bool) -> str:
    """In words that need no manual; one that is not known here, as it is."""
    name, equals, value = flag.partition("=")
    if f"{name}=" in SECONDS:
        return f"{SECONDS[f'{name}{equals}']} {clean(value)} s"
    if flag.startswith(UNIT):
        return f"metric printed in {clean(flag.removeprefix(UNIT))}"
    if flag == SUSPICIOUS and not kept:
        return "suspicious: too good to be believed, and not as good in a fresh worktree"
    return FLAGS.get(flag, clean(flag))


def _kinship(one: Experiment, history: History) -> Iterator[tuple[str, str]]:
    if one.parent is not None:
        yield "parent", f"#{one.parent}"
    if one.carried_from is not None:
        yield "carried", f"from #{one.carried_from}"
    if one.reverts:
        yield "reverts", ", ".join(f"#{number}" for number in one.reverts)
    if history.is_reverted(one.number):
        by = next((other.number for other in history.experiments if one.number in other.reverts), None)
        yield "reverted", f"by #{by}"
