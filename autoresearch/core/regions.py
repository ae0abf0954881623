"""Marked regions: the lines between `EVOLVE-BLOCK-START` and `EVOLVE-BLOCK-END`, where only these may change.

Such a marker is a line with nothing but signs before the name, in whatever language: `# EVOLVE-BLOCK-START`, also with
`##`, `//`, `--`, `;`, `%`, `<!--`, `(*`, `/*`, three quotes, or bare; behind code it is none. A block in a block is
part of it. An end without a start is a line like any other; a start without an end opens no region. The rule is about
text: what a region can do to the code around it (a string that is never closed) is not looked at.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest

NAME = "EVOLVE-BLOCK"
_MARKER = re.compile(rf"[^\w\n]*{NAME}-(START|END)\b(?![-\w])")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_SHOWN = 60
"""Characters of a line that are quoted."""


@dataclass(frozen=True, slots=True)
class _Fixed:
    """Lines that stay: those between two regions, with the markers that end it. `first` counts from 1."""

    first: int
    lines: tuple[str, ...]


def is_marked(text: str) -> bool:
    """Is there a marker at all? Then nothing outside its regions may change."""
    return NAME in text and any(map(_MARKER.match, text.split("\n")))


def has_region(text: str) -> bool:
    """Is there a place that may change?"""
    return bool(regions(text))


def regions(text: str) -> list[range]:
    """The characters of each region, without its markers."""
    found: list[range] = []
    at = depth = start = 0
    for line in _lines(text):
        kind = _kind(line)
        if kind == "START":
            depth += 1
            start = at + len(line) if depth == 1 else start
        elif kind == "END" and depth:
            depth -= 1
            found += [range(start, at)] if not depth else []
        at += len(line)
    return found


def changeable(text: str) -> list[range]:
    """The characters of a file that may change: its regions, or everything where there are no markers."""
    return regions(text) if is_marked(text) else [range(len(text))]


def change_outside(before: Mapping[str, str], after: Mapping[str, str | None]) -> str:
    """What a change does outside the regions of a marked file, naming the line; empty where it does nothing.

    `before` are the files as they are, `after` the new texts of those that change (None: the file is removed).
    """
    for path, text in after.items():
        old = before.get(path, "")
        if is_marked(old) and (problem := f"{path} would be removed" if text is None else _problem(path, old, text)):
            return f"{problem}: only what stands between the {NAME} markers may change"
    return ""


def _problem(path: str, old: str, new: str) -> str:
    if not has_region(old):
        return f"{path} has an {NAME} marker without its other half, so nothing in it may change"
    if len(regions(old)) != len(regions(new)):
        return _marker_problem(path, old, new)
    pairs = zip(_fixed(old), _fixed(new), strict=True)
    return next(filter(None, (_difference(path, was, now) for was, now in pairs)), "")


def _marker_problem(path: str, old: str, new: str) -> str:
    before, after = _lines(old), Counter(filter(_kind, _lines(new)))
    for number, line in enumerate(before, 1):
        if _kind(line) and after[line] < before.count(line):
            return f"{path}: line {number}, {_quoted(line)}, is a marker, and stays where it is"
    return f"{path}: the change adds {NAME} markers"


def _difference(path: str, was: _Fixed, now: _Fixed) -> str:
    """The first line of the file that is touched; where none is, the line that is added."""
    for offset, (old, new) in enumerate(zip_longest(was.lines, now.lines)):
        place = was.first + offset
        if old is None:
            return f"{path}: {_quoted(new)} would stand outside, behind line {place - 1}"
        if old != new:
            role = "is a marker, and stays as it is" if _kind(old) else "is outside"
            return f"{path}: line {place}, {_quoted(old)}, {role}"
    return ""


def _fixed(text: str) -> Iterator[_Fixed]:
    """What stands before, between and behind the regions."""
    first, at = 1, 0
    for region in [*regions(text), range(len(text), len(text))]:
        lines = _lines(text[at : region.start])
        yield _Fixed(first, lines)
        first += len(lines) + len(_lines(text[region.start : region.stop]))
        at = region.stop


def _lines(text: str) -> tuple[str, ...]:
    """With their ends. Only a line feed ends one, as in an editor."""
    return tuple(_LINE.findall(text))


def _kind(line: str) -> str:
    found = _MARKER.match(line) if NAME in line else None
    return found[1] if found else ""


def _quoted(line: str) -> str:
    text = line.strip()
    shown = "".join(one if one.isprintable() else "?" for one in text[:_SHOWN])
    return f'"{shown}{"…" if len(text) > _SHOWN else ""}"'
