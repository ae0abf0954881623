"""Finding SEARCH/REPLACE blocks in a reply, and the lines of prose between them.

What a path or a title looks like is `reply`'s; this knows the three markers and the code fences only. The markers may
have 5 to 9 characters, for models count badly, and so that a file which holds such lines itself can be edited.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from autoresearch.core.edit import Refusal

FENCE = re.compile(r"\s*(```|~~~)")
_OPEN = re.compile(r" {0,3}(<{5,9}) ?SEARCH\s*")
_DIVIDER = re.compile(r" {0,3}(={5,9})\s*")
_CLOSE = re.compile(r" {0,3}(>{5,9}) ?REPLACE\s*")


@dataclass(frozen=True, slots=True)
class Block:
    """A SEARCH/REPLACE block as lines, and the nearest line above it that says something."""

    above: str
    search: list[str]
    replacement: list[str]


def split(lines: list[str]) -> list[str | Block] | Refusal:
    """The reply as lines of prose and blocks, in order."""
    parts: list[str | Block] = []
    at, above = 0, ""
    while at < len(lines):
        opening = _OPEN.fullmatch(lines[at])
        if opening is None and _CLOSE.fullmatch(lines[at]):
            return Refusal(f"line {at + 1} closes a block (>>>>>>> REPLACE) that no line <<<<<<< SEARCH opened")
        if opening is None:
            parts.append(lines[at])
            above = above if not lines[at].strip() or FENCE.match(lines[at]) else lines[at]
            at += 1
            continue
        end = _closing(lines, at + 1, len(opening[1]))
        if end is None:
            return Refusal(f"the block that begins in line {at + 1} has no closing line >>>>>>> REPLACE")
        block = _halves(above, lines[at + 1 : end], len(opening[1]))
        if isinstance(block, Refusal):
            return Refusal(f"the block that begins in line {at + 1} {block.reason}")
        parts.append(block)
        at, above = end + 1, ""
    return parts


def _closing(lines: list[str], start: int, length: int) -> int | None:
    """Where the block ends: a closing marker as long as the opening one counts before one of another length."""
    other = None
    for at in range(start, len(lines)):
        opening, closing = _OPEN.fullmatch(lines[at]), _CLOSE.fullmatch(lines[at])
        if opening and len(opening[1]) == length:
            break
        if closing and len(closing[1]) == length:
            return at
        if closing and other is None:
            other = at
    return other


def _halves(above: str, body: list[str], length: int) -> Block | Refusal:
    """Cut at the divider. In a file that holds such lines itself, the one as long as the opening marker counts."""
    dividers = [(at, len(found[1])) for at, line in enumerate(body) if (found := _DIVIDER.fullmatch(line))]
    places = [at for at, size in dividers if size == length] or [at for at, _ in dividers]
    if not places:
        return Refusal("has no line ======= between SEARCH and REPLACE")
    if len(places) > 1 and places[0] != 0:
        return Refusal(
            f"has {len(places)} lines that could divide SEARCH from REPLACE; where a file holds such lines, write "
            "all three markers with another length, for example 9: <<<<<<<<< SEARCH, =========, >>>>>>>>> REPLACE"
        )
    search, replacement = body[: places[0]], body[places[0] + 1 :]
    fenced_alike = is_fenced(search) and is_fenced(replacement) and search[0] == replacement[0]
    return Block(above, search[1:-1], replacement[1:-1]) if fenced_alike else Block(above, search, replacement)


def is_fenced(lines: list[str]) -> bool:
    return len(lines) > 1 and all(FENCE.match(line) for line in (lines[0], lines[-1]))
