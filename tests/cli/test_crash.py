"""`ar run` killed with SIGKILL, and run again: nothing lost, nothing twice, nothing left behind."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from tests.support.chat_server import ChatServer, Hang
from tests.support.repositories import git
from tests.support.toy import Running, Toy, until

AT_THE_BASELINE = ["run-started", "proposed", "sample-started", "sample-finished", "experiment-finished"]
AFTER_IT = ["proposed", "sample-started", "sample-finished", "experiment-finished"]


def drafts(toy: Toy) -> set[int]:
    return {number for number, facts in toy.experiments().items() if "Outcome" not in facts}


def assert_nothing_lost(toy: Toy, killed: list[Running]) -> None:
    """What was announced as finished is in the record, the very same commit, under its number and nowhere else."""
    recorded = {number: facts["commit"] for number, facts in toy.experiments().items()}
    for running in killed:
        assert running.finished.items() <= {**recorded, 0: running.finished.get(0, "")}.items()
    assert len(set(recorded.values())) == len(recorded)


def test_a_run_that_is_killed_after_any_event_goes_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    toy = Toy.make(tmp_path)
    killed: list[Running] = []
    interrupted: set[int] = set()
    for name in (*AT_THE_BASELINE, *AFTER_IT):
        running = toy.start(*toy.run_arguments(-1, 1), "--json")
        if killed and name in AFTER_IT and toy.experiments().get(0, {}).get("Decision") == "keep":
            running.sees("run-started")
        running.sees(name)
        before = toy.experiments()
        running.kill()
        killed.append(running)
        until(lambda: not toy.processes(), "nothing of it runs any more")
        assert git(toy.root, "fsck", "--no-dangling", "--no-progress") == ""
        interrupted |= drafts(toy) - {0}
        finished = {number for number, facts in before.items() if "Outcome" in facts}
        assert {number: toy.experiments()[number] for number in finished} == {n: before[n] for n in finished}
    last = toy.start(*toy.run_arguments(-1, 1), "--json")
    assert last.ends().code == 0
    assert_nothing_lost(toy, [*killed, last])
    toy.assert_sound()
    experiments = toy.experiments()
    assert interrupted
    assert {number for number, facts in experiments.items() if facts["Outcome"] == "interrupted"} == interrupted
    assert experiments[0]["Outcome"] == "measured"
