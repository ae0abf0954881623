"""Where a constant may go: its range or its options, a unit interval over them, and a guess where nobody wrote one.

Pure, standard library only. What is not here: finding constants in files (`constants`), choosing among values
(`sampling`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

Value = int | float | str
COUNTABLE = 1_000_000
"""More values than that are not gone through one by one."""
LARGEST, SMALLEST = 1e100, 1e-100
"""Numbers beyond these stand for infinity and for nothing: they are not tuned."""


class Scale(StrEnum):
    """In which terms steps are equal."""

    LINEAR = "linear"
    LOG = "log"
    GAP = "gap"
    """Logarithm of 1 - x: 0.9, 0.99 and 0.999 are one step apart each, as for momentum and averaging factors."""


@dataclass(frozen=True, slots=True)
class Interval:
    """All numbers from `low` to `high`; with `multiple`, whole multiples of it only."""

    low: float
    high: float
    scale: Scale = Scale.LINEAR
    multiple: int = 0

    def unit(self, value: float) -> float:
        """0 at `low`, 1 at `high`; beyond the ends the next half range is still told apart."""
        low, high = self._stretch(self.low), self._stretch(self.high)
        return min(1.5, max(-0.5, (self._stretch(value) - low) / (high - low)))

    def at(self, unit: float) -> int | float:
        """The value there, short to write: three significant digits (of 1 - x on the gap scale)."""
        low, high = self._stretch(self.low), self._stretch(self.high)
        place = low + min(1.0, max(0.0, unit)) * (high - low)
        match self.scale:
            case Scale.LINEAR:
                value = _round(place, 3, at_least=(self.high - self.low) / 1000)
            case Scale.LOG:
                value = _round(math.exp(place), 3)
            case Scale.GAP:
                value = 1 - _round(math.exp(-place), 2)
        value = float(f"{min(self.high, max(self.low, value)):.12g}")  # without the noise of binary fractions
        if not self.multiple:
            return float(value)
        first, last = math.ceil(self.low / self.multiple), math.floor(self.high / self.multiple)
        return self.multiple * max(first, min(round(value / self.multiple), last))

    def everything(self) -> Sequence[Value] | None:
        """All values that it has; None where they cannot be counted."""
        if not self.multiple:
            return None
        first, last = math.ceil(self.low / self.multiple), math.floor(self.high / self.multiple)
        if last - first > COUNTABLE:
            return None
        return range(first * self.multiple, last * self.multiple + 1, self.multiple)

    def _stretch(self, value: float) -> float:
        match self.scale:
            case Scale.LINEAR:
                return value
            case Scale.LOG:
                return math.log(max(value, self.low / 100))
            case Scale.GAP:
                return -math.log(max(1 - value, (1 - self.high) / 100))


@dataclass(frozen=True, slots=True)
class Options:
    """A few values; `ordered` when neighbours are more alike than others, as numbers are."""

    values: tuple[Value, ...]
    ordered: bool

    def unit(self, value: Value) -> float:
        """0 for the first, 1 for the last. Raises ValueError for what is none of them."""
        return self.values.index(value) / (len(self.values) - 1)

    def at(self, unit: float) -> Value:
        return self.values[round(min(1.0, max(0.0, unit)) * (len(self.values) - 1))]

    def everything(self) -> Sequence[Value] | None:
        return self.values


Domain = Interval | Options


def options(values: Sequence[Value], present: Value) -> Options:
    """Numbers in their order; the present value is one of them."""
    everything = dict.fromkeys([*values, present])
    if all(isinstance(value, int | float) for value in everything):
        return Options(tuple(sorted(everything, key=float)), ordered=True)
    return Options(tuple(everything), ordered=False)


def is_tunable(number: int | float) -> bool:
    """Is it of a size that can be reckoned with?"""
    return number == 0 or SMALLEST <= abs(number) <= LARGEST


def _round(value: float, digits: int, at_least: float = 0.0) -> float:
    """To significant digits; with `at_least`, no finer than that size asks for."""
    size = max(abs(value), at_least)
    return value if size == 0 else round(value, digits - 1 - math.floor(math.log10(size)))


# ---- the guess where nobody wrote a range

FIXED = re.compile(
    r"SEEDS?|RNG|VERSION|PORT|DATE|YEAR|MONTH|DAY|ID|UUID|PI|FLOPS|VOCAB|CLASSES|INDEX|DEBUG|VERBOSE"
    r"|EVAL|EVALUATION|VAL|VALIDATION|TEST"  # what measures is not to be tuned
    r"|TIMEOUT|SECONDS|SECS|MINUTES|HOURS|DEADLINE|BUDGET"  # more time is no improvement
)
RATE = re.compile(r"LR|RATE|SCALE|STD|EPS|EPSILON|GAIN|SIGMA|TEMPERATURE|COEF|WEIGHT")
SHARE = re.compile(r"BETAS?|MOMENTUM|DROPOUT|FRACTION|FRAC|RATIO|SHARE|PROB|PROBABILITY|WARMUP|QUANTILE")
FIXED_PHRASE = re.compile(
    r"RANDOM_STATE|TIME_LIMIT|MAX_TIME|LOG_(?:EVERY|INTERVAL|STEPS|FREQ|LEVEL)|PRINT_(?:EVERY|INTERVAL|FREQ)"
    r"|^_*(?:CUDA_)?(?:DEVICE|GPU)S?$"
)


def is_fixed(name: str, value: int | float) -> bool:
    """Seeds, versions, dates, time limits, sizes given from outside: not to be tuned unless a line says so."""
    if _has_word(name, FIXED) or FIXED_PHRASE.search(name.upper()):
        return True
    return not math.isfinite(value) or (isinstance(value, int) and (value in (-1, -100) or _is_date(value)))


def _has_word(name: str, words: re.Pattern[str]) -> bool:
    return any(words.fullmatch(word) for word in re.split(r"[^A-Z]+", name.upper()))


def _is_date(value: int) -> bool:
    return 19_000_101 <= value <= 21_001_231 and 1 <= value // 100 % 100 <= 12 and 1 <= value % 100 <= 31


def around(name: str, value: int | float) -> Domain:
    """A sensible range around the present value, by its size and by the words of its name."""
    is_share = _has_word(name, SHARE)
    if isinstance(value, int):
        return _around_int(value)
    if value < 0:
        return Interval(3 * value, value / 3)
    if value == 0:
        return Interval(0.0, 0.3 if is_share else 0.1)
    if value > 1 or (_has_word(name, RATE) and not is_share):
        return Interval(value / 10, value * 10, Scale.LOG)
    return _around_share(value, bounded=is_share)


def _around_share(value: float, *, bounded: bool) -> Interval:
    """Above 0 and at most 1: it stays below 1."""
    if 0.8 <= value < 1:
        gap = 1 - value
        return Interval(1 - min(0.5, 10 * gap), 1 - gap / 10, Scale.GAP)
    if bounded:
        return Interval(0.0, max(value, min(0.99, max(0.3, 3 * value))))
    if value == 1:
        return Interval(0.1, 10.0, Scale.LOG)
    if value <= 0.2:
        return Interval(value / 10, min(10 * value, 0.95), Scale.LOG)
    return Interval(0.02, 0.98)


def _around_int(value: int) -> Domain:
    """At least 1 stays at least 1; powers of two from 32 on stay powers of two, multiples of 8 multiples."""
    if value < 0:
        return Interval(min(2 * value, value - 2), -1, multiple=1)
    if value == 0:
        return Interval(0, 2, multiple=1)
    if value < 32:
        low, high = max(1, min(value - 2, value // 2)), max(value + 2, 2 * value)
        return Interval(low, high, Scale.LOG if value >= 8 else Scale.LINEAR, multiple=1)
    if value & (value - 1) == 0:
        return Options(tuple(value * 2**power // 8 for power in range(7)), ordered=True)
    shared = min(value & -value, 64, 2 ** ((value // 4).bit_length() - 1))
    return Interval(value / 10, value * 10, Scale.LOG, multiple=shared if shared >= 8 else 1)


def around_exponent(base: int, exponent: int) -> Interval:
    """Of `2**19`: three doublings either way; of `10**6` one step, which is about as far."""
    reach = max(1, round(3 * math.log(2) / math.log(base)))
    return Interval(max(1, exponent - reach), exponent + reach, multiple=1)
