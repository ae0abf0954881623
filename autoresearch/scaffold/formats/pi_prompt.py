"""What the prompt of a pi-autoresearch session says, as far as a program can read it: goal, metric, files in scope."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from autoresearch.core.history import Direction
from autoresearch.core.printed import is_name
from autoresearch.core.scope import Scope
from autoresearch.scaffold.survey import Survey, is_source

_GOAL = re.compile(r"^#[ \t]+(?:autoresearch:)?[ \t]*(\S.*)$", re.MULTILINE | re.IGNORECASE)
_PRIMARY = re.compile(r"^[-*][ \t]*\**primary\**[ \t]*:?\**[ \t]*`?([\w.µ]+)`?(.*)$", re.MULTILINE | re.IGNORECASE)
_ITEM = re.compile(r"^[ \t]*(?:[-*]|\d+\.)[ \t]+(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Prompt:
    """An empty value: it does not say so."""

    goal: str = ""
    metric: str = ""
    direction: Direction | None = None
    in_scope: tuple[str, ...] = ()
    """Globs of tracked files."""
    left_out: tuple[str, ...] = ()
    """In scope too, but tests, benchmarks or documentation: what judges a change is not changed by it."""


def read_prompt(text: str, survey: Survey) -> Prompt:
    """Names that are no tracked files are passed over, for the list of files is prose."""
    goal, primary = _GOAL.search(text), _PRIMARY.search(text)
    title = goal[1].strip() if goal else ""
    named = tuple(dict.fromkeys(_in_scope(_section(text, "files in scope"), survey)))
    return Prompt(
        goal=title if title.isprintable() else "",
        metric=primary[1] if primary and is_name(primary[1]) else "",
        direction=_direction(primary[2]) if primary else None,
        in_scope=tuple(glob for glob in named if _is_free(glob)),
        left_out=tuple(glob for glob in named if not _is_free(glob)),
    )


def _direction(words: str) -> Direction | None:
    found = re.search(r"\b(lower|higher)\b", words, re.IGNORECASE)
    return None if found is None else Direction.MIN if found[1].lower() == "lower" else Direction.MAX


def _section(text: str, heading: str) -> str:
    """Up to the next heading of the same level."""
    parts = re.split(r"^##[ \t]+", text, flags=re.MULTILINE)
    return next((part for part in parts if part.lower().startswith(heading)), "")


def _in_scope(section: str, survey: Survey) -> Iterator[str]:
    """What each item names before it explains it: in code marks, else its first word."""
    for item in _ITEM.finditer(section):
        named = re.split(r"[ \t](?:[-–—]|\()|:[ \t]", item[1], maxsplit=1)[0]
        for word in re.findall(r"`([^`\n]+)`", named) or named.split()[:1]:
            name = word.strip("*:,").removeprefix("./")
            if name and not name.startswith(".auto") and _names_something(name, survey):
                yield name


def _is_free(glob: str) -> bool:
    return is_source(f"{glob}x" if glob.endswith("/") else glob)


def _names_something(glob: str, survey: Survey) -> bool:
    try:
        return any(map(Scope((glob,)).is_editable, survey.tracked))
    except ValueError:
        return False
