"""Prices of models, and the most that a call can come to."""

from __future__ import annotations

import pytest

from autoresearch.core.experiment import Usage
from autoresearch.core.purse import Purse
from autoresearch.errors import ProposerBroken
from autoresearch.proposers.costs import PROMPT_STEP, Costs
from autoresearch.proposers.prompt import Message, Role
from autoresearch.proposers.settings import LlmSettings, Price

MINE = Price(7.0, 70.0)


class Table:
    """Prices that double from 200,000 tokens on; `own` is in no table. Remembers what was looked up."""

    def __init__(self) -> None:
        self.looks: list[tuple[str, int]] = []

    def __call__(self, model: str, tokens_in: int) -> Price | None:
        self.looks.append((model, tokens_in))
        return None if model == "own" else Price(2.0, 20.0) if tokens_in > 200_000 else Price(1.0, 10.0)


def costs(model: str = "listed", table: Table | None = None, price: Price | None = None) -> Costs:
    return Costs(LlmSettings(model, price=price, require_price=True), Purse(), table or Table())


def asking(size: int) -> tuple[Message, ...]:
    return (Message(Role.USER, "x" * size),)


def test_the_most_is_a_token_for_two_bytes_and_the_whole_reply() -> None:
    assert costs().most("listed", asking(1960), 3000) == Usage(1000, 3000, pytest.approx(0.031))
    assert costs().most("listed", (Message(Role.USER, "ä" * 980),), 0).tokens_in == 1000


def test_a_long_prompt_has_the_price_of_long_prompts_and_prices_are_looked_up_once() -> None:
    table = Table()
    asked = costs(table=table)
    for _ in range(2):
        assert asked.most("listed", asking(500_000), 1000).cost_usd == pytest.approx(250_020 * 2e-6 + 0.02)
        assert asked.most("listed", asking(100), 1000).cost_usd == pytest.approx(70e-6 + 0.01)
    assert table.looks == [("listed", 6 * PROMPT_STEP), ("listed", PROMPT_STEP)]


def test_the_word_of_the_person_counts_for_their_model_and_for_those_in_no_table() -> None:
    asked = costs("listed", price=MINE)
    assert asked.price("listed") == MINE
    assert asked.price("other") == Price(1.0, 10.0)
    assert asked.price("own") == MINE


def test_a_model_without_a_price_is_refused_where_there_is_a_money_budget() -> None:
    costs().check(("listed", "other"))
    with pytest.raises(ProposerBroken, match="price of own is not known"):
        costs().check(("listed", "own"))
    Costs(LlmSettings("own"), Purse(), Table()).check(("own",))
