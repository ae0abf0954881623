"""`ar status`: one page about a run, and the same as a JSON object.

Not in here: finding the run, and whether its loop is alive: `StatusView` is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.text import Text

from autoresearch.cli.render.doing import particulars, verb
from autoresearch.cli.render.live_state import Live, Phase
from autoresearch.cli.render.progress import final_check, holdout_means
from autoresearch.cli.render.records import Json, number, timestamp
from autoresearch.cli.render.text import MISSING, clean, fit, kept_changes, tried_changes
from autoresearch.core.budget import Share
from autoresearch.core.experiment import Experiment, Outcome
from autoresearch.core.final_check import FinalCheck
from autoresearch.core.history import History
from autoresearch.core.isolation import Level
from autoresearch.core.ports import Task
from autoresearch.core.quantity import format_change, format_duration, format_metric, format_money, format_tokens

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
    """The command fixes its seed, so that the noise is the machine's."""
    final: FinalCheck | None = None


def status(view: StatusView) -> Iterator[Text]:
    """The page's lines."""
    yield Text(view.branch, style="bold").append("   " + clean(view.goal), style="not bold")
    for label, value in _facts(view):
        yield Text(f"{label:<{LABEL}}", style="dim").append(value, style="not dim")


def _facts(view: StatusView) -> Iterator[tuple[str, str]]:
    history = view.history
    yield "state", _state(view)
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
    yield "spent", _spent(history)
    for share in view.shares:
        yield "budget", f"{share.label} {share.text}"
    yield "isolation", f"{view.isolation}; {Level(view.isolation).gaps}"


def _state(view: StatusView) -> str:
    if not view.running:
        return "not running; `ar run` goes on"
    live = view.live
    if live is None:
        return "running"
    what = _what(live, view.history)
    took = format_duration(int(max(view.now - live.since, 0.0)))
    limit = "" if live.limit is None else f" of {format_duration(live.limit)}"
    return f"running: {what} for {took}{limit}" if live.phase is not Phase.FINISHED else "running: about to end"


def _what(live: Live, history: History) -> str:
    """`sampling #6, sample 2`, `checks of #6`."""
    if live.number is None:
        return live.phase.value
    if live.phase is not Phase.SAMPLING:
        more = f", sample {live.sample}" if live.sample is not None and live.sample > 1 else ""
        return f"{live.phase.value} #{live.number}{more}"
    of = " of" if live.task in (Task.CHECKS, Task.HOLDOUT, Task.INCUMBENT_HOLDOUT) else ""
    more = particulars(live.task, live.number, live.sample or 1, history)
    return f"{verb(live.task)}{of} #{live.number}" + (f", {more}" if more else "")


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
    return f"±{format_metric(deviation)} per sample" + (", one seed: the machine's noise only" if one_seed else "")


def _best(history: History) -> int | None:
    return None if history.best is None else history.best.number


def _discarded(history: History) -> dict[str, int]:
    """Why experiments were not kept, the most frequent first."""
    words = ("not better" if one.outcome is Outcome.MEASURED else one.outcome.value for one in _not_kept(history))
    return dict(Counter(words).most_common())


def _not_kept(history: History) -> Iterator[Experiment]:
    return (one for one in history.experiments if not one.is_kept)


def _spent(history: History) -> str:
    usage = history.usage
    cost = "cost unknown" if usage.cost_usd is None else format_money(usage.cost_usd)
    tokens = f", {format_tokens(usage.tokens)}" if usage.tokens else ""
    return f"{format_duration(history.seconds)} in experiments, {cost}{tokens}"


def status_json(view: StatusView) -> dict[str, Json]:
    """One object; what is not known is null."""
    history, live = view.history, view.live
    first, best = _ends(history)
    return {
        "tag": view.tag,
        "branch": view.branch,
        "goal": view.goal,
        "running": view.running,
        "live": _live_json(live) if live is not None and view.running else None,
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
        "cost_usd": number(history.usage.cost_usd),
        "tokens_in": history.usage.tokens_in,
        "tokens_out": history.usage.tokens_out,
        "budget": [{"label": share.label, "used": number(share.used), "text": share.text} for share in view.shares],
        "isolation": view.isolation,
    }


def _checks_json(view: StatusView) -> dict[str, Json]:
    final, holdout = final_check(view.history, view.final), holdout_means(view.history)
    checked: Json = None
    if final is not None:
        checked = {"baseline": number(final.first), "best": number(final.best), "pairs": final.pairs}
    ends: Json = None if holdout is None else {"baseline": number(holdout[0]), "best": number(holdout[1])}
    return {"final_check": checked, "holdout": ends}


def _live_json(live: Live) -> dict[str, Json]:
    return {
        "pid": live.pid,
        "phase": live.phase.value,
        "task": live.task.value if live.phase is Phase.SAMPLING else None,
        "number": live.number,
        "sample": live.sample,
        "since": timestamp(datetime.fromtimestamp(live.since, UTC)),
        "limit": number(live.limit),
        "updated": timestamp(datetime.fromtimestamp(live.updated, UTC)),
    }
