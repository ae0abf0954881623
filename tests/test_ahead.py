"""The loop with several things under way: proposals ahead, slots side by side, changes carried over."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Mapping
from dataclasses import replace

import pytest

from autoresearch.core import events
from autoresearch.core.budget import Budget
from autoresearch.core.decision import proved
from autoresearch.core.edit import Replace
from autoresearch.core.experiment import Decision, Execution, Measured, Outcome, Proposal, Usage
from autoresearch.core.history import Direction
from autoresearch.core.ports import Job, Request, Task
from autoresearch.core.quantity import Gain
from autoresearch.errors import ProposalFailed, ProposalsExhausted, RunError, SampleLost
from autoresearch.orders import Settings
from tests.support.fakes import ScriptedProposer
from tests.support.toy_loop import (
    PATIENCE,
    Free,
    Toy,
    Watched,
    edit,
    second_after_first,
    total,
    waiting_for,
)


def test_the_next_proposals_are_thought_of_while_an_experiment_runs() -> None:
    proposer = Watched([edit("a = 5", "a = 6"), edit("a = 5", "a = 7"), edit("a = 5", "a = 8")])
    task = Toy(proposer, Settings(lookahead=2), waiting_for(proposer.came[3], 1))
    task.run()
    assert [row[0] for row in task.rows()] == [0, 1, 2, 3]


def test_without_look_ahead_nothing_is_asked_before_the_result_is_there() -> None:
    proposer = Watched([edit("a = 5", "a = 4"), edit("a = 4", "a = 3")])
    task = Toy(proposer, Settings())
    task.run()
    assert [request.parent.number for request in proposer.requests] == [0, 1, 2]


def test_a_proposer_is_told_what_is_in_flight() -> None:
    proposer = ScriptedProposer([edit("a = 5", "a = 6"), edit("a = 5", "a = 7"), edit("a = 5", "a = 8")])
    task = Toy(proposer, Settings(lookahead=2))
    task.run()
    assert proposer.requests[0].in_flight == ()
    assert proposer.requests[1].in_flight == ("a = 5 to a = 6",)
    assert proposer.requests[2].in_flight == ("a = 5 to a = 6", "a = 5 to a = 7")


def test_a_change_made_for_an_older_incumbent_is_made_on_the_new_one() -> None:
    proposer = Watched([edit("a = 5", "a = 4"), edit("b = 5", "b = 3")])
    task = Toy(proposer, Settings(lookahead=1), waiting_for(proposer.came[2], 1))
    task.run()
    assert [request.parent.number for request in proposer.requests[:2]] == [0, 0]
    assert task.file(2) == "a = 4\n\n\nb = 3\n"
    second = task.history.get(2)
    assert second is not None
    assert (second.parent, second.decision) == (1, Decision.KEEP)


def test_one_that_does_not_fit_the_new_incumbent_is_recorded_as_rejected() -> None:
    proposer = Watched([edit("a = 5", "a = 4"), edit("a = 5", "a = 3")])
    task = Toy(proposer, Settings(lookahead=1), waiting_for(proposer.came[2], 1))
    task.run()
    second = task.history.get(2)
    assert second is not None
    assert second.outcome is Outcome.REJECTED
    assert second.reason == "made for #0, on #1: conflict in x.txt"


def test_what_the_new_incumbent_has_already_is_recorded_as_rejected() -> None:
    both = edit("a = 5", "a = 4")
    both = replace(both, edits=(*both.edits, Replace("y.txt", "c = 5", "c = 3")))
    proposer = Watched([both, edit("a = 5", "a = 4")])
    task = Toy(proposer, Settings(lookahead=1), waiting_for(proposer.came[2], 1))
    task.run()
    second = task.history.get(2)
    assert second is not None
    assert second.outcome is Outcome.REJECTED
    assert "it is there already" in second.reason


def test_a_proposer_hears_at_once_that_its_change_is_running_already() -> None:
    proposer = Watched([edit("a = 5", "a = 6"), edit("a = 5", "a = 6"), edit("a = 5", "a = 7")])
    task = Toy(proposer, Settings(lookahead=1), waiting_for(proposer.came[3], 1))
    task.run()
    [attempt] = proposer.requests[2].attempts
    assert attempt.problem == "exactly these files are proposed already, and wait for their turn"
    assert [row[0] for row in task.rows()] == [0, 1, 2]


def test_a_free_proposer_is_asked_anew_when_the_incumbent_has_moved() -> None:
    proposer = Free([edit("a = 5", "a = 4"), edit("b = 5", "b = 3"), edit("a = 4", "a = 2")])
    came = threading.Event()
    asked = proposer.propose

    def propose(request: Request) -> Proposal:
        answer = asked(request)
        if len(proposer.requests) == 2:
            came.set()
        return answer

    proposer.propose = propose  # type: ignore[method-assign]
    task = Toy(proposer, Settings(lookahead=1), waiting_for(came, 1))
    task.run()
    assert [request.parent.number for request in proposer.requests[:3]] == [0, 0, 1]
    assert task.rows()[2] == (2, "keep", "a = 4 to a = 2")


def test_a_last_experiment_that_is_rejected_uses_up_the_budget_like_any_other() -> None:
    never = Proposal("never", "It may be better.", (Replace("x.txt", "no such line", "x"),), "script")
    task = Toy(ScriptedProposer([never] * 3), Settings(), budget=Budget(seconds=600.0, experiments=1))
    assert task.run() == "the experiment budget of 1 is used up"
    assert task.history.experiments[-1].outcome is Outcome.REJECTED


def test_slots_run_side_by_side() -> None:
    both = threading.Barrier(2)

    def together(files: Mapping[str, str], job: Job) -> Execution:
        both.wait(PATIENCE)
        return total(files, job)

    task = Toy(
        ScriptedProposer([edit("a = 5", "a = 6"), edit("a = 5", "a = 7")]),
        Settings(workers=2, lookahead=2, baseline_samples=2),
        together,
    )
    task.run()
    assert len(task.rows()) == 3
    assert {one.slot for one in task.history.experiments} == {0, 1}


def test_a_baseline_is_sampled_in_all_slots_together() -> None:
    all_of_them = threading.Barrier(4)

    def together(files: Mapping[str, str], job: Job) -> Execution:
        all_of_them.wait(PATIENCE)
        return total(files, job)

    settings = Settings(workers=4, baseline_samples=None)
    task = Toy(ScriptedProposer([]), settings, together, rule=proved(Direction.MIN, Gain()))
    task.run()
    assert len(task.history.samples(0)) == 4
    assert sorted(job.sample for job in task.executor.jobs) == [1, 2, 3, 4]
    assert len({job.seed for job in task.executor.jobs}) == 4
    assert {job.slot for job in task.executor.jobs} == {0, 1, 2, 3}


def test_what_beats_an_older_incumbent_is_tried_again_on_the_new_one() -> None:
    proposer = ScriptedProposer([edit("a = 5", "a = 4"), edit("b = 5", "b = 3")])
    task = second_after_first(proposer)
    task.run()
    assert task.rows()[1:] == [
        (1, "keep", "a = 5 to a = 4"),
        (2, "discard", "b = 5 to b = 3"),
        (3, "keep", "b = 5 to b = 3"),
    ]
    second, third = task.history.get(2), task.history.get(3)
    assert second is not None
    assert third is not None
    assert second.reason.startswith("better than #0, no longer the incumbent (")
    assert second.reason.endswith("; tried again as #3")
    assert (third.parent, third.carried_from) == (1, 2)
    assert task.file(3) == "a = 4\n\n\nb = 3\n"


def test_it_is_not_tried_again_without_budget_for_it() -> None:
    proposer = ScriptedProposer([edit("a = 5", "a = 4"), edit("b = 5", "b = 3")])
    task = second_after_first(proposer, Budget(experiments=2))
    assert task.run() == "the experiment budget of 2 is used up"
    second = task.history.get(2)
    assert second is not None
    assert second.reason.endswith("not tried again: the experiment budget of 2 is used up")
    assert len(task.rows()) == 3


@pytest.mark.parametrize("workers", [1, 3])
def test_no_more_is_bought_or_run_than_the_budget_holds(workers: int) -> None:
    proposer = ScriptedProposer([edit("a = 5", f"a = {number}") for number in range(6, 20)])
    task = Toy(proposer, Settings(workers=workers, lookahead=workers + 1), budget=Budget(experiments=4))
    assert task.run() == "the experiment budget of 4 is used up"
    assert len(task.rows()) == 5
    assert len(proposer.requests) == 4


def test_what_is_paid_for_is_run_when_the_money_is_used_up() -> None:
    def paid(number: int) -> Proposal:
        return Proposal(f"{number}", "", (Replace("x.txt", "a = 5", f"a = {number}"),), "script", Usage(1, 1, 0.4))

    proposer = ScriptedProposer([paid(number) for number in range(6, 20)])
    task = Toy(proposer, Settings(lookahead=3), budget=Budget(usd=1.0))
    assert task.run() == "the money budget of 1 usd is used up"
    # Three are bought before the third one's price is known, and none of them is thrown away.
    assert len(task.rows()) == 1 + len(proposer.requests) == 4


def test_a_sample_that_a_machine_lost_is_taken_again() -> None:
    lost: list[int] = []

    def unlucky(files: Mapping[str, str], job: Job) -> Execution:
        if job.number == 1 and len(lost) < 2:
            lost.append(job.sample)
            raise SampleLost("node 7 is gone")
        return total(files, job)

    task = Toy(ScriptedProposer([edit("a = 5", "a = 4")]), Settings(), unlucky)
    task.run()
    assert lost == [1, 1]
    assert [job.seed for job in task.executor.jobs if job.number == 1].count(task.executor.jobs[1].seed) == 3
    assert task.rows()[1] == (1, "keep", "a = 5 to a = 4")
    warned = [event.message for event in task.seen if isinstance(event, events.Warned)]
    assert warned == ["sample 1 of #1 is taken again: node 7 is gone"] * 2


def test_a_sample_that_is_lost_again_and_again_ends_the_run() -> None:
    def unlucky(files: Mapping[str, str], job: Job) -> Execution:
        if job.number == 1:
            raise SampleLost("node 7 is gone")
        return total(files, job)

    task = Toy(ScriptedProposer([edit("a = 5", "a = 4")]), Settings(), unlucky)
    with pytest.raises(RunError, match="node 7 is gone"):
        task.run()
    assert len([job for job in task.executor.jobs if job.number == 1]) == 4


def test_a_slot_whose_device_is_gone_is_not_used_any_more() -> None:
    def breaks(files: Mapping[str, str], job: Job) -> Execution:
        if job.slot == 1 and job.number:
            raise SampleLost("GPU 1 is gone", slot_is_gone=True)
        return total(files, job)

    proposer = ScriptedProposer([edit("a = 5", f"a = {number}") for number in range(6, 10)])
    task = Toy(proposer, Settings(workers=2, lookahead=2), breaks)
    task.run()
    assert len(task.rows()) == 5
    assert [job.slot for job in task.executor.jobs if job.number].count(1) == 1


def test_the_run_ends_when_the_last_slot_is_gone() -> None:
    def breaks(files: Mapping[str, str], job: Job) -> Execution:
        if job.number:
            raise SampleLost("the GPU is gone", slot_is_gone=True)
        return total(files, job)

    with pytest.raises(RunError, match="the GPU is gone"):
        Toy(ScriptedProposer([edit("a = 5", "a = 4")]), Settings(), breaks).run()


def test_with_one_slot_the_clock_decides_nothing() -> None:
    """The same replies give the same experiments and decisions, however long anything takes."""

    class Hesitating(ScriptedProposer):
        def propose(self, request: Request) -> Proposal:
            time.sleep(delays.random() * 0.02)
            asked.append((request.number, request.parent.number, len(request.record.newest)))
            number = request.number
            return edit("a = 5" if number % 2 else "b = 5", f"{'a' if number % 2 else 'b'} = {9 - number % 7}")

    def hesitating(files: Mapping[str, str], job: Job) -> Execution:
        time.sleep(delays.random() * 0.02)
        return total(files, job)

    found = []
    for seed in range(4):
        delays, asked = random.Random(seed), []  # type: ignore[var-annotated]
        task = Toy(Hesitating([]), Settings(lookahead=2), hesitating, Budget(experiments=12))
        task.run()
        found.append((task.rows(), sorted(asked)))
    assert found[0][0] == found[1][0] == found[2][0] == found[3][0]
    assert found[0][1] == found[1][1] == found[2][1] == found[3][1]


def test_the_end_of_the_proposals_is_the_end_only_when_all_have_run() -> None:
    proposer = ScriptedProposer([edit("a = 5", "a = 6"), edit("a = 5", "a = 7")])
    task = Toy(proposer, Settings(lookahead=4))
    assert task.run() == "the script is at its end"
    assert len(task.rows()) == 3


def test_the_next_candidate_is_laid_out_beside_what_runs() -> None:
    proposer = Watched([edit("a = 5", "a = 6"), edit("a = 5", "a = 7")])
    task = Toy(proposer, Settings(lookahead=1), waiting_for(proposer.came[2], 1))
    task.run()
    second = task.history.get(2)
    assert second is not None
    assert (0, second.tree) in task.executor.prepared
    assert [job.tree for job in task.executor.jobs if job.number == 2] == [second.tree]


def test_where_nothing_may_run_beside_a_sample_nothing_is_laid_out() -> None:
    proposer = Watched([edit("a = 5", "a = 6"), edit("a = 5", "a = 7")])
    task = Toy(proposer, Settings(lookahead=1, lays_ahead=False), waiting_for(proposer.came[2], 1))
    task.run()
    assert task.executor.prepared == []


def test_no_two_samples_of_the_incumbent_get_the_same_seed() -> None:
    values = iter(range(1000))
    lock = threading.Lock()

    def noisy(files: Mapping[str, str], job: Job) -> Execution:
        with lock:
            wobble = next(values) % 7 / 10
        return Measured(10.0 + wobble, 1.0)

    proposer = ScriptedProposer([edit("a = 5", f"a = {number}") for number in range(6, 26)])
    settings = Settings(workers=4, lookahead=4, baseline_samples=None, refresh=4)
    task = Toy(proposer, settings, noisy, rule=proved(Direction.MIN, Gain()))
    task.run()
    taken = [job.seed for job in task.executor.jobs if job.task is Task.INCUMBENT or job.number == 0]
    assert len(taken) > 6
    assert len(set(taken)) == len(taken)


def test_nothing_to_propose_at_all_ends_the_run() -> None:
    class Nothing:
        name = "nothing"
        is_free = False

        def propose(self, request: Request) -> Proposal:
            raise ProposalsExhausted("there is nothing")

    task = Toy(Nothing(), Settings(workers=2, lookahead=3))
    assert task.run() == "there is nothing"


def test_what_does_not_fit_on_the_new_incumbent_and_beats_it_is_tried_in_its_place() -> None:
    proposer = ScriptedProposer([edit("a = 5", "a = 4"), edit("a = 5", "a = 1")])
    task = second_after_first(proposer)
    task.run()
    assert [row[1] for row in task.rows()] == ["keep", "keep", "discard", "keep"]
    third = task.history.get(3)
    assert third is not None
    assert (third.parent, third.carried_from) == (1, 2)
    assert task.file(3) == "a = 1\n\n\nb = 5\n"
    assert third.hypothesis.endswith(
        "Tried in the place of #1, not on top of it (made for #0, on #1: conflict in x.txt)."
    )


def test_what_does_not_fit_on_the_new_incumbent_and_is_worse_is_rejected() -> None:
    proposer = ScriptedProposer([edit("a = 5", "a = 1"), edit("a = 5", "a = 4")])
    task = second_after_first(proposer)
    task.run()
    third = task.history.get(3)
    assert third is not None
    assert (third.outcome, third.carried_from) == (Outcome.REJECTED, 2)
    assert third.reason == "made for #0, on #1: conflict in x.txt"


def test_what_was_paid_for_and_waits_for_its_turn_is_in_the_record() -> None:
    def paid(number: int) -> Proposal:
        return Proposal(f"{number}", "", (Replace("x.txt", "a = 5", f"a = {number}"),), "script", Usage(1, 1, 0.25))

    proposer = Watched([paid(number) for number in (6, 7, 8)])
    task = Toy(proposer, Settings(lookahead=2), waiting_for(proposer.came[3], 1))
    task.run()
    assert max(task.journal.held) >= 0.25
    assert task.journal.held[-1] == 0.0
    assert sum(one.usage.cost_usd or 0.0 for one in task.history.experiments) == 0.75


def test_money_that_no_experiment_carries_is_told_by_one_draft_at_a_time() -> None:
    """A death makes results of all drafts: what two of them told would be counted twice."""
    told: list[float] = []
    failed = ProposalFailed("no", spent_usd=0.5)
    both = threading.Barrier(2)

    def together(files: Mapping[str, str], job: Job) -> Execution:
        if job.number:
            both.wait(PATIENCE)
        return total(files, job)

    task = Toy(
        ScriptedProposer([failed, edit("a = 5", "a = 6"), edit("a = 5", "a = 7")]), Settings(workers=2), together
    )
    note = task.journal.spend
    task.journal.spend = lambda draft, usage: (told.append(usage.cost_usd or 0.0), note(draft, usage))[1]  # type: ignore[method-assign]
    task.run()
    assert told.count(0.5) == 1
    assert sum(one.usage.cost_usd or 0.0 for one in task.history.experiments) == 0.5


def test_a_lost_sample_of_a_baseline_in_several_slots_is_taken_again_with_its_own_seed() -> None:
    lost: list[int] = []
    may_end = threading.Event()

    def unlucky(files: Mapping[str, str], job: Job) -> Execution:
        if job.sample == 2 and not lost:
            lost.append(job.sample)
            raise SampleLost("node 7 is gone")
        if job.sample == 2:
            may_end.set()
        assert may_end.wait(PATIENCE)
        return total(files, job)

    settings = Settings(workers=3, baseline_samples=None)
    task = Toy(ScriptedProposer([]), settings, unlucky, rule=proved(Direction.MIN, Gain()))
    task.run()
    assert sorted(job.sample for job in task.executor.jobs) == [1, 2, 2, 3]
    assert len({job.seed for job in task.executor.jobs}) == 3
