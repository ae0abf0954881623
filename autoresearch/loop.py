"""The loop. Read this first.

    ask    proposals are thought of, on threads of their own
    fill   free slots get the next sample
    take   wait for whatever finishes, and have it judged

It holds nothing that is not in the record: killed anywhere, running it again goes on. It waits on one queue and never
polls. What is not here: how a change is proposed, checked, run, judged or stored; those are the parts it is given.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from queue import Empty, SimpleQueue

from autoresearch.closing import Closing, reserve
from autoresearch.core import events
from autoresearch.core.experiment import Execution, Measured, Outcome, Passed, Unmeasured, Usage
from autoresearch.core.final_check import FinalCheck, HeldOut
from autoresearch.core.ports import Attempt, Task
from autoresearch.errors import ProposalFailed, ProposalsExhausted, ProposerBroken, RunError
from autoresearch.gate import Answer, Ready, Rejected
from autoresearch.judging import BASELINE, Judge
from autoresearch.opened import Answered, Message, Open, Sampled, SampledAgain, StopRequested, in_background
from autoresearch.orders import Parts, Settings, enough, job_for, request_for

FAILURES_IN_A_ROW = 10


class Loop:
    """One call of `ar run`: after everything is wired, before anything is torn down."""

    def __init__(self, parts: Parts, settings: Settings) -> None:
        self.parts = parts
        self.settings = settings
        self.judge = Judge(parts, settings)
        self.history = parts.journal.history()
        self.inbox: SimpleQueue[Message] = SimpleQueue()
        self.ready: deque[Answer] = deque()
        self.thinking = 0
        self.running = 0
        self.failures = 0
        self.why = ""
        self.stopping = False
        self.cold = settings.warm_up
        self.final: FinalCheck | None = None
        self.held_out: HeldOut | None = None

    def run(self) -> str:
        """Until the budget is used up, the target is reached or somebody says stop; returns why, in words."""
        if self.history.baseline is None:
            self.judge.begin(None, self.parts.journal.base_tree(), BASELINE)
        else:
            self.judge.resume()
        while True:
            self.why = self.why or self.enough()
            self.ask()
            self.fill()
            if self.running or (self.thinking and not self.why):
                self.take()
            elif self.why or self.history.baseline is None:
                break
        self.why = self.why or "the baseline was interrupted"
        self.close()
        if not self.stopping:
            closing = Closing(self.parts, self.settings, self.judge, self.inbox)
            self.final, self.held_out = closing.look_again(), closing.hold_out()
        return self.why

    def stop(self, why: str, *, at_once: bool = False) -> None:
        """Ask for an end; may be called from a signal handler and from any thread."""
        self.inbox.put(StopRequested(why, at_once))

    def enough(self) -> str:
        """Why no further experiment is begun; empty while there is no reason."""
        return enough(self.history, self.settings, self.parts.meter, self.judge.since_keep, self.kept_back())

    def kept_back(self) -> float:
        """Seconds that no new experiment may use."""
        return reserve(self.history, self.settings, self.parts.meter, self.judge.holdout_seconds)

    def ask(self) -> None:
        """Keep as many proposals in the making as slots and look-ahead allow."""
        wanted = self.settings.workers + self.settings.lookahead
        while not self.why and self.history.baseline and self.under_way() < wanted:
            self.think()

    def under_way(self) -> int:
        """Experiments between the question and the decision."""
        return self.thinking + len(self.ready) + len(self.judge.open)

    def think(self, repairs: Open | None = None, attempts: tuple[Attempt, ...] = ()) -> None:
        """Ask for one proposal in the background; the answer comes through the inbox."""
        in_flight = tuple(one.draft.proposal.title for one in self.judge.open if one is not repairs)
        number = repairs.draft.number if repairs else self.history.next_number + self.under_way()
        request = request_for(self.parts, number, in_flight, attempts)
        self.thinking += 1
        self.parts.announce(events.Proposing(number))
        future = in_background(partial(self.parts.gate.ask, request))
        future.add_done_callback(lambda done: self.inbox.put(Answered(done, repairs)))

    def fill(self) -> None:
        """Give every free slot its next sample: open experiments first, then new candidates."""
        while self.running < self.settings.workers and not self.stopping:
            waiting = next((one for one in self.judge.open if one.wants is not None), None)
            if self.history.baseline and self.parts.meter.too_short():
                return
            if waiting is not None:
                self.start(waiting)
            elif self.ready and not self.parts.meter.too_short(self.kept_back()):
                self.opened(self.ready.popleft())
            else:
                return

    def opened(self, answer: Answer) -> None:
        """A proposal becomes an experiment; a rejected one is finished with that."""
        parent = self.parts.strategy.parent(self.history)
        match answer:
            case Ready(proposal, tree):
                self.judge.begin(parent, tree, proposal)
            case Rejected(proposal, reason):
                self.judge.reject(parent, proposal, reason)

    def start(self, experiment: Open) -> None:
        """Run what the experiment wants; before the first sample of this call, where asked for, once for nothing."""
        task = Task.WARM_UP if self.cold else experiment.wants or Task.SAMPLE
        if not self.cold:
            experiment.wants = None
        self.cold = False
        job = job_for(experiment, task, self.history, self.settings)
        self.running += 1
        self.judge.samples += task.is_sample
        self.parts.announce(events.SampleStarted(job.number, job.sample, job.limit, task))
        post = partial(Sampled, experiment, self.judge.samples, job)
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
            case Sampled(experiment, at, job, future):
                self.running -= 1
                execution = self.with_cause(future.result())
                self.judge.book(experiment, at, job, execution)
                self.judge_sample(experiment, job.task, execution)
            case SampledAgain():
                raise RunError("a sample of the final check came before the end")
            case StopRequested(why, at_once):
                if self.running and not self.stopping and not at_once:
                    self.parts.announce(events.Warned(f"{why}: ending what runs; Ctrl-C ends it at once"))
                # Who asks again, by whatever means, does not want to wait.
                self.parts.executor.stop(at_once=at_once or self.stopping)
                self.why, self.stopping = (self.why if self.stopping else why), True

    def with_cause(self, execution: Execution) -> Execution:
        """What stopped a sample is known here, not where it ran."""
        if isinstance(execution, Unmeasured) and execution.outcome is Outcome.INTERRUPTED and self.why:
            return replace(execution, reason=f"stopped: {self.why}")
        return execution

    def take_answer(self, future: Future[Answer], repairs: Open | None) -> None:
        """A proposal, a rejection, or a request that failed: what it cost counts in every case."""
        try:
            answer = future.result()
        except ProposalsExhausted as error:
            self.why = self.why or error.message
        except ProposalFailed as error:
            self.judge.bill(Usage(error.tokens_in, error.tokens_out, error.spent_usd), carried=False)
            self.count_failure(error)
        else:
            self.failures = 0
            self.judge.bill(answer.proposal.usage, carried=repairs is None or isinstance(answer, Ready))
            if repairs is None:
                self.ready.append(answer)
            elif isinstance(answer, Ready):
                repairs.draft = self.parts.journal.redraft(repairs.draft, answer.tree, answer.proposal)
                repairs.wants, repairs.last = Task.SAMPLE, None
        if repairs is not None and repairs.wants is None:
            self.judge.fail(repairs)

    def count_failure(self, error: ProposalFailed) -> None:
        """One failed request is a warning, ten in a row are the end."""
        self.failures += 1
        if self.failures >= FAILURES_IN_A_ROW:
            raise ProposerBroken(f"{self.failures} proposals in a row failed, the last with: {error}", hint=error.hint)
        self.parts.announce(events.Warned(f"no proposal: {error}"))

    def judge_sample(self, experiment: Open, task: Task, execution: Execution) -> None:
        """A number is weighed; a crash may be mended within the experiment; everything else is its end."""
        match execution:
            case Measured() | Passed() if task is not Task.WARM_UP:
                self.judge.weigh(experiment)
            case Unmeasured(Outcome.INTERRUPTED):
                self.judge.fail(experiment)
            case _ if task is Task.WARM_UP:
                pass
            case Unmeasured() if task in (Task.INCUMBENT, Task.INCUMBENT_HOLDOUT):
                self.judge.lose_incumbent(experiment, task, execution)
            case Unmeasured(Outcome.CRASHED, reason) if self.may_repair(experiment):
                experiment.repairs += 1
                self.think(experiment, (Attempt(experiment.draft.proposal, f"{reason}\n{execution.tail}"),))
            case Unmeasured():
                self.judge.fail(experiment)

    def may_repair(self, experiment: Open) -> bool:
        """The proposer has tries left, and time. Code that was measured once is not replaced by another."""
        is_new = not experiment.is_baseline and not experiment.measured
        return is_new and experiment.repairs < self.settings.repair_attempts and not self.why

    def close(self) -> None:
        """What is open ends; proposals that were never begun are only billed."""
        self.judge.close(self.why)
        for answer in self.ready:
            self.judge.unbilled += answer.proposal.usage
