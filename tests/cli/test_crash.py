"""`ar run` killed with SIGKILL, and run again: nothing lost, nothing twice, nothing left behind."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.support.chat_server import ChatServer, Hang
from tests.support.repositories import git
from tests.support.running import PATIENCE, Running, until
from tests.support.toy import Toy

pytestmark = pytest.mark.thorough

AT_THE_BASELINE = ["run-started", "proposed", "sample-started", "sample-finished", "experiment-finished"]
AFTER_IT = ["proposed", "sample-started", "sample-finished", "experiment-finished"]
KILLS = 12
MODEL = '[proposer]\nmodel = "openai/stub"\napi_base = "{}"'


def kill(toy: Toy, running: Running) -> set[int]:
    """Kill `ar`, and `ar` alone; returns the experiments that have no result now."""
    running.kill()
    until(lambda: not toy.processes(), "nothing of it runs any more")
    assert git(toy.root, "fsck", "--no-dangling", "--no-progress") == ""
    return {number for number, facts in toy.experiments().items() if "Outcome" not in facts}


def assert_nothing_lost(toy: Toy, runs: list[Running], interrupted: set[int]) -> None:
    """What was ever announced is in the record, the very same commit; what had begun was interrupted; no more."""
    toy.assert_sound()
    experiments = toy.experiments()
    for running in runs:
        for number, commit in running.finished.items():
            assert experiments[number]["commit"] == commit
    outcomes = {number for number, facts in experiments.items() if facts["Outcome"] == "interrupted"}
    assert outcomes == interrupted - {0}
    assert all(experiments[number]["Decision"] == "discard" for number in outcomes)
    assert experiments[0]["Outcome"] == "measured"


def test_a_run_that_is_killed_after_any_event_goes_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    toy, runs = Toy.make(tmp_path), []
    interrupted: set[int] = set()
    for number, name in [*((0, name) for name in AT_THE_BASELINE), *((1, name) for name in AFTER_IT)]:
        before = toy.experiments()
        runs.append(toy.start(*toy.run_arguments("slow", 1), "--json"))
        runs[-1].sees("run-started")
        if name != "run-started":
            of = "number" if name == "experiment-finished" else "experiment"
            runs[-1].sees(name, **{of: max(number, len(before)) if number else 0})
        interrupted |= kill(toy, runs[-1])
    runs.append(toy.start(*toy.run_arguments(-1, 1), "--json"))
    assert runs[-1].ends().code == 0
    assert_nothing_lost(toy, runs, interrupted)
    assert len(interrupted - {0}) >= 2


def test_a_run_that_is_killed_at_random_moments_loses_nothing_with_git_gc_between(tmp_path: Path) -> None:
    toy, runs = Toy.make(tmp_path), []
    interrupted: set[int] = set()
    chance = random.Random(2)
    for turn in range(KILLS):
        runs.append(toy.start(*toy.run_arguments(-1, "crash", 1, -1, "orphan", -1, 1, -1), "--json"))
        for _ in range(chance.randrange(14)):
            runs[-1].reads()
        runs[-1].waits(chance.uniform(0, 0.1))
        interrupted |= kill(toy, runs[-1])
        if turn % 4 == 3:
            git(toy.root, "gc", "--quiet")
    until(lambda: not toy.processes(), "nothing of the killed run is left that could be taken for the experiment")
    runs.append(toy.start(*toy.run_arguments("hang"), "--json"))
    until(lambda: any("sleep 600" in process for process in toy.processes()), "the experiment runs")
    git(toy.root, "gc", "--quiet", "--prune=now")
    interrupted |= kill(toy, runs[-1])
    runs.append(toy.start(*toy.run_arguments(-1, 1), "--json"))
    assert runs[-1].ends().code == 0
    assert_nothing_lost(toy, runs, interrupted)


def test_killed_during_the_canary_and_while_proposing_nothing_stays(tmp_path: Path) -> None:
    with ChatServer(faults=[Hang()]) as server:
        toy = Toy.make(tmp_path, more=MODEL.format(server.base_url))
        toy.hold.touch()
        canary = toy.start("run", "--tag", toy.tag, "--json")
        until(lambda: any("sleep 600" in process for process in toy.processes()), "the canary runs")
        assert kill(toy, canary) == set()
        toy.hold.unlink()
        proposing = toy.start("run", "--json")
        assert server.arrived.wait(PATIENCE)
        assert kill(toy, proposing) == set()
    last = toy.start(*toy.run_arguments(-1), "--json")
    assert last.ends().code == 0
    assert_nothing_lost(toy, [canary, proposing, last], set())
    assert list(toy.experiments()) == [0, 1]


def half_made(toy: Toy, name: str) -> None:
    """What a git leaves that is killed while it adds a worktree; from then on git itself lists none any more."""
    entry, place = toy.root / ".git" / "worktrees" / name, toy.root / ".autoresearch" / "worktrees" / name
    for folder in (entry, place):
        folder.mkdir(parents=True)
    (entry / "locked").write_text("initializing")
    (entry / "gitdir").write_text(f"{place}/.git\n")
    (entry / "HEAD").write_text("0" * 40 + "\n")
    (entry / "commondir").touch()
    (place / ".git").write_text(f"gitdir: {entry}\n")


def test_what_a_kill_in_the_middle_of_git_leaves_is_cleared_away(tmp_path: Path) -> None:
    toy = Toy.make(tmp_path)
    toy.run(-1)
    common = toy.root / ".git"
    git(toy.root, "update-ref", "refs/heads/autoresearch/toy", toy.ref("0000"))
    for ref in ("autoresearch/toy/run", "autoresearch/toy/0002", "heads/autoresearch/toy"):
        (common / "refs" / f"{ref}.lock").touch()
    (common / "autoresearch.lock").touch()
    (common / "worktrees" / "0").mkdir(parents=True)
    half_made(toy, "0-next")
    (toy.root / ".autoresearch" / "worktrees" / "0" / "half").mkdir(parents=True)
    toy.run(-1)
    assert list(toy.experiments()) == [0, 1, 2]
    toy.assert_sound()
