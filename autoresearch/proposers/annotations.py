"""What a comment such as `# tune: 1e-4..1e-1 log` asks for, and which value on its line it means.

In any text file, whatever its language: the comment may start with `#`, `//`, `--`, `;` or `%`, and the value stands in
`name = value`, `name: value`, `"name": value,`, `--flag value`, `name value` or `#define NAME value`.

    # tune: 1e-4..1e-1 log      a range, in equal factors; without `log` in equal differences
    # tune: 16,32,64            some numbers
    # tune: gelu,relu           some words
    # tune:                     a sensible range
    # tune: off   # no tune     leave it alone

Any other text after `tune:` is taken for prose. What is not here: which lines of a Python file are code (`constants`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

from autoresearch.proposers.ranges import Domain, Interval, Options, Scale, Value, is_tunable, options

NUMBER = r"[-+]?(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][-+]?\d+)?"
COMMENT = re.compile(r"(?:#|//|--|;|%)[ \t]*(?:no[ -]?tune\b|tune:(?P<text>[^\r\n]*))", re.IGNORECASE)
RANGE = re.compile(rf"({NUMBER})\s*\.\.\s*({NUMBER})(\s+log\b)?", re.IGNORECASE)
SPEC_END = re.compile(r"\s(?:#|//|--|;|%)|\*/|-->")
POWER = re.compile(r"(\d{1,9})\*\*(\d{1,2})(?!\d)")
OPTION = re.compile(r"""(?P<quote>["']?)(?P<text>[\w./+-]+)(?P=quote)""")
COMMENTED_OUT = re.compile(r"\s*(?:#(?!\s*define\b)|//|;|%|--(?:\s|$))")

NAME = r"""(?P<name>[A-Za-z_][\w.-]*)(?:\[[^\]]*\])?["']?"""
SEPARATED = (
    re.compile(NAME + r"\s*(?::(?![:=])[^=]*?)?:?(?<![=<>!])=(?![=])\s*"),
    re.compile(NAME + r"\s*:(?![:=])\s*"),
    re.compile(rf"--{NAME}[\s,]+"),
    re.compile(rf"^\s*(?:#\s*define\s+)?{NAME}[ \t]+"),
)
FLAG = re.compile(r"--([A-Za-z][\w-]*)")
NUMERAL = re.compile(rf"(?P<number>(?!0[xXbBoO]){NUMBER})(?![\d.])")
QUOTED = re.compile(r"""(?P<quote>["'])(?P<text>[^"'\\\r\n]*)(?P=quote)""")
WORD = re.compile(r"[A-Za-z_][\w./+-]*")
MAX_EXPONENT = 64
LONGEST_LINE, LONGEST_NUMBER = 1000, 40  # what is longer is data


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as it is written: `text` stands at `start` to `end` (characters from the file's beginning)."""

    name: str
    start: int
    end: int
    text: str
    index: int | None = None
    """The element of a tuple or list."""
    base: int | None = None
    """Of `2**19` the text is the exponent, 19, and this is 2."""

    @property
    def number(self) -> int | float | None:
        """None when it is not written as one; an int exactly when it is written as one."""
        if not re.fullmatch(NUMBER, self.text) or len(self.text) > LONGEST_NUMBER:
            return None
        number = int(self.text) if re.fullmatch(r"[-+]?[\d_]+", self.text) else float(self.text)
        return number if is_tunable(number) else None


class Wish(Enum):
    """What a comment says about the value on its line, where it names neither range nor options."""

    DEFAULT = "a sensible range"
    OFF = "leave it alone"
    PROSE = "not understood"


@dataclass(frozen=True, slots=True)
class Note:
    """A comment about tuning: its line's `start` in the file, where the `code` before it stands, and what it says."""

    start: int
    code: str
    text: str | None
    """None for `# no tune`."""

    @property
    def end(self) -> int:
        """Where the code ends and the comment begins."""
        return self.start + len(self.code)

    @property
    def spec(self) -> str:
        """What it says, without a further comment behind it."""
        text = self.text or ""
        return text[: end.start()].strip() if (end := SPEC_END.search(text)) else text.strip()

    def wish(self, literal: Literal) -> Domain | Wish:
        """What it asks for that value."""
        if self.text is None or self.spec.lower() in ("off", "no", "none", "false"):
            return Wish.OFF
        if not self.spec:
            return Wish.DEFAULT
        spec = POWER.sub(lambda found: str(int(found[1]) ** int(found[2])), self.spec)
        if literal.base:
            spec = re.sub(r"\d[\d_]*", lambda found: _exponent(int(found[0][:LONGEST_NUMBER]), literal.base or 2), spec)
        if found := RANGE.match(spec):
            return _range(found, literal) or Wish.PROSE
        return _options(_listed(spec), literal) or Wish.PROSE

    def literal(self) -> Literal | None:
        """The value that it is about: one of those it lists, else the first number, else the first word."""
        if COMMENTED_OUT.match(self.code):
            return None
        found, listed = list(self._literals()), _listed(self.spec)
        known = [one for one in found if one.text in listed]
        numbers = [one for one in found if one.number is not None]
        meant = next(iter(known or numbers or (found if listed else [])), None)
        # `add_argument("--lr", type=float, default=0.1)`: the option's name says more than `default` does
        flag = FLAG.search(self.code) if meant and meant.name == "default" else None
        return replace(meant, name=flag[1]) if meant and flag else meant

    def _literals(self) -> Iterator[Literal]:
        for pattern in SEPARATED:
            for separator in pattern.finditer(self.code):
                name, at = separator["name"], separator.end()
                if found := NUMERAL.match(self.code, at):
                    start, end = found.span()
                elif found := QUOTED.match(self.code, at):
                    start, end = found.span("text")
                elif found := WORD.match(self.code, at):
                    start, end = found.span()
                else:
                    continue
                yield Literal(name, self.start + start, self.start + end, self.code[start:end])


def note_on(line: str, start: int) -> Note | None:
    """The comment about tuning on a line that begins at `start`; None without one."""
    found = COMMENT.search(line) if len(line) <= LONGEST_LINE else None
    return Note(start, line[: found.start()], found["text"]) if found else None


def present_value(literal: Literal, domain: Domain) -> Value:
    """The value in the terms of its domain: words stay words, and options of a float are floats."""
    number = literal.number
    words = isinstance(domain, Options) and any(isinstance(value, str) for value in domain.values)
    return literal.text if number is None or words else number


def _exponent(number: int, base: int) -> str:
    """A number that can only be meant as a power's value becomes the exponent; a small one is the exponent."""
    return str(round(math.log(number, base))) if number > MAX_EXPONENT else str(number)


def _range(found: re.Match[str], literal: Literal) -> Interval | None:
    """None when it is empty, or makes no sense for the value."""
    low, high = (float(text.replace("_", "")) for text in found.group(1, 2))
    log = found[3] is not None
    if literal.number is None or not (is_tunable(low) and is_tunable(high) and low < high) or (log and low <= 0):
        return None
    scale = Scale.LOG if log else Scale.GAP if low > 0 and high < 1 and (1 - low) / (1 - high) >= 5 else Scale.LINEAR
    spelled_whole = all(re.fullmatch(r"[-+]?[\d_]+", text) for text in found.group(1, 2))
    whole = isinstance(literal.number, int) and (spelled_whole or (low.is_integer() and high.is_integer()))
    return Interval(low, high, scale, multiple=1 if whole else 0)


def _listed(spec: str) -> list[str]:
    """The words between commas; none for fewer than two different ones, and for prose."""
    found = [OPTION.fullmatch(part.strip()) for part in spec.split(",")]
    texts = [one["text"] for one in found if one]
    return texts if len(texts) == len(found) and len(set(texts)) > 1 else []


def _options(texts: list[str], literal: Literal) -> Options | None:
    if not texts:
        return None
    present = literal.number
    numbers = [number for text in texts if (number := Literal("", 0, 0, text).number) is not None]
    if present is None or len(numbers) < len(texts):
        return options(texts, literal.text)
    return options([float(number) for number in numbers] if isinstance(present, float) else numbers, present)
