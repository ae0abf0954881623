"""What LiteLLM returns, read with care: a server can answer anything, and LiteLLM passes most of it on.

Not here: what the text of a reply means (`reply`), and what it costs (`costs`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from autoresearch.core.edit import Refusal
from autoresearch.core.experiment import Usage
from autoresearch.proposers.calls import Answer
from autoresearch.proposers.reply import ParsedReply, parse

REPLY_LIMIT = 1_000_000
"""Characters of a reply; a longer one is not read."""

MOST_TOKENS = 10_000_000
"""No model has so much room: a larger count is not believed."""


class Said(NamedTuple):
    """The text, the reason of its end as OpenAI's interface names it, and the words of a refusal without text."""

    text: str
    finish: str
    refusal: str


def said(response: Any) -> Said:  # noqa: ANN401 (LiteLLM's answers have no type to rely on)
    """Of the first choice; an answer without one says nothing."""
    if not response.choices:
        return Said("", "", "")
    choice = response.choices[0]
    text = str(choice.message.content or "")
    fields = getattr(choice.message, "provider_specific_fields", None) or {}
    return Said(text, str(choice.finish_reason), "" if text else str(fields.get("refusal") or ""))


def tokens(response: Any, guess: Usage) -> Usage:  # noqa: ANN401
    """As the server has counted them; `guess` where it has not, or cannot be believed. The cost is left open."""
    counted = getattr(response, "usage", None)
    tokens_in = _count(getattr(counted, "prompt_tokens", None), guess.tokens_in)
    return Usage(tokens_in, _count(getattr(counted, "completion_tokens", None), guess.tokens_out), None)


def read(answer: Answer, editable: Sequence[str]) -> ParsedReply | Refusal:
    """The proposal in an answer, or what is wrong with it. `editable` are the files that there are."""
    if len(answer.text) > REPLY_LIMIT:
        return Refusal(f"the reply has {len(answer.text):,} characters; at most {REPLY_LIMIT:,} are read")
    if answer.cut_at is not None:
        return Refusal(f"the reply was cut off at {answer.cut_at:,} tokens (max_tokens): make it shorter")
    if not answer.text.strip():
        return Refusal("the reply was empty")
    return parse(answer.text, editable)


def _count(told: object, guess: int) -> int:
    return told if isinstance(told, int) and 0 < told <= MOST_TOKENS else guess
