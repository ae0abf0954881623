"""Proposals ahead of the experiments: thought of while samples run, so that no slot waits for a model.

    want    a request is made when an experiment ends: what it may know is settled by that, and not by the clock
    send    as many are asked at a time as it takes to keep the slots busy
    turn    answers have their turn in the order of the questions, carried over when the incumbent has moved

What is not here: what a proposal must be to stand (`gate`), and what becomes of it then (`judging`).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from itertools import takewhile
from math import ceil
from time import monotonic

from autoresearch.core import events
from autoresearch.core.experiment import Experiment, Usage
from autoresearch.core.ports import Attempt
from autoresearch.errors import ProposalFailed, ProposalsExhausted, ProposerBroken
from autoresearch.gate import Answer, Ready, Rejected
from autoresearch.judging import Judge
from autoresearch.opened import Answered, Asked, Open, in_background
from autoresearch.orders import Parts, Settings, request_for

FAILURES_IN_A_ROW = 10
SLOW, WORTH = 0.5, 1.0
"""A proposal that takes more than that share of an experiment's time, and so many seconds, is not thought of alone."""


class Ahead:
    """The proposals that are no experiments yet. Only the loop's thread calls it, but for `known`."""

    def __init__(self, parts: Parts, settings: Settings, judge: Judge, post: Callable[[Answered], None]) -> None:
        self.parts = parts
        self.settings = settings
        self.judge = judge
        self.post = post
        self.queue: list[Asked] = []
        """In the order in which they were asked for."""
        self.dry = ""
        """Why there is nothing to ask for at the moment."""
        self.broken: ProposerBroken | None = None
        """Why nothing can be asked for any more; what is under way ends before that is raised."""
        self.thinking = 0
        self.wasted = 0
        """Proposals that were paid for, and fitted nowhere or had no time left."""
        self.seconds = 0.0
        """How long the last one was thought of."""
        self._failures = 0
        self._is_cold = True
        # With several slots nobody's turn depends on the order of the answers.
        are_many = settings.workers > 1 and not parts.gate.proposer.is_free
        self._at_once = settings.workers + settings.lookahead if are_many else 1

    def want(self, under_way: int) -> None:
        """Ask for proposals until so many are under way, the experiments that run included."""
        while not self.dry and len(self.queue) + len(self.judge.open) < under_way:
            number = self.parts.journal.next_number + len(self.queue)
            before: tuple[Asked | Open, ...] = (*self.judge.open, *self.queue)
            self.queue.append(Asked(number, request_for(self.parts, number), before))
        self.send()

    def mend(self, experiment: Open, problem: str) -> None:
        """Ask for a repair of a crash; it need not wait for its turn."""
        attempts = (Attempt(experiment.draft.proposal, problem),)
        parent = self.parts.journal.history().get(experiment.draft.parent or 0)
        request = request_for(self.parts, experiment.draft.number, attempts, parent)
        before: tuple[Asked | Open, ...] = (*(one for one in self.judge.open if one is not experiment), *self.queue)
        self._send(Asked(experiment.draft.number, request, before, experiment))

    def send(self) -> None:
        """Have the next questions answered, as many as may be at a time; none that cannot be paid."""
        if self.dry or self.parts.meter.exhausted():
            self.queue = [asked for asked in self.queue if asked.since is not None]
        for asked in self.queue:
            if self.thinking >= self._at_once:
                return
            if asked.since is None:
                self._send(asked)

    def _send(self, asked: Asked) -> None:
        titles = tuple(title for one in asked.before if (title := one.title))
        # What the person writes, and what is left, is told as it is now.
        instructions, left = self.parts.instructions(), self.parts.meter.left()
        asked.request = replace(asked.request, in_flight=titles, instructions=instructions, budget_left=left)
        asked.before = ()
        asked.since = monotonic()
        self.thinking += 1
        self.parts.announce(events.Proposing(asked.number))
        future = in_background(partial(self.parts.gate.ask, asked.request, self.known))
        future.add_done_callback(lambda done: self.post(Answered(asked, done)))

    def take(self, asked: Asked, future: Future[Answer]) -> Answer | None:
        """An answer has come, or none: what it cost counts in every case."""
        self.thinking -= 1
        self.seconds = monotonic() - (asked.since or 0.0)
        try:
            asked.answer = future.result()
        except ProposalsExhausted as error:
            self.dry = error.message
        except ProposerBroken as error:
            self._break(error)
        except ProposalFailed as error:
            self.judge.till.bill(Usage(error.tokens_in, error.tokens_out, error.spent_usd), carried=False)
            self._count_failure(error)
        else:
            self._count_rejection(asked.answer)
            lost = asked.repairs is not None and not isinstance(asked.answer, Ready)
            self.judge.till.bill(asked.answer.proposal.usage, carried=not lost)
            self._keep_up()
        if asked.repairs is None and asked.answer is None:
            self.queue.remove(asked)
        self.hold()
        self.send()
        return asked.answer

    def hold(self) -> None:
        """What was paid for those that wait for their turn, or for nothing, is in the record, too."""
        paid = (one.answer.proposal.usage.cost_usd or 0.0 for one in self.queue if one.answer is not None)
        self.judge.till.wait(sum(paid))

    def _keep_up(self) -> None:
        """Have as many thought of at a time as end while experiments do, and one more."""
        experiment, most = self.parts.meter.longest, self.settings.workers + self.settings.lookahead
        was_cold, self._is_cold = self._is_cold, False
        if was_cold or self.parts.gate.proposer.is_free:
            # The first one waits for what a proposer imports, too.
            return
        if self.seconds > max(WORTH, SLOW * experiment):
            needed = ceil(self.seconds / experiment) if experiment else most
            self._at_once = max(self._at_once, min(most, needed + 1))

    def _count_failure(self, error: ProposalFailed) -> None:
        """One failed request is a warning, ten in a row are the end."""
        self._failures += 1
        if self._failures >= FAILURES_IN_A_ROW:
            said = f"{self._failures} proposals in a row came to nothing, the last with: {error}"
            self._break(ProposerBroken(said, hint=error.hint))
        else:
            self.parts.announce(events.Warned(f"no proposal: {error}"))

    def _count_rejection(self, answer: Answer) -> None:
        """One that cannot run is no better than none: who makes ten in a row would go on all night, for money."""
        if isinstance(answer, Ready) or self.settings.is_replay:
            self._failures = 0
            return
        self._failures += 1
        if self._failures >= FAILURES_IN_A_ROW:
            said = f"{self._failures} proposals in a row came to nothing, the last was rejected: {answer.reason}"
            self._break(ProposerBroken(said, hint="say in program.md what may be changed, and how"))

    def _break(self, error: ProposerBroken) -> None:
        self.broken = self.broken or error
        self.dry = self.broken.message

    def refresh(self) -> None:
        """There is a new result: who had nothing to propose may have something now."""
        self.hold()
        self.dry = self.broken.message if self.broken else ""

    def rebase(self, parent: Experiment) -> None:
        """Bring what was made for another parent on top of this one.

        What was asked of a free proposer is dropped: it is asked for anew.
        """
        for asked in self.ready():
            answer = asked.settled
            if isinstance(answer, Rejected) or answer.parent.number == parent.number:
                continue
            if self.parts.gate.proposer.is_free:
                self.queue.remove(asked)
            else:
                asked.answer = self.parts.gate.carry(answer, parent, self.judge.known)
                self.wasted += isinstance(asked.answer, Rejected)

    def ready(self) -> list[Asked]:
        """Whose turn it is, in their order; with one slot nobody overtakes anybody."""
        if self.settings.workers == 1:
            return list(takewhile(lambda asked: asked.answer is not None, self.queue))
        return [asked for asked in self.queue if asked.answer is not None]

    def known(self, tree: str) -> str:
        """What has become of a tree that was proposed before; may be called from any thread."""
        waits = any(one.tree == tree for one in tuple(self.queue))
        return self.judge.known(tree) or "are proposed already, and wait for their turn" * waits

    def begun(self, asked: Asked) -> None:
        """Its turn has come, and it is an experiment now."""
        self.queue.remove(asked)
        self.hold()

    def close(self) -> None:
        """Those that were never begun are only billed."""
        for asked in self.queue:
            if asked.answer is not None:
                self.judge.till.write_off(asked.answer.proposal.usage)
                self.wasted += 1
        self.queue.clear()
        self.hold()
