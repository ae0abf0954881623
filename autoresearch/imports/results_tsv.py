"""The `results.tsv` of karpathy's autoresearch and of its many relatives.

    commit  val_bpb  memory_gb  status  description

Tabs between the columns, a heading in the first line; `keep`, `discard` or `crash`; the description is free text. The
relatives name another metric and add columns, so columns are found by name, and the metric is the first column of
numbers after the commit, or before it where none is after it. Nothing is quoted there: a quotation mark is a letter.
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
    table = [(number, line.split("\t")) for number, line in lines[1:]]
    columns = _columns(lines[0][1], name, [cells for _, cells in table])
    rows = [_row(cells, columns, f"{name}, line {number}") for number, cells in table]
    if not rows:
        raise UsageError(f"{name} has a heading and no experiment")
    return imported(rows, columns.names[columns.metric], direction, name=name)


def _columns(heading: str, name: str, table: Sequence[list[str]]) -> _Columns:
    given = [cell.strip() for cell in heading.split("\t")]
    names = tuple(cell.lower() if cell.lower() in KNOWN else cell for cell in given)
    metric = _metric(names, table)
    if len(given) == 1:
        raise UsageError(f"{name} is no table: its first line has no tab", hint=FORM)
    missing = [what for what, there in (("status", STATUS in names), ("a metric", metric is not None)) if not there]
    if missing or metric is None:
        found = ", ".join(filter(None, given))[:80]
        raise UsageError(f"{name} has no column for {' and '.join(missing)}; its first line has {found}", hint=FORM)
    return _Columns(names, metric)


def _metric(names: tuple[str, ...], table: Sequence[list[str]]) -> int | None:
    """Which column it is; one holds numbers when half of the rows that did not fail have one in it.

    Where no column holds numbers, the place alone decides. None where all columns are known ones.
    """
    start = names.index(COMMIT) + 1 if COMMIT in names else 0
    others = [at for at in (*range(start, len(names)), *range(start)) if names[at] and names[at] not in KNOWN]
    status = names.index(STATUS) if STATUS in names else None
    good = [cells for cells in table if STATUSES.get(_cell(cells, status).lower()) is not Status.CRASH]
    numbers = [at for at in others if good and 2 * sum(_is_number(_cell(cells, at)) for cells in good) >= len(good)]
    return next(iter((*numbers, *others)), None)


def _is_number(cell: str) -> bool:
    """Also one that cannot be used: a column in which `nan` stands is one of numbers."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


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
