"""From the rows of somebody else's file to experiments: what all formats have in common.

Such files say less than a commit of ours: no tree, no samples but one, often no time. What is not known stays empty; a
number that cannot be read is a failure and never a value.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, auto

from autoresearch.core.experiment import Decision, Experiment, Outcome, Sample
from autoresearch.core.history import Direction, History

NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for a time that is not known: nothing was measured then."""
_NO_NAME = re.compile(r"[^\w.+-]")
_LONGEST_COMMIT = 40


class Status(Enum):
    """What the other tool made of a change."""

    KEEP = auto()
    DISCARD = auto()
    CRASH = auto()
    CHECKS_FAILED = auto()


@dataclass(frozen=True, slots=True)
class Row:
    """One experiment as the file has it. `number` is the metric as it stands there, unread."""

    commit: str
    number: object
    status: Status
    title: str
    hypothesis: str = ""
    measures: Mapping[str, float] = field(default_factory=dict)
    at: datetime = NO_TIME


@dataclass(frozen=True, slots=True)
class Imported:
    """Somebody's history. `name` is what they called it; `notes` say what was left out or read differently, and why."""

    history: History
    name: str
    notes: tuple[str, ...] = ()


def imported(
    rows: Sequence[Row], metric: str, direction: Direction, *, name: str, notes: Sequence[str] = (), unit: str = ""
) -> Imported:
    """The rows as a run, numbered from 0 in their order.

    Its baseline is the first row that was measured, whatever became of it there; failures before that are left out,
    since every later number is compared with experiment 0. `unit` is kept with the baseline.
    """
    first = next((at for at, row in enumerate(rows) if _outcome(row, _value(row))[0] is Outcome.MEASURED), 0)
    said = [*notes, *([f"{first} failed before the baseline: left out"] if first else [])]
    unread = sum(_value(row) is None and row.status in (Status.KEEP, Status.DISCARD) for row in rows[first:])
    said += [f"{unread} without a number that can be read: counted as failed"] if unread else []
    history, parent = History(direction, is_imported=True), None
    for number, row in enumerate(rows[first:]):
        one = _experiment(row, number, parent, metric, (f"unit={unit}",) if unit and number == 0 else ())
        history.add(one)
        parent = number if one.is_kept else parent
    return Imported(history, name, tuple(said))


def _experiment(row: Row, number: int, parent: int | None, metric: str, flags: tuple[str, ...]) -> Experiment:
    value = _value(row)
    outcome, reason = _outcome(row, value)
    is_kept = outcome is Outcome.MEASURED and (row.status is Status.KEEP or number == 0)
    return Experiment(
        number=number,
        commit=_NO_NAME.sub("", row.commit)[:_LONGEST_COMMIT],
        tree="",
        parent=parent,
        title=row.title,
        hypothesis=row.hypothesis,
        outcome=outcome,
        decision=Decision.KEEP if is_kept else Decision.DISCARD,
        reason=reason,
        metric_name=metric,
        metric=value if outcome is Outcome.MEASURED else None,
        samples=(Sample(value, number + 1),) if value is not None else (),
        incumbent_samples=(),
        measures=row.measures,
        seconds=0.0,
        started=row.at,
        ended=row.at,
        proposer="",
        isolation="",
        flags=flags,
    )


def _outcome(row: Row, value: float | None) -> tuple[Outcome, str]:
    match row.status:
        case Status.CRASH:
            return Outcome.CRASHED, "recorded as a crash"
        case Status.CHECKS_FAILED:
            return Outcome.CHECKS_FAILED, "recorded as failed checks"
        case Status.KEEP | Status.DISCARD if value is None:
            return Outcome.NO_METRIC, f"{str(row.number)[:40]!r} is no number"
        case Status.KEEP:
            return Outcome.MEASURED, "recorded as kept"
        case Status.DISCARD:
            return Outcome.MEASURED, "recorded as discarded"


def _value(row: Row) -> float | None:
    """A crash has none, whatever stands there; where checks failed, 0 stands for none."""
    value = readable(row.number)
    if row.status is Status.CRASH or (row.status is Status.CHECKS_FAILED and value == 0):
        return None
    return value


def readable(number: object) -> float | None:
    """A finite number, given as one or as text; None for everything else."""
    if isinstance(number, bool) or not isinstance(number, (int, float, str)):
        return None
    try:
        value = float(number)
    except (ValueError, OverflowError):
        return None
    return value if math.isfinite(value) else None
