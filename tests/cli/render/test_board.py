"""What the live region says, as a function of events and time."""

from __future__ import annotations

import pytest

from autoresearch.cli.render.board import Board
from autoresearch.cli.render.view import RunView
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
