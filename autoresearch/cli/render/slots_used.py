"""How well the slots of a call were used, in words, for programs, and what would help.

Not in here: counting it (`core.utilisation`).
"""

from __future__ import annotations

from autoresearch.cli.render.records import Json, number
from autoresearch.core.quantity import format_duration
from autoresearch.core.utilisation import PROPOSAL, Used

WELL = 0.9
"""A share of the time with every slot busy from which on nothing needs to be said."""
WORTH_A_WORD = 10.0
"""Seconds that were lost; for less nobody changes anything."""
SMALL = 0.005
"""A share of the time that is not worth a number."""
_WAITED_FOR = {PROPOSAL: "proposals"}


def used_text(used: Used) -> str:
    """`4, all busy 93 % of 5m 1s; waited 12 s for proposals, 3 s for the record; 2 proposals were not run`."""
    parts = [f"{used.slots}, {busy_text(used)} of {format_duration(int(used.seconds))}"]
    if waited := _waited(used):
        parts.append(f"waited {', '.join(waited)}")
    if used.unused:
        parts.append(f"{used.unused} proposal{' was' if used.unused == 1 else 's were'} not run")
    return "; ".join(parts)


def busy_text(used: Used) -> str:
    """`busy 93 %`; of several slots, how long all of them were."""
    return f"{'all ' * (used.slots > 1)}busy {100 * (used.share or 0.0):.0f} %"


def _waited(used: Used) -> list[str]:
    """What was waited for, the longest first."""
    longest = sorted(used.waited.items(), key=lambda one: -one[1])
    return [_for(what, seconds) for what, seconds in longest if seconds > SMALL * used.seconds]


def _for(what: str, seconds: float) -> str:
    return f"{format_duration(int(seconds) if seconds >= 1 else seconds)} for {_WAITED_FOR.get(what, what)}"


def used_advice(used: Used | None, *, is_alone: bool) -> str:
    """What was waited for and what helps, where much was; else empty. `is_alone`: one sample at a time is a must."""
    if used is None or used.share is None or used.share >= WELL or used.seconds - used.full < WORTH_A_WORD:
        return ""
    what, seconds = max(used.waited.items(), key=lambda one: one[1])
    text = f"slots: {busy_text(used)} of the time, waited {_for(what, seconds)}"
    if what == PROPOSAL:
        return f"{text}; a larger `lookahead` in [run] thinks of more at a time"
    if is_alone:
        return text
    return f"{text}; where there is room, `--workers {2 * used.slots}` runs more samples side by side"


def used_json(used: Used | None) -> Json:
    """Seconds by what was waited for; null where nothing was counted."""
    if used is None or used.share is None:
        return None
    return {
        "slots": used.slots,
        "share": number(used.share),
        "seconds": number(used.seconds),
        "waited": {what: number(seconds) for what, seconds in used.waited.items()},
        "unused_proposals": used.unused,
    }
