"""Words, colours and cleaned text that all renderings share. Colour is never the only sign: each has a word too.

Not covered: numbers with units (`core.quantity`), and anything that knows the terminal.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from statistics import stdev
from typing import TextIO

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from autoresearch.core.experiment import SIMPLER, SUSPICIOUS, Experiment, LostSample, Outcome, Sample, Usage
from autoresearch.core.history import History
from autoresearch.core.quantity import format_money

ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?|[ -/]*[0-~])")
SHORT = {
    Outcome.OUT_OF_MEMORY: "memory",
    Outcome.OVER_LIMITS: "limits",
    Outcome.CHECKS_FAILED: "checks",
    Outcome.INTERRUPTED: "stopped",
}
MISSING = "–"


@dataclass(frozen=True, slots=True)
class Mark:
    """What became of an experiment: a symbol, a word, and the colour that says the same again."""

    symbol: str
    word: str
    style: str


def mark(experiment: Experiment, *, reverted: bool = False, short: bool = False) -> Mark:
    """`short` words have at most nine letters."""
    if experiment.is_kept:
        return _kept(experiment, reverted=reverted, short=short)
    outcome = experiment.outcome
    word = SHORT.get(outcome, outcome.value) if short else outcome.value
    if outcome is Outcome.MEASURED:
        return Mark("·", "discarded", "dim")
    return Mark("✗", word, "red") if outcome.is_failure else Mark("–", word, "dim")


def _kept(experiment: Experiment, *, reverted: bool, short: bool) -> Mark:
    if reverted:
        return Mark("↶", "reverted", "dim green")
    if experiment.number == 0:
        return Mark("✓", "baseline", "green")
    if SUSPICIOUS in experiment.flags:
        return Mark("✓", "suspect" if short else "kept, suspicious", "yellow")
    if SIMPLER in experiment.flags:
        return Mark("✓", "simpler" if short else "kept, simpler", "green")
    return Mark("✓", "kept", "green")


def paid(usage: Usage) -> str:
    """What was spent; empty where it was nothing."""
    if usage.cost_usd is None:
        return "unknown"
    least = "at least " if usage.is_partial else ""
    return f"{least}{format_money(usage.cost_usd)}" if usage.cost_usd else ""


def clean(text: str) -> str:
    """One line that cannot move the cursor, change colours or reverse the order of letters."""
    return " ".join(_printable(ESCAPE.sub("", text)).split())


def clean_lines(text: str) -> list[str]:
    """The same line by line, indentation kept."""
    return [_printable(ESCAPE.sub("", line).expandtabs(4)).rstrip() for line in text.splitlines()]


def _printable(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return "".join(" " if char.isspace() else char for char in text if char.isspace() or _is_harmless(char))


def _is_harmless(char: str) -> bool:
    return not unicodedata.category(char).startswith("C")


def fit(text: str, width: int) -> str:
    """At most `width` cells: what is longer ends in an ellipsis."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…" if width > 0 else ""


def pad(text: str, width: int, *, right: bool = False) -> str:
    """At least `width` cells; `right` aligns at the right."""
    blanks = " " * (width - cell_len(text))
    return blanks + text if right else text + blanks


def cut(line: Text, width: int) -> Text:
    """The same line, not longer than `width` cells from now on."""
    line.truncate(width, overflow="ellipsis")
    return line


def folded(text: Text, width: int) -> list[Text]:
    """Lines of at most `width` cells, broken between words where there are any."""
    lines = [line for part in text.split() for line in part.wrap(Console(), width)]
    for line in lines:
        line.rstrip()
    return lines


def spread(values: tuple[float, ...]) -> float | None:
    """The sample standard deviation; None for fewer than two values."""
    return stdev(values) if len(values) > 1 else None


def sample_text(sample: Sample | LostSample) -> str:
    """As in the record: `3.2041@17`, or `!crashed@18`."""
    match sample:
        case Sample():
            return f"{sample.value!r}@{sample.at}"
        case LostSample():
            return f"!{sample.outcome.value}@{sample.at}"


def is_kept_change(experiment: Experiment) -> bool:
    """A kept experiment, but neither the baseline nor one that took something back."""
    return experiment.is_kept and experiment.number != 0 and not experiment.reverts


def is_tried_change(experiment: Experiment) -> bool:
    """A change that was tried to the end: not the baseline, no revert, not interrupted."""
    return experiment.number != 0 and not experiment.reverts and experiment.outcome.was_judged


def kept_changes(history: History) -> int:
    """How many changes were kept, and are so still."""
    return sum(is_kept_change(one) and not history.is_reverted(one.number) for one in history.kept)


def tried_changes(history: History) -> int:
    """How many changes were tried to the end."""
    return sum(map(is_tried_change, history.experiments))


class Lines:
    """Writes one line at a time. A reader that went away (`| head`, a closed terminal) does not end the run."""

    def __init__(self, stream: TextIO) -> None:
        self._stream: TextIO | None = stream

    def __call__(self, line: str) -> None:
        if self._stream is None:
            return
        encoding = self._stream.encoding or "utf-8"
        try:
            self._stream.write(line.encode(encoding, "replace").decode(encoding) + "\n")
            self._stream.flush()
        except OSError:
            self._stream = None
