"""What a screen is told about the run once, before the first event."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from autoresearch.core.budget import Share
from autoresearch.core.history import History


@dataclass(frozen=True, slots=True)
class RunView:
    """`shares` is asked at every redraw, from another thread; `history` grows while the run goes on."""

    goal: str
    branch: str
    metric_name: str
    history: History
    shares: Callable[[], Sequence[Share]]
