"""Numbers in what a program prints: `name: value` pairs in a line, and JSON objects.

A pair is `name: value`, `name = value` or `name=value`, alone or among others in a line:

    METRIC val_bpb=0.9979              at the start, METRIC may stand before the name
    Epoch 3: loss=0.31 acc=97.5%       a name begins the line, or follows a value, `,;|[]`, `: `, ` - ` or two spaces
    latency: 12.3 ms ± 0.4 ms          behind the value: a unit, and how far it scatters

A value is an ASCII decimal of at most 64 characters. What could be misread is no value: `1,234`, `3/10`, `12:30`.
Nothing in here takes longer than the line is long. Not in here: which pair is the metric (`core.metric`).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from autoresearch.core.quantity import UNITS

LONGEST_VALUE = 64
LONGEST_NAME = 100
MOST_NAMES = 256
"""So many different names are remembered; a program that prints more is not read more widely."""
DEEPEST = 20

_DECIMAL = r"(?>[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)(?![eE]\b)"
_NO_NUMBER = r"[-+]?(?i:nan|inf(?:inity)?)\b"
_KNOWN_UNIT = rf"(?:%|{'|'.join(map(re.escape, UNITS))})(?![\w/%°])"
_ANY_UNIT = r"(?:[^\W\d_]+(?:[/*·^][^\W\d_]+)*[²³]?|[%°$€£][^\W\d_]?(?:/[^\W\d_]+)?)"
_WORD = r"[\w./@-]{1,100}"
_END = r"(?=[ \t]*(?:$|[;|\t\[\]]|,(?![0-9])|[ ]{2}|[ ]-[ ]))"
_NEXT = rf"(?=[ \t]+{_WORD}(?: {_WORD}){{0,4}}[ \t]*[:=])"
_SPREAD = r"(?:[ \t]*(?:±|\+/?-)[^,;|\[\]]*?|[ \t]*\([ \t]*(?:±|\+/?-)[^()]*\))?"
_TAIL = (
    rf"(?:(?:[ \t]*({_KNOWN_UNIT}))?(?:{_NEXT}|{_SPREAD}{_END})"
    rf"|({_ANY_UNIT}){_NEXT}|[ \t]*({_ANY_UNIT}){_SPREAD}{_END})"
)
_ASSIGNED = re.compile(rf"[:=][ \t]*({_DECIMAL}|{_NO_NUMBER}){_TAIL}")
_VALUE = re.compile(rf"({_DECIMAL}|{_NO_NUMBER}){_TAIL}")
_NAME = re.compile(r"[\w./@-]+(?: [\w./@-]+)*")
_BEFORE_NAME = re.compile(r"[,;|\t\[\]]|: |[ ]{2}|(?:^|[ ])[-*•][ ]")
_BEHIND_VALUE = re.compile(rf"(?:.*[:=][ \t]*)?{_DECIMAL}\S*(?:[ ]{_KNOWN_UNIT})?[ \t]+")
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])")


class Number(NamedTuple):
    """A value as it was printed; `value` is None where the text is no finite number."""

    value: float | None
    unit: str
    text: str


class Candidate(NamedTuple):
    """A number that might be the metric: its last value, and on how many places it was printed."""

    name: str
    value: float
    times: int


def visible(line: str) -> str:
    """What a terminal would show of a line: escapes removed, and of a progress bar the last text that it drew."""
    if "\x1b" in line:
        line = _ESCAPE.sub("", line)
    line = line.strip()
    return line.rpartition("\r")[2].strip() if "\r" in line else line


def pairs(line: str) -> Iterator[tuple[str, Number]]:
    """The named numbers of a `visible` line, from left to right."""
    if ":" not in line and "=" not in line:
        return
    line = _unmarked(line)
    behind = 0
    for match in _ASSIGNED.finditer(line):
        name = _name_at_end(line[behind : match.start()].rstrip()[-2 * LONGEST_NAME :])
        behind = match.end()
        if name:
            yield name, _number(match)


def given_to(name: str, line: str) -> Iterator[Number]:
    """Everything that a `visible` line gives as the value of `name`, be it a number or not."""
    line = _unmarked(line)
    for match in re.finditer(re.escape(name) + r"[ \t]*(?=[:=])", line):
        before = _last_part(line[max(0, match.start() - 2 * LONGEST_NAME) : match.start()])
        if before.strip() and not _BEHIND_VALUE.fullmatch(before):
            continue
        assigned = _ASSIGNED.match(line, match.end())
        text = line[match.end() + 1 : match.end() + 1 + LONGEST_VALUE].strip()
        yield _number(assigned) if assigned else Number(None, "", text)


def parse_value(text: str) -> Number:
    """Text that is a value and nothing else, such as the group of a pattern."""
    text = text.strip()
    match = _VALUE.match(text)
    return _number(match) if match and match.end() == len(text) else Number(None, "", text[:LONGEST_VALUE])


def is_name(text: str) -> bool:
    """Letters, digits, `_ . / - @` and single spaces, at most 100 characters."""
    return len(text) <= LONGEST_NAME and _NAME.fullmatch(text) is not None


def flatten(text: str) -> Mapping[str, Number] | None:
    """The members of a JSON object, nested ones with dotted names, lists left out; None when it is no JSON object."""
    try:
        parsed = json.loads(text, parse_int=float)
    except (ValueError, RecursionError):
        return None
    return dict(_members(parsed, "", DEEPEST)) if isinstance(parsed, dict) else None


def json_line(line: str) -> Mapping[str, Number] | None:
    """`flatten` for a line of output, with a cheap look first."""
    return flatten(line) if line.startswith("{") else None


def _members(parent: dict[str, object], prefix: str, depth: int) -> Iterator[tuple[str, Number]]:
    for key, member in parent.items():
        if isinstance(member, dict):
            yield from _members(member, f"{prefix}{key}.", depth - 1) if depth else ()
        elif isinstance(member, float):
            yield prefix + key, Number(member if math.isfinite(member) else None, "", str(member))
        elif not isinstance(member, list):
            yield prefix + key, Number(None, "", json.dumps(member)[:LONGEST_VALUE])


def _unmarked(line: str) -> str:
    return line[len("METRIC ") :].lstrip() if line.startswith(("METRIC ", "METRIC\t")) else line


def _last_part(text: str) -> str:
    return _BEFORE_NAME.split(text)[-1]


@lru_cache(maxsize=1024)  # a program prints the same few labels a million times
def _name_at_end(text: str) -> str:
    """The name that a text ends with; empty when what stands there is none."""
    name = _last_part(text).strip()
    return name if is_name(name) and any(map(str.isalpha, name)) else ""


def _number(match: re.Match[str]) -> Number:
    text, known, attached, spaced = match.groups()
    value = float(text) if len(text) <= LONGEST_VALUE else math.inf
    return Number(value if math.isfinite(value) else None, known or attached or spaced or "", text[:LONGEST_VALUE])


def candidates(lines: Iterable[str]) -> list[Candidate]:
    """The named numbers that a program printed, in the order in which they first came: what a metric may be."""
    found: dict[str, Candidate] = {}
    last = ""
    for line in filter(None, map(visible, lines)):
        last = line
        _count(found, pairs(line))
    _count(found, (json_line(last) or {}).items())
    return list(found.values())


def _count(found: dict[str, Candidate], numbers: Iterable[tuple[str, Number]]) -> None:
    for name, number in numbers:
        if number.value is not None and (name in found or (len(found) < MOST_NAMES and is_name(name))):
            found[name] = Candidate(name, number.value, found[name].times + 1 if name in found else 1)
