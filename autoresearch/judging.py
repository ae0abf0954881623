"""From the first sample of an experiment to its result in the record. The rule decides, the journal writes.

What is not here: when a sample is taken and a proposal asked for (`loop`), and what makes one better (`core.decision`).
"""

from __future__ import annotations

from autoresearch.core import events
from autoresearch.core.decision import Discard, Keep, More, Side
from autoresearch.core.experiment import (
    FREE,
    Decision,
    Execution,
    Experiment,
    Outcome,
    Proposal,
    Unmeasured,
    Usage,
)
from autoresearch.core.ports import Job
from autoresearch.errors import BaselineFailed, RunError
from autoresearch.opened import Open
from autoresearch.orders import SLOWEST, Parts, Settings, baseline_is_done, evidence_for, is_stale

BASELINE = Proposal("baseline", "The code as it is, before any change.", (), "baseline")


class Judge:
    """The open experiments, and what becomes of them. Only the loop's thread calls it."""

    def __init__(self, parts: Parts, settings: Settings) -> None:
        self.parts = parts
        self.settings = settings
        self.history = parts.journal.history()
        self.open: list[Open] = []
        self.samples = self.history.sample_count
        """The running count of samples in the run."""
        self.since_keep = 0
        self.unbilled = FREE
        """Spent, and carried by no experiment yet: it goes into the next commit."""

    def bill(self, usage: Usage, *, carried: bool) -> None:
        """Count what was spent; `carried` says that an experiment's own commit has it."""
        self.parts.meter.book(usage)
        if not carried:
            self.unbilled += usage

    def begin(self, parent: Experiment | None, tree: str, proposal: Proposal) -> Open:
        """From here on the experiment is in the record, whatever happens. No parent: the baseline."""
        meter, settings = self.parts.meter, self.settings
        stale = parent is not None and is_stale(parent.number, self.history, settings, meter, self.samples)
        side = Side.INCUMBENT if stale else Side.CANDIDATE
        experiment = Open(self.parts.journal.draft(parent, tree, proposal), side)
        self.open.append(experiment)
        number, cost = experiment.draft.number, proposal.usage.cost_usd
        self.parts.announce(events.Proposed(number, proposal.title, proposal.hypothesis, cost))
        return experiment

    def reject(self, parent: Experiment, proposal: Proposal, reason: str) -> None:
        """A proposal that could not stand is recorded too, with its parent's tree; nothing runs."""
        experiment = self.begin(parent, parent.tree, proposal)
        self.finish(experiment, Outcome.REJECTED, Decision.DISCARD, reason)

    def book(self, experiment: Open, side: Side, at: int, job: Job, execution: Execution) -> None:
        """One sample more; `at` is its running count in the run."""
        self.parts.announce(events.SampleFinished(job.number, job.sample, execution))
        self.parts.meter.sample_took(execution.seconds)
        if side is Side.INCUMBENT:
            experiment.take_incumbent(execution, at)
        else:
            experiment.take(execution, at)

    def weigh(self, experiment: Open) -> None:
        """Keep, discard, or one more sample."""
        if experiment.is_baseline:
            self.weigh_baseline(experiment)
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

    def weigh_baseline(self, experiment: Open) -> None:
        """It is kept whatever it measures, once the samples are enough to say how much they scatter."""
        if baseline_is_done(experiment, self.settings, self.parts.meter):
            if len(experiment.samples) > 1:
                experiment.flags += (f"{SLOWEST}{experiment.slowest:.3f}",)
            self.finish(experiment, Outcome.MEASURED, Decision.KEEP, "the baseline")
        else:
            experiment.wants = Side.CANDIDATE

    def lose_incumbent(self, experiment: Open, execution: Unmeasured) -> None:
        """The incumbent, measured before, gave no number: once is an accident. Raises RunError at the second time."""
        if experiment.lost_incumbents < 2:
            experiment.wants = Side.INCUMBENT
            return
        number = experiment.draft.parent
        raise RunError(
            f"the incumbent, experiment {number}, cannot be measured any more: {execution.reason}",
            hint=f"something besides the code has changed; ar log {number} --output shows the end",
        )

    def fail(self, experiment: Open) -> None:
        """The experiment ends as its last sample did. Raises BaselineFailed: without one nothing can go on."""
        last = experiment.last
        if not isinstance(last, Unmeasured):
            raise RunError(f"experiment {experiment.draft.number} ended without a result")
        self.finish(experiment, last.outcome, Decision.DISCARD, last.reason)
        if experiment.is_baseline and last.outcome is not Outcome.INTERRUPTED:
            raise BaselineFailed(f"the baseline failed: {last.reason}", output=last.tail)

    def finish(self, experiment: Open, outcome: Outcome, decision: Decision, reason: str) -> None:
        """Record the result, then tell everybody."""
        parent = experiment.draft.parent
        against = None if parent is None else self.history.metric(parent)
        if decision is Decision.KEEP:
            self.parts.executor.keep_artifacts(experiment.draft.number)
        result = experiment.result(outcome, decision, reason, self.unbilled)
        finished = self.parts.journal.finish(experiment.draft, result)
        self.unbilled = FREE
        self.open.remove(experiment)
        if not experiment.is_baseline and outcome is not Outcome.INTERRUPTED:
            self.parts.meter.count_experiment()
            self.since_keep = 0 if decision is Decision.KEEP else self.since_keep + 1
        self.parts.announce(events.ExperimentFinished(finished, against))

    def close(self, why: str) -> None:
        """End what is still open: as its last sample did, or as interrupted when it was only waiting for one."""
        for experiment in list(self.open):
            if isinstance(experiment.last, Unmeasured):
                self.fail(experiment)
            else:
                reason = f"{why}: stopped before it could be judged"
                self.finish(experiment, Outcome.INTERRUPTED, Decision.DISCARD, reason)
