"""`ar status`: one page about a run, and the same as a JSON object.

Not in here: finding the run, and whether its loop is alive: `StatusView` is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.text import Text

from autoresearch.cli.render.live_file import Live
from autoresearch.cli.render.now import live_json, slots_now, state
from autoresearch.cli.render.progress import final_check, holdout_means
from autoresearch.cli.render.records import Json, number
from autoresearch.cli.render.slots_used import used_json, used_text
from autoresearch.cli.render.text import MISSING, clean, fit, kept_changes, paid, tried_changes
from autoresearch.core.budget import Share
from autoresearch.core.experiment import Experiment, Outcome, Usage
from autoresearch.core.final_check import FinalCheck
from autoresearch.core.history import History
from autoresearch.core.isolation import Level
from autoresearch.core.quantity import format_change, format_duration, format_metric, format_money, format_tokens
from autoresearch.core.utilisation import Used

LABEL = 13


@dataclass(frozen=True, slots=True)
class StatusView:
    """All that the page shows. `now` in seconds since 1970; `live` and `shares` only mean something while running."""

    tag: str
    branch: str
    goal: str
    metric_name: str
    history: History
    running: bool
    now: float
    isolation: str
    live: Live | None = None
    shares: Sequence[Share] = ()
    noise: float | None = None
    one_seed: bool = False
    """The command has a seed of its own choice: where that is always the same, the noise is the machine's alone."""
    final: FinalCheck | None = None
    unbilled_usd: float = 0.0
    """Spent, and on no experiment: for proposals that were never run, for the final check."""
    used: Used | None = None
    """How well the newest call used its slots, up to now; None where nothing was counted."""


def status(view: StatusView) -> Iterator[Text]:
    """The page's lines."""
    yield Text(view.branch, style="bold").append("   " + clean(view.goal), style="not bold")
    for label, value in _facts(view):
        yield Text(f"{label:<{LABEL}}", style="dim").append(value, style="not dim")


def _facts(view: StatusView) -> Iterator[tuple[str, str]]:
    history = view.history
    live = view.live if view.running else None
    yield "state", state(live, view.now, history) if view.running else "not running; `ar run` goes on"
    yield fit(clean(view.metric_name), LABEL - 1), _progress(history)
    if final := final_check(history, view.final):
        yield "final check", f"{final}, {final.source}"
    if ends := holdout_means(history):
        yield "holdout", _gap(ends, history)
    tried, kept = tried_changes(history), kept_changes(history)
    yield "tried", f"{tried}, {kept} kept" + (f" ({100 * kept / tried:.0f} %)" if tried else "")
    outcomes = _discarded(history)
    if outcomes:
        yield "not kept", ", ".join(f"{count} {word}" for word, count in outcomes.items())
    if view.noise is not None:
        yield "noise", _noise(view.noise, one_seed=view.one_seed)
    yield "spent", _spent(view)
    for share in view.shares:
        yield "budget", f"{share.label} {share.text}"
    if view.used is not None and view.used.share is not None:
        yield "slots", used_text(view.used)
    yield "isolation", f"{view.isolation}; {Level(view.isolation).gaps}"
    # Last of all: on a small screen `--watch` shows the page from its beginning.
    yield from slots_now(live, view.now, history) if live is not None else ()


def _progress(history: History) -> str:
    first, best = _ends(history)
    if first is None:
        return f"{MISSING} no baseline yet"
    if best is None or history.best is history.baseline:
        return f"{format_metric(first)}, the baseline"
    return f"{format_metric(first)} → {format_metric(best)} ({format_change(best, first)}), best is #{_best(history)}"


def _ends(history: History) -> tuple[float | None, float | None]:
    baseline, best = history.baseline, history.best
    first = None if baseline is None else history.metric(baseline.number)
    return first, None if best is None else history.metric(best.number)


def _gap(holdout: tuple[float, float], history: History) -> str:
    """Has the holdout come as far as the metric, or is it only the metric that was improved?"""
    first, best = _ends(history)
    metric = f", the metric {format_change(best, first)}" if first is not None and best is not None else ""
    return f"{format_change(holdout[1], holdout[0])} since the baseline{metric}"


def _noise(deviation: float, *, one_seed: bool) -> str:
    told = f"±{format_metric(deviation)} per sample"
    return f"{told}, the script's own seed: perhaps only the machine's" if one_seed else told


def _best(history: History) -> int | None:
    return None if history.best is None else history.best.number


def _discarded(history: History) -> dict[str, int]:
    """Why experiments were not kept, the most frequent first."""
    carried = {one.carried_from for one in history.experiments}
    words = (_why(one, was_carried=one.number in carried) for one in history.experiments if not one.is_kept)
    return dict(Counter(words).most_common())


def _why(one: Experiment, *, was_carried: bool) -> str:
    if one.outcome is not Outcome.MEASURED:
        return one.outcome.value
    if one.is_vetoed:
        return "vetoed"
    return "tried again" if was_carried else "not better"


def _spent(view: StatusView) -> str:
    usage = _usage(view)
    cost = "cost unknown" if usage.cost_usd is None else paid(usage) or format_money(0.0)
    counted = f", {format_tokens(usage.tokens)}" if usage.tokens else ""
    return f"{format_duration(view.history.seconds)} in experiments, {cost}{counted}"


def _usage(view: StatusView) -> Usage:
    """All that the record has."""
    return view.history.usage + Usage(cost_usd=view.unbilled_usd)


def status_json(view: StatusView) -> dict[str, Json]:
    """One object; what is not known is null."""
    history, live = view.history, view.live
    first, best = _ends(history)
    return {
        "tag": view.tag,
        "branch": view.branch,
        "goal": view.goal,
        "running": view.running,
        "live": live_json(live) if live is not None and view.running else None,
        "metric_name": view.metric_name,
        "direction": history.direction.value,
        "baseline": number(first),
        "best": number(best),
        "best_number": _best(history),
        "experiments": len(history.experiments),
        "tried": tried_changes(history),
        "kept": kept_changes(history),
        "discarded": dict(_discarded(history)),
        "noise": number(view.noise),
        **_checks_json(view),
        "seconds": number(history.seconds),
        "cost_usd": number(_usage(view).cost_usd),
        "tokens_in": history.usage.tokens_in,
        "tokens_out": history.usage.tokens_out,
        "budget": [{"label": share.label, "used": number(share.used), "text": share.text} for share in view.shares],
        "utilisation": used_json(view.used),
        "isolation": view.isolation,
    }


def _checks_json(view: StatusView) -> dict[str, Json]:
    final, holdout = final_check(view.history, view.final), holdout_means(view.history)
    checked: Json = None
    if final is not None:
        checked = {"baseline": number(final.first), "best": number(final.best), "pairs": final.pairs}
    ends: Json = None if holdout is None else {"baseline": number(holdout[0]), "best": number(holdout[1])}
    return {"final_check": checked, "holdout": ends}
