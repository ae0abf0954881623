"""Other people's `results.tsv`: columns by name, crashed rows, odd line ends; and files that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoresearch.core.experiment import Outcome
from autoresearch.core.history import Direction, History
from autoresearch.errors import UsageError
from autoresearch.imports.files import ASSUMED, read_history
from autoresearch.imports.rows import Imported

ROWS = """\
commit\tval_bpb\tmemory_gb\tstatus\tdescription
baseline\t0.950000\t44.0\tkeep\tbaseline
a1b2c3d\t0.940000\t44.5\tkeep\tshorter warmup
b2c3d4e\t0.960000\t44.5\tdiscard\ttwice the width
c3d4e5f\t0.000000\t0.0\tcrash\tfour times the width (out of memory)
d4e5f6a\t0.930000\t45.0\tkeep\t"quoted" and 5% of it
"""


def read(folder: Path, text: str | bytes, direction: Direction | None = None) -> Imported:
    file = folder / "results.tsv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_history(file, direction)


def rows(history: History) -> list[tuple[int, str, float | None, bool]]:
    return [(one.number, one.commit, history.metric(one.number), one.is_kept) for one in history.experiments]


def test_rows_become_a_run_with_the_crash_among_its_failures(tmp_path: Path) -> None:
    found = read(tmp_path, ROWS)
    history = found.history
    assert rows(history) == [
        (0, "baseline", 0.95, True),
        (1, "a1b2c3d", 0.94, True),
        (2, "b2c3d4e", 0.96, False),
        (3, "c3d4e5f", None, False),
        (4, "d4e5f6a", 0.93, True),
    ]
    assert (found.name, found.notes, history.metric_name) == ("results.tsv", (ASSUMED,), "val_bpb")
    assert [one.parent for one in history.experiments] == [None, 0, 1, 1, 1]
    assert [one.title for one in history.experiments][3:] == [
        "four times the width (out of memory)",
        '"quoted" and 5% of it',
    ]
    crash = history.experiments[3]
    assert (crash.outcome, dict(crash.measures), crash.samples) == (Outcome.CRASHED, {}, ())
    assert history.experiments[1].measures == {"peak_vram_mb": 44.5 * 1024}
    assert history.best is history.experiments[4]


@pytest.mark.parametrize(
    "raw",
    [
        ROWS.replace("\n", "\r\n").encode(),
        ROWS.replace("\n", "\r").encode(),
        b"\xef\xbb\xbf" + ROWS.encode(),
        ROWS.encode("utf-16"),
        ROWS.rstrip("\n").encode() + b"\n\n\n",
        ROWS.replace("keep", " Keep ").replace("crash", "CRASH").encode(),
    ],
    ids=["windows", "old mac", "mark", "utf-16", "blank lines", "letters"],
)
def test_whatever_system_wrote_it_the_same_run_comes_out(tmp_path: Path, raw: bytes) -> None:
    assert rows(read(tmp_path, raw).history) == rows(read(tmp_path, ROWS).history)


def test_another_metric_and_more_columns_are_found_by_their_names(tmp_path: Path) -> None:
    text = (
        "session\tcommit\tscore\tlatency_ms\tstatus\tnote\tdescription\n"
        "s1\taaa\t0.5\t12.5\tkeep\tx\tbaseline\n"
        "s1\tbbb\t0.7\tfast\tkeep\tx\ta\ttab in it\n"
        "s1\tccc\t0.6\t9\tdiscard\tx\tworse\n"
    )
    history = read(tmp_path, text, Direction.MAX).history
    assert (history.metric_name, history.direction) == ("score", Direction.MAX)
    assert history.best is not None
    assert (history.best.number, history.best.title) == (1, "a tab in it")
    assert [dict(one.measures) for one in history.experiments] == [{"latency_ms": 12.5}, {}, {"latency_ms": 9.0}]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("commit\tdate\tloss\tstatus\na\t2025-11-23\t3\tkeep\nb\t2025-11-24\t2\tkeep\n", [3.0, 2.0]),
        ("loss\tcommit\tdate\tstatus\n3\ta\tmonday\tkeep\n2\tb\ttuesday\tkeep\n", [3.0, 2.0]),
        ("day\tloss\tcommit\tstatus\nmonday\t3\ta\tkeep\ntuesday\t2\tb\tkeep\n", [3.0, 2.0]),
        # A column is no metric for a number that stands in it by chance.
        ("commit\tnote\tloss\tstatus\na\t\t3\tkeep\nb\t7\t2\tkeep\nc\tx\t1\tkeep\n", [3.0, 2.0, 1.0]),
        # Where it failed there is no number to be seen, and `nan` is one that cannot be used.
        ("commit\tloss\tms\tstatus\na\t3\t1\tkeep\nb\t-\t2\tcrash\nc\t-\t2\tcrash\n", [3.0, None, None]),
        ("commit\tloss\tms\tstatus\na\tnan\t1\tkeep\n", [None]),
        ("commit\tloss\tms\tstatus\na\t-\t-\tcrash\n", [None]),
    ],
)
def test_the_metric_is_the_first_column_of_numbers_behind_the_commit_else_before_it(
    tmp_path: Path, text: str, values: list[float | None]
) -> None:
    history = read(tmp_path, text).history
    assert {one.metric_name for one in history.experiments} == {"loss"}
    assert [history.metric(one.number) for one in history.experiments] == values


def test_without_commit_memory_and_description_there_is_still_a_run(tmp_path: Path) -> None:
    history = read(tmp_path, "loss\tstatus\n3\tkeep\n2\tkeep\n").history
    assert rows(history) == [(0, "", 3.0, True), (1, "", 2.0, True)]


def test_what_is_no_number_is_a_failure_and_said(tmp_path: Path) -> None:
    found = read(tmp_path, ROWS.replace("0.930000", "nan").replace("0.960000", "0.96*"))
    assert [one.outcome for one in found.history.experiments][2:] == [
        Outcome.NO_METRIC,
        Outcome.CRASHED,
        Outcome.NO_METRIC,
    ]
    assert found.history.best is found.history.experiments[1]
    assert found.history.experiments[2].reason == "'0.96*' is no number"
    assert found.notes == ("2 without a number that can be read: counted as failed", ASSUMED)


def test_failures_before_the_first_number_are_left_out_and_said(tmp_path: Path) -> None:
    lines = ROWS.splitlines()
    found = read(tmp_path, "\n".join([lines[0], lines[4], lines[4], *lines[3:]]))
    assert rows(found.history)[0] == (0, "b2c3d4e", 0.96, True)
    assert found.notes == ("2 failed before the baseline: left out", ASSUMED)


def test_a_run_of_failures_only_is_shown_as_such(tmp_path: Path) -> None:
    lines = ROWS.splitlines()
    history = read(tmp_path, "\n".join([lines[0], lines[4]])).history
    assert (len(history.experiments), history.baseline) == (1, None)


def test_a_commit_cannot_move_the_cursor(tmp_path: Path) -> None:
    history = read(tmp_path, "commit\tloss\tstatus\n\x1b[31mab c\t1\tkeep\n").history
    assert history.experiments[0].commit == "31mabc"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "results.tsv is empty"),
        ("commit\tval_bpb\tstatus\n", "results.tsv has a heading and no experiment"),
        (
            ROWS.replace("\t", ","),
            "results.tsv is no table: its first line has no tab",
        ),
        (
            "commit\tstatus\tdescription\nabc\tkeep\tx\n",
            "results.tsv has no column for a metric; its first line has commit, status, description",
        ),
        (
            "commit\tval_bpb\tdescription\nabc\t1\tx\n",
            "results.tsv has no column for status; its first line has commit, val_bpb, description",
        ),
        (ROWS + "e\t1.0\t2.0\tmaybe\tx\n", "results.tsv, line 7: the status is 'maybe'"),
        (ROWS + "e\t1.0\n", "results.tsv, line 7: no status; there are 2 columns, the heading has 5"),
    ],
)
def test_a_file_that_is_none_is_refused_with_the_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, text)
    assert caught.value.message == message


def test_a_file_that_is_not_there_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "no.tsv", "no such file or directory"), (tmp_path, "is a directory")):
        with pytest.raises(UsageError) as caught:
            read_history(path, None)
        assert caught.value.message == f"{path}: {words}"
