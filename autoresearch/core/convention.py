"""How the baseline printed the metric, as flags in the record: every later sample is read in the same way."""

from __future__ import annotations

from collections.abc import Iterable

from autoresearch.core.metric import Convention

UNIT, MANY = "unit=", "printed=many"


def flags_of(convention: Convention) -> tuple[str, ...]:
    """`unit=ms` and `printed=many`, each only where it says something."""
    unit = (f"{UNIT}{convention.unit}",) if convention.unit else ()
    return (*unit, *(() if convention.once else (MANY,)))


def convention_of(flags: Iterable[str]) -> Convention:
    """The convention that these flags, among others, stand for."""
    known = tuple(flags)
    unit = next((flag.removeprefix(UNIT) for flag in known if flag.startswith(UNIT)), "")
    return Convention(unit, MANY not in known)
