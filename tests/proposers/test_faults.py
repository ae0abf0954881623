from __future__ import annotations

from datetime import UTC, datetime

import pytest

from autoresearch.proposers.faults import Trouble, explain, retry_after

NOW = datetime(2026, 11, 23, 4, 0, 0, tzinfo=UTC)


class StatusError(Exception):
    """As the clients below LiteLLM raise them."""

    def __init__(self, status_code: int, words: str = "litellm.APIError: APIError: OpenAIException - words") -> None:
        super().__init__(words)
        self.status_code = status_code


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("7", 7.0),
        (" 0.5 ", 0.5),
        ("Mon, 23 Nov 2026 04:01:30 GMT", 90.0),
        ("Mon, 23 Nov 2026 03:00:00 GMT", 0.0),
        ("Mon, 23 Nov 2026 04:01:30 -0000", 90.0),
        ("soon", None),
        ("", None),
        ("-5", None),
        ("inf", None),
        ("²", None),
    ],
)
def test_retry_after_is_a_number_of_seconds_or_a_date(given: str, seconds: float | None) -> None:
    assert retry_after({"retry-AFTER": given}, NOW) == seconds


def test_without_the_header_nothing_is_asked_for() -> None:
    assert retry_after({"Content-Length": "7"}, NOW) is None


@pytest.mark.parametrize(
    ("status", "trouble"),
    [
        (400, Trouble.LASTING),
        (401, Trouble.LASTING),
        (402, Trouble.LASTING),
        (408, Trouble.PASSING),
        (422, Trouble.LASTING),
        (429, Trouble.PASSING),
        (500, Trouble.PASSING),
        (529, Trouble.PASSING),
    ],
)
def test_what_a_status_means(status: int, trouble: Trouble) -> None:
    failure = explain(StatusError(status), "openai/x", None)
    assert failure.trouble is trouble
    assert failure.message == f"openai/x ({status}): words"
    assert bool(failure.hint) is (trouble is Trouble.LASTING)


def test_an_error_without_a_status_may_pass() -> None:
    assert explain(KeyError("choices"), "openai/x", None).trouble is Trouble.PASSING
    assert explain(IndexError(), "openai/x", None).message == "openai/x: IndexError"


def test_the_words_of_a_provider_are_one_clean_line() -> None:
    message = explain(StatusError(500, "two\nlines \x1b[31mred" + "x" * 1000), "openai/x", None).message
    assert message.startswith("openai/x (500): two lines red")
    assert len(message) < 330
