"""Reading the metric from what an experiment prints, strictly: a number is either certain or there is none.

    reader = MetricReader(spec); reader.feed(line) for every line of stdout; reader.read(convention)

What a pair of name and number looks like is in `core.printed`. Not in here: exit codes and time limits (the executor
looks at those first), and what is measured by `ar` itself (the executor hands that in).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Self

from autoresearch.core.printed import (
    MOST_NAMES,
    Number,
    flatten,
    given_to,
    is_name,
    json_line,
    pairs,
    parse_value,
    visible,
)
from autoresearch.core.quantity import convert

SELF_MEASURED = frozenset({"ar.seconds", "ar.peak_rss_mb"})
"""Metrics that `ar` measures itself: wall time in seconds, peak memory of the process tree in MB."""

UNIT, MANY = "unit=", "printed=many"
"""Flags in the record."""
MOST_MEASURES = 32
NAMES_SHOWN = 12
SHOWN = 100


@dataclass(frozen=True, slots=True)
class Convention:
    """How the baseline printed the metric: with which unit (empty: none), and on one line only or on several.

    `names`: of the other numbers that it printed, told first of many. They stand in the record as its measures.
    """

    unit: str = ""
    once: bool = True
    names: tuple[str, ...] = ()

    @property
    def flags(self) -> tuple[str, ...]:
        """As they stand on the baseline in the record: `unit=ms`, `printed=many`, each only where it says something."""
        return (f"{UNIT}{self.unit}",) * bool(self.unit) + (MANY,) * (not self.once)

    @classmethod
    def of_flags(cls, flags: Iterable[str]) -> Self:
        """The convention that these flags, among others, stand for."""
        known = tuple(flags)
        unit = next((flag.removeprefix(UNIT) for flag in known if flag.startswith(UNIT)), "")
        return cls(unit, MANY not in known)


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """The metric's name and, where no `name: value` is printed, a pattern with one group round the number.

    `wanted` are other numbers that must be among the measures when they are printed, or measured by `ar` itself.
    """

    name: str
    pattern: str = ""
    wanted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """The metric, in the convention's unit, and up to 32 other numbers the baseline's first, then as they came."""

    value: float
    measures: Mapping[str, float]
    convention: Convention


@dataclass(frozen=True, slots=True)
class NoReading:
    """No measurement, and why; `names` are the numbers that were printed."""

    reason: str
    names: tuple[str, ...]
    measures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Given:
    """All that was given as the value of the metric, in constant space; `missing` says why there is nothing."""

    last: Number | None = None
    times: int = 0
    differs: bool = False
    missing: str = "was not printed"

    def plus(self, number: Number | None) -> _Given:
        if number is None:
            return self
        return _Given(number, self.times + 1, self.differs or not (self.last is None or _same(self.last, number)))


class MetricReader:
    """Reads the output of one execution line by line. Its memory does not grow with the output."""

    def __init__(self, spec: MetricSpec) -> None:
        """Raises ValueError when the pattern is no regular expression."""
        self.spec = spec
        try:
            self._pattern = re.compile(spec.pattern) if spec.pattern else None
        except re.error as error:
            raise ValueError(f"the pattern is no regular expression: {error}") from error
        self._numbers: dict[str, float] = {}
        self._given = _Given(missing="matched no line") if self._pattern else _Given()
        self._last_line = ""

    def feed(self, line: str) -> None:
        """One line of stdout, with or without its end; escapes and progress bars are seen through."""
        line = visible(line)
        if not line:
            return
        self._last_line = line
        self._remember(self._numbers, pairs(line))
        if self._pattern:
            for match in self._pattern.finditer(line):
                self._given = self._given.plus(parse_value((match[1] or "") if self._pattern.groups else match[0]))
        elif self.spec.name in line:
            for number in given_to(self.spec.name, line):
                self._given = self._given.plus(number)
            if not self._given.times:
                self._given = _Given(missing=f"stands in {_quoted(line)}, but not as {_quoted(self.spec.name + ': 1')}")

    def read(
        self,
        convention: Convention | None,
        metrics_json: str | None = None,
        own: Mapping[str, float] | None = None,
    ) -> Reading | NoReading:
        """The metric of everything that was fed.

        `convention` is the baseline's, None while that is found out. `metrics_json` is the text of the metrics file
        (empty when there is none), None where none is configured; with it the metric is read from nowhere else. `own`
        holds what `ar` measured itself.
        """
        filed = flatten(metrics_json or "")
        printed = json_line(self._last_line)
        numbers: dict[str, float] = {}
        self._remember(numbers, (filed or {}).items())
        numbers |= {name: number for name, number in self._numbers.items() if name not in numbers}
        self._remember(numbers, (printed or {}).items())
        numbers |= {name: own[name] for name in self.spec.wanted if own and name in own}
        if self.spec.name in SELF_MEASURED:
            given = _from_own((own or {}).get(self.spec.name))
        elif metrics_json is not None:
            given = _from_file(filed, self.spec.name)
        else:
            given = self._given.plus(None if self._pattern else (printed or {}).get(self.spec.name))
        return self._judge(given, convention, numbers)

    def _judge(self, given: _Given, convention: Convention | None, numbers: Mapping[str, float]) -> Reading | NoReading:
        first = (*self.spec.wanted, *(convention.names if convention else ()))
        known = {name: numbers[name] for name in first if name in numbers}
        measures = dict(islice((known | dict(numbers)).items(), MOST_MEASURES))
        found = convention or Convention(given.last.unit if given.last else "", once=given.times < 2)
        value = _value(given, found)
        if not isinstance(value, str):
            return Reading(value, measures, found)
        name = "the pattern" if self._pattern and given.last is None else f'"{self.spec.name}"'
        reason = f"{name} {value}" + (_listing(numbers) if given.last is None else "")
        return NoReading(reason, tuple(numbers), measures)

    def _remember(self, numbers: dict[str, float], found: Iterable[tuple[str, Number]]) -> None:
        for name, number in found:
            if number.value is None or name == self.spec.name or name in SELF_MEASURED:
                continue
            room = len(numbers) < MOST_NAMES or name in self.spec.wanted
            if name in numbers or (room and is_name(name)):
                numbers[name] = number.value


def _from_own(value: float | None) -> _Given:
    return _Given(missing="could not be measured") if value is None else _Given(Number(value, "", str(value)), times=1)


def _from_file(filed: Mapping[str, Number] | None, name: str) -> _Given:
    if filed is None:
        return _Given(missing="was not read: the metrics file is missing, or holds no JSON object")
    return _Given(missing="is not in the metrics file").plus(filed.get(name))


def _value(given: _Given, convention: Convention) -> float | str:
    """The value in the convention's unit, or what is wrong with it."""
    last = given.last
    if last is None:
        return given.missing
    if last.value is None:
        return f"was given as {_quoted(last.text)}: no finite number"
    if convention.once and given.differs:
        return f"was printed {given.times} times with different values; the baseline printed it once"
    value = convert(last.value, last.unit, convention.unit)
    if value is None or not math.isfinite(value):
        return f"was printed {_in_unit(last.unit)}, by the baseline {_in_unit(convention.unit)}"
    return value


def _quoted(text: str) -> str:
    return '"' + "".join(character if character.isprintable() else "?" for character in text[:SHOWN]) + '"'


def _in_unit(unit: str) -> str:
    return f'in "{unit}"' if unit else "without a unit"


def _same(one: Number, other: Number) -> bool:
    if one.value is None or other.value is None:
        return False
    converted = convert(other.value, other.unit, one.unit)
    return converted is not None and math.isclose(one.value, converted, rel_tol=1e-12)


def _listing(names: Iterable[str]) -> str:
    shown = list(islice(names, NAMES_SHOWN + 1))
    more = ", …" if len(shown) > NAMES_SHOWN else ""
    return f"; numbers that were: {', '.join(shown[:NAMES_SHOWN])}{more}" if shown else "; no named number was"
