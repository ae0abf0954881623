"""Plain lines and JSON events: exact texts."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest

from autoresearch.cli.render.jsonl import JsonLines
from autoresearch.cli.render.plain import PlainLines
from autoresearch.cli.render.view import RunView
from autoresearch.core.events import (
    Event,
    ExperimentFinished,
    OutputLine,
    Proposed,
    Proposing,
    RunFinished,
    RunStarted,
    SampleFinished,
    SampleStarted,
    Warned,
)
from autoresearch.core.experiment import Decision, LostSample, Measured, Outcome, Passed, Sample, Unmeasured, Usage
from autoresearch.core.history import Direction, History
from autoresearch.core.ports import Task
from tests.support.experiments import experiment

KEPT = experiment(
    4,
    3.2041,
    decision=Decision.KEEP,
    title="LR 0.003 → 0.0021",
    reason="better",
    usage=Usage(10, 5, 0.01),
    flags=("suspicious",),
)
TWICE = experiment(
    5,
    3.2,
    title="WIDTH\t64\n\x1b[31m→ 96",
    samples=(Sample(3.19, 5), Sample(3.21, 6), LostSample(Outcome.CRASHED, 7)),
    usage=Usage(1, 1, None),
)
EVENTS: list[Event] = [
    RunStarted("nov23", "autoresearch/nov23", "5d1f0e2aaaa", "basic", 4),
    Proposing(4),
    Proposed(4, "LR 0.003 → 0.0021", "smaller steps", None),
    SampleStarted(4, 1, 24.0, slot=2),
    OutputLine(4, "step 1"),
    SampleFinished(4, 1, Measured(3.2041, 12.0)),
    ExperimentFinished(KEPT, 3.217),
    SampleFinished(5, 3, Unmeasured(Outcome.TIMED_OUT, "over 24 s", 24.0)),
    ExperimentFinished(TWICE, 3.2041),
    ExperimentFinished(experiment(6, title="DEPTH 2 → 16", reason="exit code 1\nValueError"), 3.2041),
    Warned("three equal\nnumbers"),
    RunFinished("the time budget of 5m is used up", 3.2041, 1, 2, 0),
]


def test_plain_output_is_one_line_per_fact() -> None:
    stream = io.StringIO()
    listener = PlainLines(RunView("g", "autoresearch/nov23", "val_bpb", History(Direction.MIN), list), stream)
    for event in EVENTS:
        listener(event)
    assert stream.getvalue().splitlines() == [
        "run autoresearch/nov23 from 5d1f0e2, isolation basic, 4 experiments so far",
        "#4 proposed LR 0.003 → 0.0021",
        "#4 sample 1 val_bpb 3.2041 in 12 s",
        "#4 keep (suspicious) 3.2041 (−0.40 %) 12 s  LR 0.003 → 0.0021",
        "#5 sample 3 timed out after 24 s: over 24 s",
        "#5 discard 3.2 ±0.014 (−0.13 %) 12 s  WIDTH 64 → 96",
        "#6 discard crashed 12 s  DEPTH 2 → 16: exit code 1 ValueError",
        "warning: three equal numbers",
        "done: the time budget of 5m is used up, best val_bpb 3.2041, 1 kept, 2 discarded",
    ]


def test_json_events_are_complete_and_nothing_else_is_printed() -> None:
    stream = io.StringIO()
    east = timezone(timedelta(hours=2))
    listener = JsonLines(stream, lambda: datetime(2025, 11, 23, 6, 48, 1, 250_000, tzinfo=east))
    for event in EVENTS:
        listener(event)
    read = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert {one.pop("time") for one in read} == {"2025-11-23T04:48:01.250Z"}
    assert [one["event"] for one in read] == [
        *("run-started", "proposed", "sample-started", "sample-finished", "experiment-finished"),
        *("sample-finished", "experiment-finished", "experiment-finished", "warning", "run-finished"),
    ]
    assert read[0] == {
        "event": "run-started",
        "tag": "nov23",
        "branch": "autoresearch/nov23",
        "base": "5d1f0e2aaaa",
        "isolation": "basic",
    }
    assert read[1] == {
        "event": "proposed",
        "experiment": 4,
        "title": "LR 0.003 → 0.0021",
        "hypothesis": "smaller steps",
        "cost_usd": None,
    }
    job = {"experiment": 4, "sample": 1, "task": "sample", "slot": 2}
    assert read[2] == {"event": "sample-started", **job, "limit": 24.0}
    assert read[3] == {
        "event": "sample-finished",
        **job,
        "value": 3.2041,
        "seconds": 12.0,
        "outcome": "measured",
    }
    assert read[4] == {
        "event": "experiment-finished",
        "number": 4,
        "commit": KEPT.commit,
        "outcome": "measured",
        "decision": "keep",
        "reason": "better",
        "metric": 3.2041,
        "samples": [3.2041],
        "seconds": 12.0,
        "cost_usd": 0.01,
        "flags": ["suspicious"],
        "title": "LR 0.003 → 0.0021",
    }
    assert (read[5]["value"], read[5]["outcome"], read[5]["slot"]) == (None, "timed out", None)
    assert (read[6]["samples"], read[6]["cost_usd"]) == ([3.19, 3.21, None], None)
    assert (read[7]["metric"], read[7]["samples"]) == (None, [])
    assert read[8] == {"event": "warning", "message": "three equal\nnumbers"}
    assert read[9] == {
        "event": "run-finished",
        "why": "the time budget of 5m is used up",
        "best": 3.2041,
        "kept": 1,
        "discarded": 2,
        "exit_code": 0,
    }


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            SampleFinished(0, 4, Measured(3.28, 12.0), Task.INCUMBENT),
            "#0 sample 4 (the incumbent again) val_bpb 3.28 in 12 s",
        ),
        (
            SampleFinished(4, 2, Measured(3.2, 12.0), Task.FRESH),
            "#4 sample 2 (in a fresh worktree) val_bpb 3.2 in 12 s",
        ),
        (SampleFinished(0, 4, Measured(3.28, 12.0)), "#0 sample 4 (the final check) val_bpb 3.28 in 12 s"),
        (SampleFinished(4, 2, Passed(3.0), Task.CHECKS), "#4 checks passed in 3 s"),
        (
            SampleFinished(4, 2, Unmeasured(Outcome.CHECKS_FAILED, "check `pytest`: exit code 1", 3.0), Task.CHECKS),
            "#4 checks failed after 3 s: check `pytest`: exit code 1",
        ),
        (SampleFinished(4, 2, Passed(60.0), Task.HOLDOUT), "#4 holdout measured in 1m"),
        (
            SampleFinished(4, 2, Unmeasured(Outcome.CHECKS_FAILED, "the holdout failed: crashed", 3.0), Task.HOLDOUT),
            "#4 checks failed after 3 s: the holdout failed: crashed",
        ),
        (SampleFinished(4, 1, Measured(3.9, 12.0), Task.WARM_UP), "#4 warmed up in 12 s"),
    ],
)
def test_what_was_run_is_named(event: SampleFinished, line: str) -> None:
    stream = io.StringIO()
    history = History(Direction.MIN, [experiment(0, 3.28)])
    PlainLines(RunView("g", "b", "val_bpb", history, list), stream)(event)
    assert stream.getvalue() == line + "\n"
    told = io.StringIO()
    JsonLines(told)(event)
    assert json.loads(told.getvalue())["task"] == event.task.value


def test_a_number_that_is_not_finite_becomes_null() -> None:
    stream = io.StringIO()
    listener = JsonLines(stream, lambda: datetime(2025, 11, 23, tzinfo=UTC))
    listener(SampleFinished(1, 1, Measured(float("nan"), float("inf"))))
    listener(RunFinished("stopped", float("inf"), 0, 0, 130))
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (first["value"], first["seconds"], second["best"]) == (None, None, None)


def test_a_reader_that_went_away_does_not_end_the_run() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    stream = os.fdopen(writing, "w", encoding="utf-8")
    listener = JsonLines(stream)
    for event in EVENTS:
        listener(event)
    assert broken(stream)


def broken(stream: io.TextIOWrapper) -> bool:
    try:
        stream.close()
    except BrokenPipeError:
        return True
    return False


def test_an_output_that_knows_no_symbols_gets_question_marks() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    PlainLines(RunView("g", "b", "m", History(Direction.MIN), list), stream)(Proposed(1, "a → b", "", 0.0))
    assert raw.getvalue() == b"#1 proposed a ? b\n"


def every_kind() -> Iterator[type]:
    yield from Event.__args__


def test_every_kind_of_event_is_among_those_tested() -> None:
    assert {type(event) for event in EVENTS} == set(every_kind())
