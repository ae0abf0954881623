"""pi's `log.jsonl`: read as forgivingly as there, written so that it comes back the same."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autoresearch.cli.render.pi_log import pi_log
from autoresearch.cli.render.records import experiment_json
from autoresearch.core.experiment import Decision, Outcome
from autoresearch.core.history import Direction, History
from autoresearch.errors import UsageError
from autoresearch.imports.files import read_history
from autoresearch.imports.rows import Imported
from tests.support.experiments import experiment

CONFIG = {
    "type": "config",
    "name": "faster tests",
    "metricName": "total_ms",
    "metricUnit": "ms",
    "bestDirection": "lower",
}


def run(number: int, metric: object, status: str = "keep", **more: object) -> dict[str, object]:
    known = {"run": number, "commit": f"abc{number:04}", "metric": metric, "status": status, "description": "a change"}
    return {**known, "metrics": {}, "timestamp": 1_700_000_000_000, "segment": 0, "confidence": None, **more}


def read(folder: Path, *entries: object, direction: Direction | None = None) -> Imported:
    file = folder / "log.jsonl"
    lines = [entry if isinstance(entry, str) else json.dumps(entry) for entry in entries]
    file.write_text("\n".join(lines) + "\n")
    return read_history(file, direction)


def test_runs_become_a_history_with_name_unit_and_direction(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        CONFIG,
        run(1, 1500, metrics={"peak_mb": 20, "odd": "x"}),
        {"type": "hook", "event": "after"},
        run(2, 1200, asi={"hypothesis": "Cache the parser."}),
        run(3, 1300, "discard"),
        run(4, 0, "crash"),
        run(5, 900, "checks_failed"),
    )
    history = found.history
    outcomes = [one.outcome for one in history.experiments]
    assert (found.name, found.notes) == ("faster tests", ())
    assert (history.metric_name, history.direction) == ("total_ms", Direction.MIN)
    assert outcomes == [*[Outcome.MEASURED] * 3, Outcome.CRASHED, Outcome.CHECKS_FAILED]
    assert [one.is_kept for one in history.experiments] == [True, True, False, False, False]
    assert history.best is history.experiments[1]
    assert (history.best.hypothesis, history.best.ended) == (
        "Cache the parser.",
        datetime.fromtimestamp(1_700_000_000, UTC),
    )
    assert (dict(history.experiments[0].measures), history.experiments[0].flags) == ({"peak_mb": 20.0}, ("unit=ms",))


def test_the_baseline_is_the_first_run_that_was_measured(tmp_path: Path) -> None:
    found = read(tmp_path, CONFIG, run(1, 900, "checks_failed"), run(2, 1500, "discard"), run(3, 1200))
    history = found.history
    assert history.baseline is not None
    assert (history.metric_name, history.metric(0), history.baseline.commit) == ("total_ms", 1500.0, "abc0002")
    assert found.notes == ("1 failed before the baseline: left out",)


def test_the_newest_segment_with_runs_is_shown_and_the_others_are_told(tmp_path: Path) -> None:
    second = {"type": "config", "metricName": "score", "bestDirection": "higher"}
    found = read(tmp_path, CONFIG, run(1, 5), run(2, 4), second, run(3, 0.5), run(4, 0.6), CONFIG)
    assert found.notes == ("1 earlier segments, each with a baseline of its own: left out",)
    assert (found.history.metric_name, found.history.direction) == ("score", Direction.MAX)
    assert [found.history.metric(number) for number in (0, 1)] == [0.5, 0.6]
    assert found.name == "faster tests"


def test_what_cannot_be_read_is_passed_over_and_an_unknown_status_counts_as_kept(tmp_path: Path) -> None:
    found = read(
        tmp_path, "{broken", run(1, 3.0), "[1]", "[" * 100_000, run(2, 2.0, "wonderful"), run(3, None), {"x": 1}
    )
    assert found.notes == (
        "3 lines are no JSON objects: left out",
        "1 without a number that can be read: counted as failed",
    )
    assert [one.is_kept for one in found.history.experiments] == [True, True, False]
    assert (found.name, found.history.metric_name) == ("log.jsonl", "metric")


def test_a_direction_that_is_given_overrules_the_files(tmp_path: Path) -> None:
    assert read(tmp_path, CONFIG, run(1, 3.0), direction=Direction.MAX).history.direction is Direction.MAX


def test_impossible_times_are_no_reason_to_fail(tmp_path: Path) -> None:
    found = read(tmp_path, run(1, 3.0, timestamp=1e300), run(2, 2.0, timestamp="now"))
    assert [one.started.year for one in found.history.experiments] == [1970, 1970]


def test_a_time_that_is_not_known_is_not_told(tmp_path: Path) -> None:
    history = read(tmp_path, run(1, 3.0, timestamp="now"), run(2, 2.0)).history
    _, *runs = [json.loads(line) for line in pi_log(history, "x")]
    assert ["timestamp" in one for one in runs] == [False, True]
    first, second = (experiment_json(one, history) for one in history.experiments)
    assert (first["started"], first["ended"]) == (None, None)
    assert (second["started"], second["ended"]) == ("2023-11-14T22:13:20.000Z", "2023-11-14T22:13:20.000Z")


def test_without_a_run_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"log\.jsonl has no run in it"):
        read(tmp_path, CONFIG)


def test_our_history_is_written_line_by_line_as_there() -> None:
    history = History(
        Direction.MAX,
        [
            experiment(0, 0.5, flags=("unit=ms",), measures={"peak_vram_mb": 10.0, "bad": float("nan")}),
            experiment(1, 0.6, decision=Decision.KEEP, hypothesis="Why.", parent=0, title="tab\tand ✓"),
            experiment(2, parent=1, outcome=Outcome.TIMED_OUT, reason="over 5 s"),
            experiment(3, 0.7, parent=1, outcome=Outcome.CHECKS_FAILED, reason="pytest"),
            experiment(4, 0.4, parent=1),
        ],
    )
    config, *runs = [json.loads(line) for line in pi_log(history, "a goal")]
    assert config == {
        "type": "config",
        "name": "a goal",
        "metricName": "val_bpb",
        "metricUnit": "ms",
        "bestDirection": "higher",
    }
    assert runs[1] == {
        "run": 2,
        "commit": "0000001",
        "metric": 0.6,
        "metrics": {},
        "status": "keep",
        "description": "tab\tand ✓",
        "timestamp": round(history.experiments[1].ended.timestamp() * 1000),
        "segment": 0,
        "confidence": None,
        "asi": {"hypothesis": "Why."},
    }
    assert [one["status"] for one in runs] == ["keep", "keep", "crash", "checks_failed", "discard"]
    assert [one["metric"] for one in runs] == [0.5, 0.6, 0, 0.7, 0.4]
    assert runs[0]["metrics"] == {"peak_vram_mb": 10.0}
    assert runs[2]["asi"] == {"outcome": "timed out", "reason": "over 5 s"}


def test_what_was_taken_back_is_no_longer_kept_there() -> None:
    history = History(
        Direction.MIN,
        [
            experiment(0, 3.0),
            experiment(1, 2.0, decision=Decision.KEEP, parent=0),
            experiment(2, parent=1, outcome=Outcome.SKIPPED, decision=Decision.KEEP, reverts=(1,)),
            experiment(3, parent=2),
        ],
    )
    runs = [json.loads(line) for line in pi_log(history, "x")][1:]
    assert [(one["run"], one["metric"], one["status"]) for one in runs] == [
        (1, 3.0, "keep"),
        (2, 2.0, "discard"),
        (3, 0, "crash"),
    ]


def test_the_dust_of_a_computation_is_not_written() -> None:
    measures = {"mb": 45060.19999999999, "n": 123456789012.0, "tiny": 1.0000000000000002e-7}
    history = History(Direction.MIN, [experiment(0, 0.5, measures=measures)])
    line = list(pi_log(history, "x"))[1]
    assert '"metrics": {"mb": 45060.2, "n": 123456789012.0, "tiny": 1e-07}' in line


def test_what_we_write_comes_back_the_same(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        CONFIG,
        run(1, 1500),
        run(2, 1200, asi={"hypothesis": "Why."}),
        run(3, 0, "crash"),
        run(4, 1400, "discard"),
    ).history
    (tmp_path / "again.jsonl").write_text("\n".join(pi_log(history, "faster tests")))
    again = read_history(tmp_path / "again.jsonl", None)
    assert again.name == "faster tests"
    for one, other in zip(history.experiments, again.history.experiments, strict=True):
        assert (one.commit, one.metric, one.decision, one.hypothesis, one.ended, one.flags) == (
            other.commit,
            other.metric,
            other.decision,
            other.hypothesis,
            other.ended,
            other.flags,
        )
