"""Quantities as people write them: durations, sizes, money, counts, gains; and numbers as people like to read them.

Parsers raise ValueError with one sentence that says what is wrong and what to write. Not in here: which quantity may
stand where (the configuration and the budget know), and reading numbers out of a program's output (`core.printed`).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction

_NUMBER = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_NANO = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86400 * 10**9}
_TIME_NAMES = {
    **{unit: unit for unit in ("ns", "us", "ms", "s", "m", "h")},
    **dict.fromkeys(("µs", "μs", "usec"), "us"),
    "msec": "ms",
    **dict.fromkeys(("sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("hr", "hour", "hours"), "h"),
}
_SIZES: dict[str, int] = {
    **{prefix + "B": 1000**power for power, prefix in enumerate(("", "k", "M", "G", "T", "P"))},
    **{prefix + "B": 1024**power for power, prefix in enumerate(("", "Ki", "Mi", "Gi", "Ti", "Pi"))},
    "KB": 1000,
    "bytes": 1,
}
UNITS = (*_TIME_NAMES, *_SIZES)
"""Every time and size unit that a program may print behind a number. `m` is minutes."""

_DURATION = re.compile(rf"\s*({_NUMBER})\s*(ms|sec|s|min|m|h|d)(?![a-z])")
_SIZE = re.compile(rf"({_NUMBER})\s*([a-z]+)", re.IGNORECASE)
_MONEY = re.compile(rf"({_NUMBER})\s*usd", re.IGNORECASE)
_COUNT = re.compile(rf"({_NUMBER})\s*([kM]?)(?:x|tok)?")
_LIMIT = 1e15


def convert(value: float, unit: str, to: str) -> float | None:
    """A time or a size in another unit of its kind; None when `to` is of another kind."""
    if unit == to:
        return value
    for table in (_SIZES, {name: _NANO[short] for name, short in _TIME_NAMES.items()}):
        if unit in table and to in table:
            ratio = Fraction(table[unit], table[to])
            return value * ratio.numerator / ratio.denominator
    return None


def parse_duration(text: str) -> float:
    """Seconds of `90s`, `5m`, `1h30m`, `2d`, `500ms`: units from large to small, each at most once."""
    total, position, smallest = 0.0, 0, math.inf
    while match := _DURATION.match(text, position):
        nano = _NANO[{"sec": "s", "min": "m"}.get(match[2], match[2])]
        if nano >= smallest:
            raise ValueError(f'"{text}" is no duration: units go from large to small, each once, as in "1h30m"')
        total += float(match[1]) * nano / 1e9
        position, smallest = match.end(), nano
    if re.fullmatch(rf"\s*{_NUMBER}\s*", text):
        number = text.strip()
        raise ValueError(f'"{text}" has no unit: write "{number}s", "{number}m" or "{number}h"')
    if position == 0 or text[position:].strip() or total > _LIMIT:
        raise ValueError(f'"{text}" is no duration: write it like "90s", "5m", "1h30m", "2d" or "500ms"')
    return total


def parse_size(text: str) -> int:
    """Bytes of `2GiB` (1024³ each) or `2GB` (1000³ each); small letters will do."""
    match = _SIZE.fullmatch(text.strip())
    factor = next((size for unit, size in _SIZES.items() if match and unit.lower() == match[2].lower()), None)
    if match is None or factor is None:
        raise ValueError(f'"{text}" is no size: write it with a unit, like "512MB" or "2GiB"')
    return round(Fraction(match[1]) * factor)


def parse_money(text: str) -> float:
    """US dollars of `3usd` or `0.50 usd`."""
    if not (match := _MONEY.fullmatch(text.strip())) or float(match[1]) > _LIMIT:
        raise ValueError(f'"{text}" is no amount of money: write it in US dollars, like "3usd" or "0.50usd"')
    return float(match[1])


def parse_count(text: str) -> int:
    """A whole number of `50`, `50x`, `500ktok`, `2M`: `k` is a thousand, `M` a million."""
    match = _COUNT.fullmatch(text.strip())
    count = Fraction(match[1]) * {"": 1, "k": 1000, "M": 10**6}[match[2]] if match else Fraction(1, 2)
    if count.denominator != 1 or count > _LIMIT:
        raise ValueError(f'"{text}" is no count: write a whole number, like "50", "500k" or "2M"')
    return int(count)


@dataclass(frozen=True, slots=True)
class Gain:
    """How much better something must be: in units of the metric, and as a fraction of the reference value."""

    absolute: float = 0.0
    relative: float = 0.0

    def of(self, reference: float) -> float:
        """In units of the metric; a percentage is of the size of `reference`, whatever its sign."""
        return self.absolute + self.relative * abs(reference)

    def __str__(self) -> str:
        return f"{format_metric(100 * self.relative)}%" if self.relative else format_metric(self.absolute)


def parse_gain(text: str) -> Gain:
    """`0.5%` or, in units of the metric, `0.01`; not negative."""
    match = re.fullmatch(rf"\s*({_NUMBER}(?:[eE][-+]?[0-9]+)?)\s*(%?)\s*", text)
    number = float(match[1]) if match else math.inf
    if match is None or not math.isfinite(number):
        raise ValueError(f'"{text}" is no gain: write a number that is not negative, or a percentage like "0.5%"')
    return Gain(relative=number / 100) if match[2] else Gain(absolute=number)


def format_duration(seconds: float) -> str:
    """`350 ms`, `3.2 s`, `12 s`, `5m`, `3m 20s`, `1h 30m`, `2d 3h`: two units at most."""
    if 0 < seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms" if seconds >= 0.001 else "<1 ms"
    if seconds < 9.95:
        return f"{max(seconds, 0.0):.1f}".removesuffix(".0") + " s"
    if round(seconds) < 60:
        return f"{round(seconds)} s"
    if round(seconds) < 3600:
        return _two_units(round(seconds), "m", "s")
    minutes = round(seconds / 60)
    return _two_units(minutes, "h", "m") if minutes < 24 * 60 else _two_units(round(seconds / 3600), "d", "h")


def _two_units(count: int, large: str, small: str) -> str:
    many, rest = divmod(count, _NANO[large] // _NANO[small])
    return f"{many}{large} {rest}{small}" if rest else f"{many}{large}"


def format_money(usd: float) -> str:
    """`3 usd`, `2.10 usd`, `0.0042 usd`."""
    text = f"{usd:.2f}" if abs(usd) >= 0.1 else f"{usd:.4f}".rstrip("0")
    return ("0" if float(text) == 0 else text.removesuffix(".00")) + " usd"


def format_tokens(tokens: int) -> str:
    """`800 tok`, `12 ktok`, `1.25 Mtok`."""
    for size, unit in ((10**6, "Mtok"), (1000, "ktok")):
        if tokens >= size:
            return f"{tokens / size:.2f}".rstrip("0").rstrip(".") + f" {unit}"
    return f"{tokens} tok"


def format_metric(value: float) -> str:
    """Up to 6 significant digits, whole numbers in full, no needless zeros, never `-0`."""
    value = float(value)
    if value == 0:
        return "0"
    if 1e5 <= abs(value) < 1e15 or (value.is_integer() and abs(value) < 1e15):
        return f"{value:.0f}"
    mantissa, e, exponent = f"{value:.6g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if e else mantissa


def format_change(new: float, old: float) -> str:
    """The change with its sign: in per cent of the size of `old`, or as it is where `old` is 0."""
    change = (new - old) / abs(old) * 100 if old else new - old
    if change == 0:
        return "±0 %"
    sign, size = "+" if change > 0 else "−", abs(change)
    if not old:
        return sign + format_metric(size)
    if size < 0.00005:
        return f"{sign}<0.0001 %"
    digits = next((digits for least, digits in ((99.95, 0), (0.995, 1), (0.00995, 2)) if size >= least), 4)
    return f"{sign}{size:.{digits}f} %"
