"""What the live region says, as a function of events and time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autoresearch.cli.render.board import TABLE, Board
from autoresearch.cli.render.view import RunView, Thought
from autoresearch.core.budget import Share
from autoresearch.core.events import (
    Event,
    ExperimentFinished,
    OutputLine,
    Proposed,
    Proposing,
    RunFinished,
    SampleFinished,
    SampleStarted,
)
from autoresearch.core.experiment import Decision, Measured, Outcome
from autoresearch.core.history import Direction, History
from autoresearch.core.ports import Task
from tests.support.experiments import experiment

SHARES = [Share("time", 0.25, "1m of 4m"), Share("experiments", 2.0, "6 of 5 experiments")]


def board(history: History | None = None, goal: str = "lower the loss") -> Board:
    history = History(Direction.MIN) if history is None else history
    return Board(RunView(goal, "autoresearch/nov23", "val_bpb", history, lambda: SHARES), 0.0)


def lines(
    shown: Board, *events: tuple[float, Event], now: float = 100.0, size: tuple[int, int] = (80, 24)
) -> list[str]:
    for at, event in events:
        shown.tell(event, at)
    return [line.plain.rstrip() for line in shown.lines(size, now, SHARES)]


def test_before_the_first_event_everything_has_its_place() -> None:
    assert lines(board()) == [
        "── lower the loss ─────────────────────────────────────── autoresearch/nov23 ──",
        " val_bpb –   no baseline yet                                       0 kept of 0",
        " time         ━━━━━━────────────────────  1m of 4m",
        " experiments  ━━━━━━━━━━━━━━━━━━━━━━━━━━  6 of 5 experiments",
        " one moment",
        "",
    ]


def test_without_a_budget_it_says_how_long_it_has_been_running() -> None:
    assert board().lines((80, 24), 125.0, [])[2].plain == " until stopped, so far 2m 5s"


def test_what_goes_on_is_named_with_its_time_and_limit() -> None:
    shown = board()
    assert lines(shown, (90.0, Proposing(0)))[4] == " #0 proposing  10 s"
    assert lines(shown, (90.0, Proposed(0, "baseline", "", 0.0)))[4] == " #0 next is  10 s  baseline"
    bar = "━" * 5 + "─" * 8
    assert lines(shown, (90.0, SampleStarted(0, 1, 25.0)))[4] == f" #0 sampling  {bar}  10 s of 25 s  baseline"
    assert lines(shown, (95.0, OutputLine(0, "step 3")))[5] == "    step 3"
    assert lines(shown, (99.0, SampleFinished(0, 1, Measured(1.0, 9.0))))[4] == " #0 deciding  1 s  baseline"
    full = "━" * 13
    assert (
        lines(shown, (50.0, SampleStarted(0, 2, 25.0)))[4] == f" #0 sampling, sample 2  {full}  50 s of 25 s  baseline"
    )


def test_a_proposal_that_came_to_nothing_does_not_stay() -> None:
    shown = board()
    assert lines(shown, (90.0, Proposing(3)), (91.0, Proposed(4, "other", "", 0.0)))[4:] == [
        " #4 next is  9 s  other",
        "",
    ]
    rejected = experiment(5, outcome=Outcome.REJECTED)
    shown.tell(Proposing(5), 95.0)
    assert lines(shown, (96.0, ExperimentFinished(rejected, None)))[4:] == [" #4 next is  9 s  other", ""]
    assert lines(shown, (97.0, RunFinished("done", None, 0, 1, 0)))[4] == " one moment"


def test_the_next_proposal_is_shown_beside_the_sample_that_runs() -> None:
    shown = board()
    events = [(90.0, SampleStarted(4, 1, 20.0)), (91.0, OutputLine(4, "loss 3")), (95.0, Proposing(5))]
    assert [line[:14] for line in lines(shown, *events)[4:]] == [" #4 sampling  ", " #5 proposing ", "    loss 3"]


def test_a_new_sample_of_the_incumbent_is_named_as_such_and_ends() -> None:
    history = History(Direction.MIN, [experiment(0, 3.0)])
    shown = board(history)
    bar = "━" * 6 + "─" * 7
    line = f" #0 sampling, the incumbent again  {bar}  10 s of 20 s  baseline"
    assert lines(shown, (90.0, SampleStarted(0, 2, 20.0, Task.INCUMBENT)))[4] == line
    assert lines(shown, (91.0, SampleFinished(0, 2, Measured(3.0, 1.0), Task.INCUMBENT)))[4] == " one moment"


@pytest.mark.parametrize(
    ("task", "sample", "words"),
    [
        (Task.SAMPLE, 1, "sampling"),
        (Task.SAMPLE, 2, "sampling, sample 2"),
        (Task.FRESH, 3, "sampling, in a fresh worktree"),
        (Task.CHECKS, 3, "checks"),
        (Task.HOLDOUT, 3, "holdout"),
        (Task.WARM_UP, 1, "warming up"),
    ],
)
def test_what_is_run_of_an_experiment_is_said(task: Task, sample: int, words: str) -> None:
    shown = board(History(Direction.MIN, [experiment(0, 3.0)]))
    shown.tell(Proposed(1, "LR 2", "", 0.0), 80.0)
    bar = "━" * 6 + "─" * 7
    assert lines(shown, (90.0, SampleStarted(1, sample, 20.0, task)))[4] == f" #1 {words}  {bar}  10 s of 20 s  LR 2"


def test_samples_of_what_is_decided_are_the_final_check() -> None:
    kept = experiment(1, 2.9, decision=Decision.KEEP, title="LR 2")
    shown = board(History(Direction.MIN, [experiment(0, 3.0), kept]))
    assert lines(shown, (90.0, SampleStarted(1, 3, 20.0)))[4].startswith(" #1 sampling, the final check  ")


def test_the_header_counts_changes_and_gives_the_best_since_the_baseline() -> None:
    history = History(Direction.MAX, [experiment(0, 0.5), experiment(1, 0.4)])
    shown = board(history)
    assert lines(shown)[1] == " val_bpb 0.5   the baseline                                        0 kept of 1"
    for one in (experiment(2, 0.6, decision=Decision.KEEP), experiment(3, outcome=Outcome.INTERRUPTED)):
        history.add(one)
        shown.tell(ExperimentFinished(one, 0.5), 1.0)
    assert lines(shown)[1] == " val_bpb 0.6   +20.0 % since the baseline 0.5                      1 kept of 2"
    assert lines(shown, size=(44, 24))[1] == " val_bpb 0.6   +20.0 %         1 kept of 2"


def test_no_line_is_wider_or_higher_than_the_screen_allows() -> None:
    shown = board(goal="ein sehr langes Ziel 漢字 🎉 " * 20)
    shown.tell(SampleStarted(0, 1, 20.0), 0.0)
    shown.tell(OutputLine(0, "漢" * 300), 0.0)
    for columns in (20, 40, 79, 80, 81, 200):
        for rows in (1, 2, 3, 4, 5, 6, 7, 24, 50):
            drawn = shown.lines((columns, rows), 10.0, SHARES)
            assert all(line.cell_len < columns for line in drawn)
            assert len(drawn) <= max(rows - 1, 1)
            assert any("#0 sampling" in line.plain for line in drawn)


def several(slots: int = 3, *, history: History | None = None, **more: object) -> Board:
    history = History(Direction.MIN, [experiment(0, 3.0)]) if history is None else history
    view = RunView("lower the loss", "autoresearch/nov23", "val_bpb", history, lambda: SHARES, ("",) * slots)
    return Board(replace(view, **more), 0.0)  # type: ignore[arg-type]


def begun(number: int, slot: int, *, sample: int = 1, at: float = 90.0) -> list[tuple[float, Event]]:
    proposed = [(at, Proposed(number, f"LR {number}", "", 0.0))] if sample == 1 else []
    return [*proposed, (at, SampleStarted(number, sample, 20.0, slot=slot))]


def ended(number: int, *, sample: int = 1) -> SampleFinished:
    return SampleFinished(number, sample, Measured(3.0, 1.0))


def test_each_of_several_slots_has_a_line_that_begins_with_its_number() -> None:
    shown = several()
    events = [*begun(12, 2, at=80.0), *begun(9, 1), *begun(11, 0), *begun(9, 1, sample=2)]
    assert lines(shown, *events, (90.0, OutputLine(9, "step 3")))[4:] == [
        " 0  #11 sampling           ━━━━────  10 s of 20 s  LR 11",
        " 1  #9 sampling, sample 2  ━━━━────  10 s of 20 s  LR 9",
        " 2  #12 sampling           ━━━━━━━━  20 s of 20 s  LR 12",
        "    #9: step 3",
    ]


def test_a_line_stays_where_it_is_when_its_neighbours_end() -> None:
    shown = several()
    first, last = (" 1  #2 sampling  ━━━━────  10 s of 20 s  LR 2", " 2  #3 sampling  ━━━━────  10 s of 20 s  LR 3")
    assert lines(shown, *begun(1, 0), *begun(2, 1), *begun(3, 2))[5:7] == [first, last]
    assert lines(shown, (100.0, ended(1)))[4:7] == [
        " 0  #1 deciding            0 s           LR 1",
        first,
        last,
    ]
    assert lines(shown, (100.0, ExperimentFinished(experiment(1, 3.0), 3.0)))[4:7] == [" 0  –", first, last]
    assert lines(shown, *begun(4, 0))[4].startswith(" 0  #4 sampling  ")
    for number in (2, 3):
        shown.tell(ended(number), 100.0)
        shown.tell(ExperimentFinished(experiment(number, 3.0), 3.0), 100.0)
    assert [line[:6] for line in lines(shown)[4:]] == [" 0  #4", ""]


def test_a_baseline_that_is_sampled_in_all_slots_is_not_being_decided_before_the_last() -> None:
    shown = several(history=History(Direction.MIN))
    starts = [(90.0, SampleStarted(0, slot + 1, 20.0, slot=slot)) for slot in range(3)]
    assert [line[:15] for line in lines(shown, *starts)[4:7]] == [
        " 0  #0 sampling",
        " 1  #0 sampling",
        " 2  #0 sampling",
    ]
    assert [line[:9] for line in lines(shown, (95.0, ended(0, sample=2)))[4:7]] == [" 0  #0 sa", " 1  –", " 2  #0 sa"]
    shown.tell(ended(0, sample=1), 96.0)
    assert lines(shown, (97.0, ended(0, sample=3)))[6] == " 2  #0 deciding            3 s  the baseline"


def test_a_sample_that_is_run_again_elsewhere_has_one_line() -> None:
    shown = several()
    shown_lines = lines(shown, *begun(1, 0), *begun(2, 1), (95.0, SampleStarted(1, 1, 20.0, slot=2)))
    assert [line[:6] for line in shown_lines[4:7]] == [" 0  –", " 1  #2", " 2  #1"]


def test_slots_with_gpus_of_their_own_are_named_by_them() -> None:
    short = several(2, devices=("1", "3"))
    assert lines(short, *begun(1, 1))[4:6] == [" gpu 1  –", " gpu 3  #1 sampling  ━━━━────  10 s of 20 s  LR 1"]
    for devices in (("0", "0"), ("GPU-5a0c", "GPU-77be"), ("", "")):
        assert lines(several(2, devices=devices), *begun(1, 1))[4] == " 0  –"


def test_proposals_that_are_thought_of_share_a_line() -> None:
    shown = several()
    asked = [(88.0, Proposing(21)), (95.0, Proposing(22))]
    assert lines(shown, *begun(20, 0), *asked)[5] == " thinking of #21, #22 (12 s)"
    more: list[tuple[float, Event]] = [(99.0, Proposing(number)) for number in range(23, 30)]
    assert lines(shown, *more)[5] == " thinking of #21, #22, #23, #24 and 5 more (12 s)"
    mended = [(99.0, ended(20)), (99.0, Proposing(20))]
    assert lines(several(), *begun(20, 0), *mended)[4:] == [" thinking of #20 again (1 s)", ""]
    one = board()
    assert lines(one, *begun(20, 0), *asked)[5] == " thinking of #21, #22 (12 s)"


def test_an_answer_that_waits_for_its_turn_is_not_being_thought_of() -> None:
    thoughts = [Thought(3, 12.0), Thought(7, 2.0)]
    shown = several(thoughts=lambda: thoughts)
    # Number 5 was begun before what was to be called 3 has come: numbers are given by turns.
    events = [*begun(5, 0), (90.0, Proposing(3)), (91.0, Proposing(6)), (98.0, Proposing(7))]
    assert lines(shown, *events)[5] == " thinking of #6, #7 (12 s)"
    thoughts.clear()
    assert lines(shown)[5] == ""


def test_what_only_waits_is_shown_where_nothing_else_is_known() -> None:
    shown = several()
    waiting = [(95.0, Proposed(2, "LR 2", "", 0.0)), (97.0, Proposed(3, "LR 3", "", 0.0))]
    assert lines(shown, *waiting)[4:6] == [" #2 next is  5 s  LR 2", " #3 next is  3 s  LR 3"]
    assert lines(shown, (98.0, Proposing(4)))[4:] == [" thinking of #4 (2 s)", ""]
    again = (99.0, SampleStarted(0, 2, 20.0, Task.INCUMBENT, 1))
    assert [line[:30] for line in lines(shown, again)[4:6]] == [" 0  –", " 1  #0 sampling, the incumbent"]


def test_many_slots_leave_room_for_the_table_and_are_never_higher_than_the_screen() -> None:
    shown = several(16)
    for slot in range(16):
        for at, event in begun(slot + 1, slot):
            shown.tell(event, at)
    shown.tell(Proposing(30), 90.0)
    drawn = lines(shown)
    assert [line.split()[:2] for line in drawn[4:-3]] == [[str(slot), f"#{slot + 1}"] for slot in range(10)]
    assert drawn[-3:] == [" … and 6 more", " thinking of #30 (10 s)", ""]
    assert len(drawn) + TABLE == 23
    assert len(lines(shown, size=(80, 50))) == 4 + 16 + 2
    for columns in (10, 20, 40, 80):
        for rows in range(1, 40):
            fitted = shown.lines((columns, rows), 100.0, SHARES)
            assert len(fitted) <= max(rows - 1, 1)
            assert all(line.cell_len < columns for line in fitted)
            assert any(line.plain.startswith("  0  #1") for line in fitted)


def test_a_warm_up_and_then_the_first_sample_are_two_different_things() -> None:
    shown = several(2)
    events = [
        (90.0, Proposed(1, "LR 1", "", 0.0)),
        (90.0, SampleStarted(1, 1, 20.0, Task.WARM_UP, 0)),
        (90.0, SampleStarted(1, 2, 20.0, slot=1)),
    ]
    assert [line[:16] for line in lines(shown, *events)[4:6]] == [" 0  #1 warming u", " 1  #1 sampling,"]
    shown.tell(SampleFinished(1, 1, Measured(3.0, 1.0), Task.WARM_UP), 95.0)
    assert [line[:15] for line in lines(shown)[4:6]] == [" 0  –", " 1  #1 sampling"]
