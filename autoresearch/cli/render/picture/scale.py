"""Round numbers along an axis, as texts with no more digits than they need."""

from __future__ import annotations

import math
from dataclasses import dataclass

from autoresearch.cli.render.picture.span import Span

ROUND = (1, 2, 2.5, 5, 10)
MOST_DIGITS = 6
"""Digits before the point, or zeros behind it, from which on a power of ten is shorter."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A number on an axis, and how it is written there."""

    value: float
    text: str


def ticks(span: Span, most: int, *, whole: bool = False) -> tuple[Tick, ...]:
    """At most `most` (2 or more) round numbers within the span; `whole`: of experiments there are no halves."""
    step = _step((span.high - span.low) / max(most, 1))
    if whole:
        step = max(1.0, math.ceil(step))
    first, last = math.ceil(span.low / step - 1e-9), math.floor(span.high / step + 1e-9)
    if last - first > 10 * most or not math.isfinite(step):
        return ()
    return tuple(Tick(at * step, _text(at * step, step)) for at in range(first, last + 1))


def _step(least: float) -> float:
    """The smallest round number that is not below `least`."""
    power = 10.0 ** math.floor(math.log10(least)) if 0 < least < math.inf else 1.0
    return next((power * one for one in ROUND if power * one >= least * (1 - 1e-9)), 10 * power)


def _text(value: float, step: float) -> str:
    """Texts of one axis differ from each other, and have the same number of digits behind the point."""
    if step < 10**-MOST_DIGITS or (step >= 1 and abs(value) >= 10**MOST_DIGITS):
        significant = math.floor(math.log10(max(abs(value) / step, 1))) + 2
        return f"{value:.{significant}g}"
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    if round(step * 10**digits, 6) % 1:
        digits += 1
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text
