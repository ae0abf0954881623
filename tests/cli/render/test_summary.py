"""The last words of a run: what to do next, and what is said where nothing was kept."""

from __future__ import annotations

import pytest

from autoresearch.cli.render.summary import Ending, summary
from autoresearch.core.experiment import Decision, Experiment, Outcome, Sample
from autoresearch.core.history import Direction, History
from tests.support.experiments import experiment


def said(*experiments: Experiment, snapshot: str = "") -> str:
    history = History(Direction.MIN, [experiment(0, 3.2), *experiments])
    return summary(Ending(history, "stopped", "autoresearch/b", "main", snapshot=snapshot)).plain


STOPPED = {"outcome": Outcome.INTERRUPTED, "decision": Decision.DISCARD}


@pytest.mark.parametrize(
    ("experiments", "words"),
    [
        ([], "no change was tried yet"),
        ([experiment(1, None, **STOPPED)], "no change was tried to its end"),
        (
            [experiment(1, None, samples=(Sample(3.0, 4),), **STOPPED)],
            "nothing was kept; #1 looked better when it was stopped: ar run --replay 1",
        ),
        ([experiment(1, None, samples=(Sample(3.4, 4),), **STOPPED)], "no change was tried to its end"),
        (
            [experiment(1, 3.4, proposer="tuner")],
            "nothing was kept: no change was better; more budget, or a model: --model",
        ),
        (
            [experiment(1, 3.4, proposer="llm")],
            "nothing was kept: no change was better; more budget, or steer it in program.md",
        ),
    ],
)
def test_where_nothing_was_kept_it_is_said_why_and_what_helps(experiments: list[Experiment], words: str) -> None:
    assert words in said(*experiments).splitlines()


def test_what_began_from_uncommitted_work_is_applied_to_it_and_not_merged() -> None:
    told = said(experiment(1, 3.0, decision=Decision.KEEP), snapshot="0123456789abcdef")
    assert "  compare  git diff 0123456789 autoresearch/b\n" in told
    assert "  apply    git diff 0123456789 autoresearch/b | git apply\n" in told
    assert "merge" not in told
