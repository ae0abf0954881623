"""The budget: what one call of `ar run` may spend, what it has spent, and whether another experiment still fits.

Time, experiments, money and tokens count from the start of the call; `run_usd` counts over the whole run. Not in here:
the clock (it is handed in), stopping what runs when time is up (the loop's), prices (the proposer's), and what is set
aside for calls of models (`purse`, which counts the money and the tokens).
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from autoresearch.core.experiment import Usage
from autoresearch.core.purse import Purse
from autoresearch.core.quantity import (
    format_duration,
    format_money,
    format_tokens,
    parse_count,
    parse_duration,
    parse_money,
)
from autoresearch.errors import UsageError

FORMS = "8h (time), 50x (experiments), 3usd (money) or 2Mtok (tokens)"
PAYING = ("usd", "tokens", "run_usd")
REMEMBERED = 5
"""How many of the last samples say how long the next one may take."""


class _Unit(NamedTuple):
    label: str
    show: Callable[[float], str]
    noun: str = ""

    def words(self, value: float) -> str:
        return self.show(value) + (self.noun.removesuffix("s") if value == 1 else self.noun)


_UNITS = {
    "seconds": _Unit("time", format_duration),
    "experiments": _Unit("experiments", lambda count: f"{count:.0f}", " experiments"),
    "usd": _Unit("money", format_money),
    "tokens": _Unit("tokens", lambda count: format_tokens(round(count))),
    "run_usd": _Unit("run money", format_money, " for the whole run"),
}
"""The fields of `Budget`, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits; None is no limit. Time in seconds; `run_usd` is for the whole run, the others for one call."""

    seconds: float | None = None
    experiments: int | None = None
    usd: float | None = None
    tokens: int | None = None
    run_usd: float | None = None

    def __str__(self) -> str:
        """`5m, 50 experiments, 3 usd`; `until stopped` where nothing is limited."""
        return ", ".join(_UNITS[name].words(limit) for name, limit in self.limits()) or "until stopped"

    def limits(self) -> list[tuple[str, float]]:
        """The fields that are limited, with their limits."""
        given = ((name, getattr(self, name)) for name in _UNITS)
        return [(name, limit) for name, limit in given if limit is not None]

    def purse(self) -> Purse:
        """With all of its money and tokens."""
        return Purse(self.usd, self.run_usd, self.tokens)


class Share(NamedTuple):
    """One limit for a progress bar: `used` is the fraction from 0 to 1, `text` says it in numbers."""

    label: str
    used: float
    text: str


def parse_budget(texts: Sequence[str]) -> Budget:
    """The values of `--budget`, each with its unit. Raises UsageError for anything that could be misread."""
    budget = Budget()
    for text in texts:
        one = _parse_one(text)
        [(name, limit)] = one.limits()
        if limit <= 0:
            raise UsageError(f'--budget "{text}" leaves nothing to spend', hint=f"a budget is {FORMS}")
        if name in dict(budget.limits()):
            raise UsageError(f'--budget "{text}": {_UNITS[name].label} is given twice', hint=f"once each: {FORMS}")
        budget = merge(budget, one)
    return budget


def _parse_one(text: str) -> Budget:
    unit = re.sub(r"^[0-9.\s]*[kM]?", "", text.strip()).lower()
    try:
        match unit:
            case "x":
                return Budget(experiments=parse_count(text))
            case "usd":
                return Budget(usd=parse_money(text))
            case "tok":
                return Budget(tokens=parse_count(text))
            case "":
                raise UsageError(f'--budget "{text}" has no unit, so it could be misread', hint=f"a budget is {FORMS}")
            case _ if re.fullmatch(r"[a-z]{2,}", unit) and unit not in ("ms", "sec", "min"):
                raise UsageError(f'--budget "{text}": "{unit}" is no unit of a budget', hint=f"a budget is {FORMS}")
            case _:
                return Budget(seconds=parse_duration(text))
    except ValueError as error:
        raise UsageError(f"--budget: {error}", hint=f"a budget is {FORMS}") from error


def merge(config: Budget, call: Budget) -> Budget:
    """The configuration's limits, each replaced by the one that this call gives in the same unit."""
    given: dict[str, Any] = dict(call.limits())
    return replace(config, **given)


class Meter:
    """What this call has spent. `now` is a monotonic clock in seconds; time counts from the making of the meter."""

    def __init__(
        self,
        budget: Budget,
        now: Callable[[], float],
        spent_run_usd_before: float = 0.0,
        took_before: Iterable[float] = (),
        purse: Purse | None = None,
    ) -> None:
        """`took_before`: seconds of the samples that earlier calls took, the oldest first; `purse`: the proposer's."""
        self.budget = budget
        self.purse = purse or budget.purse()
        self.purse.usd_before = spent_run_usd_before
        self.experiments = 0
        self._now = now
        self._started = now()
        self._took: deque[float] = deque(took_before, maxlen=REMEMBERED)

    @property
    def usage(self) -> Usage:
        """The total of this call; its cost is None once a part of it is unknown."""
        return self.purse.usage

    def book(self, usage: Usage) -> None:
        """Count what a proposal cost, used or not. An unknown cost counts as nothing against the limits."""
        self.purse.book(usage)

    def charge(self, usd: float) -> None:
        """Count money that an experiment spent."""
        self.purse.charge(usd)

    def count_experiment(self) -> None:
        """A proposal was recorded, a rejected one too; not the baseline, a revert or an interrupted one."""
        self.experiments += 1

    def sample_took(self, seconds: float) -> None:
        """How long an execution took, so that the next one is not started too late."""
        self._took.append(seconds)

    @property
    def longest(self) -> float:
        """Seconds of the longest of the last five executions; 0 before the first."""
        return max(self._took, default=0.0)

    @property
    def deadline(self) -> float | None:
        """The instant on the meter's clock at which time is up; None without a time budget."""
        return None if self.budget.seconds is None else self._started + self.budget.seconds

    def seconds_left(self) -> float | None:
        """Never negative; None without a time budget."""
        return None if self.deadline is None else max(0.0, self.deadline - self._now())

    def exhausted(self, in_flight: int = 0, *, is_paid: bool = False) -> str | None:
        """Which budget is used up, in words. `in_flight`: experiments that are begun and not counted yet.

        `is_paid`: money and tokens do not count, for what is asked about costs none any more.
        """
        spent = {**self._spent(), "experiments": self.experiments + in_flight}
        for name, limit in self.budget.limits():
            if spent[name] >= limit and not (is_paid and name in PAYING):
                return f"the {_UNITS[name].label.removesuffix('s')} budget of {_UNITS[name].show(limit)} is used up"
        return None

    def out_of_money(self) -> bool:
        """Is a limit in dollars reached?"""
        spent = self._spent()
        return any(spent[name] >= limit for name, limit in self.budget.limits() if name in ("usd", "run_usd"))

    def _spent(self) -> dict[str, float]:
        return {
            "seconds": self._now() - self._started,
            "experiments": self.experiments,
            "usd": self.purse.usd,
            "tokens": self.usage.tokens,
            "run_usd": self.purse.usd_before + self.purse.usd,
        }

    def too_short(self, reserve: float = 0.0) -> str | None:
        """Why no further sample is started, in words: the longest of the last five would not end in the time left.

        `reserve`: seconds of that time which are kept for something else.
        """
        left = self.seconds_left()
        if left is None or self.longest + reserve <= left:
            return None
        if reserve:
            kept = f"{format_duration(left)} left, {format_duration(min(reserve, left))} of it kept for the end"
            return f"{kept}, and an experiment takes up to {format_duration(self.longest)}"
        return f"{format_duration(left)} left, and an experiment takes up to {format_duration(self.longest)}"

    def remaining(self) -> dict[str, float]:
        """What is left of each limit, by the field of `Budget`; never negative."""
        spent = self._spent()
        return {name: max(0.0, limit - spent[name]) for name, limit in self.budget.limits()}

    def left(self) -> str:
        """`3m 20s, 41 experiments, 2.10 usd left`."""
        rest = [_UNITS[name].words(amount) for name, amount in self.remaining().items()]
        return f"{', '.join(rest)} left" if rest else "until stopped"

    def shares(self) -> list[Share]:
        """One per limit, in the order in which a person asks: time, experiments, money, tokens."""
        spent = self._spent()
        return [_share(_UNITS[name], spent[name], limit) for name, limit in self.budget.limits()]


def _share(unit: _Unit, used: float, limit: float) -> Share:
    fraction = min(1.0, used / limit) if limit > 0 else 1.0
    return Share(unit.label, fraction, f"{unit.show(used)} of {unit.show(limit)}")
