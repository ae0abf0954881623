"""What was spent, added up: what is known of it is never forgotten."""

from __future__ import annotations

from itertools import permutations

import pytest

from autoresearch.cli.render.text import paid
from autoresearch.core.experiment import FREE, Usage
from autoresearch.errors import ProposalFailed

UNPRICED, MACHINE = Usage(10, 5, None), Usage(cost_usd=2.0)


def test_known_dollars_stay_known_beside_a_price_that_is_not() -> None:
    for first, second, third in permutations((UNPRICED, MACHINE, FREE)):
        whole = first + second + third
        assert whole == first + (second + third)
        assert (whole.cost_usd, whole.is_partial, whole.tokens) == (2.0, True, 15)


def test_where_nothing_is_known_the_sum_is_not_nothing() -> None:
    assert UNPRICED + FREE == UNPRICED
    assert Usage(20, 10, None) == UNPRICED + UNPRICED
    assert Usage(cost_usd=4.0) == MACHINE + MACHINE


@pytest.mark.parametrize(
    ("usage", "words"),
    [(FREE, ""), (MACHINE, "2 usd"), (UNPRICED, "unknown"), (UNPRICED + MACHINE, "at least 2 usd")],
)
def test_it_is_told_as_it_is_known(usage: Usage, words: str) -> None:
    assert paid(usage) == words


def test_a_failure_keeps_the_dollars_that_are_known() -> None:
    assert ProposalFailed("no", spent_usd=None).with_usage_of(0, 0, 0.5).spent_usd == 0.5
    assert ProposalFailed("no", spent_usd=None).with_usage_of(0, 0, 0.0).spent_usd is None
