"""Proposals of a language model, through LiteLLM, which is imported here only and as late as possible.

One `propose` is one conversation: the request, and at most twice more when the reply cannot be read. Each question goes
through one retry layer (`calls`; LiteLLM's own and its clients' are off). Every call has a limit in wall-clock time;
past it the call is left behind, and the most that it can have cost counts as spent. Not here: whether the edits fit the
files (the gate asks again, with `request.attempts`), and the budget (the loop's).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from threading import Event
from typing import Any

from autoresearch.core.edit import Refusal
from autoresearch.core.experiment import Proposal, Usage
from autoresearch.core.ports import Request
from autoresearch.errors import ProposalFailed, ProposerBroken
from autoresearch.proposers import prompt
from autoresearch.proposers.calls import Answer, Asking, NoAnswer, attempt
from autoresearch.proposers.faults import Failure, Trouble, explain
from autoresearch.proposers.prompt import Message
from autoresearch.proposers.providers import missing_key, provider
from autoresearch.proposers.reply import ParsedReply, parse
from autoresearch.proposers.settings import LlmSettings, Price, Task

LiteLLM = Any
"""The module and what it returns: it is imported too late for its types, and has few."""

REASKS = 2
"""How often a model hears that its reply could not be read."""
REPLY_LIMIT = 1_000_000
"""Characters of a reply; a longer one is not read."""
PRICE_SECONDS = 60.0
"""Limit of a look into LiteLLM's table of prices: for some providers it asks a server."""


class LlmProposer:
    """Asks a model. `stop` ends the pauses between tries; a call under way ends at its limit at the latest."""

    name = "llm"

    def __init__(self, settings: LlmSettings, task: Task, stop: Event) -> None:
        self.settings = settings
        self.task = task
        self.models = (settings.model, *settings.fallback_models)
        self._asking = Asking(self.models, self._call, stop.wait, settings.backoff)
        self._prices: dict[str, Price | None] = {}

    def warm_up(self) -> None:
        """Import LiteLLM, for seconds, on a thread of the caller's. What fails here fails again in `propose`."""
        with suppress(ProposerBroken):
            _litellm()

    def propose(self, request: Request) -> Proposal:
        """One proposal. Raises ProposalFailed with what was billed, or ProposerBroken where asking again is no use."""
        self._check_prices()
        messages = prompt.build(request, self.task)
        usage, problem = Usage(), ""
        for _ in range(REASKS + 1):
            answer = self._asking.answer(messages)
            usage += answer.usage
            if isinstance(answer, NoAnswer):
                raise answer.error(usage)
            reply = self._read(answer, request)
            if isinstance(reply, ParsedReply):
                return self._proposal(reply, replace(answer, usage=usage), messages)
            problem = f"no reply of {answer.model} could be used; the last one: {reply.reason}"
            messages += prompt.retort(answer.text, reply.reason)
        raise ProposalFailed(problem, tokens_in=usage.tokens_in, tokens_out=usage.tokens_out, spent_usd=usage.cost_usd)

    def describe(self, request: Request) -> str:
        """What would be sent, and what one call can cost at most; nothing is sent. Raises ProposerBroken."""
        messages = prompt.build(request, self.task)
        most = self._most(self.settings.model, messages)
        price = "price not known" if most.cost_usd is None else f"at most {most.cost_usd:.4f} USD"
        return (
            f"{prompt.render(messages)}\n--- one call ---\nmodel {self.settings.model}\n"
            f"about {most.tokens_in:,} tokens in, at most {most.tokens_out:,} out, {price}\n"
        )

    def _proposal(self, reply: ParsedReply, answer: Answer, messages: tuple[Message, ...]) -> Proposal:
        expected = f" Expected: {reply.expected}" if reply.expected else ""
        return Proposal(
            title=reply.title,
            hypothesis=reply.hypothesis + expected,
            edits=reply.edits,
            proposer=self.name,
            usage=answer.usage,
            model=answer.model,
            prompt=prompt.render(messages),
            reply=answer.text,
        )

    def _read(self, answer: Answer, request: Request) -> ParsedReply | Refusal:
        if len(answer.text) > REPLY_LIMIT:
            return Refusal(f"the reply has {len(answer.text):,} characters; at most {REPLY_LIMIT:,} are read")
        if answer.is_cut:
            return Refusal(
                f"the reply was cut off at {self.settings.max_tokens:,} tokens (max_tokens): make it shorter"
            )
        if not answer.text.strip():
            return Refusal("the reply was empty")
        return parse(answer.text, tuple(request.files))

    def _check_prices(self) -> None:
        unknown = [model for model in self.models if self._price(model) is None] if self.settings.require_price else []
        if unknown:
            raise ProposerBroken(
                f"the price of {unknown[0]} is not known, so the money budget could not be kept",
                hint="set price_in and price_out in [proposer], or run without a money budget",
            )

    def _call(self, model: str, messages: tuple[Message, ...]) -> Answer | Failure:
        options = self._options(model)
        variable = missing_key(model, os.environ)
        if variable and "api_base" not in options:
            return Failure(Trouble.LASTING, f"{model} needs a key", f"export {variable}=…")
        litellm = _litellm()
        outcome = attempt(lambda: self._complete(litellm, model, messages, options), self.settings.call_timeout)
        if isinstance(outcome, Answer):
            return outcome
        failure = explain(outcome, model, _trouble(litellm, outcome))
        return replace(failure, usage=self._most(model, messages)) if failure.trouble is Trouble.OVERDUE else failure

    def _complete(
        self, litellm: LiteLLM, model: str, messages: tuple[Message, ...], options: Mapping[str, object]
    ) -> Answer:
        response = litellm.completion(
            model=model,
            messages=[{"role": str(message.role), "content": message.content} for message in messages],
            max_tokens=self.settings.max_tokens,
            timeout=self.settings.call_timeout,
            num_retries=0,
            max_retries=0,
            **options,
        )
        choice, counted = response.choices[0], response.usage
        text = str(choice.message.content or "")
        usage = Usage(counted.prompt_tokens or prompt.tokens(messages), counted.completion_tokens or len(text) // 4)
        cost = self._cost(litellm, model, usage, response)
        return Answer(model, text, choice.finish_reason == "length", replace(usage, cost_usd=cost))

    def _options(self, model: str) -> dict[str, object]:
        options: dict[str, object] = {}
        if self.settings.temperature is not None:
            options["temperature"] = self.settings.temperature
        if self.settings.api_base and provider(model) == provider(self.settings.model):
            options["api_base"] = self.settings.api_base
            if missing_key(model, os.environ):
                options["api_key"] = "none"
        return options

    def _cost(self, litellm: LiteLLM, model: str, usage: Usage, response: LiteLLM) -> float | None:
        """By LiteLLM's account, which knows about cached tokens, unless the price is the person's."""
        price = self._price(model)
        if price is None or price is self.settings.price:
            return price.of(usage) if price else None
        billed = attempt(lambda: float(litellm.completion_cost(response, model=model)), PRICE_SECONDS)
        return price.of(usage) if isinstance(billed, BaseException) else billed

    def _most(self, model: str, messages: tuple[Message, ...]) -> Usage:
        """What one call can cost."""
        usage, price = Usage(prompt.tokens(messages), self.settings.max_tokens), self._price(model)
        return replace(usage, cost_usd=price.of(usage) if price else None)

    def _price(self, model: str) -> Price | None:
        if model not in self._prices:
            is_given = self.settings.price is not None and model == self.settings.model
            self._prices[model] = (None if is_given else _listed_price(model)) or self.settings.price
        return self._prices[model]


def _litellm() -> LiteLLM:
    """LiteLLM, told to fetch no price list, to read no `.env` file and to be silent. Raises ProposerBroken."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ.setdefault("LITELLM_MODE", "PRODUCTION")
    try:
        import litellm  # noqa: PLC0415 (2 to 3 seconds: only where a model is used)
    except ImportError as error:
        raise ProposerBroken(f"LiteLLM cannot be imported: {error}", hint="pip install litellm") from error
    litellm.suppress_debug_info = True
    for name in ("LiteLLM", "LiteLLM Proxy", "LiteLLM Router"):
        logging.getLogger(name).disabled = True
    return litellm


def _trouble(litellm: LiteLLM, error: BaseException) -> Trouble | None:
    """What only the class of an exception tells; None where its status code does."""
    if isinstance(error, TimeoutError | litellm.Timeout):
        return Trouble.OVERDUE
    if isinstance(error, litellm.ContextWindowExceededError | litellm.ContentPolicyViolationError):
        return Trouble.REFUSED
    return None


def _listed_price(model: str) -> Price | None:
    """From LiteLLM's table, for a short prompt (some prices rise with its length)."""
    litellm = _litellm()
    cost = attempt(lambda: litellm.cost_per_token(model, prompt_tokens=1000, completion_tokens=1000), PRICE_SECONDS)
    return None if isinstance(cost, BaseException) else Price(1000 * cost[0], 1000 * cost[1])
