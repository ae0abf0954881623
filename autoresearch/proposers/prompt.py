"""What the model is told: the task, the files in scope, the record so far, and what was wrong with its last attempts.

The order keeps the long beginning the same, byte for byte, from one call to the next, so that a provider's cache can
serve it: the rules, then program.md, then context, then the editable files, which change only when something is kept,
and what changes with every experiment last. Everything is bounded, whatever the files and the history hold. Not here:
the rules (`rules`), the record and what experiments had to say (`digest`), calling the model (`llm`), reading the reply
(`reply`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from autoresearch.core.ports import Attempt, Request
from autoresearch.proposers import digest
from autoresearch.proposers.rules import rules
from autoresearch.proposers.settings import Task
from autoresearch.proposers.text import fenced, one_line, tail

FILE_LIMIT = 100_000
"""Characters of one file that are shown."""
FILES_LIMIT = 400_000
"""Characters of all files together; the editable ones come first."""
FILES_SHOWN = 500
"""Of the context, and of the editable files: more are only counted."""
PROBLEM_LIMIT = 8 * 1024
"""Bytes of what was wrong with it; the end counts, for that is where a traceback says it."""
TITLES_SHOWN = 20
"""Of experiments that are under way."""
REPLY_LIMIT = 20_000
"""Of an earlier reply that is quoted back, in characters."""
MESSAGE_TOKENS = 20
"""At most, for what stands around a message."""
PATH_LIMIT = 1000
"""Of a path, in characters."""

_LANGUAGE = re.compile(r"\.(\w{1,20})\Z")
_NO_TEXT = re.compile(r"[\ud800-\udfff]")
"""Surrogates: bytes that are no UTF-8, as they stand in the text of a file. No request can carry them."""


class Role(StrEnum):
    """Who says a message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the conversation."""

    role: Role
    content: str


def build(request: Request, task: Task) -> tuple[Message, ...]:
    """The conversation that asks for one proposal; earlier attempts at the same experiment follow as turns of it."""
    messages = [Message(Role.SYSTEM, rules(task)), Message(Role.USER, _sayable(_question(request, task)))]
    for attempt in request.attempts:
        messages += retort(_said(attempt), attempt.problem)
    return tuple(messages)


def retort(reply: str, problem: str) -> tuple[Message, Message]:
    """A reply that cannot be used, and why, as the next two turns."""
    said = reply if len(reply) <= REPLY_LIMIT else reply[:REPLY_LIMIT] + "\n(the rest is left out)"
    answer = (
        "That cannot be used. What happened, as data:\n\n"
        f"{fenced(tail(_sayable(problem), PROBLEM_LIMIT), 'text')}\n\n"
        "None of its edits is in the files: they are still as shown above. Send the complete reply again, corrected, "
        "with every edit, or with a better idea."
    )
    return Message(Role.ASSISTANT, _sayable(said.strip()) or "(empty)"), Message(Role.USER, _sayable(answer))


def render(messages: tuple[Message, ...]) -> str:
    """The whole conversation as text for people."""
    return "\n\n".join(f"--- {message.role} ---\n{message.content.rstrip()}" for message in messages) + "\n"


def tokens(messages: tuple[Message, ...]) -> int:
    """Roughly: four characters each, which is near enough for English and code."""
    return sum(len(message.content) for message in messages) // 4


def most_tokens(messages: tuple[Message, ...]) -> int:
    """What they can come to: a token for two bytes. Prose and code of any language have fewer."""
    return sum(len(message.content.encode()) // 2 + MESSAGE_TOKENS for message in messages)


def _sayable(text: str) -> str:
    return _NO_TEXT.sub("\ufffd", text)


def _question(request: Request, task: Task) -> str:
    editable, room = _files(request.files, FILES_LIMIT)
    context, _ = _files(request.context, room)
    flight = "\n".join(f"- {one_line(title, 100)}" for title in request.in_flight[-TITLES_SHOWN:])
    parts = (
        ("Instructions", _instructions(request.instructions.strip())),
        ("Protected files, for reading", context),
        ("Editable files, as they are now", editable),
        ("Record of this run", digest.lines(request.record, task.metric_name)),
        ("What experiments had to say", digest.feedback(request.feedback, request.record.incumbent.number)),
        ("Proposed already, result not known yet", fenced(flight, "text") if flight else ""),
        ("Budget left", request.budget_left),
        (f"Your turn: experiment {request.number}", "Reply with the next experiment, in the form described above."),
    )
    return "\n\n".join(f"# {heading}\n\n{text}" for heading, text in parts if text) + "\n"


def _instructions(text: str) -> str:
    return text[:FILE_LIMIT] + _cut(len(text) - FILE_LIMIT, len(text))


def _cut(missing: int, size: int) -> str:
    return f"\n({missing:,} of {size:,} characters are not shown)" if missing > 0 else ""


def _files(files: Mapping[str, str], room: int) -> tuple[str, int]:
    """The files in fences under their paths, and how many characters of `room` are left."""
    shown = []
    for path, text in sorted(files.items())[:FILES_SHOWN]:
        heading = f"## {one_line(_sayable(path), PATH_LIMIT)}"
        if "\0" in text:
            shown.append(f"{heading}\n\n(binary, not shown)")
            continue
        part = text[: max(0, min(FILE_LIMIT, room))]
        room -= len(part)
        language = _LANGUAGE.search(path)
        block = fenced(part, language[1] if language else "")
        shown.append(f"{heading}\n\n{block}{_cut(len(text) - len(part), len(text))}")
    if len(files) > FILES_SHOWN:
        shown.append(f"({len(files) - FILES_SHOWN:,} further files are not shown)")
    return "\n\n".join(shown), room


def _said(attempt: Attempt) -> str:
    """The model's own words; a proposal that came without is told by its title."""
    return attempt.proposal.reply or f"Title: {attempt.proposal.title}\nHypothesis: {attempt.proposal.hypothesis}"
