"""What a screen is told about the run once, before the first event."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from autoresearch.core.budget import Share
from autoresearch.core.history import History


@dataclass(frozen=True, slots=True)
class Thought:
    """A proposal that is being thought of, for so many seconds; `number` is what it was expected to be called then."""

    number: int
    seconds: float


Thoughts = Callable[[], Sequence[Thought]]
"""What is being thought of now, in the order of the questions; may be called from any thread."""


@dataclass(frozen=True, slots=True)
class RunView:
    """`shares` is asked at every redraw, from another thread; `history` grows while the run goes on."""

    goal: str
    branch: str
    metric_name: str
    history: History
    shares: Callable[[], Sequence[Share]]
    devices: tuple[str, ...] = ("",)
    """Of each slot its GPUs, by name or number; empty where it has none of its own."""
    thoughts: Thoughts | None = None
    """Events say when a proposal is asked for, and not when it has come. None: there is nobody who would know."""
