"""Proposals of a language model, through LiteLLM, which is imported here only and as late as possible.

One `propose` is one conversation: the request, and at most twice more when the reply cannot be read. Each question goes
through one retry layer (`calls`; LiteLLM's own and its clients' are off). Before every call the most that it can cost
is set aside (`costs`). Every call has a limit in wall-clock time; past it the call is left behind, and what was set
aside counts as spent. Not here: whether the edits fit the files (the gate asks again, with `request.attempts`).
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from threading import Event
from typing import Any

from autoresearch.core.experiment import Proposal, Usage
from autoresearch.core.ports import Request
from autoresearch.core.purse import Purse
from autoresearch.core.quantity import format_duration
from autoresearch.core.secrets import NO_SECRETS, Secrets
from autoresearch.errors import ConfigError, ProposalFailed, ProposerBroken
from autoresearch.proposers import prompt
from autoresearch.proposers.calls import Answer, Asking, NoAnswer, attempt
from autoresearch.proposers.costs import Costs
from autoresearch.proposers.faults import Failure, Trouble, explain
from autoresearch.proposers.prompt import Message
from autoresearch.proposers.providers import missing_key, provider
from autoresearch.proposers.reply import ParsedReply
from autoresearch.proposers.responses import read, said, tokens
from autoresearch.proposers.settings import LlmSettings, Price, Task
from autoresearch.proposers.text import clean, one_line

LiteLLM = Any
"""The module and what it returns: it is imported too late for its types, and has few."""

REASKS = 2
"""How often a model hears that its reply could not be read."""
PRICE_SECONDS = 60.0
"""Limit of a look into LiteLLM's table of prices: for some providers it asks a server."""


class LlmProposer:
    """Asks a model. `stop` ends the pauses between tries; a call under way ends at its limit at the latest."""

    name = "llm"
    is_free = False

    def __init__(
        self,
        settings: LlmSettings,
        task: Task,
        stop: Event,
        purse: Purse | None = None,
        secrets: Secrets = NO_SECRETS,
    ) -> None:
        """`secrets` are never sent, and taken out of what comes back before any of it is cut.

        Raises ConfigError for an address that is none.
        """
        if settings.api_base and not settings.api_base.startswith(("http://", "https://")):
            message = f'[proposer] api_base = "{settings.api_base}" is no address'
            raise ConfigError(message, hint=f'api_base = "http://{settings.api_base}"')
        self.settings = settings
        self._secrets = secrets
        self.task = task
        self.models = (settings.model, *settings.fallback_models)
        self.tell: Callable[[str], None] = lambda _: None
        """Hears that a call failed and is made again; may be called on any thread."""
        self._asking = Asking(self.models, self._call, stop.wait, settings.backoff, self._tell)
        self._costs = Costs(settings, purse or Purse(), _listed_price)

    def warm_up(self) -> None:
        """Import LiteLLM, for seconds, on a thread of the caller's. Raises ProposerBroken where no call can be made."""
        litellm = _litellm()
        self._costs.check(self.models)
        failures = [failure for model in self.models if (failure := self._unknown(litellm, model))]
        if len(failures) == len(self.models):
            raise ProposerBroken(failures[0].message, hint=failures[0].hint)

    def propose(self, request: Request) -> Proposal:
        """One proposal. Raises ProposalFailed with what was billed, or ProposerBroken where asking again is no use.

        Raises ProposalsExhausted where the budget does not cover another call; what was billed stays in the purse.
        """
        self._costs.check(self.models)
        messages = prompt.build(request, self.task)
        usage, problem = Usage(), ""
        for _ in range(REASKS + 1):
            answer = self._asking.answer(messages)
            usage += answer.usage
            if isinstance(answer, NoAnswer):
                raise answer.error(usage)
            reply = read(answer, tuple(request.files))
            if isinstance(reply, ParsedReply):
                return self._proposal(reply, replace(answer, usage=usage), messages)
            problem = f"no reply of {answer.model} could be used; the last one: {reply.reason}"
            messages += prompt.retort(answer.text, reply.reason)
        raise ProposalFailed(problem, tokens_in=usage.tokens_in, tokens_out=usage.tokens_out, spent_usd=usage.cost_usd)

    def describe(self, request: Request) -> str:
        """What would be sent and can be the cost of one call, for people; nothing is sent. Raises ProposerBroken."""
        self._costs.check(self.models)
        messages = prompt.build(request, self.task)
        most = self._costs.most(self.settings.model, messages, self.settings.max_tokens)
        price = "price not known" if most.cost_usd is None else f"at most {most.cost_usd:.4f} USD"
        return (
            f"{clean(self._secrets.redact(prompt.render(messages)))}\n--- one call ---\nmodel {self.settings.model}\n"
            f"about {prompt.tokens(messages):,} tokens in, at most {most.tokens_out:,} out, {price}\n"
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

    def _call(self, model: str, messages: tuple[Message, ...]) -> Answer | Failure:
        options = self._options(model)
        variable = missing_key(model, os.environ)
        if variable and "api_base" not in options:
            return Failure(Trouble.LASTING, f"{model} needs a key", f"export {variable}=…")
        litellm = _litellm()
        reserved = self._costs.reserve(model, messages)
        if isinstance(reserved, Failure):
            return reserved
        options["max_tokens"] = reserved.tokens_out
        found = attempt(lambda: self._complete(litellm, model, messages, options), self.settings.call_timeout)
        outcome = self._failure(litellm, found, model, reserved) if isinstance(found, BaseException) else found
        self._costs.settle(reserved, outcome)
        return outcome

    def _complete(
        self, litellm: LiteLLM, model: str, messages: tuple[Message, ...], options: Mapping[str, Any]
    ) -> Answer | Failure:
        response = litellm.completion(
            model=model,
            messages=[
                {"role": str(message.role), "content": self._secrets.redact(message.content)} for message in messages
            ],
            timeout=self.settings.call_timeout,
            num_retries=0,
            max_retries=0,
            **options,
        )
        text, finish, refusal = map(self._secrets.redact, said(response))
        guess = Usage(prompt.tokens(messages), len(text) // 4)
        usage = self._billed(litellm, model, response, tokens(response, guess))
        if finish == "content_filter" or refusal:
            words = f": {one_line(refusal, 200)}" if refusal else " (content filter)"
            return Failure(Trouble.REFUSED, f"{model} refused to answer{words}", usage=usage)
        return Answer(model, text, options["max_tokens"] if finish == "length" else None, usage)

    def _tell(self, failure: Failure, seconds: float) -> None:
        self.tell(f"{failure.message}: asked again in {format_duration(seconds)}")

    def _failure(self, litellm: LiteLLM, error: BaseException, model: str, reserved: Usage) -> Failure:
        """Of a call that raised; one without an end may have cost all that was set aside."""
        address = self._options(model).get("api_base", "")
        failure = explain(error, model, _trouble(litellm, error), self._secrets, address)
        return replace(failure, usage=reserved) if failure.trouble is Trouble.OVERDUE else failure

    def _unknown(self, litellm: LiteLLM, model: str) -> Failure | None:
        """Why LiteLLM will never find out whom to ask; None where it can, or needs too long to say so."""
        address = self._options(model).get("api_base")
        found = attempt(lambda: litellm.get_llm_provider(model, api_base=address), PRICE_SECONDS)
        failure = explain(found, model, None, self._secrets) if isinstance(found, BaseException) else None
        return failure if failure and failure.trouble is Trouble.LASTING else None

    def _options(self, model: str) -> dict[str, Any]:
        options: dict[str, Any] = {}
        if self.settings.temperature is not None:
            options["temperature"] = self.settings.temperature
        if self.settings.api_base and provider(model) == provider(self.settings.model):
            options["api_base"] = self.settings.api_base
            if missing_key(model, os.environ):
                options["api_key"] = "none"
        return options

    def _billed(self, litellm: LiteLLM, model: str, response: LiteLLM, usage: Usage) -> Usage:
        """By LiteLLM's account, which knows about cached tokens, unless the price is the person's."""
        price = self._costs.price(model, usage.tokens_in)
        if price is None or price is self.settings.price:
            return replace(usage, cost_usd=price.of(usage) if price else None)
        billed = attempt(lambda: float(litellm.completion_cost(response, model=model)), PRICE_SECONDS)
        # Tokens that go into a cache cost up to twice the price; more than that is made of nonsense in the answer.
        if isinstance(billed, float) and 0.0 <= billed <= 2 * price.of(usage):
            return replace(usage, cost_usd=billed)
        return replace(usage, cost_usd=price.of(usage))


@cache
def _litellm() -> LiteLLM:
    """LiteLLM, told to fetch no price list, to read no `.env` file, to be silent and to read no answer without end.

    Raises ProposerBroken.
    """
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ.setdefault("LITELLM_MODE", "PRODUCTION")
    try:
        import httpx  # noqa: PLC0415 (with LiteLLM 2 to 3 seconds: only where a model is used)
        import litellm  # noqa: PLC0415
        from litellm.llms.custom_httpx.http_handler import HTTPHandler  # noqa: PLC0415
    except ImportError as error:
        raise ProposerBroken(f"LiteLLM cannot be imported: {error}", hint="pip install litellm") from error
    from autoresearch.proposers.transport import BoundedTransport  # noqa: PLC0415 (it needs httpx)

    litellm.suppress_debug_info = True
    for name in ("LiteLLM", "LiteLLM Proxy", "LiteLLM Router"):
        logging.getLogger(name).disabled = True
    # Odd answers make its models warn, on stderr, where the screen is.
    warnings.filterwarnings("ignore", category=UserWarning, module="pydantic")
    transport = BoundedTransport(HTTPHandler().client)
    litellm.sync_transport = transport
    litellm.client_session = httpx.Client(transport=transport, follow_redirects=True)
    return litellm


def _trouble(litellm: LiteLLM, error: BaseException) -> Trouble | None:
    """What only the class of an exception tells; None where its status code does."""
    if isinstance(error, TimeoutError | litellm.Timeout):
        return Trouble.OVERDUE
    if isinstance(error, litellm.ContextWindowExceededError | litellm.ContentPolicyViolationError):
        return Trouble.REFUSED
    return None


def _listed_price(model: str, tokens_in: int) -> Price | None:
    """From LiteLLM's table, for prompts of that length."""
    litellm = _litellm()
    look = attempt(lambda: litellm.cost_per_token(model, tokens_in, 1000), PRICE_SECONDS)
    return None if isinstance(look, BaseException) else Price(1e6 * look[0] / tokens_in, 1000 * look[1])
