"""What goes wrong in the middle of a run: machines are lost, experiments crash, calls are paid for nothing.

The record stays true, and the run goes on where it can.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import replace

import pytest

from autoresearch.baseline import BASELINE
from autoresearch.core import events
from autoresearch.core.budget import Budget
from autoresearch.core.decision import proved
from autoresearch.core.edit import Replace
from autoresearch.core.experiment import (
    SUSPICIOUS,
    Execution,
    Measured,
    Outcome,
    Proposal,
    Unmeasured,
    Usage,
    slowest_sample,
)
from autoresearch.core.history import Direction
from autoresearch.core.ports import Job, Request, Task
from autoresearch.core.quantity import Gain
from autoresearch.errors import ProposalFailed, RunError, SampleLost
from autoresearch.orders import Settings
from tests.support.fakes import ScriptedProposer
from tests.support.toy_loop import PATIENCE, Hears, Toy, Watched, edit, is_end_of, total

PROVED = proved(Direction.MIN, Gain())


def noisy(files: Mapping[str, str], job: Job) -> Execution:
    """The sum, a little more with every third sample; each has cost a dollar."""
    execution = total(files, job)
    assert isinstance(execution, Measured)
    return Measured(execution.value + job.sample % 3 / 100, 1.0, {"usd": 1.0})


def paid(number: int) -> Proposal:
    return Proposal(f"{number}", "", (Replace("x.txt", "a = 5", f"a = {number}"),), "script", Usage(1, 1, 0.25))


# --- crashes


def test_a_crash_is_repaired_on_the_incumbent_that_its_experiment_was_made_for() -> None:
    ended = threading.Event()
    crashed: list[int] = []

    def experiment(files: Mapping[str, str], job: Job) -> Execution:
        if job.number == 2 and not crashed:
            crashed.append(2)
            assert ended.wait(PATIENCE)
            return Unmeasured(Outcome.CRASHED, "boom", 1.0, tail="Traceback")
        return total(files, job)

    class Mends(ScriptedProposer):
        def propose(self, request: Request) -> Proposal:
            if request.attempts:
                self.requests.append(request)
                return edit("b = 5", "b = 6")
            return super().propose(request)

    proposer = Mends([edit("a = 5", "a = 1"), edit("b = 5", "b = 9")])
    task = Toy(proposer, Settings(workers=2, repair_attempts=1), experiment)
    task.seen = Hears(lambda event: is_end_of(event, 1) and ended.set())  # type: ignore[assignment]
    task.run()
    [repair] = [request for request in proposer.requests if request.attempts]
    assert repair.parent.number == 0
    assert task.file(2) == "a = 5\n\n\nb = 6\n"
    assert task.history.metric(2) == 11.0


def test_how_long_a_crash_took_does_not_make_the_repaired_change_suspicious() -> None:
    def experiment(files: Mapping[str, str], job: Job) -> Execution:
        if files["x.txt"].startswith("a = 9"):
            return Unmeasured(Outcome.CRASHED, "boom", 0.2, tail="Traceback")
        return replace(total(files, job), seconds=10.0)

    proposer = ScriptedProposer([edit("a = 5", "a = 9"), edit("a = 5", "a = 4")])
    task = Toy(proposer, Settings(repair_attempts=1), experiment)
    task.run()
    [_, repaired] = task.history.experiments
    assert (repaired.is_kept, repaired.reason.startswith("better")) == (True, True)
    assert SUSPICIOUS not in repaired.flags
    assert slowest_sample(repaired) == 10.0


def test_a_sample_that_hung_does_not_end_the_run_before_its_time() -> None:
    def experiment(files: Mapping[str, str], job: Job) -> Execution:
        if files["x.txt"].startswith("a = 9"):
            return Unmeasured(Outcome.TIMED_OUT, "61 s", 61.0)
        return total(files, job)

    proposer = ScriptedProposer([edit("a = 5", "a = 9"), edit("a = 5", "a = 4")])
    task = Toy(proposer, Settings(), experiment, Budget(seconds=60.0))
    assert task.run() == "the script is at its end"
    assert [row[:2] for row in task.rows()] == [(0, "keep"), (1, "discard"), (2, "keep")]


# --- machines that are lost


def test_a_warm_up_that_is_lost_is_made_once_more() -> None:
    lost: list[Task] = []

    def unlucky(files: Mapping[str, str], job: Job) -> Execution:
        if job.task is Task.WARM_UP and not lost:
            lost.append(job.task)
            raise SampleLost("node 7 is gone")
        return total(files, job)

    task = Toy(ScriptedProposer([edit("a = 5", "a = 4")]), Settings(warm_up=True), unlucky)
    task.run()
    assert [job.task for job in task.executor.jobs[:3]] == [Task.WARM_UP, Task.WARM_UP, Task.SAMPLE]
    assert [row[:2] for row in task.rows()] == [(0, "keep"), (1, "keep")]


def test_a_sample_of_the_final_check_that_is_lost_is_taken_again() -> None:
    lost: list[int] = []

    def unlucky(files: Mapping[str, str], job: Job) -> Execution:
        if len(task.history.kept) == 2 and len(lost) < 2:
            lost.append(job.sample)
            raise SampleLost("node 7 is gone")
        return noisy(files, job)

    task = checked(unlucky)
    task.run()
    assert task.loop.final is not None
    assert lost[0] == lost[1]
    warned = [event.message for event in task.seen if isinstance(event, events.Warned)]
    assert warned == [f"sample {lost[0]} of #0 is taken again: node 7 is gone"] * 2


def test_a_final_check_whose_machine_is_gone_leaves_the_run_as_it_is() -> None:
    def gone(files: Mapping[str, str], job: Job) -> Execution:
        if len(task.history.kept) == 2:
            raise SampleLost("the GPU is gone", slot_is_gone=True)
        return noisy(files, job)

    task = checked(gone)
    assert task.run() == "the script is at its end"
    assert task.loop.final is None
    assert "the final check ended early: the GPU is gone" in [
        event.message for event in task.seen if isinstance(event, events.Warned)
    ]


def test_the_final_check_runs_in_a_slot_that_is_left() -> None:
    def breaks(files: Mapping[str, str], job: Job) -> Execution:
        if job.slot == 0 and job.number:
            raise SampleLost("GPU 0 is gone", slot_is_gone=True)
        return noisy(files, job)

    task = checked(breaks, workers=2)
    task.run()
    assert task.loop.final is not None
    assert {job.slot for job in task.executor.jobs[-2:]} == {1}


def test_a_final_check_that_finds_no_room_is_said_to_be_missing() -> None:
    task = checked(noisy, budget=Budget(experiments=2))
    task.run()
    assert task.loop.final is None
    warned = [event.message for event in task.seen if isinstance(event, events.Warned)]
    assert warned == ["no final check: the last tenth of the budget has no room for two samples"]


def checked(experiment: object, workers: int = 1, budget: Budget | None = None, cost_name: str = "") -> Toy:
    settings = Settings(workers=workers, baseline_samples=3, final_check=True, cost_name=cost_name)
    proposer = ScriptedProposer([edit("a = 5", "a = 1")])
    return Toy(proposer, settings, experiment, budget or Budget(experiments=100), PROVED)  # type: ignore[arg-type]


# --- money


def test_the_final_check_spends_no_more_than_there_is() -> None:
    task = checked(noisy, budget=Budget(experiments=100, usd=8.5), cost_name="usd")
    task.run()
    before = sum(one.usage.cost_usd or 0.0 for one in task.history.experiments)
    spent = task.loop.parts.meter.purse.usd
    assert before < spent <= 8.5
    assert task.journal.held[-1] == spent - before


def test_what_was_paid_and_never_begun_stays_in_the_record_when_the_run_fails() -> None:
    proposer = Watched([paid(number) for number in (6, 7, 8)])

    def breaks(files: Mapping[str, str], job: Job) -> Execution:
        if job.number == 1:
            assert proposer.came[3].wait(PATIENCE)
            assert waits.wait(PATIENCE)
            raise SampleLost("the GPU is gone", slot_is_gone=True)
        return total(files, job)

    waits = threading.Event()
    task = Toy(proposer, Settings(lookahead=2), breaks)
    hold = task.journal.hold
    task.journal.hold = lambda usd: (hold(usd), waits.set() if usd == 0.5 else None)[0]  # type: ignore[method-assign]
    with pytest.raises(RunError, match="the GPU is gone"):
        task.run()
    task.loop.abandon("the GPU is gone")
    recorded = sum(one.usage.cost_usd or 0.0 for one in task.history.experiments)
    assert recorded + (task.loop.judge.till.unbilled.cost_usd or 0.0) == 0.75


def test_what_runs_in_another_slot_when_the_run_fails_is_booked() -> None:
    runs, stopped = threading.Event(), threading.Event()

    def experiment(files: Mapping[str, str], job: Job) -> Execution:
        if job.task is Task.INCUMBENT:
            assert runs.wait(PATIENCE)
            return Unmeasured(Outcome.CRASHED, "it is gone", 1.0)
        if job.number == 2:
            runs.set()
            assert stopped.wait(PATIENCE)
            return Unmeasured(Outcome.INTERRUPTED, "stopped", 100.0)
        return total(files, job)

    proposer = ScriptedProposer([edit("a = 5", "a = 4"), edit("b = 5", "b = 4")])
    settings = Settings(workers=2, usd_per_second=1.0, refresh=0)
    task = Toy(proposer, settings, experiment, rule=PROVED)
    task.prepare()
    stop = task.executor.stop
    task.executor.stop = lambda *, at_once: (stop(at_once=at_once), stopped.set())[0]  # type: ignore[method-assign]
    with pytest.raises(RunError, match="cannot be measured any more"):
        task.loop.run()
    task.loop.abandon("the incumbent is gone")
    second = task.history.get(2)
    assert second is not None
    assert (second.outcome, second.seconds, second.usage.cost_usd) == (Outcome.INTERRUPTED, 100.0, 100.0)
    assert task.loop.running == 0


def test_what_failed_proposals_cost_is_in_the_record_at_once() -> None:
    failures = [ProposalFailed("no", spent_usd=0.5) for _ in range(3)]
    four = threading.Event()

    def experiment(files: Mapping[str, str], job: Job) -> Execution:
        assert job.number == 0 or four.wait(PATIENCE)
        return total(files, job)

    told: list[float] = []
    proposer = ScriptedProposer([edit("a = 5", "a = 6"), *failures, edit("a = 5", "a = 7")])
    task = Toy(proposer, Settings(lookahead=1), experiment)
    spend, hold = task.journal.spend, task.journal.hold

    def note(usd: float | None) -> None:
        told.append(usd or 0.0)
        if usd == 1.5:
            four.set()

    task.journal.spend = lambda draft, usage: (spend(draft, usage), note(usage.cost_usd))[0]  # type: ignore[method-assign]
    task.journal.hold = lambda usd: (hold(usd), note(usd))[0]  # type: ignore[method-assign]
    task.run()
    assert 1.5 in told
    assert sum(one.usage.cost_usd or 0.0 for one in task.history.experiments) == 1.5


def test_what_a_failed_baseline_cost_is_told_by_its_own_ref_until_the_next_one_begins() -> None:
    task = Toy(ScriptedProposer([]), Settings())
    task.journal.left_over = lambda: Usage(cost_usd=1.5)  # type: ignore[method-assign]
    task.prepare()
    assert task.loop.judge.till.unbilled.cost_usd == 0.0
    task.loop.judge.begin(None, task.journal.base_tree(), BASELINE)
    assert task.loop.judge.till.unbilled.cost_usd == 1.5


# --- several slots


def test_all_samples_of_a_baseline_are_taken_beside_as_many_others() -> None:
    """Four where three would do: a lone third one would have had the machine for itself."""
    both = threading.Barrier(2)

    def experiment(files: Mapping[str, str], job: Job) -> Execution:
        both.wait(PATIENCE)
        return total(files, job)

    task = Toy(ScriptedProposer([]), Settings(workers=2, baseline_samples=None), experiment, rule=PROVED)
    task.run()
    assert len(task.history.samples(0)) == 4


def test_one_fresh_sample_of_the_incumbent_serves_all_that_are_open() -> None:
    def experiment(files: Mapping[str, str], job: Job) -> Execution:
        time.sleep(0.02 * (job.number > 0))
        return noisy(files, job)

    taken = []
    for workers in (1, 4):
        proposer = ScriptedProposer([edit("a = 5", f"a = {number}") for number in range(6, 30)])
        settings = Settings(workers=workers, lookahead=workers + 1, baseline_samples=4, refresh=8)
        task = Toy(proposer, settings, experiment, rule=PROVED)
        task.run()
        taken.append(sum(job.task is Task.INCUMBENT for job in task.executor.jobs))
        at = [sample.at for sample in task.history.samples(0)]
        assert at == sorted(at)
    assert taken[1] <= taken[0] + 1


def test_a_slot_that_no_experiment_is_left_for_waits_for_nothing() -> None:
    def experiment(files: Mapping[str, str], job: Job) -> Execution:
        time.sleep(0.3 * (job.number > 0))
        return total(files, job)

    settings = Settings(workers=4, lookahead=5)
    task = Toy(ScriptedProposer([edit("a = 5", "a = 6")]), settings, experiment, Budget(experiments=1))
    task.run()
    assert sum(task.loop.clock.used().waited.values()) < 0.3


def test_patience_ends_when_nothing_is_under_way_that_may_be_kept() -> None:
    """Of two slots the second brings a keep after the first has brought nothing."""
    ended = threading.Event()

    def experiment(files: Mapping[str, str], job: Job) -> Execution:
        assert job.number != 2 or ended.wait(PATIENCE)
        return total(files, job)

    worse = [edit("a = 5", f"a = {number}") for number in (6, 7, 8, 9)]
    proposer = ScriptedProposer([worse[0], edit("b = 5", "b = 4"), *worse[1:]])
    task = Toy(proposer, Settings(workers=2, patience=2), experiment)
    task.seen = Hears(lambda event: is_end_of(event, 1) and ended.set())  # type: ignore[assignment]
    assert task.run() == "2 experiments in a row kept nothing"
    assert [row[1] for row in task.rows()] == ["keep", "discard", "keep", "discard", "discard"]
