"""The status page, the live state that it reads, and the summary at the end of a run."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from autoresearch.cli.render.live_file import write_live
from autoresearch.cli.render.live_state import Busy, Live, LiveState, Phase, read_live
from autoresearch.cli.render.status import StatusView, status, status_json
from autoresearch.cli.render.summary import Ending, headline, summary
from autoresearch.cli.render.view import Thought
from autoresearch.core.budget import Share
from autoresearch.core.events import (
    Event,
    ExperimentFinished,
    OutputLine,
    Proposing,
    RunFinished,
    RunStarted,
    SampleFinished,
    SampleStarted,
)
from autoresearch.core.experiment import Decision, Measured, Outcome, Sample, Usage
from autoresearch.core.final_check import FinalCheck
from autoresearch.core.history import Direction, History
from autoresearch.core.ports import Task
from autoresearch.core.utilisation import PROPOSAL, RECORD, Used
from tests.support.experiments import experiment

SHARES = (Share("time", 0.5, "2m 30s of 5m"), Share("money", 0.2, "0.60 usd of 3 usd"))
STARTED = RunStarted("nov23", "autoresearch/nov23", "5d1f0e2", "basic", 0)


def history() -> History:
    return History(
        Direction.MIN,
        [
            experiment(0, 3.28121),
            experiment(1, 3.20412, decision=Decision.KEEP, usage=Usage(12_000, 400, 0.6)),
            experiment(2, 3.25),
            experiment(3),
            experiment(4),
            experiment(5, outcome=Outcome.INTERRUPTED),
        ],
    )


def view(record: History, live: Live | None = None, *, running: bool = False) -> StatusView:
    shares = SHARES if running else ()
    goal, branch = "lower the loss", "autoresearch/nov23"
    return StatusView("nov23", branch, goal, "val_bpb", record, running, 1007.0, "basic", live, shares)


def page(shown: StatusView) -> list[str]:
    return [line.plain for line in status(shown)]


def test_the_page_of_a_running_loop() -> None:
    live = Live(1, Phase.SAMPLING, 1000.0, 1001.0, 6, 2, 24.0)
    assert page(view(history(), live, running=True)) == [
        "autoresearch/nov23   lower the loss",
        "state        running: sampling #6, sample 2 for 7 s of 24 s",
        "val_bpb      3.28121 → 3.20412 (−2.3 %), best is #1",
        "tried        4, 1 kept (25 %)",
        "not kept     2 crashed, 1 not better, 1 interrupted",
        "spent        1m 12s in experiments, 0.60 usd, 12.4 ktok",
        "budget       time 2m 30s of 5m",
        "budget       money 0.60 usd of 3 usd",
        "isolation    basic; not confined: files, network, other processes",
    ]


def test_the_page_after_a_crash_and_before_a_baseline() -> None:
    stale = Live(1, Phase.SAMPLING, 1000.0, 1001.0, 6, 1, 24.0)
    assert page(view(history(), stale))[1] == "state        not running; `ar run` goes on"
    assert page(view(History(Direction.MIN))) == [
        "autoresearch/nov23   lower the loss",
        "state        not running; `ar run` goes on",
        "val_bpb      – no baseline yet",
        "tried        0, 0 kept",
        "spent        0 s in experiments, 0 usd",
        "isolation    basic; not confined: files, network, other processes",
    ]


def test_the_noise_is_told_where_it_is_known() -> None:
    known = replace(view(history()), noise=0.00123)
    assert "noise        ±0.00123 per sample" in page(known)
    fixed = replace(known, one_seed=True)
    assert "noise        ±0.00123 per sample, the script's own seed: perhaps only the machine's" in page(fixed)
    assert status_json(known)["noise"] == 0.00123


def test_the_gain_has_its_error_where_both_sides_have_several_samples() -> None:
    first = (Sample(3.27, 0), Sample(3.292, 1))
    second = (Sample(3.2, 2), Sample(3.208, 3))
    kept = experiment(1, 3.204, decision=Decision.KEEP, samples=second)
    both = History(Direction.MIN, [experiment(0, 3.281, samples=first), kept])
    assert headline(both) == "1 kept of 1 · 3.281 → 3.204 (−2.3 % ± 0.4)"
    one = History(Direction.MIN, [experiment(0, 3.281), kept])
    assert headline(one) == "1 kept of 1 · 3.281 → 3.204 (−2.3 %)"
    zero = (Sample(-0.1, 0), Sample(0.1, 1))
    none = History(Direction.MAX, [experiment(0, 0.0, samples=zero), kept])
    assert headline(none) == "1 kept of 1 · 0 → 3.204 (+3.204 ± 0.1)"


def test_the_page_as_json() -> None:
    live = Live(42, Phase.SAMPLING, 1000.0, 1001.5, 6, 1, 24.0)
    read = json.loads(json.dumps(status_json(view(history(), live, running=True))))
    assert read["live"] == {
        "pid": 42,
        "phase": "sampling",
        "task": "sample",
        "number": 6,
        "sample": 1,
        "since": "1970-01-01T00:16:40.000Z",
        "limit": 24.0,
        "updated": "1970-01-01T00:16:41.500Z",
        "slot_count": 1,
        "slots": [],
    }
    assert {name: read[name] for name in ("baseline", "best", "best_number", "tried", "kept", "experiments")} == {
        "baseline": 3.28121,
        "best": 3.20412,
        "best_number": 1,
        "tried": 4,
        "kept": 1,
        "experiments": 6,
    }
    assert read["discarded"] == {"crashed": 2, "not better": 1, "interrupted": 1}
    assert read["budget"][0] == {"label": "time", "used": 0.5, "text": "2m 30s of 5m"}
    empty = status_json(view(History(Direction.MIN), live))
    assert (empty["live"], empty["best"], empty["best_number"]) == (None, None, None)
    assert (read["final_check"], read["holdout"]) == (None, None)


@pytest.mark.parametrize(
    ("live", "words"),
    [
        (Live(1, Phase.SAMPLING, 1000.0, 1001.0, 6, 2, 24.0), "sampling #6, sample 2 for 7 s of 24 s"),
        (
            Live(1, Phase.SAMPLING, 1000.0, 1001.0, 1, 2, task=Task.INCUMBENT),
            "sampling #1, the incumbent again for 7 s",
        ),
        (Live(1, Phase.SAMPLING, 1000.0, 1001.0, 6, 2, task=Task.FRESH), "sampling #6, in a fresh worktree for 7 s"),
        (Live(1, Phase.SAMPLING, 1000.0, 1001.0, 1, 2), "sampling #1, the final check for 7 s"),
        (Live(1, Phase.SAMPLING, 1000.0, 1001.0, 6, 2, 24.0, task=Task.CHECKS), "checks of #6 for 7 s of 24 s"),
        (Live(1, Phase.SAMPLING, 1000.0, 1001.0, 6, 2, task=Task.HOLDOUT), "holdout of #6 for 7 s"),
        (Live(1, Phase.SAMPLING, 1000.0, 1001.0, 6, 1, task=Task.WARM_UP), "warming up #6 for 7 s"),
        (Live(1, Phase.DECIDING, 1000.0, 1001.0, 6, 1), "deciding #6 for 7 s"),
        (Live(1, Phase.STARTING, 1000.0, 1001.0), "starting for 7 s"),
    ],
)
def test_what_is_run_is_said(live: Live, words: str) -> None:
    shown = view(history(), live, running=True)
    assert page(shown)[1] == f"state        running: {words}"
    told = status_json(shown)["live"]
    assert isinstance(told, dict)
    assert told["task"] == (live.task.value if live.phase is Phase.SAMPLING else None)


def held_out() -> History:
    record = history()
    record.add_holdout(0, (4.0, 4.2))
    record.add_holdout(1, (4.02,))
    return record


def test_the_holdout_shows_whether_only_the_metric_was_improved() -> None:
    shown = view(held_out())
    assert page(shown)[3] == "holdout      −2.0 % since the baseline, the metric −2.3 %"
    assert status_json(shown)["holdout"] == {"baseline": pytest.approx(4.1), "best": 4.02}
    unknown = view(history())
    unknown.history.add_holdout(0, (4.0, 4.2))
    assert not any(line.startswith("holdout") for line in page(unknown))
    alone = History(Direction.MIN, [experiment(0, 3.2)])
    alone.add_holdout(0, (4.0,))
    assert status_json(view(alone))["holdout"] is None


def pairs(number: int, *values: tuple[float, float]) -> FinalCheck:
    first, second = (tuple(Sample(pair[side], 50 + at) for at, pair in enumerate(values)) for side in (0, 1))
    return FinalCheck(number, first, second)


THREE = pairs(1, (3.28, 3.20), (3.30, 3.22), (3.29, 3.21))


def test_the_final_check_has_a_line_of_its_own_and_is_the_number_of_the_summary() -> None:
    shown = replace(view(history()), final=THREE)
    assert page(shown)[3] == "final check  3.29 → 3.21 (−2.4 % ± 0.2), 3 pairs"
    expected = {"baseline": pytest.approx(3.29), "best": pytest.approx(3.21), "pairs": 3}
    assert status_json(shown)["final_check"] == expected
    ending = Ending(history(), "the time is up", "b", "main", final=THREE)
    assert summary(ending).plain.splitlines()[0] == "1 kept of 4 · 3.29 → 3.21 (−2.4 % ± 0.2) · final check, 3 pairs"


def test_a_final_check_of_what_is_no_longer_the_best_says_nothing() -> None:
    shown = replace(view(history()), final=pairs(2, (3.28, 3.20)))
    assert not any(line.startswith("final") for line in page(shown))
    assert status_json(shown)["final_check"] is None
    assert headline(history(), shown.final) == headline(history())


def test_the_error_of_a_single_pair_is_that_of_the_noise_of_the_run() -> None:
    one = pairs(1, (3.3, 3.2))
    assert headline(history(), one) == "1 kept of 4 · 3.3 → 3.2 (−3.0 %) · final check, 1 pair"
    noisy = history()
    samples = (Sample(3.2, 8), Sample(3.3, 9))
    noisy.add(experiment(6, 3.25, samples=samples))
    # sqrt(0.005) · sqrt(2), in per cent of 3.3
    assert headline(noisy, one) == "1 kept of 5 · 3.3 → 3.2 (−3.0 % ± 3) · final check, 1 pair"


def test_the_live_state_follows_the_events(tmp_path: Path) -> None:
    path, ticks = tmp_path / "runs" / "nov23" / "live.json", iter(range(100))
    listener = LiveState(partial(write_live, path), lambda: SHARES, lambda: float(next(ticks)))
    seen: list[tuple[Phase, int | None, int | None, float | None]] = []
    measured = Measured(3.0, 1.0)
    started = SampleStarted(4, 1, 24.0, Task.FRESH)
    events = (STARTED, Proposing(4), started, Proposing(5), SampleFinished(4, 1, measured))
    for event in (*events, ExperimentFinished(experiment(4, 3.0), None), RunFinished("done", 3.0, 0, 1, 0)):
        listener(event)
        live = read_live(path)
        assert live is not None
        assert (live.pid, live.budget) == (os.getpid(), SHARES)
        assert (live.task is Task.FRESH) == (live.phase is Phase.SAMPLING)
        seen.append((live.phase, live.number, live.sample, live.limit))
    assert seen == [
        (Phase.STARTING, None, None, None),
        (Phase.PROPOSING, 4, None, None),
        (Phase.SAMPLING, 4, 1, 24.0),
        (Phase.SAMPLING, 4, 1, 24.0),
        (Phase.DECIDING, 4, 1, None),
        (Phase.DECIDING, 4, 1, None),
        (Phase.FINISHED, None, None, None),
    ]
    assert [one.name for one in path.parent.iterdir()] == ["live.json"]


BUSY = (Busy(0, 6, 2, Task.SAMPLE, 1000.0, 24.0), Busy(2, 1, 3, Task.INCUMBENT, 1003.5, 30.0))


def test_the_live_state_knows_what_runs_in_each_slot(tmp_path: Path) -> None:
    path, thoughts = tmp_path / "live.json", [Thought(8, 3.0)]
    used = Used(3, 9.5, {RECORD: 0.5}, unused=1)
    write = partial(write_live, path)
    listener = LiveState(write, list, lambda: 50.0, slots=3, thoughts=lambda: thoughts, used=lambda: used)

    def told(event: Event) -> Live:
        listener(event)
        live = read_live(path)
        assert live is not None
        assert (live.slot_count, live.used) == (3, used)
        return live

    measured = Measured(3.0, 1.0)
    told(SampleStarted(6, 1, 24.0, slot=2))
    both = told(SampleStarted(5, 2, 24.0, Task.FRESH, 0))
    assert [(one.slot, one.number, one.sample, one.task) for one in both.slots] == [
        (0, 5, 2, Task.FRESH),
        (2, 6, 1, Task.SAMPLE),
    ]
    assert (both.number, both.task, told(Proposing(7)).phase) == (5, Task.FRESH, Phase.SAMPLING)
    # The machine of slot 2 was lost.
    assert [(one.slot, one.number) for one in told(SampleStarted(6, 1, 24.0, slot=1)).slots] == [(0, 5), (1, 6)]
    left = told(SampleFinished(5, 2, measured, Task.FRESH))
    assert (left.phase, left.number, [one.slot for one in left.slots]) == (Phase.SAMPLING, 6, [1])
    assert told(ExperimentFinished(experiment(5, 3.0), None)).phase is Phase.SAMPLING
    assert told(SampleFinished(6, 1, measured)).phase is Phase.DECIDING
    waits = told(ExperimentFinished(experiment(6, 3.0), None))
    assert (waits.phase, waits.number, waits.since, waits.slots) == (Phase.PROPOSING, 8, 47.0, ())


def test_the_page_of_several_slots_says_what_runs_in_each() -> None:
    used = Used(4, 281.0, {RECORD: 3.4, PROPOSAL: 12.6}, unused=2)
    live = Live(42, Phase.SAMPLING, 1000.0, 1001.0, 6, 2, 24.0, slots=BUSY, slot_count=4, used=used)
    shown = replace(view(history(), live, running=True), used=used)
    lines = page(shown)
    assert lines[1] == "state        running: 2 of 4 slots busy"
    assert lines[-4:] == [
        "slots        4, all busy 95 % of 4m 57s; waited 12 s for proposals, 3 s for the record; "
        "2 proposals were not run",
        "isolation    basic; not confined: files, network, other processes",
        "slot 0       sampling #6, sample 2 for 7 s of 24 s",
        "slot 2       sampling #1, the incumbent again for 3 s of 30 s",
    ]
    told = json.loads(json.dumps(status_json(shown)))
    assert told["live"]["slot_count"] == 4
    assert told["live"]["slots"][1] == {
        "slot": 2,
        "number": 1,
        "sample": 3,
        "task": "incumbent",
        "since": "1970-01-01T00:16:43.500Z",
        "limit": 30.0,
    }
    assert told["utilisation"] == {
        "slots": 4,
        "share": pytest.approx(281 / 297),
        "seconds": pytest.approx(297.0),
        "waited": {"the record": 3.4, "a proposal": 12.6},
        "unused_proposals": 2,
    }
    stopped = replace(shown, running=False)
    assert page(stopped)[1] == "state        not running; `ar run` goes on"
    assert not any(line.startswith("slot ") for line in page(stopped))


@pytest.mark.parametrize(
    ("used", "words"),
    [
        (
            Used(1, 280.0, {PROPOSAL: 18.0, RECORD: 3.0}),
            "1, busy 93 % of 5m 1s; waited 18 s for proposals, 3 s for the record",
        ),
        (Used(1, 300.0, {RECORD: 0.4}, unused=1), "1, busy 100 % of 5m; 1 proposal was not run"),
        (Used(2, 1.5, {RECORD: 0.5}), "2, all busy 75 % of 2 s; waited 500 ms for the record"),
        (Used(2), None),
        (None, None),
    ],
)
def test_how_the_slots_were_used_has_a_line_where_it_was_counted(used: Used | None, words: str | None) -> None:
    shown = replace(view(history()), used=used)
    found = [line.removeprefix("slots        ") for line in page(shown) if line.startswith("slots")]
    assert found == ([] if words is None else [words])
    assert (status_json(shown)["utilisation"] is None) == (words is None)


def test_the_live_state_of_an_older_version_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "live.json"
    old = {"pid": 7, "phase": "sampling", "since": 1000.0, "updated": 1001.0, "number": 6, "sample": 2, "limit": 24.0}
    path.write_text(json.dumps({**old, "budget": [], "task": "sample"}))
    live = read_live(path)
    assert live == Live(7, Phase.SAMPLING, 1000.0, 1001.0, 6, 2, 24.0)
    assert page(view(history(), live, running=True))[1] == "state        running: sampling #6, sample 2 for 7 s of 24 s"
    for more in ({"slots": [3]}, {"slots": 3}, {"used": 3}, {"used": {"slots": 2}}, {"used": {"waited": 1}}):
        path.write_text(json.dumps({**old, "budget": [], "task": "sample", **more}))
        assert read_live(path) is None


def test_output_is_not_written_and_a_lost_folder_is_no_matter(tmp_path: Path) -> None:
    path = tmp_path / "gone" / "live.json"
    listener = LiveState(partial(write_live, path), list)
    listener(OutputLine(1, "loss 3"))
    assert not path.parent.exists()
    (tmp_path / "gone").write_text("a file where the folder should be")
    listener(STARTED)
    assert read_live(path) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"pid": 1, "phase": "dreaming"}', "\udcff"])
def test_a_live_state_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "live.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert read_live(path) is None


def test_the_summary_ends_with_commands_to_copy() -> None:
    ending = Ending(history(), "the time budget of 5m is used up", "autoresearch/nov23", "main", SHARES)
    assert summary(ending).plain.splitlines() == [
        "1 kept of 4 · 3.28121 → 3.20412 (−2.3 %)",
        "the time budget of 5m is used up · time 2m 30s of 5m · money 0.60 usd of 3 usd",
        "  look     ar log 1",
        "  compare  git diff main...autoresearch/nov23",
        "  merge    git merge --squash autoresearch/nov23",
        "  go on    ar run",
    ]


def test_the_summary_says_what_to_try_when_nothing_was_kept() -> None:
    failed = Ending(History(Direction.MIN, [experiment(0, 3.2), experiment(1), experiment(2)]), "stopped", "b", "main")
    assert summary(failed).plain.splitlines() == [
        "0 kept of 2 · baseline 3.2",
        "stopped",
        "nothing was kept: 2 of 2 failed, `ar log 2` says why the last one did",
        "  look   ar log",
        "  go on  ar run",
    ]
    worse = Ending(History(Direction.MIN, [experiment(0, 3.2), experiment(1, 3.3)]), "stopped", "b", "main")
    assert "no change was better" in summary(worse).plain
    nothing = Ending(History(Direction.MIN, [experiment(0, 3.2)]), "stopped", "b", "main")
    assert "no change was tried yet" in summary(nothing).plain


@pytest.mark.parametrize(
    ("used", "is_alone", "words"),
    [
        (
            Used(1, 60.0, {PROPOSAL: 35.0, RECORD: 5.0}),
            False,
            "slots: busy 60 % of the time, waited 35 s for proposals; "
            "a larger `lookahead` in [run] thinks of more at a time",
        ),
        (
            Used(2, 60.0, {RECORD: 40.0}),
            False,
            "slots: all busy 60 % of the time, waited 40 s for the record; "
            "where there is room, `--workers 4` runs more samples side by side",
        ),
        (Used(1, 60.0, {RECORD: 40.0}), True, "slots: busy 60 % of the time, waited 40 s for the record"),
        (Used(1, 95.0, {PROPOSAL: 5.0}), False, None),
        (Used(1, 3.0, {PROPOSAL: 5.0}), False, None),
        (Used(1), False, None),
        (None, False, None),
    ],
)
def test_the_summary_says_what_was_waited_for_and_what_helps(used: Used | None, is_alone: bool, words: str) -> None:
    ending = Ending(history(), "the time is up", "b", "main", used=used, is_alone=is_alone)
    lines = summary(ending).plain.splitlines()
    assert [line for line in lines if line.startswith("slots")] == ([words] if words else [])
    assert len(lines) == 6 + bool(words)


def test_a_long_record_is_told_to_be_packed_and_odd_names_are_quoted() -> None:
    record = History(Direction.MIN, [experiment(0, 3.2), experiment(1, 3.1, decision=Decision.KEEP)])
    for number in range(2, 5001):
        record.add(experiment(number))
    assert summary(Ending(record, "stopped", "autoresearch/a b", "main")).plain.splitlines()[-4:] == [
        "  compare  git diff 'main...autoresearch/a b'",
        "  merge    git merge --squash 'autoresearch/a b'",
        "  go on    ar run",
        "  tidy     git gc",
    ]
