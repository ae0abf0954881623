"""What was typed behind `ar log`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Sort(StrEnum):
    """What the list is sorted by."""

    NUMBER = "number"
    METRIC = "metric"


class Form(StrEnum):
    """As what experiments are printed. The names are those of the options."""

    TEXT = "text"
    JSON = "json"
    TSV = "tsv"
    JSONL = "jsonl"
    PLOT = "plot"
    HTML = "html"

    @property
    def is_whole(self) -> bool:
        """It shows the whole history, and no selection of it."""
        return self not in (Form.TEXT, Form.JSON)


class Better(StrEnum):
    """Which way the metric of an imported file improves."""

    MIN = "min"
    MAX = "max"


class Part(StrEnum):
    """What of one experiment is printed."""

    DIFF = "diff"
    OUTPUT = "output"
    PROMPT = "prompt"
    SHA = "sha"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which experiments a listing shows."""

    count: int | None
    kept: bool
    discarded: bool
    failed: bool
    reverse: bool
    sort: Sort

    @property
    def is_narrowed(self) -> bool:
        """Something else than all of them in their order."""
        return self.kept or self.discarded or self.failed or self.reverse or self.sort is not Sort.NUMBER


@dataclass(frozen=True, slots=True)
class Source:
    """Whose history: of a run of this repository, or in `file`."""

    config: Path | None
    tag: str | None
    file: Path | None
    direction: Better | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be printed: `name` an experiment, `parts` of it; as which `forms`, at most one; into which `page`."""

    name: str | None
    parts: tuple[Part, ...]
    selection: Selection
    forms: tuple[Form, ...]
    page: Path | None
