"""What stays on the screen when `ar run` ends: how much better, what it took, and the commands to copy.

Not in here: what it took (the budget's meter says that) and which branch the person works on.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from rich.text import Text

from autoresearch.cli.render.progress import progress
from autoresearch.cli.render.slots_used import used_advice
from autoresearch.cli.render.text import clean, is_tried_change, kept_changes, tried_changes
from autoresearch.core.budget import Share
from autoresearch.core.experiment import Experiment, Outcome
from autoresearch.core.final_check import FinalCheck
from autoresearch.core.history import History
from autoresearch.core.quantity import format_metric, format_money
from autoresearch.core.utilisation import Used

TUNER = "tuner"
MANY_EXPERIMENTS = 5000
"""Above this many loose commits git itself becomes slow until it has packed them."""


@dataclass(frozen=True, slots=True)
class Ending:
    """`spent`: what this call used, as the header's bars had it. `base_branch`: what a merge would go into.

    `used`: how well this call used its slots. `is_alone`: samples side by side would change what is measured.
    `snapshot`: the commit of uncommitted work that the run began from; empty: it began from the person's own commit.
    `set_aside_usd`: dollars that calls may cost which nobody waits for any more.
    """

    history: History
    why: str
    branch: str
    base_branch: str
    spent: Sequence[Share] = ()
    final: FinalCheck | None = None
    used: Used | None = None
    is_alone: bool = False
    snapshot: str = ""
    set_aside_usd: float = 0.0


def headline(history: History, final: FinalCheck | None = None) -> str:
    """`12 kept of 103 · 3.281 → 3.204 (−2.3 % ± 0.2) · final check, 3 pairs`.

    Without a final check the numbers are means of all samples, and behind ± stands the standard error of the
    difference where both sides have several.
    """
    counts = f"{kept_changes(history)} kept of {tried_changes(history)}"
    first = None if history.baseline is None else history.metric(history.baseline.number)
    if first is None:
        return f"{counts} · no baseline"
    gained = progress(history, final)
    if gained is None:
        return f"{counts} · baseline {format_metric(first)}"
    return " · ".join((counts, str(gained), *([f"final check, {gained.source}"] if gained.pairs else [])))


def summary(ending: Ending) -> Text:
    """Several lines; print it with `soft_wrap=True`, so that a narrow terminal does not break the commands."""
    history = ending.history
    lines = [Text(headline(history, ending.final), style="bold"), Text(_spent(ending), style="dim")]
    advice = "" if kept_changes(history) else _advice(history)
    waited = used_advice(ending.used, is_alone=ending.is_alone) if tried_changes(history) else ""
    aside = ending.set_aside_usd
    pending = f"calls under way may cost {format_money(aside)}, which counts as spent" if aside else ""
    lines += [Text(line, style="yellow") for line in (advice, waited, pending) if line]
    commands = _commands(ending)
    width = max(len(label) for label, _ in commands)
    lines += [Text(f"  {label:<{width}}  ").append(command, style="bold") for label, command in commands]
    return Text("\n").join(lines)


def _spent(ending: Ending) -> str:
    return " · ".join([clean(ending.why), *(f"{share.label} {share.text}" for share in ending.spent)])


def _advice(history: History) -> str:
    """What to try when nothing was kept."""
    tried = [one for one in history.experiments if is_tried_change(one)]
    failed = sum(one.outcome.is_failure for one in tried)
    if promising := next(filter(partial(_looked_better, history), reversed(history.experiments)), None):
        number = promising.number
        return f"nothing was kept; #{number} looked better when it was stopped: ar run --replay {number}"
    if history.baseline is None or not tried:
        return "no change was tried yet" if len(history.experiments) < 2 else "no change was tried to its end"
    if 2 * failed >= len(tried):
        last = max(one.number for one in tried if one.outcome.is_failure)
        return f"nothing was kept: {failed} of {len(tried)} failed, `ar log {last}` says why the last one did"
    if vetoed := [one.number for one in tried if one.is_vetoed]:
        better = "1 change was" if len(vetoed) == 1 else f"{len(vetoed)} changes were"
        return f"nothing was kept: {better} better and vetoed, `ar log {vetoed[-1]}` says by what"
    if all(one.proposer == TUNER for one in tried):
        return "nothing was kept: no change was better; more budget, or a model: --model"
    return "nothing was kept: no change was better; more budget, or steer it in program.md"


def _looked_better(history: History, one: Experiment) -> bool:
    metric = history.metric(one.number)
    if one.outcome is not Outcome.INTERRUPTED or one.parent is None or metric is None:
        return False
    return (history.gain(metric, one.parent) or 0.0) > 0


def _commands(ending: Ending) -> list[tuple[str, str]]:
    history, best = ending.history, ending.history.best
    going_on = ("go on", "ar run")
    tidy = [("tidy", "git gc")] if len(history.experiments) > MANY_EXPERIMENTS else []
    if best is None or not kept_changes(history):
        return [("look", "ar log"), going_on, *tidy]
    branch = shlex.quote(ending.branch)
    compare, get = f"git diff {shlex.quote(f'{ending.base_branch}...{ending.branch}')}", f"git merge --squash {branch}"
    if ending.snapshot:
        # A merge would want the uncommitted work out of the way, which is in the branch as well.
        compare = f"git diff {ending.snapshot[:10]} {branch}"
        get = f"{compare} | git apply"
    return [
        ("look", f"ar log {best.number}"),
        ("compare", compare),
        ("apply" if ending.snapshot else "merge", get),
        going_on,
        *tidy,
    ]
