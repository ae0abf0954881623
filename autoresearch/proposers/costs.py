"""What calls of models cost: the price of each, the most that one call can come to, and setting that aside beforehand.

Not here: what is left of the budget (`core.purse`), and LiteLLM's table of prices (`llm` looks into it).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from autoresearch.core.experiment import Usage
from autoresearch.core.purse import Purse, Shortfall
from autoresearch.errors import ProposerBroken
from autoresearch.proposers import prompt
from autoresearch.proposers.calls import Answer
from autoresearch.proposers.faults import Failure, Trouble
from autoresearch.proposers.prompt import Message
from autoresearch.proposers.settings import LlmSettings, Price

LEAST_TOKENS = 1000
"""A reply with less room than this is not asked for: a change in a few lines has a few hundred tokens."""
PROMPT_STEP = 50_000
"""Tokens. Some prices rise with the length of the prompt: they are looked up in such steps."""


class Costs:
    """`listed` looks a model's price up, for prompts of so many tokens; None where it is not known."""

    def __init__(self, settings: LlmSettings, purse: Purse, listed: Callable[[str, int], Price | None]) -> None:
        self.settings = settings
        self.purse = purse
        self.listed = listed
        self._prices: dict[tuple[str, int], Price | None] = {}
        self._longest = LEAST_TOKENS

    def check(self, models: tuple[str, ...]) -> None:
        """Raises ProposerBroken where there is a money budget and a model without a known price."""
        unknown = [model for model in models if self.price(model) is None] if self.settings.require_price else []
        if unknown:
            raise ProposerBroken(
                f"the price of {unknown[0]} is not known, so the money budget could not be kept",
                hint="set price_in and price_out in [proposer], or run without a money budget",
            )

    def price(self, model: str, tokens_in: int = 0) -> Price | None:
        """The person's word for their own model; for the others LiteLLM's, and that of the person where it has none."""
        step = tokens_in // PROMPT_STEP + 1
        if (model, step) not in self._prices:
            is_given = self.settings.price is not None and model == self.settings.model
            found = None if is_given else self.listed(model, step * PROMPT_STEP)
            self._prices[model, step] = found or self.settings.price
        return self._prices[model, step]

    def most(self, model: str, messages: tuple[Message, ...], tokens_out: int) -> Usage:
        """What one call can cost, with a reply of at most so many tokens."""
        usage = Usage(prompt.most_tokens(messages), tokens_out, None)
        price = self.price(model, usage.tokens_in)
        return replace(usage, cost_usd=price.of(usage) if price else None)

    def reserve(self, model: str, messages: tuple[Message, ...]) -> Usage | Failure:
        """Set the most aside that the call can cost. Where that is not left, the reply gets fewer tokens.

        But never fewer than the longest reply so far had, nor than a thousand: what would be cut off is a waste.
        """
        wanted = self.settings.max_tokens
        least = self.most(model, messages, min(wanted, self._longest))
        reserved = self.purse.reserve(least, self.most(model, messages, wanted))
        return Failure(Trouble.UNPAID, f"{model}: {reserved.reason}") if isinstance(reserved, Shortfall) else reserved

    def settle(self, reserved: Usage, outcome: Answer | Failure) -> None:
        """The call has ended, or is left behind; what it cost takes the place of what was set aside."""
        if isinstance(outcome, Answer):
            self._longest = max(self._longest, outcome.usage.tokens_out)
        self.purse.settle(reserved, outcome.usage)
