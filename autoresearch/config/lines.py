"""On which line of a TOML text each key stands: `tomllib` does not say, and people need to know.

A scanner, not a parser: the text has been parsed before, so it is valid. Keys inside an inline table or a list of
several lines count as standing where their outer key stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

KeyPath = tuple[str, ...]

_PART = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)"""
_DOTTED = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"\s*\[\[?\s*({_DOTTED})\s*\]")
_KEY = re.compile(rf"\s*({_DOTTED})\s*=")
_PIECE = re.compile(r'''"""|\'\'\'|"(?:[^"\\]|\\.)*"|'[^']*'|\#.*|[\[\]{}]''')


@dataclass(slots=True)
class _Value:
    """How far a value that goes over several lines is open."""

    depth: int = 0
    quote: str = ""

    @property
    def is_open(self) -> bool:
        return self.depth > 0 or bool(self.quote)

    def feed(self, text: str) -> None:
        """Read one more line, or the rest of one, of the value."""
        while text:
            if self.quote:
                text = self._leave_string(text)
            elif match := _PIECE.search(text):
                self._take(match.group())
                text = text[match.end() :]
            else:
                return

    def _leave_string(self, text: str) -> str:
        pattern = r'(?:[^"\\]|\\.|"(?!""))*"{3,5}' if self.quote == '"""' else r"(?:[^']|'(?!''))*'{3,5}"
        end = re.match(pattern, text)
        if end is None:
            return ""
        self.quote = ""
        return text[end.end() :]

    def _take(self, piece: str) -> None:
        if piece in ('"""', "'''"):
            self.quote = piece
        elif piece in "[{":
            self.depth += 1
        elif piece in "]}":
            self.depth -= 1


@dataclass(slots=True)
class Lines:
    """The lines (from 1) of the tables and keys of one text."""

    text: str
    found: dict[KeyPath, int] = field(init=False)

    def __post_init__(self) -> None:
        self.found = {}
        for path, line in _scan(self.text):
            for end in range(1, len(path) + 1):
                self.found.setdefault(path[:end], line)

    def line(self, path: KeyPath) -> int | None:
        """The line of the key, else of the innermost table round it that is there."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.found:
                return self.found[path[:end]]
        return None


def _scan(text: str) -> Iterator[tuple[KeyPath, int]]:
    table: KeyPath = ()
    value = _Value()
    for number, line in enumerate(text.split("\n"), start=1):
        if value.is_open:
            value.feed(line)
        elif header := _HEADER.match(line):
            table = _parts(header.group(1))
            yield table, number
        elif key := _KEY.match(line):
            yield (*table, *_parts(key.group(1))), number
            value = _Value()
            value.feed(line[key.end() :])


def _parts(dotted: str) -> KeyPath:
    return tuple(part[1:-1] if part[0] in "\"'" else part for part in re.findall(_PART, dotted))
