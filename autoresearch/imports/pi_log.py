"""The `log.jsonl` of pi-autoresearch: a line of configuration, then a JSON object for each run.

A second configuration opens a new segment with a baseline of its own; shown is the newest segment with runs, as there.
Read as forgivingly as there: lines that are no JSON are passed over, and an unknown status counts as `keep`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from autoresearch.core.history import Direction
from autoresearch.errors import UsageError
from autoresearch.imports.rows import NO_TIME, Imported, Row, Status, imported, readable

STATUSES = {"discard": Status.DISCARD, "crash": Status.CRASH, "checks_failed": Status.CHECKS_FAILED}


@dataclass(slots=True)
class _Segment:
    """What a line of configuration says, and the runs after it.

    What it leaves out stays as it was before, but not the direction: a line that names none says that lower is better.
    """

    name: str = ""
    metric: str = "metric"
    unit: str = ""
    direction: Direction = Direction.MIN
    rows: list[Row] = field(default_factory=list)


def read_pi_log(text: str, name: str, direction: Direction | None) -> Imported:
    """The newest segment as a run; `direction` overrules the file's own. Raises UsageError when there is no run."""
    segments, unread = [_Segment()], 0
    for line in filter(str.strip, text.split("\n")):
        entry = _parsed(line)
        if entry is None:
            unread += 1
        elif entry.get("type") == "config":
            segments.append(_configured(entry, segments[-1]))
        elif readable(entry.get("run")) is not None:
            segments[-1].rows.append(_row(entry))
    filled = [segment for segment in segments if segment.rows]
    if not filled:
        raise UsageError(f"{name} has no run in it", hint='runs are lines like {"run": 1, "metric": 0.98, …}')
    last, earlier = filled[-1], len(filled) - 1
    notes = [f"{unread} lines are no JSON objects: left out"] if unread else []
    notes += [f"{earlier} earlier segments, each with a baseline of its own: left out"] if earlier else []
    return imported(
        last.rows, last.metric, direction or last.direction, name=last.name or name, notes=notes, unit=last.unit
    )


def _parsed(line: str) -> Mapping[str, object] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def _configured(entry: Mapping[str, object], before: _Segment) -> _Segment:
    return _Segment(
        name=_text(entry.get("name")) or before.name,
        metric=_text(entry.get("metricName")) or before.metric,
        unit=_text(entry.get("metricUnit"), before.unit),
        direction=Direction.MAX if entry.get("bestDirection") == "higher" else Direction.MIN,
    )


def _row(entry: Mapping[str, object]) -> Row:
    metrics, more = entry.get("metrics"), entry.get("asi")
    numbers = metrics if isinstance(metrics, dict) else {}
    return Row(
        commit=_text(entry.get("commit")),
        number=entry.get("metric"),
        status=STATUSES.get(_text(entry.get("status")), Status.KEEP),
        title=_text(entry.get("description")),
        hypothesis=_text(more.get("hypothesis")) if isinstance(more, dict) else "",
        measures={str(key): value for key, given in numbers.items() if (value := readable(given)) is not None},
        at=_instant(readable(entry.get("timestamp"))),
    )


def _instant(milliseconds: float | None) -> datetime:
    try:
        return NO_TIME + timedelta(milliseconds=milliseconds or 0)
    except OverflowError:
        return NO_TIME


def _text(value: object, default: str = "") -> str:
    return value if isinstance(value, str) else default
