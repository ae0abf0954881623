"""Asking models that may fail, hang or want patience: the one retry layer, and work that can be left behind.

What went wrong comes back as a value. Not here: how a model is called, and what an exception of LiteLLM means (`llm`).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from threading import Thread
from typing import TypeVar

from autoresearch.core.experiment import Usage
from autoresearch.core.promise import fulfil
from autoresearch.errors import ArError, ProposalFailed, ProposalsExhausted, ProposerBroken
from autoresearch.proposers.faults import Failure, Trouble
from autoresearch.proposers.prompt import Message

T = TypeVar("T")

TRIES = 4
"""How often one request is sent to one model."""
OVERDUE_TRIES = 2
"""Fewer for a call that ran past its limit: it took minutes and was probably billed."""
LONGEST_PAUSE = 60.0
"""Seconds between two tries, unless the provider asks for more."""
MOST_SETBACKS = 8
"""Requests in a row that came to nothing lengthen the pauses, up to here."""
PATIENCE = 900.0
"""Seconds that a provider may ask us to wait when there is no other model: the night is long, and the run goes on."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said, and what it cost. `cut_at`: the limit on tokens that it ran into; None: it is complete."""

    model: str
    text: str
    cut_at: int | None
    usage: Usage


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Why none of the models answered, the first model's failure first, and what was billed."""

    failures: tuple[Failure, ...]
    usage: Usage

    def error(self, usage: Usage) -> ArError:
        """Broken when every model failed for good, unless `usage`, all that the request cost, must be told.

        Exhausted when no more than the money is missing: then `usage` stays in the purse.
        """
        message, hint = "; ".join(failure.message for failure in self.failures), self.failures[0].hint
        troubles = {failure.trouble for failure in self.failures}
        if Trouble.UNPAID in troubles and troubles <= {Trouble.UNPAID, Trouble.LASTING}:
            return ProposalsExhausted(message)
        if troubles == {Trouble.LASTING} and not usage.tokens:
            return ProposerBroken(message, hint=hint)
        return ProposalFailed(
            message, hint=hint, tokens_in=usage.tokens_in, tokens_out=usage.tokens_out, spent_usd=usage.cost_usd
        )


class Asking:
    """Tries each model in turn, as often as its failures are worth it.

    `wait` pauses for that many seconds, or less when the run is stopped, and says whether it is; `backoff` is the first
    pause. `tell` hears of the first failure of a request that is sent again, and in how many seconds.
    """

    def __init__(
        self,
        models: tuple[str, ...],
        call: Callable[[str, tuple[Message, ...]], Answer | Failure],
        wait: Callable[[float], bool],
        backoff: float,
        tell: Callable[[Failure, float], None] = lambda _failure, _seconds: None,
    ) -> None:
        self.models = models
        self.call = call
        self.wait = wait
        self.backoff = backoff
        self.tell = tell
        self._setbacks = 0
        self._has_answered = False

    def answer(self, messages: tuple[Message, ...]) -> Answer | NoAnswer:
        """Of the first model that gives one, with all that was spent on the way."""
        usage = Usage()
        failures: list[Failure] = []
        for model in self.models:
            patience = PATIENCE if model == self.models[-1] else LONGEST_PAUSE
            outcome, lost = self._insist(model, messages, patience)
            usage += lost
            if isinstance(outcome, Answer):
                self._setbacks, self._has_answered = 0, True
                return replace(outcome, usage=outcome.usage + usage)
            if outcome.trouble is Trouble.ABSENT and not self._has_answered:
                # What has never answered is rather not there than away.
                outcome = replace(outcome, trouble=Trouble.LASTING)
            failures.append(outcome)
            if self.wait(0.0):
                break
        self._setbacks = min(self._setbacks + 1, MOST_SETBACKS)
        return NoAnswer(tuple(failures), usage)

    def _insist(self, model: str, messages: tuple[Message, ...], patience: float) -> tuple[Answer | Failure, Usage]:
        """The last word of one model, and what the failures on the way have cost."""
        lost, tried = Usage(), 0
        while True:
            outcome = self.call(model, messages)
            if isinstance(outcome, Answer):
                return outcome, lost
            tried += 1
            lost += outcome.usage
            seconds = pause(outcome, tried, self.backoff * 2.0**self._setbacks, patience)
            if seconds is None:
                return outcome, lost
            if tried == 1:
                self.tell(outcome, seconds)
            if self.wait(seconds):
                return outcome, lost


def attempt(work: Callable[[], T], seconds: float) -> T | BaseException:
    """The value of `work()`, or what it raised, or a TimeoutError after that many seconds.

    It runs on a daemon thread, which past the limit is left to itself: no library can make the caller hang, nor the
    end of the process.
    """
    future: Future[T] = Future()
    Thread(target=fulfil, args=(future, work), name="ar-call", daemon=True).start()
    try:
        error = future.exception(timeout=seconds)
    except TimeoutError as overdue:
        return overdue
    return error if error is not None else future.result()


def pause(failure: Failure, tried: int, first: float, patience: float) -> float | None:
    """Seconds to wait after so many tries, or None to give this model up.

    The `first` pause grows with every request in a row that came to nothing, so that ten of them, which end a run,
    take about half an hour of an outage and not two minutes.
    """
    if failure.trouble in (Trouble.REFUSED, Trouble.LASTING, Trouble.UNPAID):
        return None
    if tried >= (OVERDUE_TRIES if failure.trouble is Trouble.OVERDUE else TRIES):
        return None
    if failure.retry_after is not None:
        return failure.retry_after if failure.retry_after <= patience else None
    return min(LONGEST_PAUSE, first * 2.0 ** (tried - 1))
