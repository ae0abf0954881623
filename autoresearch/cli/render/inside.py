"""What no event tells: asked of the loop itself, by the screen and the record.

Only looked at, never changed, and from any thread: lists are copied before they are read. Not in here: how it is shown.
"""

from __future__ import annotations

from dataclasses import replace
from time import monotonic

from autoresearch.cli.render.view import Thought
from autoresearch.core.utilisation import Used
from autoresearch.loop import Loop


def thoughts_of(loop: Loop | None) -> list[Thought]:
    """The proposals that are being thought of, in the order of the questions; repairs are not among them."""
    if loop is None:
        return []
    now = monotonic()
    asked = tuple(loop.ahead.queue)
    return [Thought(one.number, now - since) for one in asked if one.answer is None and (since := one.since)]


def used_of(loop: Loop | None) -> Used | None:
    """How well the slots have been used up to now; None where nothing has been counted."""
    if loop is None:
        return None
    used = replace(loop.clock.used(), unused=loop.ahead.wasted)
    return used if used.share is not None else None
