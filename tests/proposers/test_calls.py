from __future__ import annotations

from threading import Event

import pytest

from autoresearch.core.experiment import Usage
from autoresearch.proposers.calls import (
    LONGEST_PAUSE,
    OVERDUE_TRIES,
    TRIES,
    Answer,
    Asking,
    NoAnswer,
    attempt,
    pause,
)
from autoresearch.proposers.faults import Failure, Trouble
from autoresearch.proposers.prompt import Message

BUSY = Failure(Trouble.PASSING, "busy")
ANSWER = Answer("one", "hello", cut_at=None, usage=Usage(10, 5, 0.1))


def test_an_attempt_gives_the_value() -> None:
    assert attempt(lambda: 42, 60.0) == 42


@pytest.mark.parametrize("error", [KeyError("x"), RecursionError(), SystemExit(3)])
def test_an_attempt_gives_whatever_was_raised(error: BaseException) -> None:
    def fail() -> None:
        raise error

    assert attempt(fail, 60.0) is error


def test_an_attempt_past_its_limit_is_left_to_itself() -> None:
    release = Event()
    assert isinstance(attempt(release.wait, 0.01), TimeoutError)
    release.set()


def test_pauses_double_up_to_a_limit() -> None:
    assert [pause(BUSY, tried, 2.0, 900.0) for tried in (1, 2, 3)] == [2.0, 4.0, 8.0]
    assert pause(BUSY, 3, 100.0, 900.0) == LONGEST_PAUSE


@pytest.mark.parametrize(
    ("trouble", "tries"),
    [(Trouble.PASSING, TRIES), (Trouble.OVERDUE, OVERDUE_TRIES), (Trouble.REFUSED, 1), (Trouble.UNPAID, 1)],
)
def test_how_often_a_model_is_tried_depends_on_the_trouble(trouble: Trouble, tries: int) -> None:
    failure = Failure(trouble, "")
    assert [pause(failure, tried, 1.0, 900.0) is None for tried in range(1, tries + 1)] == [False] * (tries - 1) + [
        True
    ]


def test_what_the_provider_asks_for_counts_more_than_our_own_pause_but_not_for_ever() -> None:
    assert pause(Failure(Trouble.PASSING, "", retry_after=300.0), 1, 2.0, 900.0) == 300.0
    assert pause(Failure(Trouble.PASSING, "", retry_after=901.0), 1, 2.0, 900.0) is None


class Recorded:
    """What a model shall say (busy at the end of the list), and the pauses that were made instead of slept."""

    def __init__(self, *outcomes: Answer | Failure) -> None:
        self.outcomes = list(outcomes)
        self.pauses: list[float] = []
        self.asking = Asking(("one",), self.call, self.wait, 1.0)

    def call(self, model: str, messages: tuple[Message, ...]) -> Answer | Failure:
        return self.outcomes.pop(0) if self.outcomes else BUSY

    def wait(self, seconds: float) -> bool:
        self.pauses += [seconds] if seconds else []
        return False


def test_pauses_grow_over_an_outage_and_shrink_after_an_answer() -> None:
    recorded = Recorded()
    assert isinstance(recorded.asking.answer(()), NoAnswer)
    assert isinstance(recorded.asking.answer(()), NoAnswer)
    assert recorded.pauses == [1.0, 2.0, 4.0, 2.0, 4.0, 8.0]
    recorded.outcomes = [ANSWER]
    assert recorded.asking.answer(()) == ANSWER
    recorded.pauses.clear()
    recorded.asking.answer(())
    assert recorded.pauses == [1.0, 2.0, 4.0]


def test_what_a_lost_call_may_have_cost_is_part_of_the_answers_cost() -> None:
    lost = Failure(Trouble.OVERDUE, "", usage=Usage(10, 100, 0.5))
    assert Recorded(lost, ANSWER).asking.answer(()).usage == Usage(20, 105, pytest.approx(0.6))
