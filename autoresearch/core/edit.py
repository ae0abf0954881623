"""Edits: what a proposer may ask for, and applying them to the text of the files, all or nothing.

A search text is looked for exactly, then with tolerance for white space; one that is not found, or found twice, is
refused with the place in words, never skipped and never guessed. Not in here: which paths may be changed
(`core.scope`), and reading edits out of a model's reply.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from autoresearch.core.matching import (
    LINES_SHOWN,
    Lines,
    closest,
    exact_places,
    split_lines,
    tolerant_places,
)


@dataclass(frozen=True, slots=True)
class Replace:
    """Put `replacement` where `search` stands. `search` must occur exactly once."""

    path: str
    search: str
    replacement: str


@dataclass(frozen=True, slots=True)
class Create:
    """A new file; it is an error when the path exists."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Write:
    """The file's whole new text, whether it exists or not (the tuner and replays know the exact result)."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove the file; it is an error when there is none."""

    path: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """A change that was made for other files and does not fit these; `reason` says where."""

    path: str
    reason: str


Edit = Replace | Create | Write | Delete | Conflict


@dataclass(frozen=True, slots=True)
class Change:
    """Edits that applied: per path the new text, or None where the file is removed. Only real differences are in it."""

    files: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why edits cannot be used, in words that the proposer can act on."""

    reason: str


def apply(edits: Sequence[Edit], files: Mapping[str, str], *, exactly: bool = False) -> Change | Refusal:
    """All edits in order, a later one on what an earlier one made; or none of them, and why.

    `files` is the text of every editable file by path. `exactly`: with no tolerance for white space.
    """
    now = dict(files)
    for edit in edits:
        refusal = _apply_one(edit, now, exactly=exactly)
        if refusal is not None:
            return refusal
    changed = {path: now.get(path) for path in (*files, *now) if now.get(path) != files.get(path)}
    if not changed:
        return Refusal("nothing changed: the files are as they were before")
    return _folder_clash(now) or Change(changed)


def _apply_one(edit: Edit, now: dict[str, str], *, exactly: bool) -> Refusal | None:
    match edit:
        case Replace(path, search, replacement):
            if path not in now:
                return _missing(path, now)
            text = _replace(path, now[path], search, replacement, exactly=exactly)
            if isinstance(text, Refusal):
                return text
            now[path] = text
        case Create(path, text):
            if path in now:
                return Refusal(f"{path}: this file exists already; change it by SEARCH and REPLACE")
            now[path] = text
        case Write(path, text):
            now[path] = text
        case Delete(path):
            if path not in now:
                return _missing(path, now)
            del now[path]
        case Conflict(_, reason):
            return Refusal(reason)
    return None


def _missing(path: str, files: Mapping[str, str]) -> Refusal:
    near = get_close_matches(path, list(files)[:1000], n=1)
    hint = f"; do you mean {near[0]}?" if near else ""
    return Refusal(f"{path}: there is no such file among those that may be changed{hint}")


def _folder_clash(files: Mapping[str, str]) -> Refusal | None:
    for path in files:
        names = path.split("/")
        for depth in range(1, len(names)):
            if (folder := "/".join(names[:depth])) in files:
                return Refusal(f"{path}: {folder} is a file, so nothing can be below it")
    return None


def _replace(path: str, text: str, search: str, replacement: str, *, exactly: bool) -> str | Refusal:
    if not search:
        return Refusal(f"{path}: the SEARCH text is empty; it must be text of the file, occurring once")
    places = exact_places(text, search)
    if len(places) == 1:
        end = places[0] + len(search)
        return text[: places[0]] + _with_line_ends_of(text, replacement) + text[end:]
    if places:
        return _ambiguous(path, list(dict.fromkeys(text.count("\n", 0, place) + 1 for place in places)))
    lines = [] if exactly else tolerant_places(text, search)
    if len(lines) > 1:
        return _ambiguous(path, [one.start + 1 for one in lines])
    shifted = _shifted(replacement, lines[0]) if lines else None
    return _not_found(path, text, search) if shifted is None else _splice(text, lines[0], shifted)


def _ambiguous(path: str, numbers: Sequence[int]) -> Refusal:
    shown = ", ".join(map(str, numbers[:LINES_SHOWN])) + (" and more" if len(numbers) > LINES_SHOWN else "")
    return Refusal(f"{path}: the SEARCH text is there more than once, at lines {shown}: add lines until it is unique")


def _not_found(path: str, text: str, search: str) -> Refusal:
    place = closest(text, search)
    if place is None:
        return Refusal(f"{path}: the SEARCH text is not in the file, nor anything like it")
    number, lines = place
    return Refusal(
        f"{path}: the SEARCH text is not in the file; the closest place is line {number}:\n" + "\n".join(lines)
    )


def _line_end(text: str) -> str:
    return "\r\n" if 2 * text.count("\r\n") > text.count("\n") else "\n"


def _with_line_ends_of(text: str, replacement: str) -> str:
    """The replacement as it is, but with the line ends of a file that has only one kind."""
    returns, feeds = text.count("\r\n"), text.count("\n")
    if returns and returns == feeds:
        return replacement.replace("\r\n", "\n").replace("\n", "\r\n")
    return replacement.replace("\r\n", "\n") if feeds and not returns else replacement


def _shifted(replacement: str, place: Lines) -> list[str] | None:
    """The replacement's lines, indented as the place is; None when one of them is indented less than is to go."""
    lines = split_lines(replacement) if replacement else []
    if any(line.strip() and not line.startswith(place.removed) for line in lines):
        return None
    return [place.added + line.removeprefix(place.removed) if line.strip() else line for line in lines]


def _splice(text: str, place: Lines, replacement: Sequence[str]) -> str:
    """The text with whole lines exchanged; whether its last line has an end stays as it was."""
    lines = text.split("\n")
    end = _line_end(text)
    new = [line + end.removesuffix("\n") for line in replacement]
    if place.end == len(lines) and new:
        new[-1] = new[-1].removesuffix("\r")
    return "\n".join([*lines[: place.start], *new, *lines[place.end :]])
