"""From the first sample of an experiment to its result in the record. The rule decides, the journal writes.

A number that is missing, or no number, ends the experiment with that outcome, also in the middle of its repeats, and so
does a crash of its second sample: what fails now and then is no improvement.

What is not here: when a sample is taken and a proposal asked for (`loop`), and what makes one better (`core.decision`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from autoresearch.baseline import Unfit, flags_of, next_step, problem_of
from autoresearch.confirming import Veto, confirm, unconfirmed
from autoresearch.core import events
from autoresearch.core.decision import NEAR_FIRST, Discard, Keep, More, Side, Verdict
from autoresearch.core.experiment import (
    CHECKED,
    FREE,
    SIMPLER,
    SLOWEST,
    SUSPICIOUS,
    VETOED,
    Decision,
    Execution,
    Experiment,
    Measured,
    Outcome,
    Passed,
    Proposal,
    Unmeasured,
    holdout_seconds,
)
from autoresearch.core.ports import Job, Task
from autoresearch.errors import BaselineFailed, RunError
from autoresearch.gate import Answer, Ready, Rejected
from autoresearch.opened import Open
from autoresearch.orders import Parts, Settings, evidence_for, is_stale
from autoresearch.prices import money_of
from autoresearch.simpler import net_lines, tolerated
from autoresearch.till import Till


class Judge:
    """The open experiments, and what becomes of them. Only the loop's thread calls it."""

    def __init__(self, parts: Parts, settings: Settings, no_room: Callable[[int], str] = lambda _: "") -> None:
        """`no_room`: why, of the open ones so many less, one more is too many, in words; empty when there is room."""
        self.parts = parts
        self.settings = settings
        self.no_room = no_room
        self.history = parts.journal.history()
        self.open: list[Open] = []
        self.samples = self.history.sample_count
        """The running count of samples in the run."""
        self.incumbent_samples: dict[int, int] = {}
        """How often each experiment was sampled, those included that are for experiments not finished yet."""
        self.since_keep = 0
        self.holdout_seconds = holdout_seconds(self.history.baseline)
        """Of the longest measurement of the holdout so far."""
        self.till = Till(parts.meter, parts.journal)

    def resume(self) -> None:
        """A run goes on. Raises RunError when its baseline cannot do what is asked of it now."""
        if problem := problem_of(self.history, self.settings):
            raise RunError(f"the baseline of this run cannot do what is asked now: {problem}", hint="ar run --new")
        baseline = self.history.baseline
        if self.settings.standards.checks and baseline and CHECKED not in baseline.flags:
            text = "the checks are newer than the baseline, so they were not tried on it: ar run --new does"
            self.parts.announce(events.Warned(text))
        if self.settings.warm_up:
            # What was sampled before this call was sampled on another machine, so to speak.
            self.samples += NEAR_FIRST

    def admit(self, answer: Answer, carried_from: int | None = None) -> Open | None:
        """A proposal becomes an experiment; None for a rejected one, which is finished with that."""
        tried = self.tried(answer.tree) if isinstance(answer, Ready) else None
        match answer:
            case Ready(proposal, _, parent) if tried is not None:
                self.reject(parent, proposal, f"exactly these files are tried in experiment {tried}", carried_from)
            case Ready(proposal, tree, parent):
                return self.begin(parent, tree, proposal, carried_from)
            case Rejected(proposal, reason, parent):
                self.reject(parent, proposal, reason, carried_from)
        return None

    def tried(self, tree: str) -> int | None:
        """The experiment that has tried this tree, or is about to; may be called from any thread."""
        running = (one.draft.number for one in tuple(self.open) if one.draft.tree == tree)
        before = self.history.tried(tree)
        if before is not None and self.settings.is_replay and self.history.is_reverted(before):
            # The person took it back, and wants it again.
            before = None
        return next(running, before)

    def known(self, tree: str) -> str:
        """The same in words, for who proposes it again."""
        number = self.tried(tree)
        return "" if number is None else f"were tried before, as experiment {number}"

    def begin(self, parent: Experiment | None, tree: str, proposal: Proposal, carried_from: int | None = None) -> Open:
        """From here on the experiment is in the record, whatever happens. No parent: the baseline."""
        experiment = Open(self.parts.journal.draft(parent, tree, proposal, carried_from=carried_from))
        if parent is not None and self.is_stale(parent.number):
            experiment.wants, experiment.refreshes = Task.INCUMBENT, True
        self.open.append(experiment)
        self.till.begun(experiment)
        number, cost = experiment.draft.number, proposal.usage.cost_usd
        self.parts.announce(events.Proposed(number, proposal.title, proposal.hypothesis, cost))
        return experiment

    def is_stale(self, number: int) -> bool:
        """Should the incumbent be sampled first? Once is enough for all that are open."""
        if any(one.refreshes and one.draft.parent == number and not one.incumbent_samples for one in self.open):
            return False
        taken = [sample.at for one in self.open for of, sample in one.incumbent_samples if of == number]
        return is_stale(number, self.history, self.settings, self.parts.meter, self.samples, max(taken, default=0))

    def reject(self, parent: Experiment, proposal: Proposal, reason: str, carried_from: int | None = None) -> None:
        """A proposal that could not stand is recorded too, with its parent's tree; nothing runs."""
        experiment = self.begin(parent, parent.tree, proposal, carried_from)
        self.finish(experiment, Outcome.REJECTED, Decision.DISCARD, reason)

    def book(self, experiment: Open, at: int, job: Job, execution: Execution) -> None:
        """One execution more; `at` is the running count of samples in the run."""
        if job.task.is_sample and isinstance(execution, Measured):
            # One that crashed or hung says nothing about the next.
            self.parts.meter.sample_took(execution.seconds)
        if job.task.is_holdout:
            self.holdout_seconds = max(self.holdout_seconds, execution.seconds)
        self.till.charge(experiment, money_of(job.task, execution, self.history, self.settings))
        experiment.take(job.task, execution, at)
        # Not the holdout's number: what is announced may be printed into a file that an experiment can read.
        told = Passed(execution.seconds) if job.task.is_holdout and isinstance(execution, Measured) else execution
        self.parts.announce(events.SampleFinished(job.number, job.sample, told, job.task))

    def weigh(self, experiment: Open) -> None:
        """Keep, discard, or one more execution."""
        if experiment.is_baseline:
            self.weigh_baseline(experiment)
            return
        if not experiment.measured:
            experiment.wants = Task.SAMPLE
            return
        if veto := unconfirmed(experiment, evidence_for(experiment, self.history), self.history.direction):
            experiment.flags += (SUSPICIOUS,)
            self.finish(experiment, veto.outcome, Decision.DISCARD, veto.reason)
            return
        match self.verdict(experiment):
            case Keep(reason):
                self.confirm(experiment, reason)
            case Discard(reason):
                self.finish(experiment, Outcome.MEASURED, Decision.DISCARD, reason)
            case More(side, _):
                experiment.wants = Task.INCUMBENT if side is Side.INCUMBENT else Task.SAMPLE

    def verdict(self, experiment: Open) -> Verdict:
        """The rule's; a change that removes code and is no gain gets a second chance."""
        experiment.flags = tuple(flag for flag in experiment.flags if flag != SIMPLER)
        evidence = evidence_for(experiment, self.history)
        verdict = self.parts.rule(evidence)
        allowed = tolerated(self.history, self.settings.standards.max_loss) if isinstance(verdict, Discard) else 0.0
        journal, draft = self.parts.journal, experiment.draft
        if not allowed or net_lines(journal.files(draft.parent_commit), journal.files(draft.commit)) >= 0:
            return verdict
        second = self.parts.simpler(allowed)(evidence)
        if isinstance(second, Keep):
            experiment.flags += (SIMPLER,)
        return verdict if isinstance(second, Discard) else second

    def confirm(self, experiment: Open, reason: str) -> None:
        """The rule says keep: what else must hold is run, one thing after the other, and the rule asked again."""
        if experiment.draft.parent != self.parts.strategy.parent(self.history).number:
            self.carry(experiment, reason)
            return
        match confirm(experiment, self.history, self.settings.standards):
            case Task() as task:
                experiment.wants = task
            case Veto(outcome, why):
                experiment.flags += (VETOED,)
                self.finish(experiment, outcome, Decision.DISCARD, why)
            case None:
                if experiment.suspicion:
                    experiment.flags += (SUSPICIOUS,)
                    reason += f"; suspicious at first ({experiment.suspicion}), and so again in a fresh worktree"
                self.finish(experiment, Outcome.MEASURED, Decision.KEEP, reason)

    def carry(self, experiment: Open, reason: str) -> None:
        """It is better than what is the incumbent no longer: its change is tried again, on the one that is."""
        old, draft, proposal = experiment.draft.parent, experiment.draft, experiment.draft.proposal
        said = f"better than #{old}, no longer the incumbent ({reason})"
        before = next((one for one in self.history.kept if one.number == old), None)
        # It takes the place of the one that ends here.
        why_not = self.no_room(1)
        if before is None or why_not:
            said = f"{said}; not tried again: {why_not or f'#{old} was taken back'}"
            self.finish(experiment, Outcome.MEASURED, Decision.DISCARD, said)
            return
        said = f"{said}; tried again as #{self.parts.journal.next_number}"
        self.finish(experiment, Outcome.MEASURED, Decision.DISCARD, said)
        # Whether it brings nothing is not known yet.
        self.since_keep -= 1
        change = Ready(replace(proposal, usage=FREE, prompt="", reply=""), draft.tree, before)
        if self.try_again(change, draft.number) is not None:
            # First in line.
            self.open.insert(0, self.open.pop())

    def try_again(self, ready: Ready, number: int) -> Open | None:
        """The change of that experiment on the present incumbent; in its place where it does not fit and is better."""
        incumbent, metric = self.parts.strategy.parent(self.history), self.history.metric(number)
        answer = self.parts.gate.carry(ready, incumbent, self.known)
        gain = None if metric is None else self.history.gain(metric, incumbent.number)
        if isinstance(answer, Ready) or gain is None or gain <= 0:
            return self.admit(answer, number)
        why = f"Tried in the place of #{incumbent.number}, not on top of it ({answer.reason})."
        proposal = replace(ready.proposal, hypothesis=f"{ready.proposal.hypothesis}\n\n{why}")
        return self.begin(incumbent, ready.tree, proposal, number)

    def weigh_baseline(self, experiment: Open) -> None:
        """Raises BaselineFailed for one that cannot do what is asked: with it nothing could ever be kept."""
        match next_step(experiment, self.settings, self.parts.meter):
            case Task() as task:
                experiment.wants = task
            case Unfit(reason, hint):
                self.finish(experiment, Outcome.CHECKS_FAILED, Decision.DISCARD, reason)
                raise BaselineFailed(f"the baseline failed: {reason}", hint=hint)
            case None:
                experiment.flags += flags_of(experiment)
                self.finish(experiment, Outcome.MEASURED, Decision.KEEP, "the baseline")

    def lose_incumbent(self, experiment: Open, task: Task, execution: Unmeasured) -> None:
        """The incumbent, measured before, gave no number: once is an accident. Raises RunError at the second time."""
        if experiment.lost_incumbents < 2:
            experiment.wants = task
            return
        number = experiment.draft.parent
        raise RunError(
            f"the incumbent, experiment {number}, cannot be measured any more: {execution.reason}",
            hint=f"something besides the code has changed; ar log {number} --output shows the end",
        )

    def fail(self, experiment: Open) -> None:
        """The experiment ends as its last sample did. Raises BaselineFailed: without one nothing can go on."""
        last = experiment.failed or experiment.last
        if not isinstance(last, Unmeasured):
            raise RunError(f"experiment {experiment.draft.number} ended without a result")
        self.finish(experiment, last.outcome, Decision.DISCARD, last.reason)
        if experiment.is_baseline and last.outcome is not Outcome.INTERRUPTED:
            raise BaselineFailed(f"the baseline failed: {last.reason}", output=last.tail)

    def finish(self, experiment: Open, outcome: Outcome, decision: Decision, reason: str) -> None:
        """Record the result, then tell everybody."""
        self.parts.executor.settle(experiment.draft.number, keep=decision is Decision.KEEP)
        if decision is Decision.DISCARD:
            experiment.flags = tuple(flag for flag in experiment.flags if flag != SIMPLER)
        is_mixed = experiment.besides or len(experiment.took) < len(experiment.samples)
        if not experiment.is_baseline and is_mixed and experiment.took:
            experiment.flags += (f"{SLOWEST}{max(experiment.took):.3f}",)
        result = experiment.result(outcome, decision, reason, self.till.unbilled)
        finished = self.parts.journal.finish(experiment.draft, result)
        self.open.remove(experiment)
        self.till.ended(experiment)
        if not experiment.is_baseline and outcome is not Outcome.INTERRUPTED:
            self.parts.meter.count_experiment()
            self.since_keep = 0 if decision is Decision.KEEP else self.since_keep + 1
        # With the samples that were taken of its parent for it: as the record will show it.
        parent = experiment.draft.parent
        against = None if parent is None else self.history.metric(parent)
        self.parts.announce(events.ExperimentFinished(finished, against))

    def close(self, why: str) -> None:
        """End what is still open: as its last sample did, or as interrupted when it was only waiting for one."""
        for experiment in list(self.open):
            if isinstance(experiment.last, Unmeasured):
                self.fail(experiment)
            else:
                reason = f"{why}: stopped before it could be judged"
                self.finish(experiment, Outcome.INTERRUPTED, Decision.DISCARD, reason)
