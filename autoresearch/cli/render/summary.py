"""What stays on the screen when `ar run` ends: how much better, what it took, and the commands to copy.

Not in here: what it took (the budget's meter says that) and which branch the person works on.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, variance

from rich.text import Text

from autoresearch.cli.render.text import clean, kept_changes, tried_changes
from autoresearch.core.budget import Share
from autoresearch.core.history import History
from autoresearch.core.quantity import format_change, format_metric

MANY_EXPERIMENTS = 5000
"""Above this many loose commits git itself becomes slow until it has packed them."""


@dataclass(frozen=True, slots=True)
class Ending:
    """`spent`: what this call used, as the header's bars had it. `base_branch`: what a merge would go into."""

    history: History
    why: str
    branch: str
    base_branch: str
    spent: Sequence[Share] = ()


def headline(history: History) -> str:
    """`12 kept of 103 · 3.281 → 3.204 (−2.3 % ± 0.2)`: the best number is the mean of all its samples.

    Behind ± stands the standard error of the difference, where both sides have several samples.
    """
    counts = f"{kept_changes(history)} kept of {tried_changes(history)}"
    baseline, best = history.baseline, history.best
    first = None if baseline is None else history.metric(baseline.number)
    last = None if best is None else history.metric(best.number)
    if first is None:
        return f"{counts} · no baseline"
    if baseline is None or best is None or last is None or best is baseline:
        return f"{counts} · baseline {format_metric(first)}"
    error = _error(history.values(baseline.number), history.values(best.number))
    return f"{counts} · {format_metric(first)} → {format_metric(last)} ({format_change(last, first)}{error})"


def _error(before: tuple[float, ...], after: tuple[float, ...]) -> str:
    """In per cent of the size of the mean before, or as it is where that is 0: as the change itself is written."""
    if len(before) < 2 or len(after) < 2:
        return ""
    error = math.sqrt(variance(before) / len(before) + variance(after) / len(after))
    reference = abs(fmean(before)) / 100 or 1.0
    return f" ± {format_metric(float(f'{error / reference:.1g}'))}"


def summary(ending: Ending) -> Text:
    """Several lines; print it with `soft_wrap=True`, so that a narrow terminal does not break the commands."""
    history = ending.history
    lines = [Text(headline(history), style="bold"), Text(_spent(ending), style="dim")]
    advice = "" if kept_changes(history) else _advice(history)
    lines += [Text(advice, style="yellow")] if advice else []
    commands = _commands(ending)
    width = max(len(label) for label, _ in commands)
    lines += [Text(f"  {label:<{width}}  ").append(command, style="bold") for label, command in commands]
    return Text("\n").join(lines)


def _spent(ending: Ending) -> str:
    return " · ".join([clean(ending.why), *(f"{share.label} {share.text}" for share in ending.spent)])


def _advice(history: History) -> str:
    """What to try when nothing was kept."""
    tried = [one for one in history.experiments if one.number != 0]
    failed = sum(one.outcome.is_failure for one in tried)
    if history.baseline is None or not tried:
        return "no change was tried yet"
    if 2 * failed >= len(tried):
        return f"nothing was kept: {failed} of {len(tried)} failed, `ar log --failed` says why"
    return "nothing was kept: no change was better; give it more budget, or steer it in program.md"


def _commands(ending: Ending) -> list[tuple[str, str]]:
    history, best = ending.history, ending.history.best
    going_on = ("go on", "ar run")
    tidy = [("tidy", "git gc")] if len(history.experiments) > MANY_EXPERIMENTS else []
    if best is None or not kept_changes(history):
        return [("look", "ar log"), going_on, *tidy]
    compare = shlex.quote(f"{ending.base_branch}...{ending.branch}")
    return [
        ("look", f"ar log {best.number}"),
        ("compare", f"git diff {compare}"),
        ("merge", f"git merge --squash {shlex.quote(ending.branch)}"),
        going_on,
        *tidy,
    ]
