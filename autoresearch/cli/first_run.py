"""What to type for a first run: without a model there must be numbers that the tuner can turn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from autoresearch.core.scope import Scope, inside

MOST_BYTES = 1_000_000


def first_run(files: Mapping[str, str], model: str, *, markers: bool, budget: str = "5m") -> str:
    """`ar run`, for these editable files."""
    from autoresearch.proposers.constants import find

    named = "" if model or find(files, markers=markers) else "--model NAME "
    return f"ar run {named}--budget {budget}"


def editable_files(folder: Path, tracked: Iterable[str], globs: Sequence[str]) -> dict[str, str]:
    """Path and text of what may change below the folder, as far as it is text; paths are relative to it."""
    is_editable, texts = Scope(inside(globs)).is_editable, {}
    for path in filter(is_editable, tracked):
        file = folder / path
        try:
            if file.is_file() and file.stat().st_size <= MOST_BYTES:
                texts[path] = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
    return texts
