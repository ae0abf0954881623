"""What a run has come to: the number of what its branch is at, not the luckiest of what was kept."""

from __future__ import annotations

from autoresearch.core.experiment import SIMPLER, Decision, Experiment, Sample
from autoresearch.core.history import Direction, History
from tests.support.experiments import experiment

KEEP = Decision.KEEP


def best(*experiments: Experiment) -> int | None:
    found = History(Direction.MIN, experiments).best
    return None if found is None else found.number


def test_what_was_kept_for_being_simpler_is_what_the_run_has_come_to() -> None:
    simpler = experiment(2, 4.02, parent=1, decision=KEEP, flags=(SIMPLER,))
    assert best(experiment(0, 5.0), experiment(1, 4.0, decision=KEEP), simpler) == 2


def test_an_incumbent_that_was_lucky_at_first_is_told_as_it_is() -> None:
    again = ((2, Sample(8.6, 5)), (2, Sample(8.5, 6)))
    kept = experiment(1, 8.0, decision=KEEP), experiment(2, 7.7, parent=1, decision=KEEP)
    history = History(
        Direction.MIN, (experiment(0, 10.0), *kept, experiment(3, 9.0, parent=2, incumbent_samples=again))
    )
    assert history.best is not None
    assert (history.best.number, history.metric(2)) == (2, (7.7 + 8.6 + 8.5) / 3)


def test_after_a_return_to_the_baseline_there_is_no_gain() -> None:
    first = experiment(0, 5.0)
    back = experiment(2, 4.9, parent=1, decision=KEEP, tree=first.tree, reverts=(1,))
    assert best(first, experiment(1, 4.0, decision=KEEP), back) == 0


def test_where_a_return_was_not_measured_the_best_of_what_is_left_is_told() -> None:
    kept = experiment(1, 4.0, decision=KEEP), experiment(2, 3.0, parent=1, decision=KEEP)
    back = experiment(3, None, parent=2, decision=KEEP, reverts=(2,))
    assert best(experiment(0, 5.0), *kept, back) == 1
