"""The loop. Read this first.

    ask    proposals are thought of, on threads of their own
    fill   free slots get the next sample
    take   wait for whatever finishes, and judge it

It holds nothing that is not in the record: killed anywhere, running it again goes on. It waits on one queue and never
polls. What is not here: how a change is proposed, checked, run, weighed or stored; those are the parts it is given.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from functools import partial
from queue import Empty, SimpleQueue

from autoresearch.core import events
from autoresearch.core.decision import Discard, Keep, More, Side
from autoresearch.core.experiment import (
    Decision,
    Execution,
    Experiment,
    Measured,
    Outcome,
    Proposal,
    Unmeasured,
    Usage,
)
from autoresearch.core.ports import Attempt
from autoresearch.errors import BaselineFailed, ProposalFailed, ProposalsExhausted, ProposerBroken, RunError
from autoresearch.gate import Answer, Ready, Rejected
from autoresearch.opened import Answered, Message, Open, Sampled, StopRequested, in_background
from autoresearch.orders import Parts, Settings, enough, evidence_for, job_for, request_for

FAILURES_IN_A_ROW = 10
BASELINE = Proposal("baseline", "The code as it is, before any change.", (), "baseline")


class Loop:
    """One call of `ar run`: after everything is wired, before anything is torn down."""

    def __init__(self, parts: Parts, settings: Settings) -> None:
        self.parts = parts
        self.settings = settings
        self.history = parts.journal.history()
        self.inbox: SimpleQueue[Message] = SimpleQueue()
        self.open: list[Open] = []
        self.ready: deque[Answer] = deque()
        self.thinking = 0
        self.running = 0
        self.samples = self.history.sample_count
        self.unbilled = Usage()
        self.failures = 0
        self.since_keep = 0
        self.why = ""
        self.stopping = False

    def run(self) -> str:
        """Until the budget is used up, the target is reached or somebody says stop; returns why, in words."""
        if self.history.baseline is None:
            self.begin(None, self.parts.journal.base_tree(), BASELINE)
        while True:
            self.why = self.why or enough(self.history, self.settings, self.parts.meter, self.since_keep)
            self.ask()
            self.fill()
            if self.running or (self.thinking and not self.why):
                self.take()
            elif self.why:
                break
        self.close()
        return self.why

    def stop(self, why: str, *, at_once: bool = False) -> None:
        """Ask for an end; may be called from a signal handler and from any thread."""
        self.inbox.put(StopRequested(why, at_once))

    def ask(self) -> None:
        """Keep as many proposals in the making as slots and look-ahead allow."""
        wanted = self.settings.workers + self.settings.lookahead
        while not self.why and self.history.baseline and self.thinking + len(self.ready) + len(self.open) < wanted:
            self.think()

    def think(self, repairs: Open | None = None, attempts: tuple[Attempt, ...] = ()) -> None:
        """Ask for one proposal in the background; the answer comes through the inbox."""
        in_flight = tuple(one.draft.proposal.title for one in self.open if one is not repairs)
        number = self.history.next_number + len(in_flight) + len(self.ready) + self.thinking
        number = repairs.draft.number if repairs else number
        request = request_for(self.parts, number, in_flight, attempts)
        self.thinking += 1
        self.parts.announce(events.Proposing(number))
        future = in_background(partial(self.parts.gate.ask, request))
        future.add_done_callback(lambda done: self.inbox.put(Answered(done, repairs)))

    def fill(self) -> None:
        """Give every free slot its next sample: open experiments first, then new candidates."""
        while self.running < self.settings.workers and not self.stopping:
            waiting = next((one for one in self.open if one.wants is not None), None)
            if waiting is not None:
                self.start(waiting)
            elif self.ready and not self.parts.meter.too_short():
                self.opened(self.ready.popleft())
            else:
                return

    def opened(self, answer: Answer) -> None:
        """Write the candidate's commit. A rejected proposal is recorded too, and runs nothing."""
        parent = self.parts.strategy.parent(self.history)
        match answer:
            case Ready(proposal, tree):
                self.begin(parent, tree, proposal)
            case Rejected(proposal, reason):
                self.finish(self.begin(parent, parent.tree, proposal), Outcome.REJECTED, Decision.DISCARD, reason)

    def begin(self, parent: Experiment | None, tree: str, proposal: Proposal) -> Open:
        """From here on the experiment is in the record, whatever happens."""
        unmeasured = parent is not None and not self.history.samples(parent.number)
        side = Side.INCUMBENT if unmeasured else Side.CANDIDATE
        experiment = Open(self.parts.journal.draft(parent, tree, proposal), side)
        self.open.append(experiment)
        number, cost = experiment.draft.number, proposal.usage.cost_usd
        self.parts.announce(events.Proposed(number, proposal.title, proposal.hypothesis, cost))
        return experiment

    def start(self, experiment: Open) -> None:
        """Take the sample that the experiment wants."""
        side, experiment.wants = experiment.wants or Side.CANDIDATE, None
        job = job_for(experiment, side, self.history, self.settings)
        self.running += 1
        self.samples += 1
        self.parts.announce(events.SampleStarted(job.number, job.sample, job.limit))
        post = partial(Sampled, experiment, side, self.samples)
        self.parts.executor.submit(job).add_done_callback(lambda done: self.inbox.put(post(done)))

    def take(self) -> None:
        """Wait for whatever finishes; time that is up is a stop like any other."""
        try:
            message = self.inbox.get(timeout=None if self.stopping else self.parts.meter.seconds_left())
        except Empty:
            message = StopRequested("the time budget is used up", at_once=False)
        match message:
            case Answered(future, repairs):
                self.thinking -= 1
                self.take_answer(future, repairs)
            case Sampled(experiment, side, at, future):
                self.running -= 1
                self.judge_sample(experiment, side, at, future.result())
            case StopRequested(why, at_once):
                self.why, self.stopping = (self.why if self.stopping else why), True
                self.parts.executor.stop(at_once=at_once)

    def take_answer(self, future: Future[Answer], repairs: Open | None) -> None:
        """A proposal, a rejection, or a request that failed: what it cost counts in every case."""
        try:
            answer = future.result()
        except ProposalsExhausted as error:
            self.why = self.why or error.message
            return
        except ProposalFailed as error:
            self.bill(Usage(error.tokens_in, error.tokens_out, error.spent_usd), carried=False)
            self.count_failure(error)
            if repairs is not None:
                self.finish_failed(repairs)
            return
        self.failures = 0
        repaired = repairs is not None and isinstance(answer, Ready)
        self.bill(answer.proposal.usage, carried=repairs is None or repaired)
        if repairs is None:
            self.ready.append(answer)
        elif isinstance(answer, Ready):
            repairs.draft = self.parts.journal.redraft(repairs.draft, answer.tree, answer.proposal)
            repairs.wants = Side.CANDIDATE
        else:
            self.finish_failed(repairs)

    def bill(self, usage: Usage, *, carried: bool) -> None:
        """Count what was spent; what no experiment carries goes into the next commit."""
        self.parts.meter.book(usage)
        if not carried:
            self.unbilled += usage

    def count_failure(self, error: ProposalFailed) -> None:
        """One failed request is a warning, ten in a row are the end."""
        self.failures += 1
        if self.failures >= FAILURES_IN_A_ROW:
            raise ProposerBroken(f"{self.failures} proposals in a row failed, the last with: {error}", hint=error.hint)
        self.parts.announce(events.Warned(f"no proposal: {error}"))

    def judge_sample(self, experiment: Open, side: Side, at: int, execution: Execution) -> None:
        """Book the sample, then let the rule say what becomes of the experiment."""
        self.parts.announce(events.SampleFinished(experiment.draft.number, len(experiment.samples) + 1, execution))
        self.parts.meter.sample_took(execution.seconds)
        if side is Side.INCUMBENT:
            experiment.take_incumbent(execution, at)
        else:
            experiment.take(execution, at)
        match execution:
            case Measured():
                self.decide(experiment)
            case Unmeasured() if self.may_repair(experiment, execution):
                experiment.repairs += 1
                self.think(experiment, (Attempt(experiment.draft.proposal, f"{execution.reason}\n{execution.tail}"),))
            case Unmeasured():
                self.finish_failed(experiment)

    def may_repair(self, experiment: Open, execution: Unmeasured) -> bool:
        """A crash may be mended within the experiment; nothing else may."""
        left = experiment.repairs < self.settings.repair_attempts and not experiment.is_baseline
        return left and execution.outcome is Outcome.CRASHED and not self.why

    def decide(self, experiment: Open) -> None:
        """Keep, discard, or one more sample."""
        if experiment.is_baseline:
            self.finish(experiment, Outcome.MEASURED, Decision.KEEP, "the baseline")
            return
        if not experiment.measured:
            experiment.wants = Side.CANDIDATE
            return
        match self.parts.rule(evidence_for(experiment, self.history)):
            case Keep(reason):
                self.finish(experiment, Outcome.MEASURED, Decision.KEEP, reason)
            case Discard(reason):
                self.finish(experiment, Outcome.MEASURED, Decision.DISCARD, reason)
            case More(side, _):
                experiment.wants = side

    def finish_failed(self, experiment: Open) -> None:
        """The experiment ends as its last sample did. Without a baseline nothing can go on."""
        last = experiment.last
        if not isinstance(last, Unmeasured):
            raise RunError(f"experiment {experiment.draft.number} ended without a result")
        self.finish(experiment, last.outcome, Decision.DISCARD, last.reason)
        if experiment.is_baseline and last.outcome is not Outcome.INTERRUPTED:
            raise BaselineFailed(f"the baseline failed: {last.reason}", output=last.tail)

    def finish(self, experiment: Open, outcome: Outcome, decision: Decision, reason: str) -> None:
        """Record the result, then tell everybody."""
        against = self.against(experiment)
        result = experiment.result(outcome, decision, reason, self.unbilled)
        if decision is Decision.KEEP:
            self.parts.executor.keep_artifacts(experiment.draft.number)
        finished = self.parts.journal.finish(experiment.draft, result)
        self.unbilled = Usage()
        self.open.remove(experiment)
        if not experiment.is_baseline and outcome is not Outcome.INTERRUPTED:
            self.parts.meter.count_experiment()
            self.since_keep = 0 if decision is Decision.KEEP else self.since_keep + 1
        self.parts.announce(events.ExperimentFinished(finished, against))

    def against(self, experiment: Open) -> float | None:
        """The metric that the experiment was compared with."""
        return None if experiment.draft.parent is None else self.history.metric(experiment.draft.parent)

    def close(self) -> None:
        """What is still open was interrupted; proposals that were never begun are only billed."""
        for experiment in list(self.open):
            reason = f"{self.why}: stopped before it could be judged"
            self.finish(experiment, Outcome.INTERRUPTED, Decision.DISCARD, reason)
        for answer in self.ready:
            self.unbilled += answer.proposal.usage
