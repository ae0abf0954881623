"""Finding the place that a SEARCH text means: exactly, else with tolerance for white space, never by guessing.

Tolerant means whole lines that agree up to trailing white space, line ends, and an indentation that differs by the same
amount on every line. Also here: the closest place when there is none. Not in here: what is put there
instead (`core.edit`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import islice

LINES_SHOWN = 5
PLACES_COUNTED = 200
LINES_COMPARED = 20_000
FULL_COMPARISONS = 200
CLOSE_ENOUGH = 0.5
WIDTH = 160


@dataclass(frozen=True, slots=True)
class Lines:
    """Whole lines `start` to `end` (from 0, `end` not included); `added` or `removed` is how the file is indented more
    or less than the search text.
    """

    start: int
    end: int
    added: str = ""
    removed: str = ""


def exact_places(text: str, search: str) -> list[int]:
    """The offsets of all occurrences, overlapping ones too, at most 200.

    A text that ends a line means whole lines: `X = 3` is not meant by `MAX_X = 3`.
    """
    places: list[int] = []
    whole_lines = search.endswith("\n")
    place = text.find(search)
    while place >= 0 and len(places) < PLACES_COUNTED:
        if not whole_lines or place == 0 or text[place - 1] == "\n":
            places.append(place)
        place = text.find(search, place + 1)
    return places


def tolerant_places(text: str, search: str) -> list[Lines]:
    """Where the search text stands but for white space, at most six; where its indentation agrees, only those."""
    file, wanted = split_lines(text), split_lines(search)
    if not any(line.strip() for line in wanted):
        return []
    same = _windows([line.rstrip() for line in file], [line.rstrip() for line in wanted])
    shifted = _windows([line.strip() for line in file], [line.strip() for line in wanted])
    size = len(wanted)
    return list(islice((Lines(start, start + size) for start in same), LINES_SHOWN + 1)) or list(
        islice(filter(None, (_shifted(file, start, wanted) for start in shifted)), LINES_SHOWN + 1)
    )


def split_lines(text: str) -> list[str]:
    """Lines without their ends; unlike `str.splitlines`, only a line feed, maybe behind a return, ends one."""
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return lines[:-1] if lines[-1] == "" else lines


def _windows(file: Sequence[str], wanted: Sequence[str]) -> Iterator[int]:
    for start in range(len(file) - len(wanted) + 1):
        if file[start] == wanted[0] and file[start : start + len(wanted)] == wanted:
            yield start


def _shifted(file: Sequence[str], start: int, wanted: Sequence[str]) -> Lines | None:
    """The lines there, if every one is indented more or less than is wanted by the same amount."""
    shift: tuple[str, str] | None = None
    for there, line in zip(file[start : start + len(wanted)], wanted, strict=True):
        this = _one_shift(_indent(there), _indent(line))
        if there.strip() and (this is None or this != (shift or this)):
            return None
        shift = this if there.strip() else shift
    return Lines(start, start + len(wanted), *(shift or ("", "")))


def _one_shift(there: str, wanted: str) -> tuple[str, str] | None:
    if there.endswith(wanted):
        return there.removesuffix(wanted) if wanted else there, ""
    return ("", wanted.removesuffix(there) if there else wanted) if wanted.endswith(there) else None


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def closest(text: str, search: str) -> tuple[int, list[str]] | None:
    """Number (from 1) and text of the lines most like the search text; None when nothing is like it.

    The cost grows with the length of the text only, however alike its lines are.
    """
    file, wanted = split_lines(text)[:LINES_COMPARED], [line.strip() for line in split_lines(search)]
    start = _most_shared(file, wanted)
    if start is None:
        start = _most_similar(file, wanted)
    if start is None:
        return None
    return start + 1, [line[:WIDTH] for line in file[start : start + min(LINES_SHOWN, len(wanted))]]


def _most_shared(file: Sequence[str], wanted: Sequence[str]) -> int | None:
    """The start that most text in identical lines speaks for; None when that is less than a third of what is wanted."""
    positions: dict[str, list[int]] = {}
    for position, line in enumerate(wanted):
        positions.setdefault(line, []).append(position)
    votes: Counter[int] = Counter()
    for number, line in enumerate(file):
        for position in positions.get(line.strip(), ())[:LINES_SHOWN]:
            votes[max(0, number - position)] += len(line.strip())
    start, weight = max(votes.items(), key=lambda vote: vote[1], default=(0, 0))
    return start if weight * 3 >= sum(map(len, wanted)) > 0 else None


def _most_similar(file: Sequence[str], wanted: Sequence[str]) -> int | None:
    """The start at which the longest wanted line would lie on the line most like it."""
    longest = max(wanted, key=len, default="")[:WIDTH]
    matcher = SequenceMatcher(autojunk=False, b=longest)
    best, found, left = CLOSE_ENOUGH, None, FULL_COMPARISONS
    for number, line in enumerate(file):
        matcher.set_seq1(line.strip()[:WIDTH])
        if matcher.real_quick_ratio() <= best or matcher.quick_ratio() <= best or not left:
            continue
        left -= 1
        if matcher.ratio() > best:
            best, found = matcher.ratio(), number
    return None if found is None else max(0, found - [line[:WIDTH] for line in wanted].index(longest))
