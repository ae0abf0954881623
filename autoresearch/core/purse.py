"""Money and tokens: what is spent, and what the calls of models may still come to.

Before a call the most that it can cost is set aside; then what it did cost takes that place, until the proposal that it
was made for is booked. So nothing is sent that the budget might not pay. Not in here: time and experiments (`budget`),
and what a call can cost at most (the proposer's).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Lock

from autoresearch.core.experiment import Usage
from autoresearch.core.quantity import format_tokens

_DIGITS = 9
"""After the point: sums of dollars are exact to a billionth only."""


@dataclass(frozen=True, slots=True)
class Shortfall:
    """What is left does not cover a call; `reason` says it in words, with both numbers."""

    reason: str


class Purse:
    """Limits in US dollars and tokens; None is no limit. Safe to use from several threads."""

    def __init__(self, usd: float | None = None, run_usd: float | None = None, tokens: int | None = None) -> None:
        self.usage = Usage()
        """All that is booked; its cost is None once a part of it is unknown."""
        self.usd = 0.0
        """The part of it that is known."""
        self.usd_before = 0.0
        """What earlier calls of `ar run` spent: it counts against `run_usd` only."""
        self._limits = (usd, run_usd, tokens)
        self._held_usd = 0.0
        self._held_tokens = 0
        self._lock = Lock()

    def reserve(self, least: Usage, most: Usage) -> Usage | Shortfall:
        """Set aside as much as there is, between the two: the same call with fewer or more tokens of a reply.

        Sets nothing aside where not even the least is left.
        """
        with self._lock:
            share = 1.0
            for left, needed, wanted, words in self._rooms(least, most):
                if needed > left:
                    return Shortfall(words)
                if wanted > left:
                    share = min(share, (left - needed) / (wanted - needed))
            part = _between(least, most, share)
            self._hold(part, 1)
            return part

    def settle(self, reserved: Usage, spent: Usage) -> None:
        """A call has ended: `spent` takes the place of what was set aside for it."""
        with self._lock:
            self._hold(reserved, -1)
            self._hold(spent, 1)

    def book(self, usage: Usage) -> None:
        """Count what a proposal cost; its calls are settled. An unknown cost counts as nothing."""
        with self._lock:
            self._hold(usage, -1)
            self._count(usage)

    def charge(self, usd: float) -> None:
        """Count money that was not spent on a model."""
        with self._lock:
            self._count(Usage(cost_usd=usd))

    @property
    def unbooked_usd(self) -> float:
        """Spent on calls that no booked proposal tells of, or set aside for those that nobody waits for any more."""
        return round(self._held_usd, _DIGITS)

    def _rooms(self, least: Usage, most: Usage) -> Iterator[tuple[float, float, float, str]]:
        """Per limit: what is left, the least and the most that is wanted, and the words for too little."""
        usd, run_usd, tokens = self._limits
        low, high = least.cost_usd or 0.0, most.cost_usd or 0.0
        gone = self.usd + self._held_usd
        if usd is not None:
            left = round(usd - gone, _DIGITS)
            yield left, low, high, _short_of_money("", left, low)
        if run_usd is not None:
            left = round(run_usd - gone - self.usd_before, _DIGITS)
            yield left, low, high, _short_of_money(" for the whole run", left, low)
        if tokens is not None:
            rest = tokens - self.usage.tokens - self._held_tokens
            numbers = f"{format_tokens(max(0, rest))} left, and one can take {format_tokens(least.tokens)}"
            yield rest, least.tokens, most.tokens, f"the tokens left do not cover another call: {numbers}"

    def _hold(self, usage: Usage, sign: int) -> None:
        self._held_usd = max(0.0, self._held_usd + sign * (usage.cost_usd or 0.0))
        self._held_tokens = max(0, self._held_tokens + sign * usage.tokens)

    def _count(self, usage: Usage) -> None:
        self.usage += usage
        self.usd += usage.cost_usd or 0.0


def _between(least: Usage, most: Usage, share: float) -> Usage:
    """Whole tokens; the cost is that of the tokens."""
    if share >= 1.0:
        return most
    more = most.tokens_out - least.tokens_out
    extra = int(share * more)
    if least.cost_usd is None or most.cost_usd is None:
        return Usage(least.tokens_in, least.tokens_out + extra, None)
    usd = least.cost_usd + (most.cost_usd - least.cost_usd) * extra / more
    return Usage(least.tokens_in, least.tokens_out + extra, usd)


def _short_of_money(where: str, left: float, needed: float) -> str:
    """Rounded away from each other, so that they never look the same."""
    low, high = math.floor(max(0.0, left) * 1e4) / 1e4, math.ceil(needed * 1e4) / 1e4
    return f"the money left{where} does not cover another call: {low:.4f} usd left, and one can cost {high:.4f} usd"
