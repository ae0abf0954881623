"""`ar run` on a cluster, from the command line."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.support.cli import Cli, toy
from tests.support.ray_cluster import LOOPBACK
from tests.support.repositories import git

RAY = "[executor]\nkind = 'ray'\naddress = ''\n"
pytestmark = [pytest.mark.thorough, pytest.mark.timeout(300), pytest.mark.xdist_group("ray")]


@pytest.fixture
def ar(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "home", LOOPBACK)


def test_a_run_on_a_ray_of_its_own_and_on_again_after_a_kill(ar: Cli, tmp_path: Path) -> None:
    root = toy(tmp_path / "repo", rest=RAY, experiment="")
    done = ar(root, "run", "--tag", "t", "--workers", "2", "--budget", "4x", "--json")
    assert done.code == 0, done.err
    assert "experiments run on a Ray of its own on this machine" in done.err
    assert sorted(one["number"] for one in done.named("experiment-finished")) == [0, 1, 2, 3, 4]
    assert {one["slot"] for one in done.named("sample-started")} == {0, 1}
    assert (root / ".autoresearch" / "runs" / "t" / "0001" / "output.log").read_text().count("score: ") == 1

    process = ar.start(root, "run", "--budget", "50x", "--json")
    assert process.stdout is not None
    finished = 0
    for line in process.stdout:
        finished += '"experiment-finished"' in line
        if finished == 2:
            process.send_signal(signal.SIGKILL)
            break
    process.communicate()
    again = ar(root, "run", "--budget", "2x", "--json")
    assert again.code == 0, again.err
    numbers = [one["number"] for one in again.named("experiment-finished")]
    # What was open at the kill is recorded as interrupted when the run is opened, which is no event of the loop.
    assert numbers == sorted(numbers)
    assert min(numbers) >= 7
    refs = git(root, "for-each-ref", "--format=%(refname:lstrip=3)", "refs/autoresearch/t/0*").splitlines()
    assert refs == [f"{number:04d}" for number in range(len(refs))]
    assert "error" not in git(root, "fsck", "--no-dangling")


def test_an_address_that_does_not_answer_ends_the_run_with_what_to_do(ar: Cli, tmp_path: Path) -> None:
    root = toy(tmp_path / "repo", rest=RAY.replace("''", "'127.0.0.1:9'"), experiment="")
    done = ar(root, "run", "--budget", "1x")
    assert done.code == 1
    assert "127.0.0.1:9" in done.error
    assert done.hints
    status = ar(root, "status")
    assert status.code == 0, status.err


def test_an_address_that_is_none_is_refused(ar: Cli, tmp_path: Path) -> None:
    root = toy(tmp_path / "repo", rest=RAY.replace("''", "'nowhere'"), experiment="")
    done = ar(root, "run", "--budget", "1x")
    assert done.code == 2
    assert "nowhere" in done.error
