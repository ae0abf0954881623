"""What a failed call of a model means: for the next try, and in words for people.

Read from the status code and the headers that exceptions of LiteLLM and of the clients below it carry; which classes of
exception there are is `llm`'s to know. How often to try again is `calls`'.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum

from autoresearch.core.experiment import FREE, Usage
from autoresearch.core.secrets import NO_SECRETS, Secrets
from autoresearch.proposers.providers import key_variables
from autoresearch.proposers.text import one_line

_PASSING = (408, 409, 425, 429)
MOST_WORDS = 10_000
"""Characters of an error that are looked at: servers can send megabytes."""
_NOBODY = "ConnectError"
"""What the HTTP client calls a connection that could not be made; of another kind than one that broke."""
_NO_PROVIDER = "LLM Provider NOT provided"
_CLASS_NAMES = re.compile(r"^(?:litellm\.)?(?:\w+(?:Error|Exception|Timeout)\b\s*[:-]\s*)+")
"""LiteLLM puts the names of its exception classes, often several, before the provider's words."""


class Trouble(StrEnum):
    """What a failed call means for the next one."""

    PASSING = "passing"
    """Rate limit, server error, broken connection, unreadable answer: the same request may work in a moment."""
    OVERDUE = "overdue"
    """No answer within the limits of time and size, or half of one; it may have been billed."""
    REFUSED = "refused"
    """This request will never be answered, another one may."""
    LASTING = "lasting"
    """No request to this model will be answered: key, name, credit, parameters."""
    ABSENT = "absent"
    """Nobody is there who could answer: not running, another address, no network."""
    UNPAID = "unpaid"
    """Nothing was sent: what is left of the budget does not cover the call."""


class Unread(Exception):
    """An answer that began and was not read to its end; the message says why, after the model's name."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a call gave no answer. `retry_after` is in seconds, None where the provider does not say."""

    trouble: Trouble
    message: str
    hint: str = ""
    retry_after: float | None = None
    usage: Usage = FREE
    """What it may have cost all the same."""


def explain(
    error: BaseException, model: str, trouble: Trouble | None, secrets: Secrets = NO_SECRETS, address: str = ""
) -> Failure:
    """The failure that an exception of a call means. `trouble` is given where its class says more than its status.

    `address` is that of the model's server, where it was configured.
    """
    status = getattr(error, "status_code", None)
    unread = next((one for one in _chain(error) if isinstance(one, Unread)), None)
    if unread is not None:
        return Failure(Trouble.OVERDUE, f"{model} {unread}")
    if trouble is Trouble.OVERDUE:
        return Failure(trouble, f"{model} did not answer in time")
    if absent := next((one for one in _chain(error) if type(one).__name__ == _NOBODY), None):
        where = f"nothing answers at {address}" if address else "its provider cannot be reached"
        hint = "is the server running? its address: [proposer] api_base" if address else "is there a network?"
        return Failure(Trouble.ABSENT, f"{model}: {where} ({one_line(str(absent), 100)})", hint)
    said = secrets.redact(str(error)[:MOST_WORDS]).partition("Traceback (most recent call last)")[0]
    words = one_line(_CLASS_NAMES.sub("", said), 300) or type(error).__name__
    if _NO_PROVIDER in words:
        hint = "with its provider in front, as openai/gpt-5-mini: ar run --model NAME, or [proposer] model"
        return Failure(Trouble.LASTING, f"{model}: LiteLLM cannot tell whose model that is", hint)
    if not isinstance(status, int):
        return Failure(Trouble.PASSING, f"{model}: {words}")
    trouble = trouble or _meaning(status, error)
    hint = _hint(status, model) if trouble is Trouble.LASTING else ""
    return Failure(trouble, f"{model} ({status}): {words}", hint, retry_after(_headers(error), datetime.now(UTC)))


def _meaning(status: int, error: BaseException) -> Trouble:
    """Of an HTTP status. OpenAI tells an account without credit as a rate limit, which no waiting ends."""
    has_credit = not any("insufficient_quota" in str(getattr(one, "body", "")) for one in _chain(error))
    is_passing = status in _PASSING or status >= 500
    return Trouble.PASSING if is_passing and has_credit else Trouble.LASTING


def _hint(status: int, model: str) -> str:
    if status in (401, 403):
        variables = key_variables(model)
        return f"set {variables[0]} to a key that may use this model" if variables else "set the provider's key"
    if status == 404:
        return "check the model's name, and api_base where one is set"
    if status in (402, 429):
        return "the account has no credit left"
    return "check [proposer] model, api_base, temperature and max_tokens"


def _headers(error: BaseException) -> Mapping[str, str]:
    """Of the response that an exception, or one of those that caused it, came from."""
    return next((dict(headers) for one in _chain(error) for headers in _held(one) if headers), {})


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _held(error: BaseException) -> tuple[Mapping[str, str] | None, ...]:
    response = getattr(error, "response", None)
    return getattr(error, "litellm_response_headers", None), getattr(response, "headers", None)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that a Retry-After header asks for: a number or an HTTP date (RFC 9110, 10.2.3); None without one."""
    given = next((value.strip() for name, value in headers.items() if name.lower() == "retry-after"), "")
    if not given:
        return None
    if given.replace(".", "", 1).isdecimal():
        return float(given)
    try:
        date = parsedate_to_datetime(given)
    except ValueError:
        return None
    return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds())
