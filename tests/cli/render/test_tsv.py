"""`ar log --tsv`: numbers of any size, and what was taken back."""

from __future__ import annotations

import pytest

from autoresearch.cli.render.tsv import tsv
from autoresearch.core.experiment import Decision, Experiment, Outcome, Sample
from autoresearch.core.history import Direction, History
from tests.support.experiments import experiment

KEEP = Decision.KEEP


def rows(*experiments: Experiment) -> list[tuple[str, str, str]]:
    """Commit, metric and status of each."""
    lines = tsv(History(Direction.MIN, experiments)).splitlines()[1:]
    return [(cells[0], cells[1], cells[3]) for cells in (line.split("\t") for line in lines)]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.997912345, "0.997912"),
        (0.9, "0.900000"),
        (45060.2, "45060.200000"),
        (-0.1234567, "-0.123457"),
        (0.001, "0.001000"),
        (0.1 + 0.2 - 0.25, "0.050000"),
        (0.0, "0.000000"),
        (4.2e-7, "4.2e-07"),
        (-4.2e-7, "-4.2e-07"),
        (0.00123456, "0.00123456"),
        (0.0123456789, "0.0123457"),
    ],
)
def test_six_decimals_where_they_say_the_number_else_six_digits(value: float, text: str) -> None:
    assert rows(experiment(0, value))[0][1] == text


def test_what_was_taken_back_is_discarded_and_a_return_without_a_number_left_out() -> None:
    first, gain = experiment(0, 3.0), experiment(1, 2.0, decision=KEEP)
    back = experiment(2, parent=1, outcome=Outcome.SKIPPED, decision=KEEP, reverts=(1,))
    worse = experiment(3, 5.0, parent=2)
    assert rows(first, gain, back, worse) == [
        ("0000000", "3.000000", "keep"),
        ("0000001", "2.000000", "discard"),
        ("0000003", "5.000000", "discard"),
    ]
    weighed = experiment(3, 5.0, parent=2, incumbent_samples=((2, Sample(3.1, 9)),))
    assert rows(first, gain, back, weighed)[2] == ("0000002", "3.100000", "keep")
