"""How many experiments a budget holds, in one line, before they are made.

Not in here: how long one takes; that is measured, or told by the record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from autoresearch.core.budget import Budget
from autoresearch.core.quantity import format_duration, format_money

FEW = 3
"""With less room than this there is nothing to search with."""
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Pace:
    """What one more experiment takes: seconds and US dollars, 0 where they are not known.

    `repeats`: some changes need several samples, and what they take is in these numbers.
    """

    seconds: float = 0.0
    usd: float = 0.0
    repeats: bool = False

    def __str__(self) -> str:
        """`17 s and 0.10 usd, repeats included`."""
        parts = [format_duration(self.seconds)] if self.seconds else []
        parts += [format_money(self.usd)] if self.usd else []
        return " and ".join(parts) + ", repeats included" * self.repeats


UNKNOWN = Pace()


def room(left: Mapping[str, float], pace: Pace) -> int | None:
    """How many experiments of that pace fit in what is left, by the fields of `Budget`; None: nothing says so."""
    each = {"seconds": pace.seconds, "experiments": 1.0, "usd": pace.usd, "run_usd": pace.usd}
    fitting = [left[name] / amount for name, amount in each.items() if amount > 0 and name in left]
    return int(min(fitting) + ROUNDING) if fitting else None


def plan(budget: Budget, left: Mapping[str, float], pace: Pace = UNKNOWN) -> str:
    """What may be spent, and how many experiments `left` of it holds: what is spent by now, or kept back, is not."""
    holds = room(left, pace)
    said = f"budget: {budget}"
    if holds is not None and holds < FEW:
        many = f"room for {holds} experiment{'s' * (holds > 1)}" if holds else "no room for an experiment"
        return f"{said}: {many}{f' of {pace}' if str(pace) else ''}, too few to search"
    if pace == UNKNOWN:
        return said
    counted = {name: amount for name, amount in left.items() if name != "experiments"}
    if room(counted, pace) is None:
        return f"{said}; an experiment takes about {pace}"
    return f"{said}: room for about {holds} experiments of {pace}"
