"""The loop. Read this first.

    fill   free slots get the next sample: of an open experiment, else of the proposal whose turn it is
    ask    proposals are thought of ahead, on threads of their own
    take   wait for whatever finishes, and have it judged

It holds nothing that is not in the record: killed anywhere, running it again goes on. It waits on one queue and never
polls. What is not here: how a change is proposed, checked, run, judged or stored; those are the parts it is given.
"""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from functools import partial
from queue import Empty, SimpleQueue

from autoresearch.ahead import Ahead
from autoresearch.baseline import BASELINE
from autoresearch.closing import Closing, reserve
from autoresearch.core import events
from autoresearch.core.experiment import Execution, Measured, Outcome, Passed, Unmeasured
from autoresearch.core.final_check import FinalCheck, HeldOut
from autoresearch.core.ports import Job, Task
from autoresearch.core.utilisation import PROPOSAL, RECORD, Utilisation
from autoresearch.errors import ArError, RunError, SampleLost
from autoresearch.gate import Answer, Ready
from autoresearch.judging import Judge
from autoresearch.opened import Answered, Asked, GivenUp, Message, Open, Sampled, SampledAgain, StopRequested
from autoresearch.orders import LOSSES, Parts, Settings, enough, job_for, room_ahead
from autoresearch.prices import usd_of_sample

ENDS_WITHIN = 60.0
"""Seconds to wait for an execution that was told to end at once."""


class Loop:
    """One call of `ar run`: after everything is wired, before anything is torn down."""

    def __init__(self, parts: Parts, settings: Settings) -> None:
        self.parts = parts
        self.settings = settings
        self.history = parts.journal.history()
        self.inbox: SimpleQueue[Message] = SimpleQueue()
        self.free = list(range(settings.workers))
        """Slots in which nothing runs."""
        self.slots = list(self.free)
        """Those that there are; one whose device is gone is left out."""
        self.laid: dict[int, str] = {}
        """The tree that lies ready in a slot, beside what runs there."""
        self.judge = Judge(parts, settings, self.no_room)
        self.ahead = Ahead(parts, settings, self.judge, self.inbox.put)
        self.clock = Utilisation(settings.workers)
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
            if self.history.baseline is not None:
                self.ahead.rebase(self.parts.strategy.parent(self.history))
            self.fill()
            self.ask()
            self.look_at_the_clock()
            if self.running or (self.ahead.thinking and not self.why):
                self.take()
            elif self.why or self.history.baseline is None:
                break
            else:
                # The last ones may have been rejected, without running.
                self.why = self.enough() or "the time left does not hold another proposal and its experiment"
        self.why = self.why or "the baseline was interrupted"
        self.abandon(self.why)
        if self.ahead.broken is not None and not self.stopping:
            raise self.ahead.broken
        if not self.stopping:
            closing = Closing(self.parts, self.settings, self.judge, self.inbox, self.slots)
            self.final, self.held_out = closing.look_again(), closing.hold_out()
        return self.why

    def stop(self, why: str, *, at_once: bool = False) -> None:
        """Ask for an end; may be called from a signal handler and from any thread."""
        self.inbox.put(StopRequested(why, at_once))

    def give_up(self, error: ArError) -> None:
        """Have the loop raise that error, without waiting for what runs; may be called from any thread."""
        self.inbox.put(GivenUp(error))

    def abandon(self, why: str) -> None:
        """End what is open, in the record; what was paid for and never begun is told with the run's end."""
        try:
            self.end_running()
            self.judge.close(why)
        finally:
            self.ahead.close()

    def end_running(self) -> None:
        """What runs in other slots when the run fails ends now, and what it took and cost is booked."""
        if self.running:
            self.parts.executor.stop(at_once=True)
        while self.running:
            try:
                message = self.inbox.get(timeout=ENDS_WITHIN)
            except Empty:
                return
            if isinstance(message, Sampled):
                self.release(message)
                with suppress(SampleLost):
                    self.judge.book(message.experiment, message.at, message.job, message.future.result())

    def release(self, ended: Sampled) -> None:
        """Its slot is free again."""
        self.free = sorted((*self.free, ended.job.slot))
        ended.experiment.running -= 1

    @property
    def running(self) -> int:
        return len(self.slots) - len(self.free)

    def enough(self) -> str:
        """Why no further experiment is begun; empty while there is no reason."""
        since, kept_back = self.judge.since_keep, self.kept_back()
        why = enough(self.history, self.settings, self.parts.meter, since, kept_back, is_paid=self.is_paid)
        # What is dry may give again after the next result: only with none to come it is the end.
        return why or ("" if self.judge.open or self.ahead.queue else self.ahead.dry)

    @property
    def is_paid(self) -> bool:
        """Is there anything left to run that costs no more money?"""
        return not self.settings.runs_cost and any((*self.judge.open, *self.ahead.queue))

    def kept_back(self) -> float:
        """Seconds that no new experiment may use."""
        return reserve(self.history, self.settings, self.parts.meter, self.judge.holdout_seconds)

    def no_room(self, ending: int = 0) -> str:
        """Why there is none for one more experiment than are open; empty when there is.

        `ending`: so many of these are over, and others take their place.
        """
        under_way, is_paid = len(self.judge.open), not self.settings.runs_cost
        tried, patience = self.judge.since_keep + under_way - ending, self.settings.patience
        if patience is not None and tried >= patience:
            return f"{tried} of the {patience} that may keep nothing in a row are under way"
        return self.why or self.parts.meter.exhausted(under_way, is_paid=is_paid) or ""

    def ask(self) -> None:
        """Keep as many proposals in the making as slots and look-ahead allow, and no more than can still run."""
        if self.why or self.history.baseline is None or self.parts.meter.exhausted():
            return
        settings, meter = self.settings, self.parts.meter
        reserve, usd = self.kept_back() + self.ahead.seconds, usd_of_sample(self.history, settings)
        room = room_ahead(meter, len(self.slots), reserve, len(self.judge.open), usd)
        self.ahead.want(min(len(self.slots) + settings.lookahead, room))

    def look_at_the_clock(self) -> None:
        """What a free slot waits for, from now on."""
        # A budget without room for another one, or a proposer that has nothing more, is nothing to wait for.
        waits = PROPOSAL if self.ahead.thinking else RECORD if self.ahead.ready() and not self.no_room() else ""
        self.clock.note(self.running, "" if self.why or self.history.baseline is None else waits)

    def fill(self) -> None:
        """Give every free slot its next sample: open experiments first, then new candidates. Then think of the next."""
        while self.free and not self.stopping:
            if self.history.baseline and self.parts.meter.too_short():
                break
            waiting = next((one for one in self.judge.open if one.wants is not None), None)
            if waiting is not None:
                for slot in self.slots_for(waiting):
                    self.start(waiting, slot)
            elif not self.begin():
                break
        self.lay_out()

    def slots_for(self, experiment: Open) -> list[int]:
        """Where it runs: a baseline is sampled in all slots at once, as loaded as its candidates will be."""
        is_round = experiment.is_baseline and experiment.wants is Task.SAMPLE and not (self.cold or experiment.again)
        if is_round:
            return list(self.free)
        return [experiment.slot if experiment.slot in self.free else self.free[0]]

    def begin(self) -> bool:
        """The proposal whose turn it is becomes an experiment; a rejected one is finished with that."""
        ready = self.ahead.ready()
        if not ready or self.no_room() or self.parts.meter.too_short(self.kept_back()):
            return False
        slot, asked = self.pick(ready)
        if asked.tree is None or self.judge.tried(asked.tree) is not None:
            # It ends at once, and what is asked for the last one that ended must not know of it: or the clock decides.
            self.ask()
        opened = self.judge.admit(asked.settled)
        # Not earlier: who proposes the same meanwhile finds it here or there.
        self.ahead.begun(asked)
        if opened is not None:
            opened.slot = slot
        return True

    def pick(self, ready: list[Asked]) -> tuple[int, Asked]:
        """A free slot and what runs there: what lies ready in it, else what lies ready nowhere, else the first."""
        if ready[0].tree is not None:
            for slot in self.free:
                for asked in ready:
                    if asked.tree == self.laid.get(slot):
                        return slot, asked
        elsewhere = set(self.laid.values())
        return self.free[0], next((one for one in ready if one.tree not in elsewhere), ready[0])

    def lay_out(self) -> None:
        """Beside what runs in a slot, prepare what will probably run there next."""
        if self.why or not self.settings.lays_ahead:
            return
        trees = [one.tree for one in self.ahead.ready() if one.tree is not None]
        busy = [slot for slot in self.slots if slot not in self.free]
        without = [slot for slot in busy if self.laid.get(slot) not in trees]
        left = [tree for tree in trees if tree not in self.laid.values()]
        for slot, tree in zip(without, left, strict=False):
            self.laid[slot] = tree
            self.parts.executor.prepare(slot, tree)

    def start(self, experiment: Open, slot: int) -> None:
        """Run what the experiment wants; before the first sample of this call, where asked for, once for nothing."""
        task = Task.WARM_UP if self.cold else experiment.wants or Task.SAMPLE
        job = job_for(experiment, task, self.history, self.settings, slot, self.judge.incumbent_samples)
        self.free.remove(slot)
        experiment.slot, experiment.running = slot, experiment.running + 1
        if not self.cold:
            experiment.wants = None
        self.cold = False
        self.judge.samples += task.is_sample
        self.parts.announce(events.SampleStarted(job.number, job.sample, job.limit, task, slot))
        post = partial(Sampled, experiment, self.judge.samples, job)
        self.parts.executor.submit(job).add_done_callback(lambda done: self.inbox.put(post(done)))

    def take(self) -> None:
        """Wait for whatever finishes; time that is up is a stop like any other."""
        try:
            message = self.inbox.get(timeout=None if self.stopping else self.parts.meter.seconds_left())
        except Empty:
            message = StopRequested("the time budget is used up", at_once=False)
        match message:
            case Answered(asked, future):
                self.take_answer(asked, future)
            case Sampled(experiment, at, job, future):
                self.release(message)
                self.clock.note(self.running, "" if self.why else RECORD)
                self.take_sample(experiment, at, job, future)
            case GivenUp(error):
                raise error
            case SampledAgain():
                raise RunError("a sample of the final check came before the end")
            case StopRequested(why, at_once):
                if self.running and not self.stopping and not at_once:
                    self.parts.announce(events.Warned(f"{why}: ending what runs; Ctrl-C ends it at once"))
                # Who asks again, by whatever means, does not want to wait.
                self.parts.executor.stop(at_once=at_once or self.stopping)
                self.why, self.stopping = (self.why if self.stopping else why), True

    def take_answer(self, asked: Asked, future: Future[Answer]) -> None:
        """A proposal waits for its turn; a repair is run at once, and without one the experiment ends."""
        answer = self.ahead.take(asked, future)
        if asked.repairs is None:
            return
        if isinstance(answer, Ready):
            asked.repairs.draft = self.parts.journal.redraft(asked.repairs.draft, answer.tree, answer.proposal)
            asked.repairs.wants, asked.repairs.last = Task.SAMPLE, None
        else:
            self.judge.fail(asked.repairs)

    def take_sample(self, experiment: Open, at: int, job: Job, future: Future[Execution]) -> None:
        """An execution ended, or the machine it was on has: then it is made once more."""
        try:
            execution = self.with_cause(future.result())
        except SampleLost as lost:
            self.lose(experiment, job, lost)
            return
        count = len(self.history.experiments)
        self.judge.book(experiment, at, job, execution)
        if not experiment.running:
            self.judge_sample(experiment, job.task, experiment.failed or execution)
        if len(self.history.experiments) > count:
            self.ahead.refresh()

    def lose(self, experiment: Open, job: Job, lost: SampleLost) -> None:
        """Raises RunError where that happens again and again, or no slot is left."""
        experiment.lost += 1
        self.parts.announce(events.Warned(f"sample {job.sample} of #{job.number} is taken again: {lost.message}"))
        if lost.slot_is_gone:
            self.free.remove(job.slot)
            self.slots.remove(job.slot)
            self.clock.slots = len(self.slots)
        if experiment.lost > LOSSES or not self.slots:
            raise RunError(lost.message, hint=lost.hint)
        if job.task is Task.WARM_UP:
            # What it is for still waits.
            self.cold = True
            return
        experiment.wants = job.task
        if job.task in (Task.SAMPLE, Task.FRESH):
            experiment.again.append(job.sample)

    def with_cause(self, execution: Execution) -> Execution:
        """What stopped a sample is known here, not where it ran."""
        if isinstance(execution, Unmeasured) and execution.outcome is Outcome.INTERRUPTED and self.why:
            return replace(execution, reason=f"stopped: {self.why}")
        return execution

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
                experiment.repairs, experiment.failed = experiment.repairs + 1, None
                self.ahead.mend(experiment, f"{reason}\n{execution.tail}")
            case Unmeasured():
                self.judge.fail(experiment)

    def may_repair(self, experiment: Open) -> bool:
        """The proposer has tries left, and time. Code that was measured once is not replaced by another."""
        is_new = not experiment.is_baseline and not experiment.measured
        return is_new and experiment.repairs < self.settings.repair_attempts and not self.why
