"""Several slots, and the two worktrees of each: with real processes."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autoresearch.core.experiment import Measured, Outcome, Unmeasured
from autoresearch.core.isolation import Level
from autoresearch.errors import RunError
from autoresearch.runtime.worktree import Worktree
from tests.runtime.test_executor import PATIENCE, Lab
from tests.support.hostile import until
from tests.support.repositories import git, make_repository


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    made = Lab(tmp_path / "repo")
    yield made
    for executor in made.executors:
        executor.close()


def tree(lab: Lab, commit: str) -> str:
    return git(lab.root, "rev-parse", f"{commit}^{{tree}}")


def held_by(gate: Path) -> str:
    """A command that ends when the file is there."""
    return f"echo go; while [ ! -e '{gate}' ]; do sleep 0.01; done; pwd; echo loss: $(cat x.txt)"


def test_each_slot_has_its_own_worktree_and_they_run_at_the_same_time(lab: Lab, tmp_path: Path) -> None:
    here = f"'{tmp_path}'/here"
    command = f"touch {here}$AR_EXPERIMENT; until [ -e {here}1 ] && [ -e {here}2 ]; do sleep 0.01; done; echo loss: 1"
    executor = lab.executor(command, devices=("", ""))
    futures = [executor.submit(lab.job(slot + 1, slot=slot)) for slot in (0, 1)]
    assert all(isinstance(future.result(PATIENCE), Measured) for future in futures)
    assert sorted(path.name for path in lab.layout.worktrees.iterdir()) == ["0", "1"]
    executor.close()
    assert not lab.layout.worktrees.exists() or not list(lab.layout.worktrees.iterdir())
    assert len(git(lab.root, "worktree", "list").splitlines()) == 1


def test_a_slot_runs_one_thing_at_a_time(lab: Lab, tmp_path: Path) -> None:
    executor = lab.executor(held_by(tmp_path / "gate"), devices=("", ""))
    first = executor.submit(lab.job(1, slot=1))
    with pytest.raises(RunError, match="in this slot"):
        executor.submit(lab.job(2, slot=1))
    second = executor.submit(lab.job(3, slot=0))
    (tmp_path / "gate").touch()
    assert isinstance(first.result(PATIENCE), Measured)
    assert isinstance(second.result(PATIENCE), Measured)


def test_each_slot_sees_its_own_gpus(lab: Lab) -> None:
    command = 'echo "$CUDA_VISIBLE_DEVICES/$AR_DEVICE"; echo loss: 1'
    executor = lab.executor(command, devices=("2", "0,1"), inherited={**os.environ, "CUDA_VISIBLE_DEVICES": "0,1,2"})
    for slot in (0, 1):
        executor.submit(lab.job(slot, slot=slot)).result(PATIENCE)
    assert "2/2\n" in lab.output(0)
    assert "0,1/0,1\n" in lab.output(1)


def test_without_gpus_of_its_own_a_slot_sees_what_the_person_lets_it_see(lab: Lab) -> None:
    lab.run(
        'echo "$CUDA_VISIBLE_DEVICES/$AR_DEVICE"; echo loss: 1', inherited={**os.environ, "CUDA_VISIBLE_DEVICES": "1"}
    )
    assert "1/\n" in lab.output(0)


@pytest.mark.parametrize("level", [Level.BASIC, Level.GUARDED])
def test_the_next_candidate_is_laid_out_beside_what_runs_and_then_runs_there(
    lab: Lab, tmp_path: Path, level: Level
) -> None:
    first, second = lab.head, lab.commit({"x.txt": "2.5\n"})
    executor = lab.executor(held_by(tmp_path / "gate"), isolation=level)
    running = executor.submit(lab.job(1, commit=first, tree=tree(lab, first)))
    until((lab.layout.worktrees / "0" / "x.txt").exists)
    executor.prepare(0, tree(lab, second))
    there = lab.layout.worktrees / "0-next"
    until(lambda: (there / "x.txt").exists() and (there / "x.txt").read_text() == "2.5\n")
    assert not running.done()
    (tmp_path / "gate").touch()
    assert isinstance(one := running.result(PATIENCE), Measured)
    other = executor.submit(lab.job(2, commit=second, tree=tree(lab, second))).result(PATIENCE)
    assert isinstance(other, Measured)
    assert (one.value, other.value) == (1.5, 2.5)
    assert f"{there}\n" in lab.output(2)
    assert git(there, "rev-parse", "HEAD") == second


def test_a_guess_that_was_wrong_costs_nothing_but_time(lab: Lab) -> None:
    first, second, third = lab.head, lab.commit({"x.txt": "2.5\n"}), lab.commit({"x.txt": "3.5\n"})
    executor = lab.executor("echo loss: $(cat x.txt)")
    for commit in (second, first, third):
        executor.prepare(0, tree(lab, commit))
    values = []
    for number, commit in enumerate((third, first, second, third)):
        done = executor.submit(lab.job(number, commit=commit, tree=tree(lab, commit))).result(PATIENCE)
        assert isinstance(done, Measured)
        values.append(done.value)
    assert values == [3.5, 1.5, 2.5, 3.5]


def test_what_cannot_be_laid_out_is_told_when_it_is_to_run(lab: Lab) -> None:
    executor = lab.executor("echo loss: 1")
    executor.prepare(0, "f" * 40)
    with pytest.raises(RunError, match="git read-tree failed"):
        executor.submit(lab.job(1, tree="f" * 40)).result(PATIENCE)
    assert isinstance(executor.submit(lab.job(2)).result(PATIENCE), Measured)


def test_what_a_slot_has_once_is_not_laid_out_twice(lab: Lab) -> None:
    for options in ({"cache": ("target",)}, {"setup": "true"}, {"is_timed": True}):
        executor = lab.executor("echo loss: 1", **options)
        executor.prepare(0, tree(lab, lab.head))
        executor.submit(lab.job()).result(PATIENCE)
        assert [path.name for path in lab.layout.worktrees.iterdir()] == ["0"]
        executor.close()


def test_stopping_ends_all_slots_and_none_starts_again_by_itself(lab: Lab) -> None:
    executor = lab.executor("echo go; sleep 600", devices=("", "", ""))
    futures = [executor.submit(lab.job(slot, slot=slot)) for slot in range(3)]
    until(lambda: len(lab.shown) == 3)
    executor.prepare(1, tree(lab, lab.head))
    executor.stop(at_once=True)
    for future in futures:
        assert isinstance(done := future.result(PATIENCE), Unmeasured)
        assert done.outcome is Outcome.INTERRUPTED


def test_what_never_ends_does_not_keep_ar_from_ending(lab: Lab, tmp_path: Path) -> None:
    """A thread that waits for a dead disk, say. Its worktree is left, for the next `ar`."""
    executor, gate = lab.executor("echo loss: 1", devices=("", "")), threading.Event()
    for slot in (0, 1):
        assert isinstance(executor.submit(lab.job(slot + 1, slot=slot)).result(PATIENCE), Measured)
    lane = executor._slots[1].lanes[0]
    lane.patience = 0.1
    stuck = lane.do(lambda: gate.wait(PATIENCE))
    executor.close()
    assert not stuck.done()
    assert [path.name for path in lab.layout.worktrees.iterdir()] == ["1"]
    gate.set()
    assert stuck.result(PATIENCE)
    executor.close()
    assert not list(lab.layout.worktrees.glob("*"))


@pytest.mark.skipif(sys.platform != "linux", reason="looks for the supervisor in /proc")
def test_an_experiment_that_stops_whatever_waits_does_not_keep_ar_from_ending(lab: Lab) -> None:
    executor = lab.executor("echo loss: 1")
    executor.prepare(0, tree(lab, lab.head))
    bench = executor._slots[0].lanes[1].benches[0]
    until(lambda: bench._standby is not None)
    assert bench._standby is not None
    bench._standby.process.send_signal(signal.SIGSTOP)
    assert isinstance(executor.submit(lab.job(1)).result(PATIENCE), Measured)
    executor.close()
    assert not list(lab.layout.worktrees.glob("*"))


def test_worktrees_that_are_made_at_the_same_time_do_not_clear_each_other_away(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "repo", {"x.txt": "1\n"})
    commit = git(root, "rev-parse", "HEAD")
    for turn in range(3):
        made = [Worktree(root, root / ".autoresearch/worktrees" / str(slot), root / "cache") for slot in range(8)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda one: one.create(commit), made))
        assert all((one.path / "x.txt").read_text() == "1\n" for one in made), turn
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(Worktree.remove, made))
    assert len(git(root, "worktree", "list").splitlines()) == 1
