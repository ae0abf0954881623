"""The loop with fakes at the four Protocols: what is asked, run, kept, counted, and when it ends."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from autoresearch.core import events
from autoresearch.core.budget import Budget, Meter
from autoresearch.core.decision import keep_if_better, proved
from autoresearch.core.edit import Change
from autoresearch.core.experiment import Decision, Execution, Measured, Outcome, Result, Sample, Unmeasured, Usage
from autoresearch.core.history import Direction, History
from autoresearch.core.ports import Job
from autoresearch.core.quantity import Gain
from autoresearch.core.scope import Scope
from autoresearch.errors import BaselineFailed, ProposalFailed, ProposerBroken, RunError
from autoresearch.gate import Gate
from autoresearch.loop import Loop
from autoresearch.orders import Parts, Settings
from autoresearch.record.memory import MemoryJournal
from autoresearch.strategy import Greedy
from tests.support.fakes import Answer, ComputingExecutor, ScriptedProposer, by_number, setting

SCOPE = Scope(("x.txt",), ())


@dataclass
class Bench:
    """A loop on a toy task: one file with one number, which is the metric."""

    answers: Sequence[Answer]
    start: str = "5\n"
    budget: Budget = field(default_factory=Budget)
    settings: Settings = field(default_factory=Settings)
    direction: Direction = Direction.MIN
    experiment: object = by_number
    seen: list[events.Event] = field(default_factory=list)
    now: float = 0.0

    def __post_init__(self) -> None:
        self.history = History(self.direction)
        self.journal = MemoryJournal({"x.txt": self.start}, SCOPE, self.history)
        self.proposer = ScriptedProposer(self.answers)
        self.executor = ComputingExecutor(self.journal, self.experiment)  # type: ignore[arg-type]
        self.meter = Meter(self.budget, lambda: self.now)

    def loop(self) -> Loop:
        gate = Gate(self.proposer, self.journal, SCOPE)
        rule = keep_if_better(self.direction, Gain())
        parts = Parts(
            gate, self.executor, Greedy(), self.journal, rule, self.meter, self.seen.append, lambda: "be better"
        )
        return Loop(parts, self.settings)

    def run(self) -> str:
        return self.loop().run()

    def advance(self, seconds: float) -> None:
        self.now += seconds

    def rows(self) -> list[tuple[int, str, str]]:
        return [(one.number, one.decision.value, one.title) for one in self.history.experiments]


def test_better_is_kept_and_worse_discarded() -> None:
    bench = Bench([setting(4), setting(6), setting(3)])
    assert bench.run() == "the script is at its end"
    assert bench.rows() == [
        (0, "keep", "baseline"),
        (1, "keep", "x = 4"),
        (2, "discard", "x = 6"),
        (3, "keep", "x = 3"),
    ]
    assert bench.journal.branch == bench.history.experiments[3].commit
    assert not bench.journal.drafts


def test_equal_is_not_better() -> None:
    bench = Bench([setting("5.0")])
    bench.run()
    assert bench.rows()[1][1] == "discard"


def test_larger_is_better_when_the_direction_is_max() -> None:
    bench = Bench([setting(6), setting(4)], direction=Direction.MAX)
    bench.run()
    assert [row[1] for row in bench.rows()] == ["keep", "keep", "discard"]


def test_a_crash_is_recorded_and_discarded() -> None:
    bench = Bench([setting("crashed"), setting(4)])
    bench.run()
    crashed = bench.history.experiments[1]
    assert (crashed.outcome, crashed.decision, crashed.metric) == (Outcome.CRASHED, Decision.DISCARD, None)
    assert bench.rows()[2] == (2, "keep", "x = 4")


def test_a_failed_baseline_ends_the_run_with_the_end_of_its_output() -> None:
    bench = Bench([], start="no metric\n")
    with pytest.raises(BaselineFailed) as caught:
        bench.run()
    assert "no metric" in caught.value.message
    assert caught.value.output == "Traceback: boom"
    assert bench.history.experiments == []


def test_a_proposal_that_is_refused_comes_back_with_the_reason_and_is_rejected_at_the_third_time() -> None:
    bench = Bench([setting(4, "y.txt"), setting(5), setting(4, ".git/config"), setting(3)])
    bench.run()
    assert bench.rows()[1] == (1, "discard", "x = 4")
    rejected = bench.history.experiments[1]
    assert rejected.outcome is Outcome.REJECTED
    assert rejected.tree == bench.history.experiments[0].tree
    problems = [[one.problem for one in request.attempts] for request in bench.proposer.requests]
    assert [len(one) for one in problems] == [0, 1, 2, 0, 0]
    assert "y.txt is protected" in problems[1][0]


def test_the_same_files_are_not_run_twice() -> None:
    bench = Bench([setting(6), setting(6), setting(7)])
    bench.run()
    assert [job.number for job in bench.executor.jobs] == [0, 1, 2]
    assert "tried before, as experiment 1" in bench.proposer.requests[2].attempts[0].problem


def test_a_crash_is_repaired_within_the_experiment() -> None:
    bench = Bench([setting("crashed", usage=Usage(1, 1, 0.5)), setting(4, usage=Usage(1, 1, 0.5))])
    bench.settings = Settings(repair_attempts=2)
    bench.run()
    mended = bench.history.experiments[1]
    assert (mended.number, mended.title, mended.decision) == (1, "x = 4", Decision.KEEP)
    assert mended.usage == Usage(2, 2, 1.0)
    assert "boom" in bench.proposer.requests[1].attempts[0].problem
    assert [one.at for one in mended.samples] == [2, 3]


def test_a_crash_that_cannot_be_repaired_ends_as_a_crash() -> None:
    bench = Bench([setting("crashed"), ProposalFailed("no idea", spent_usd=0.25)])
    bench.settings = Settings(repair_attempts=2)
    bench.run()
    assert bench.history.experiments[1].outcome is Outcome.CRASHED
    assert bench.history.experiments[1].usage.cost_usd == 0.25


def test_what_failed_requests_cost_is_booked_on_the_next_experiment() -> None:
    bench = Bench([ProposalFailed("busy", tokens_in=7, spent_usd=0.5), setting(4)])
    bench.run()
    assert bench.history.experiments[1].usage == Usage(7, 0, 0.5)
    assert bench.meter.usage == Usage(7, 0, 0.5)


def test_ten_failed_requests_in_a_row_end_the_run_with_the_last_error() -> None:
    bench = Bench([ProposalFailed("busy") for _ in range(10)])
    with pytest.raises(ProposerBroken, match="10 proposals in a row came to nothing, the last with: busy"):
        bench.run()


def test_a_success_between_failures_starts_the_count_anew() -> None:
    nine: list[Answer] = [ProposalFailed("busy") for _ in range(9)]
    bench = Bench([*nine, setting(4), *nine, setting(3)])
    bench.run()
    assert len(bench.history.experiments) == 3


def test_a_budget_of_experiments_counts_rejected_ones_and_not_the_baseline() -> None:
    bench = Bench([setting(4), *[setting(4, "y.txt")] * 3, setting(3), setting(2)], budget=Budget(experiments=3))
    assert "experiment" in bench.run()
    assert [row[0] for row in bench.rows()] == [0, 1, 2, 3]


def test_a_money_budget_ends_the_run() -> None:
    bench = Bench([setting(4, usage=Usage(1, 1, 0.6)), setting(3, usage=Usage(1, 1, 0.6)), setting(2)])
    bench.budget = Budget(usd=1.0)
    bench.__post_init__()
    bench.run()
    assert len(bench.history.experiments) == 3


def test_nothing_is_started_that_cannot_end_in_the_time_left() -> None:
    def slow(files: Mapping[str, str], job: Job) -> Execution:
        bench.now += 40.0
        return Measured(by_number(files, job).value, 40.0)  # type: ignore[union-attr]

    bench = Bench([setting(4), setting(3), setting(2)], budget=Budget(seconds=100.0), experiment=slow)
    assert "left, and an experiment takes up to" in bench.run()
    assert len(bench.history.experiments) == 2


def test_patience_ends_a_run_that_keeps_nothing() -> None:
    bench = Bench([setting(6), setting(4), setting(7), setting(8), setting(3)], settings=Settings(patience=2))
    assert bench.run() == "2 experiments in a row kept nothing"
    assert len(bench.history.experiments) == 5


def test_the_target_ends_the_run() -> None:
    bench = Bench([setting(4), setting(3), setting(2)], settings=Settings(target=3.0))
    assert bench.run() == "the target 3 is reached"
    assert len(bench.history.experiments) == 3


def test_a_stop_interrupts_the_running_sample_and_records_it() -> None:
    bench = Bench([setting(4), setting(3)])
    bench.executor.hold = lambda job: job.number == 2
    loop = bench.loop()
    threading.Thread(target=lambda: (bench.executor.held.wait(), loop.stop("interrupted")), daemon=True).start()
    assert loop.run() == "interrupted"
    last = bench.history.experiments[-1]
    assert (last.number, last.outcome, last.decision) == (2, Outcome.INTERRUPTED, Decision.DISCARD)
    assert bench.executor.stops == [False]
    assert bench.meter.experiments == 1
    assert bench.history.tried(last.tree) is None


def test_time_that_is_up_interrupts_the_running_sample() -> None:
    bench = Bench([setting(4)], budget=Budget(seconds=60.0))
    bench.executor.hold = lambda job: job.number == 1 and not bench.advance(60.0)
    assert bench.run() == "the time budget is used up"
    assert bench.history.experiments[-1].outcome is Outcome.INTERRUPTED


def test_a_second_stop_is_passed_on_as_at_once() -> None:
    bench = Bench([setting(4)])
    bench.executor.hold = lambda job: job.number == 1
    loop = bench.loop()
    loop.stop("interrupted")
    loop.stop("interrupted", at_once=True)
    loop.run()
    assert bench.executor.stops[:2] == [False, True]


def test_an_interrupted_run_goes_on_where_it_was() -> None:
    bench = Bench([setting(4), setting(3)], budget=Budget(experiments=1))
    bench.run()
    bench.budget = Budget(experiments=1)
    bench.meter = Meter(bench.budget, lambda: 0.0)
    bench.run()
    assert [row[0] for row in bench.rows()] == [0, 1, 2]
    assert [sample.at for one in bench.history.experiments for sample in one.samples] == [1, 2, 3]


def test_an_incumbent_that_was_never_measured_is_sampled_first() -> None:
    bench = Bench([setting(4)], budget=Budget(experiments=0))
    bench.run()
    first = bench.history.incumbent
    tree = bench.journal.tree(first.commit, Change({"x.txt": "3\n"}))
    draft = bench.journal.draft(first, tree, setting(3), reverts=(0,))
    skipped = Result(Outcome.SKIPPED, Decision.KEEP, "by hand", (), (), {}, 0.0, datetime.now(UTC))
    bench.journal.finish(draft, skipped)
    bench.meter = Meter(Budget(), lambda: 0.0)
    bench.run()
    assert [job.number for job in bench.executor.jobs] == [0, 1, 2]
    assert bench.history.metric(1) == 3.0
    assert bench.rows()[2][1] == "discard"


def test_every_sample_has_its_own_seed_and_the_same_one_when_done_again() -> None:
    seeds = []
    for _ in range(2):
        bench = Bench([setting(4), setting(3)])
        bench.run()
        seeds.append([job.seed for job in bench.executor.jobs])
    assert seeds[0] == seeds[1]
    assert len(set(seeds[0])) == 3
    assert all(0 <= seed < 2**31 for seed in seeds[0])


def test_without_a_configured_limit_it_follows_from_the_baseline() -> None:
    bench = Bench([setting(4)], settings=Settings(baseline_limit=500.0))
    bench.run()
    assert [job.limit for job in bench.executor.jobs] == [500.0, 61.0]


def test_artifacts_are_kept_of_kept_experiments_only() -> None:
    bench = Bench([setting(4), setting(6)])
    bench.run()
    assert bench.executor.artifacts == [0, 1]


def test_what_happens_is_announced_in_order() -> None:
    bench = Bench([setting(4)])
    bench.run()
    names = [type(event).__name__ for event in bench.seen]
    assert names == [
        *("Proposed", "SampleStarted", "SampleFinished", "ExperimentFinished"),
        *("Proposing", "Proposed", "SampleStarted", "SampleFinished", "ExperimentFinished", "Proposing"),
    ]
    finished = bench.seen[8]
    assert isinstance(finished, events.ExperimentFinished)
    assert finished.against == 5.0


def test_an_exception_of_the_machinery_is_not_swallowed() -> None:
    def broken(files: Mapping[str, str], job: Job) -> Execution:
        raise OSError("disk on fire")

    bench = Bench([setting(4)], experiment=broken)
    with pytest.raises(OSError, match="disk on fire"):
        bench.run()


def test_undoing_a_revert_brings_back_what_it_had_taken() -> None:
    bench = Bench([setting(4), setting(3)])
    bench.run()
    for number, reverts in ((3, (2,)), (4, (3,))):
        draft = bench.journal.draft(bench.history.incumbent, bench.journal.base_tree(), setting(3), reverts)
        done = Result(Outcome.MEASURED, Decision.KEEP, "by hand", (Sample(3.0, 9),), (), {}, 0.0, datetime.now(UTC))
        assert bench.journal.finish(draft, done).number == number
    assert [number for number in range(5) if bench.history.is_reverted(number)] == [3]


def noisy(values: Mapping[str, Sequence[float]]) -> object:
    """An experiment that gives, for each content of x.txt, its values in turn, the last one for ever."""
    left = {text: list(numbers) for text, numbers in values.items()}

    def experiment(files: Mapping[str, str], job: Job) -> Execution:
        numbers = left[files["x.txt"].strip()]
        return Measured(numbers.pop(0) if len(numbers) > 1 else numbers[0], 1.0)

    return experiment


class Proving(Bench):
    """A loop with the rule that repeats samples."""

    def loop(self) -> Loop:
        loop = super().loop()
        loop.parts = replace(loop.parts, rule=proved(self.direction, Gain()))
        loop.judge.parts = loop.parts
        return loop


REPEATED = Settings(baseline_samples=None, refresh=4)


def test_the_baseline_is_sampled_until_its_noise_is_known() -> None:
    bench = Proving([], settings=REPEATED, experiment=noisy({"5": [5.0, 5.2, 4.8]}))
    bench.run()
    assert [sample.value for sample in bench.history.samples(0)] == [5.0, 5.2, 4.8]
    assert bench.history.metric(0) == pytest.approx(5.0)


def test_a_long_baseline_is_sampled_once() -> None:
    bench = Proving([], settings=REPEATED, budget=Budget(seconds=10.0), experiment=noisy({"5": [5.0]}))
    bench.run()
    assert len(bench.history.samples(0)) == 1


def test_a_deterministic_metric_costs_one_sample_for_each_candidate() -> None:
    bench = Proving([setting(4), setting(6), setting(3)], settings=replace(REPEATED, refresh=None))
    bench.run()
    assert [len(one.samples) for one in bench.history.experiments] == [3, 1, 1, 1]
    assert [row[1] for row in bench.rows()] == ["keep", "keep", "discard", "keep"]


def test_a_lucky_sample_is_found_out_by_the_next_ones() -> None:
    values = {"5": [5.0, 5.2, 4.8, 5.1, 4.9], "4": [4.7, 5.1, 5.0]}
    bench = Proving([setting(4)], settings=REPEATED, experiment=noisy(values))
    bench.run()
    lucky = bench.history.experiments[1]
    assert lucky.decision is Decision.DISCARD
    assert len(lucky.samples) + len(lucky.incumbent_samples) > 1
    assert "noise" in lucky.reason


def test_a_real_gain_is_kept_and_its_number_is_the_mean() -> None:
    values = {"5": [5.0, 5.2, 4.8, 5.1, 4.9], "4": [4.0, 4.2, 3.8, 4.0]}
    bench = Proving([setting(4)], settings=REPEATED, experiment=noisy(values))
    bench.run()
    kept = bench.history.experiments[1]
    assert kept.decision is Decision.KEEP
    assert len(kept.values) >= 2
    assert kept.metric == pytest.approx(sum(kept.values) / len(kept.values))


def test_samples_of_the_incumbent_for_another_experiment_count_for_its_mean() -> None:
    values = {"5": [5.0, 5.2, 4.8, 5.4], "6": [6.0], "7": [7.0], "8": [8.0], "9": [9.0], "10": [9.0]}
    bench = Proving([setting(value) for value in (6, 7, 8, 9, 10)], settings=REPEATED, experiment=noisy(values))
    bench.run()
    refreshed = [one for one in bench.history.experiments if one.incumbent_samples]
    assert [pair[0] for one in refreshed for pair in one.incumbent_samples] == [0]
    assert bench.history.metric(0) == pytest.approx(5.1)
    assert bench.history.baseline is not None
    assert bench.history.baseline.metric == pytest.approx(5.0)


def test_an_incumbent_that_cannot_be_measured_any_more_ends_the_run() -> None:
    lost: list[int] = []

    def breaks(files: Mapping[str, str], job: Job) -> Execution:
        if job.number == 0 and job.sample > 3:
            lost.append(job.sample)
            return Unmeasured(Outcome.CRASHED, "the disk is gone", 1.0)
        return by_number(files, job)

    answers = [setting(value) for value in (6, 7, 8, 9, 10)]
    bench = Proving(answers, settings=REPEATED, experiment=breaks)
    with pytest.raises(RunError, match="the incumbent, experiment 0, cannot be measured any more: the disk is gone"):
        bench.run()
    assert lost == [4, 5]


def test_a_candidate_that_crashes_on_its_second_sample_is_a_crash() -> None:
    def flaky(files: Mapping[str, str], job: Job) -> Execution:
        if job.number == 1 and job.sample == 2:
            return Unmeasured(Outcome.CRASHED, "it crashed", 1.0)
        return values(files, job)

    values = noisy({"5": [5.0, 5.2, 4.8], "1": [1.0]})
    bench = Proving([setting(1)], settings=REPEATED, experiment=flaky)
    bench.run()
    crashed = bench.history.experiments[1]
    assert (crashed.outcome, crashed.decision, crashed.metric) == (Outcome.CRASHED, Decision.DISCARD, None)


def test_the_limit_follows_from_the_slowest_sample_of_the_baseline() -> None:
    seconds = iter([300.0, 10.0, 10.0, 1.0])

    def cold(files: Mapping[str, str], job: Job) -> Execution:
        return Measured(5.0 if job.number == 0 else 6.0, next(seconds))

    bench = Proving([setting(6)], settings=REPEATED, experiment=cold)
    bench.run()
    assert bench.executor.jobs[-1].limit == 600.0


def test_a_second_sample_is_not_started_when_it_cannot_end_in_time() -> None:
    def slow(files: Mapping[str, str], job: Job) -> Execution:
        bench.advance(30.0)
        return Measured(values[files["x.txt"].strip()].pop(0), 30.0)

    values = {"5": [5.0, 5.2, 4.8], "4": [4.0, 4.2]}
    bench = Proving([setting(4)], settings=Settings(baseline_samples=3), budget=Budget(seconds=140.0), experiment=slow)
    assert "left, and an experiment takes up to" in bench.run()
    last = bench.history.experiments[-1]
    assert (last.outcome, len(last.samples)) == (Outcome.INTERRUPTED, 1)


def test_a_baseline_ends_with_the_samples_for_which_there_was_time() -> None:
    def slow(files: Mapping[str, str], job: Job) -> Execution:
        bench.advance(30.0)
        return Measured(5.0, 30.0)

    bench = Proving([setting(4)], settings=Settings(baseline_samples=3), budget=Budget(seconds=80.0), experiment=slow)
    bench.run()
    assert [len(one.samples) for one in bench.history.experiments] == [2]


def test_a_baseline_that_was_interrupted_by_nobody_ends_the_run() -> None:
    def deleted(files: Mapping[str, str], job: Job) -> Execution:
        return Unmeasured(Outcome.INTERRUPTED, "the worktree was deleted", 1.0)

    bench = Bench([setting(4)], experiment=deleted)
    assert bench.run() == "the baseline was interrupted"
    assert bench.history.experiments == []


def test_ten_rejected_proposals_in_a_row_end_the_run_as_ten_failed_ones_do() -> None:
    bench = Bench([setting(3, "y.txt")] * 60)
    with pytest.raises(ProposerBroken, match=r"10 proposals in a row came to nothing, the last was rejected: y\.txt"):
        bench.run()
    assert [one.outcome for one in bench.history.experiments[1:]] == [Outcome.REJECTED] * 10


def test_a_replay_goes_on_however_many_of_its_changes_cannot_be_made() -> None:
    bench = Bench([*[setting(3, "y.txt")] * 48, setting(4)], settings=Settings(is_replay=True))
    bench.run()
    outcomes = [one.outcome for one in bench.history.experiments[1:]]
    assert outcomes.count(Outcome.REJECTED) > 10
    assert outcomes[-1] is Outcome.MEASURED


@pytest.mark.parametrize(("is_replay", "again"), [(False, 1), (True, None)])
def test_what_the_person_took_back_may_be_replayed_and_is_not_proposed_again(
    is_replay: bool, again: int | None
) -> None:
    bench = Bench([setting(4)], settings=Settings(is_replay=is_replay))
    bench.run()
    loop, kept = bench.loop(), bench.history.experiments[1]
    assert loop.judge.tried(kept.tree) == 1
    back = replace(kept, number=2, tree="t", commit="c", parent=1, reverts=(1,))
    bench.history.add(back)
    assert loop.judge.tried(kept.tree) == again
