"""How well slots were used: what counts as what, and its line in the record."""

from __future__ import annotations

import pytest

from autoresearch.core.utilisation import PROPOSAL, RECORD, Used, Utilisation


class Clock:
    """A monotonic clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def told(slots: int, *changes: tuple[float, int, str]) -> tuple[Utilisation, Clock]:
    """Each change: seconds after the start, busy slots, what a free one waits for."""
    clock = Clock()
    counted = Utilisation(slots, clock)
    for at, busy, waits in changes:
        clock.now = 100.0 + at
        counted.note(busy, waits)
    return counted, clock


def test_time_counts_as_what_was_said_at_its_beginning() -> None:
    counted, clock = told(2, (0, 1, RECORD), (1, 2, ""), (11, 1, RECORD), (11.5, 1, PROPOSAL), (14, 2, ""))
    clock.now = 115.0
    used = counted.used()
    assert (used.slots, used.full, used.waited) == (2, 11.0, {RECORD: 1.5, PROPOSAL: 2.5})
    assert used.share == pytest.approx(11 / 15)


def test_looking_changes_nothing() -> None:
    counted, clock = told(1, (0, 1, ""))
    clock.now = 103.0
    assert counted.used() == counted.used() == Used(1, 3.0)
    clock.now = 105.0
    counted.note(0, PROPOSAL)
    clock.now = 106.0
    assert counted.used() == Used(1, 5.0, {PROPOSAL: 1.0})


def test_before_the_first_sample_and_after_the_end_nothing_counts() -> None:
    counted, clock = told(1, (0, 0, PROPOSAL), (5, 1, ""), (7, 0, ""))
    clock.now = 200.0
    assert counted.used() == Used(1, 2.0)
    none, _ = told(1)
    assert none.used().share is None


@pytest.mark.parametrize(
    "used",
    [
        Used(1, 300.25),
        Used(4, 281.3, {PROPOSAL: 12.125, RECORD: 3.5}, unused=2),
        Used(16, 0.0, {RECORD: 3.5}),
    ],
)
def test_what_is_recorded_is_read_back(used: Used) -> None:
    again = Used.read(str(used))
    assert again is not None
    assert (again.slots, again.waited, again.unused) == (used.slots, used.waited, used.unused)
    assert again.full == pytest.approx(used.full, abs=0.002)


def test_the_line_says_the_share_first_and_of_nothing_there_is_none() -> None:
    line = '0.947 slots=4 seconds=297.000 unused=2 "a proposal"=12.250 "the record"=3.500'
    assert str(Used(4, 281.25, {RECORD: 3.5, PROPOSAL: 12.25}, unused=2)) == line
    assert str(Used(4, unused=2)) == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a lot",
        "0.5 slots=1 seconds=1..0 unused=0",
        "0.5 slots=1 seconds=1.0",
        '0.5 slots=1 seconds=1.0 unused=0 "x"=1.2.3',
        "0.5 slots=x seconds=1.0 unused=0",
    ],
)
def test_anything_else_is_no_line(text: str) -> None:
    assert Used.read(text) is None
