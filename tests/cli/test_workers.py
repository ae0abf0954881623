"""`ar run --workers N`: signals, deleted folders, carried-over changes; and with one worker the same run, always."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from hashlib import blake2b
from pathlib import Path

import pytest

from tests.support import slots
from tests.support.chat_server import ChatServer
from tests.support.repositories import git
from tests.support.running import Running, until
from tests.support.slots import SlotsToy

INTERRUPTED = 130


def start(toy: SlotsToy, *arguments: str) -> Running:
    """A call of `ar run` with the tuner, unless a model is configured."""
    tag = [] if toy.ref("run") else ["--tag", toy.tag]
    return toy.start("run", *tag, "--json", *arguments)


def assert_interrupted(toy: SlotsToy, numbers: list[int], why: str) -> None:
    experiments = toy.experiments()
    assert sorted(experiments) == list(range(numbers[-1] + 1))
    assert [experiments[number]["Outcome"] for number in numbers] == ["interrupted"] * len(numbers)
    assert {experiments[number]["Reason"] for number in numbers} == {why}


def test_ctrl_c_ends_all_slots_gently_and_the_second_one_at_once(tmp_path: Path) -> None:
    toy = slots.make(tmp_path)
    toy.holds("polite")
    running = start(toy, "--workers", "3")
    toy.await_up([1, 2, 3])
    running.signal(signal.SIGINT)
    assert running.ends().code == INTERRUPTED
    assert all(toy.told(number) for number in (1, 2, 3))
    assert_interrupted(toy, [1, 2, 3], "stopped: interrupted")
    toy.assert_sound()
    toy.holds("stubborn")
    running = start(toy, "--workers", "3")
    toy.await_up([4, 5, 6])
    running.signal(signal.SIGINT)
    running.sees("warning", message="interrupted: ending what runs; Ctrl-C ends it at once")
    running.signal(signal.SIGINT)
    assert running.ends().code == INTERRUPTED
    assert_interrupted(toy, [4, 5, 6], "stopped: interrupted")
    toy.assert_sound()


@pytest.mark.thorough
def test_the_end_of_the_time_budget_ends_what_runs_in_all_slots(tmp_path: Path) -> None:
    toy = slots.make(tmp_path)
    toy.holds("polite")
    running = start(toy, "--workers", "3", "--budget", "6s")
    assert running.ends().code == 0
    assert running.events[-1]["why"] == "the time budget is used up"
    assert all(toy.told(number) for number in (1, 2, 3))
    assert_interrupted(toy, [1, 2, 3], "stopped: the time budget is used up")
    toy.assert_sound()


def test_a_deleted_worktree_is_the_end_of_its_experiment_and_of_no_other(tmp_path: Path) -> None:
    toy = slots.make(tmp_path)
    toy.holds("wait")
    running = start(toy, "--workers", "3", "--budget", "5x")
    places = toy.await_up([1, 2, 3])
    assert len(set(places)) == 3
    shutil.rmtree(places[1])
    toy.lets_go()
    done = running.ends()
    assert done.code == 0, done.err
    experiments = toy.experiments()
    assert experiments[2]["Outcome"] == "interrupted"
    assert experiments[2]["Reason"] == "the worktree was deleted"
    others = {number: facts["Outcome"] for number, facts in experiments.items() if number != 2}
    # It does not count: five have a result, the last of them perhaps that it does not fit what was kept meanwhile.
    assert sorted(others) == [0, 1, 3, 4, 5, 6]
    assert {others[number] for number in (0, 1, 3)} == {"measured"}
    assert set(others.values()) <= {"measured", "rejected"}
    toy.assert_sound()


def test_our_whole_folder_may_be_deleted_while_two_slots_run(tmp_path: Path) -> None:
    toy = slots.make(tmp_path)
    toy.holds("wait")
    running = start(toy, "--workers", "2", "--budget", "6x")
    toy.await_up([1, 2])
    ahead = (toy.root / ".autoresearch").glob
    until(lambda: any(ahead("worktrees/*-next/run/measure")), "what comes next is laid out")
    shutil.rmtree(toy.root / ".autoresearch")
    toy.lets_go()
    done = running.ends()
    assert done.code == 0, done.err
    outcomes = [facts["Outcome"] for facts in toy.experiments().values()]
    assert outcomes[:4] == ["measured", "interrupted", "interrupted", "measured"]
    # What does not fit the new incumbent is rejected.
    assert set(outcomes[3:]) <= {"measured", "rejected"}
    assert len(outcomes) == 1 + 2 + 6
    toy.assert_sound()


def test_what_was_better_than_an_older_incumbent_is_carried_over_to_the_new_one(tmp_path: Path) -> None:
    with ChatServer(slots.model()) as server:
        # The first three answers are the first three experiments.
        toy = slots.make(tmp_path, more=f"[run]\nlookahead = 0\n{slots.MODEL.format(server.base_url)}")
        toy.holds("together")
        done = start(toy, "--workers", "3", "--budget", "6x").ends()
    assert done.code == 0, done.err
    experiments, times = toy.experiments(), toy.times()
    assert sorted(experiments) == list(range(7))
    overlapping = {1, 2, 3}
    assert all(times[one][0] < times[other][1] for one in overlapping for other in overlapping)
    carried = [number for number, facts in experiments.items() if "Carried-From" in facts]
    assert carried
    for number in carried:
        origin = int(experiments[number]["Carried-From"])
        assert experiments[origin]["Decision"] == "discard"
        assert experiments[origin]["Reason"].endswith(f"tried again as #{number}")
    kept = [number for number in carried if experiments[number]["Decision"] == "keep"]
    assert kept
    shown = toy.ar("log", str(kept[0])).out
    assert re.search(rf"carried +from #{experiments[kept[0]]['Carried-From']}\b", shown)
    toy.assert_sound()
    assert not git(toy.root, "rev-list", "--merges", f"autoresearch/{toy.tag}")


@contextmanager
def busy_machine() -> Iterator[None]:
    """Two that burn time, in odd turns, so that nothing takes as long as it did."""
    burn = 'while :; do i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done; sleep 0.0"$(($$ % 7))"; done'
    burning = [subprocess.Popen(["sh", "-c", burn], start_new_session=True) for _ in range(2)]
    try:
        yield
    finally:
        for one in burning:
            os.killpg(one.pid, signal.SIGKILL)
            one.wait()


def story(toy: SlotsToy) -> list[dict[str, object]]:
    """All that a run decided, and on what numbers; not when, how long it took, and where it was."""
    told = toy.ar("log", "--all", "--json", "--tag", toy.tag).events
    besides = ("commit", "parent_commit", "tree", "started", "ended", "seconds", "flags")
    return [{name: value for name, value in one.items() if name not in besides} for one in told]


@pytest.mark.thorough
def test_the_tuner_makes_the_same_run_however_busy_the_machine_is(tmp_path: Path) -> None:
    stories = []
    for name in ("calm", "busy"):
        toy = slots.make(tmp_path / name, noise="2")
        with busy_machine() if name == "busy" else nullcontext():
            assert start(toy, "--budget", "7x").ends().code == 0
        stories.append(story(toy))
    assert len(stories[0]) == 8
    assert stories[0] == stories[1]


def known(prompt: str) -> str:
    """The question without what is told as it is when it goes out."""
    return re.sub(r"^\d+ experiments? left$", "", prompt, flags=re.MULTILINE)


def by_content(prompt: str) -> str:
    """An answer that follows from every word of the question."""
    digest = blake2b(known(prompt).encode(), digest_size=4).digest()
    name = "abc"[digest[0] % 3]
    old = re.findall(rf"^{name.upper()}=(\d+)", prompt, re.MULTILINE)[-1]
    return slots.answer(name, old, str(int(old) - 40 + digest[1] % 64))


@pytest.mark.thorough
def test_a_model_that_answers_the_same_makes_the_same_run_however_busy_the_machine_is(tmp_path: Path) -> None:
    stories, prompts = [], []
    for name in ("calm", "busy"):
        with ChatServer(by_content) as server:
            toy = slots.make(tmp_path / name, more=slots.MODEL.format(server.base_url), noise="2")
            with busy_machine() if name == "busy" else nullcontext():
                assert start(toy, "--budget", "10x").ends().code == 0
            prompts.append([known(request.prompt) for request in server.requests])
        stories.append(story(toy))
    # Of the last questions some are asked, or not, while the run ends.
    assert all(one == other for one, other in zip(*prompts, strict=False))
    assert len(stories[0]) == 11
    assert stories[0] == stories[1]
