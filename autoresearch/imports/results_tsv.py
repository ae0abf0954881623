"""The `results.tsv` of karpathy's autoresearch and of its many relatives.

    commit  val_bpb  memory_gb  status  description

Tabs between the columns, a heading in the first line; `keep`, `discard` or `crash`; the description is free text. The
relatives name another metric and add columns of numbers, so columns are found by name, and the metric is the column
after the commit. Nothing is quoted there: a quotation mark is a letter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autoresearch.core.history import Direction
from autoresearch.errors import UsageError
from autoresearch.imports.rows import Imported, Row, Status, imported, readable

STATUSES = {
    **dict.fromkeys(("keep", "kept", "baseline"), Status.KEEP),
    **dict.fromkeys(("discard", "discarded"), Status.DISCARD),
    **dict.fromkeys(("crash", "crashed", "failed", "timeout"), Status.CRASH),
}
COMMIT, MEMORY, STATUS, DESCRIPTION = "commit", "memory_gb", "status", "description"
KNOWN = (COMMIT, MEMORY, STATUS, DESCRIPTION)
MB_PER_GB = 1024
FORM = "the first line names the columns, with tabs between them: commit, val_bpb, memory_gb, status, description"


@dataclass(frozen=True, slots=True)
class _Columns:
    names: tuple[str, ...]
    metric: int
    """Which column is the metric."""

    def at(self, name: str) -> int | None:
        return self.names.index(name) if name in self.names else None


def read_tsv(text: str, name: str, direction: Direction) -> Imported:
    """The file's rows as a run. Raises UsageError, with the line, for a heading or a status that is not understood."""
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not lines:
        raise UsageError(f"{name} is empty", hint=FORM)
    columns = _columns(lines[0][1], name)
    rows = [_row(line.split("\t"), columns, f"{name}, line {number}") for number, line in lines[1:]]
    if not rows:
        raise UsageError(f"{name} has a heading and no experiment")
    return imported(rows, columns.names[columns.metric], direction, name=name)


def _columns(heading: str, name: str) -> _Columns:
    given = [cell.strip() for cell in heading.split("\t")]
    names = tuple(cell.lower() if cell.lower() in KNOWN else cell for cell in given)
    start = names.index(COMMIT) + 1 if COMMIT in names else 0
    metric = next((at for at in range(start, len(names)) if names[at] and names[at] not in KNOWN), None)
    if len(given) == 1:
        raise UsageError(f"{name} is no table: its first line has no tab", hint=FORM)
    missing = [what for what, there in (("status", STATUS in names), ("a metric", metric is not None)) if not there]
    if missing or metric is None:
        found = ", ".join(filter(None, given))[:80]
        raise UsageError(f"{name} has no column for {' and '.join(missing)}; its first line has {found}", hint=FORM)
    return _Columns(names, metric)


def _row(cells: list[str], columns: _Columns, where: str) -> Row:
    last = len(columns.names) - 1
    if columns.names[last] == DESCRIPTION and len(cells) > last:
        # Free text: a tab in it is no new column.
        cells = [*cells[:last], " ".join(cells[last:])]
    status, metric = _cell(cells, columns.at(STATUS)), _cell(cells, columns.metric)
    if not status:
        raise UsageError(f"{where}: no status; there are {len(cells)} columns, the heading has {last + 1}", hint=FORM)
    if status.lower() not in STATUSES:
        raise UsageError(f"{where}: the status is {status[:40]!r}", hint="it is one of keep, discard, crash")
    return Row(
        commit=_cell(cells, columns.at(COMMIT)),
        number=metric,
        status=STATUSES[status.lower()],
        title=_cell(cells, columns.at(DESCRIPTION)),
        measures=_measures(cells, columns),
    )


def _measures(cells: Sequence[str], columns: _Columns) -> Mapping[str, float]:
    """The other columns of numbers. Memory under the name and in the unit of the program's output; 0 is not known."""
    others = [at for at, name in enumerate(columns.names) if name and name not in KNOWN and at != columns.metric]
    measures = {columns.names[at]: value for at in others if (value := readable(_cell(cells, at))) is not None}
    memory = readable(_cell(cells, columns.at(MEMORY)))
    return measures | ({"peak_vram_mb": memory * MB_PER_GB} if memory else {})


def _cell(cells: Sequence[str], at: int | None) -> str:
    return cells[at].strip() if at is not None and at < len(cells) else ""
