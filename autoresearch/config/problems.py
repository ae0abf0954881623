"""What is wrong in a configuration, in words for people: file, line, key, and what belongs there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from autoresearch.config.fields import NOT_AVAILABLE
from autoresearch.config.lines import KeyPath, Lines
from autoresearch.config.reference import reference
from autoresearch.config.toml import toml_value
from autoresearch.errors import ConfigError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

MOST_SHOWN = 20
"""Further problems named in one error; a file with more is no configuration of ours."""

_BOUNDS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than_equal": ("at most", "le"),
}


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong: on which line (0: on none), and what; and what to type next, where that is known."""

    line: int
    text: str
    hint: str = ""


def config_error(path: Path, found: Sequence[Problem]) -> ConfigError:
    """One error for all problems of a file (at least one), the uppermost first."""
    ordered = sorted(found)
    first, *others = [f"{place(path, one.line)}: {one.text}" for one in ordered]
    rest = [f"and {len(others) - MOST_SHOWN} more"] if len(others) > MOST_SHOWN else []
    hints = [one.hint for one in ordered if one.hint]
    return ConfigError(first, hint="\n".join([*(f"also {one}" for one in others[:MOST_SHOWN]), *rest, *hints]))


def place(path: Path, line: int = 0) -> str:
    """`autoresearch.toml:12`, as short as the present folder allows."""
    here = Path.cwd()
    shown = path.relative_to(here) if path.is_relative_to(here) else path
    return f"{shown}:{line}" if line else str(shown)


def problems(error: ValidationError, lines: Lines) -> list[Problem]:
    """One problem per key."""
    found: dict[KeyPath, Problem] = {}
    for detail in error.errors(include_url=False):
        path = _key_path(detail["loc"])
        found.setdefault(path, Problem(lines.line(path) or 0, _describe(path, detail)))
    return list(found.values())


def key_name(path: KeyPath) -> str:
    """As people call it: `[metric] name`, `[metric]`, `editable`."""
    if path[0] not in _tables():
        return ".".join(path)
    return " ".join(filter(None, (f"[{path[0]}]", ".".join(path[1:]))))


def _tables() -> set[str]:
    return {doc.table for doc in reference() if doc.table}


def _key_path(location: tuple[str | int, ...]) -> KeyPath:
    """The key that an error is about: positions in a list and members of a union are no part of it."""
    names = tuple(str(part) for part in location)
    if names[0] not in _tables():
        return names[:1]
    return names[: 3 if names[:2] == ("experiment", "env") else 2]


def _describe(path: KeyPath, detail: ErrorDetails) -> str:
    name, context, given = key_name(path), detail.get("ctx", {}), detail["input"]
    match detail["type"]:
        case "extra_forbidden":
            return f"`{name}` is no key; {_nearest(path)}"
        case "missing":
            return f"`{name}` is missing"
        case "value_error":
            return f"`{name}`: {context['error']}"
        case "too_short":
            return f"`{name}` must not be empty"
        case kind if kind in _BOUNDS:
            words, bound = _BOUNDS[kind]
            return f"`{name}` must be {words} {context[bound]:g}, not {_as_written(given)}"
        case kind if kind == NOT_AVAILABLE:
            shown = f"{name} = {_as_written(given)}" if context["only_value"] else name
            return f"`{shown}` is not available yet"
    return f"`{name}` must be {_type_text(path)}, not {_as_written(given)}"


def _type_text(path: KeyPath) -> str:
    docs = {(doc.table, doc.key): doc.type_text for doc in reference()}
    match path:
        case (key,):
            return docs.get(("", key), f"a table, headed [{key}]")
        case ("constraints", _):
            return next(text for (table, _), text in docs.items() if table == "constraints")
        case (table, key):
            return docs[table, key]
    return "text"


def _as_written(given: object) -> str:
    if isinstance(given, date | time):
        return str(given)
    written = toml_value(given)
    return written if len(written) <= 60 else f"{written[:57]}..."


def _nearest(path: KeyPath) -> str:
    table, key = path if len(path) == 2 else ("", path[0])
    here = [doc.key for doc in reference() if doc.table == table]
    elsewhere = [doc for doc in reference() if doc.key == key]
    if near := get_close_matches(key, here, n=1):
        return f"did you mean `{near[0]}`?"
    if elsewhere and elsewhere[0].table:
        return f"`{key}` belongs below `[{elsewhere[0].table}]`"
    if elsewhere:
        return f"`{key}` belongs above the first table"
    if not table and (near := get_close_matches(key, _tables(), n=1)):
        return f"did you mean `[{near[0]}]`?"
    return "the keys are: " + ", ".join(here if table else (*here, *(f"[{name}]" for name in sorted(_tables()))))
