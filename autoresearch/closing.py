"""The end of a call: baseline and best are sampled in turn, with fresh seeds, in a tenth of the budget.

Nothing is decided by it; it says what the gain of the whole run is worth (`core.final_check`). There is none for a
metric without noise, without a kept change, and without a budget of time or experiments to take a tenth of. A holdout
that is looked at only at the end is measured here, too.
"""

from __future__ import annotations

import math
from dataclasses import replace
from queue import Empty, SimpleQueue

from autoresearch.core import events
from autoresearch.core.budget import Budget, Meter
from autoresearch.core.decision import SAME, pooled_noise
from autoresearch.core.experiment import Execution, Experiment, Measured, Passed, Sample
from autoresearch.core.final_check import SHARE, FinalCheck, HeldOut, pairs_in
from autoresearch.core.history import History
from autoresearch.core.ports import Job, Task
from autoresearch.core.seeds import sample_seed
from autoresearch.errors import SampleLost
from autoresearch.judging import Judge
from autoresearch.opened import Answered, GivenUp, Message, Sampled, SampledAgain, StopRequested
from autoresearch.orders import LOSSES, Parts, Settings, convention_of, limit_for, limit_of_check
from autoresearch.prices import money_of, usd_of_sample

FRESH_SEEDS = 1_000_000
"""No experiment has so many samples of its own."""
BETWEEN = 0.5
"""Seconds that go by between two samples of different commits."""


def is_wanted(history: History, settings: Settings, budget: Budget) -> bool:
    """Is there a gain that could be luck, and a budget of which a share can be kept for that?"""
    best, baseline = history.best, history.baseline
    if not settings.final_check or best is None or baseline is None or best is baseline:
        return False
    if budget.seconds is None and budget.experiments is None:
        return False
    return pooled_noise(history.groups()).deviation > SAME * abs(history.metric(baseline.number) or 0.0)


def pairs_wanted(history: History, settings: Settings, meter: Meter) -> int:
    """How many pairs of samples the check would have."""
    budget = meter.budget
    if not is_wanted(history, settings, budget) or meter.out_of_money():
        return 0
    in_time = pairs_in(budget.seconds, meter.longest) if budget.seconds is not None else None
    in_count = pairs_in(float(budget.experiments), 1.0) if budget.experiments is not None else None
    return min(pairs for pairs in (in_time, in_count) if pairs is not None)


def reserve(history: History, settings: Settings, meter: Meter, holdout_seconds: float = 0.0) -> float:
    """Seconds to leave for what is done here when no further experiment is begun.

    `holdout_seconds` is what a measurement of the holdout takes.
    """
    if meter.budget.seconds is None:
        return 0.0
    check = min(SHARE * meter.budget.seconds, 2 * pairs_wanted(history, settings, meter) * (meter.longest + BETWEEN))
    return check + 2 * holdout_seconds * settings.standards.holdout_at_end


class Closing:
    """Made when nothing runs any more. Only the loop's thread calls it."""

    def __init__(
        self, parts: Parts, settings: Settings, judge: Judge, inbox: SimpleQueue[Message], slots: list[int]
    ) -> None:
        """`slots` are those that there are; the first one is used, as long as it is there."""
        self.parts = parts
        self.settings = settings
        self.judge = judge
        self.inbox = inbox
        self.slots = slots
        self.history = parts.journal.history()
        self.stopping = False

    def look_again(self) -> FinalCheck | None:
        """Take the samples, as long as nobody says stop and the time is enough; None without a whole pair."""
        baseline, best, meter = self.history.baseline, self.history.best, self.parts.meter
        if baseline is None or best is None:
            return None
        first: list[Sample] = []
        last: list[Sample] = []
        for _ in range(pairs_wanted(self.history, self.settings, meter)):
            left = meter.seconds_left()
            if (left is not None and 2 * meter.longest > left) or not self._affords(2):
                break
            if not (self._sample(baseline, first) and self._sample(best, last)):
                break
        pairs = min(len(first), len(last))
        if not pairs and not self.stopping and is_wanted(self.history, self.settings, meter.budget):
            said = "no final check: the last tenth of the budget has no room for two samples"
            self.parts.announce(events.Warned(said))
        return FinalCheck(best.number, tuple(first[:pairs]), tuple(last[:pairs])) if pairs else None

    def _affords(self, samples: int) -> bool:
        money = [left for name, left in self.parts.meter.remaining().items() if name in ("usd", "run_usd")]
        return samples * usd_of_sample(self.history, self.settings) <= min(money, default=math.inf)

    def hold_out(self) -> HeldOut | None:
        """Measure the holdout of baseline and best, where that is left for the end."""
        baseline, best = self.history.baseline, self.history.best
        if not self.settings.standards.holdout_at_end or baseline is None or best is None or best is baseline:
            return None
        if self.parts.meter.out_of_money():
            self.parts.announce(events.Warned("no money is left for the holdout at the end"))
            return None
        match [self._run(self._job(one, Task.HOLDOUT, 1)) for one in (baseline, best) if not self.stopping]:
            case [Measured(first), Measured(last)]:
                return HeldOut(best.number, first, last)
            case _:
                self.parts.announce(events.Warned("the holdout could not be measured at the end"))
                return None

    def _sample(self, one: Experiment, taken: list[Sample]) -> bool:
        """One more sample of a finished experiment; False when it gave no number, or somebody said stop."""
        number = self.history.taken(one.number) + len(taken) + 1
        self.judge.samples += 1
        execution = self._run(self._job(one, Task.SAMPLE, number))
        if isinstance(execution, Measured):
            taken.append(Sample(execution.value, self.judge.samples))
        return isinstance(execution, Measured) and not self.stopping

    def _job(self, one: Experiment, task: Task, number: int) -> Job:
        """With a seed that the experiment never had."""
        settings, baseline = self.settings, self.history.baseline
        convention = convention_of(baseline) if baseline and task is Task.SAMPLE else None
        limit = limit_for(self.history, settings) if task is Task.SAMPLE else limit_of_check(settings)
        # The running count is never the same again, also in the next call.
        seed = sample_seed(settings.seed, one.number, FRESH_SEEDS + self.judge.samples)
        return Job(one.number, one.commit, number, seed, limit, convention, task)

    def _run(self, job: Job) -> Execution | None:
        """None when the machine was lost, and that again and again; nothing depends on it any more."""
        for _ in range(1 + LOSSES):
            try:
                return self._run_once(replace(job, slot=self.slots[0]))
            except SampleLost as lost:
                if lost.slot_is_gone:
                    self.slots.pop(0)
                if self.stopping:
                    return None
                if not self.slots:
                    self._give_up(lost.message)
                    return None
                said = f"sample {job.sample} of #{job.number} is taken again: {lost.message}"
                self.parts.announce(events.Warned(said))
        self._give_up("its samples are lost again and again")
        return None

    def _give_up(self, why: str) -> None:
        """Take no further sample; not having any is no reason to fail a run that has its results."""
        self.parts.announce(events.Warned(f"the final check ended early: {why}"))
        self.stopping = True

    def _run_once(self, job: Job) -> Execution:
        self.parts.announce(events.SampleStarted(job.number, job.sample, job.limit, job.task, job.slot))
        self.parts.executor.submit(job).add_done_callback(lambda done: self.inbox.put(SampledAgain(done)))
        execution = self._wait()
        told = Passed(execution.seconds) if job.task is Task.HOLDOUT else execution
        self.parts.announce(events.SampleFinished(job.number, job.sample, told, job.task))
        if job.task.is_sample:
            self.parts.meter.sample_took(execution.seconds)
        self.judge.till.charge_run(money_of(job.task, execution, self.history, self.settings))
        return execution

    def _wait(self) -> Execution:
        """The end of what runs; time that is up, and who says stop, end it before."""
        while True:
            try:
                message = self.inbox.get(timeout=None if self.stopping else self.parts.meter.seconds_left())
            except Empty:
                message = StopRequested("the time budget is used up", at_once=False)
            match message:
                case SampledAgain(future):
                    return future.result()
                case StopRequested(_, at_once):
                    self.parts.executor.stop(at_once=at_once or self.stopping)
                    self.stopping = True
                case Answered(_, future) if future.exception() is None:
                    self.judge.till.bill(future.result().proposal.usage, carried=False)
                case Answered() | Sampled() | GivenUp():
                    pass
