"""What a running loop does now, for `ar status`: in words, slot by slot, and for programs.

Not in here: everything that is in the record, and where the state comes from (`live_file`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from autoresearch.cli.render.doing import particulars, verb
from autoresearch.cli.render.live_file import Busy, Live, Phase
from autoresearch.cli.render.records import Json, number, timestamp
from autoresearch.core.history import History
from autoresearch.core.ports import Task
from autoresearch.core.quantity import format_duration


def state(live: Live | None, now: float, history: History) -> str:
    """`running: sampling #6, sample 2 for 7 s of 24 s`, of several slots how many are busy; None: not known."""
    if live is None:
        return "running"
    if live.phase is Phase.FINISHED:
        return "running: about to end"
    if _are_several(live) and live.slots:
        return f"running: {len(live.slots)} of {live.slot_count} slots busy"
    limit = "" if live.limit is None else f" of {format_duration(live.limit)}"
    return f"running: {_what(live, history)} for {_clock(now - live.since)}{limit}"


def slots_now(live: Live, now: float, history: History) -> Iterator[tuple[str, str]]:
    """Of several slots a line for each that is busy: `slot 2`, `checks of #6 for 7 s of 24 s`."""
    for one in live.slots if _are_several(live) else ():
        what = _ran(one.task, one.number, one.sample, history)
        yield f"slot {one.slot}", f"{what} for {_clock(now - one.since)} of {format_duration(one.limit)}"


def _are_several(live: Live) -> bool:
    return live.slot_count > 1


def _clock(seconds: float) -> str:
    return format_duration(int(max(seconds, 0.0)))


def _what(live: Live, history: History) -> str:
    if live.number is None:
        return live.phase.value
    if live.phase is not Phase.SAMPLING:
        more = f", sample {live.sample}" if live.sample is not None and live.sample > 1 else ""
        return f"{live.phase.value} #{live.number}{more}"
    return _ran(live.task, live.number, live.sample or 1, history)


def _ran(task: Task, number: int, sample: int, history: History) -> str:
    """`sampling #6, sample 2`, `checks of #6`."""
    of = " of" if task in (Task.CHECKS, Task.HOLDOUT, Task.INCUMBENT_HOLDOUT) else ""
    more = particulars(task, number, sample, history)
    return f"{verb(task)}{of} #{number}" + (f", {more}" if more else "")


def live_json(live: Live) -> dict[str, Json]:
    """One object; `slots` has all that runs, the fields beside it what runs in the first of them."""
    return {
        "pid": live.pid,
        "phase": live.phase.value,
        "task": live.task.value if live.phase is Phase.SAMPLING else None,
        "number": live.number,
        "sample": live.sample,
        "since": _instant(live.since),
        "limit": number(live.limit),
        "updated": _instant(live.updated),
        "slot_count": live.slot_count,
        "slots": [_busy_json(one) for one in live.slots],
    }


def _busy_json(one: Busy) -> dict[str, Json]:
    return {
        "slot": one.slot,
        "number": one.number,
        "sample": one.sample,
        "task": one.task.value,
        "since": _instant(one.since),
        "limit": number(one.limit),
    }


def _instant(seconds: float) -> str:
    return timestamp(datetime.fromtimestamp(seconds, UTC))
