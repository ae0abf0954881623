"""What the keys of the configuration are made of: units, words for people, and the mark of what is not there yet.

Each type is an `Annotated` one whose `Shown` says in words what belongs there; the error messages, the file that
`ar init` writes and the README's table all take it from here. The keys themselves are in `config.model`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from autoresearch.config.toml import toml_value
from autoresearch.core.constraints import parse_constraint
from autoresearch.core.history import Direction
from autoresearch.core.quantity import (
    Gain,
    parse_count,
    parse_duration,
    parse_gain,
    parse_money,
    parse_size,
)

T = TypeVar("T")
NOT_AVAILABLE = "not_available"
"""Error type of a key, or a value, that belongs to a later version."""
WRONG_TYPE = "wrong_type"
"""Error type of a value that is not at all what `Shown` says."""

_DIRECTIONS = {"min": "min", "minimize": "min", "lower": "min", "max": "max", "maximize": "max", "higher": "max"}
_METRIC_NAME = re.compile(r"[\w./@-]+(?: [\w./@-]+)*")


@dataclass(frozen=True, slots=True)
class Shown:
    """What a value of this type looks like, in words that fit after "must be", and how it is written as TOML."""

    text: str
    write: Callable[[Any], str] = toml_value


@dataclass(frozen=True, slots=True)
class Later:
    """The key is known and checked, but works only in a later version: anything but its default is refused.

    With `values`, only these are refused.
    """

    values: tuple[object, ...] = ()


class Table(BaseModel):
    """A TOML table: unknown keys, and types that would have to be guessed, are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)

    @field_validator("*")
    @classmethod
    def _must_be_available(cls, value: T, info: ValidationInfo) -> T:
        field = cls.model_fields[str(info.field_name)]
        later = next((one for one in field.metadata if isinstance(one, Later)), None)
        if later is None or value == field.default or (later.values and value not in later.values):
            return value
        raise PydanticCustomError(NOT_AVAILABLE, "is not available yet", {"only_value": bool(later.values)})


def _from_text(parse: Callable[[str], object]) -> BeforeValidator:
    """Text is parsed; anything else is of the wrong type."""

    def read(given: object) -> object:
        if isinstance(given, str):
            return parse(given)
        raise PydanticCustomError(WRONG_TYPE, "is no text")

    return BeforeValidator(read)


def _seconds(seconds: float) -> str:
    return f'"{seconds:g}s"'


def _count(given: object) -> object:
    return parse_count(given) if isinstance(given, str) else given


def _gain(given: object) -> Gain:
    if isinstance(given, str):
        return parse_gain(given)
    if isinstance(given, int | float) and not isinstance(given, bool):
        return parse_gain(repr(given))
    raise PydanticCustomError(WRONG_TYPE, "is no gain")


def parse_direction(text: str) -> Direction:
    """`min` and `max`, also `minimize`, `maximize`, `lower`, `higher`. Raises ValueError for anything else."""
    if name := _DIRECTIONS.get(text):
        return Direction(name)
    raise ValueError(f'"{text}" is no direction: write "min" or "max"')


def _price(text: str) -> float:
    money, _, hour = text.partition("/")
    if hour.strip() != "h":
        raise ValueError(f'"{text}" is no price per hour: write it like "2.49usd/h"')
    return parse_money(money)


def _constraint(text: str) -> str:
    try:
        parse_constraint("", text)
    except ValueError as error:
        raise PydanticCustomError(WRONG_TYPE, "is no constraint") from error
    return text.strip()


def _filled(command: str | tuple[str, ...]) -> str | tuple[str, ...]:
    if not "".join(command).strip():
        raise ValueError("must not be empty")
    return command


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be one line without control characters")
    return text


def _metric_name(name: str) -> str:
    if not _METRIC_NAME.fullmatch(name):
        raise ValueError(f"must be made of letters, digits, _ . / - @ and single spaces, not {toml_value(name)}")
    return name


def _pattern(text: str) -> str:
    try:
        groups = re.compile(text).groups
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from error
    if groups > 1:
        raise ValueError(f"must have one (group), round the number, not {groups}; write the others as (?:...)")
    return text


def _relative(path: str) -> str:
    if not path.strip() or "\0" in path or path.startswith(("/", "~")):
        raise ValueError(f'must be relative to the folder of this file, not "{path}"')
    return path


def _here(path: str) -> str:
    if path and ".." in _relative(path).split("/"):
        raise ValueError(f'must lie below the folder of this file, not "{path}"')
    return path


_Path = Annotated[str, AfterValidator(_relative)]

Text = Annotated[str, Shown("text")]
Line = Annotated[str, AfterValidator(_one_line), Shown("text")]
Texts = Annotated[tuple[str, ...], Field(strict=False), Shown("a list of texts")]
Variables = Annotated[Mapping[str, str], Shown('a table of texts, as { NAME = "value" }')]
Flag = Annotated[bool, Shown("true or false")]
Whole = Annotated[int, Field(ge=0), Shown("a whole number")]
Number = Annotated[float, Field(ge=0, allow_inf_nan=False), Shown("a number")]
Count = Annotated[int, BeforeValidator(_count), Field(ge=0), Shown('a count, as 50 or "2M"')]
Seconds = Annotated[float, _from_text(parse_duration), Shown('a duration, as "90s" or "1h30m"', _seconds)]
Bytes = Annotated[int, _from_text(parse_size), Shown('a size, as "512MB" or "2GiB"')]
Dollars = Annotated[float, _from_text(parse_money), Shown('money, as "3usd"')]
DollarsPerHour = Annotated[float, _from_text(_price), Shown('money per hour, as "2.49usd/h"')]
GainOver = Annotated[Gain, BeforeValidator(_gain), Shown('a number, or text as "0.5%"', str)]
Better = Annotated[Direction, _from_text(parse_direction), Shown('"min" or "max"')]
Path = Annotated[_Path, Shown("a path")]
FileHere = Annotated[str, AfterValidator(_here), Shown("a path")]
HoldoutMetric = Annotated[str, AfterValidator(lambda name: name and _metric_name(name)), Shown("text")]
Paths = Annotated[tuple[_Path, ...], Field(strict=False), Shown("a list of paths")]
Globs = Annotated[tuple[_Path, ...], Field(strict=False), Shown("a list of globs")]
Command = Annotated[str | Annotated[tuple[str, ...], Field(strict=False)], Shown("text or a list of texts")]
FilledCommand = Annotated[Command, AfterValidator(_filled)]
FilledTexts = Annotated[
    tuple[Annotated[str, AfterValidator(_filled)], ...], Field(strict=False), Shown("a list of texts")
]
MetricName = Annotated[str, AfterValidator(_metric_name), Shown("text")]
Pattern = Annotated[str, AfterValidator(_pattern), Shown("a regular expression")]
Constraint = Annotated[str, _from_text(_constraint), Shown('text such as "<= 48000" or "<= 1.1x"')]
