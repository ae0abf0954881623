"""`ar revert`: one change, the last, a whole state; measured or not; and everything that it refuses."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.support.cli import finish
from tests.support.repositories import git, state_of, write
from tests.support.running import until
from tests.support.toy import Toy

MANY_DIGITS = "1" * 5_000
EDIT = """\
Subject: another word in 3

diff --git a/params/003.txt b/params/003.txt
--- a/params/003.txt
+++ b/params/003.txt
@@ -1 +1 @@
-needs:001
+-2
"""


@pytest.fixture(scope="module")
def tangled(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """Changes that hang together: 2 was discarded, 4 changes the line of 3, 5 cannot run without 1."""
    toy = Toy.make(tmp_path_factory.mktemp("revert"))
    toy.run(-1, 1, "needs:001")
    write(toy.root.parent, {"edit/004.patch": EDIT})
    assert toy.ar("run", "--replay", str(toy.root.parent / "edit")).code == 0
    toy.made = 4
    toy.run("needs:001")
    assert [facts["Decision"] for _, facts in sorted(toy.experiments().items())][1:] == [
        "keep",
        "discard",
        "keep",
        "keep",
        "keep",
    ]
    return toy


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("2", 2, "experiment 2 was discarded: there is nothing to take back"),
        ("--to 2", 2, "experiment 2 was discarded: it was never on the branch"),
        ("²", 2, "there is no experiment ² in this run"),
        ("--to ²", 2, "there is no experiment ² in this run"),
        (MANY_DIGITS, 2, f"there is no experiment {MANY_DIGITS} in this run"),
        ("77", 2, "there is no experiment 77 in this run"),
        ("ffffff", 2, "there is no experiment ffffff in this run"),
        ("0", 2, "the baseline is no change, so it cannot be taken back"),
        ("3", 1, "experiment 3 cannot be taken back alone: conflict in params/003.txt"),
        ("--to 5", 2, "the branch has the files of experiment 5 already"),
        ("3 --to 1", 2, "name one experiment, or --to and one"),
        ("3 --tag nov23", 2, "there is no run nov23"),
    ],
)
def test_what_cannot_be_taken_back_changes_nothing(tangled: Toy, arguments: str, code: int, message: str) -> None:
    refs = tangled.refs()
    done = tangled.ar("revert", *arguments.split())
    assert (done.code, done.out, done.error) == (code, "", message)
    assert done.hints
    assert tangled.refs() == refs
    tangled.assert_clean()


def test_what_was_never_on_the_branch_can_be_tried_again(tangled: Toy) -> None:
    assert "ar run --replay 2    tries its change again" in tangled.ar("revert", "--to", "2").hints


def test_a_state_that_cannot_be_measured_stays_off_the_branch_and_is_recorded(tangled: Toy) -> None:
    refs = tangled.refs()
    done = tangled.ar("revert", "1")
    assert done.code == 1
    assert done.error.startswith("nothing was taken back: that state cannot be measured (exit code 4")
    added = dict(tangled.refs().items() - refs.items())
    assert len(added) == 1
    assert refs.items() <= tangled.refs().items()
    newest = max(tangled.experiments())
    assert tangled.experiments()[newest]["Decision"] == "discard"
    assert "reverted" not in tangled.ar("log", "1").out
    tangled.assert_sound()


def test_it_waits_for_no_running_search(tangled: Toy) -> None:
    running = tangled.start(*tangled.run_arguments("hang"), "--json")
    running.sees("sample-started")
    refs = tangled.refs()
    done = tangled.ar("revert", "last")
    assert done.code == 3
    assert done.error.startswith("`ar run` works on this repository already")
    assert f"kill {running.process.pid}" in done.hints
    assert tangled.refs() == refs
    running.kill()
    until(lambda: not tangled.processes(), "nothing of it runs any more")
    tangled.run("crash")
    tangled.assert_sound()


def test_a_change_is_taken_back_and_the_search_goes_on_from_what_is_left(tmp_path: Path) -> None:
    toy = Toy.make(tmp_path)
    toy.run(-1, -2, -3)
    done = toy.ar("revert", "2")
    assert done.code == 0
    assert "\n#4 keep 96 (+2.1 %)" in done.out
    assert f"autoresearch/toy is at {toy.branch[:10]} now" in done.out
    taken = toy.experiments()[4]
    assert taken.items() >= {"Outcome": "measured", "Reason": "reverted by hand", "Reverts": "2"}.items()
    assert git(toy.root, "ls-tree", "--name-only", toy.branch, "params/").split()[1:] == [
        "params/001.txt",
        "params/003.txt",
    ]
    assert "↶ reverted" in toy.ar("log", "2").out
    assert toy.ar("revert", "2").error == "experiment 2 has been taken back already"

    assert toy.ar("revert", toy.experiments()[3]["commit"][:8], "--no-measure").code == 0
    assert toy.experiments()[5].items() >= {"Outcome": "skipped", "Decision": "keep", "Reverts": "3"}.items()
    running = toy.start(*toy.run_arguments(-1), "--json")
    assert running.ends().code == 0
    samples = [(one["experiment"], one["value"]) for one in running.events if one["event"] == "sample-finished"]
    assert samples == [(5, 99.0), (6, 98.0)]
    assert toy.experiments()[6]["Incumbent-Samples"].split("@")[0] == "5 99.0"

    assert "\n#7 keep 94 " in toy.ar("revert", "--to", "3").out
    assert "\n#8 keep 97 " in toy.ar("revert", "last").out
    assert "\n#9 keep 99 " in toy.ar("revert", "last").out
    assert "\n#10 keep 100 " in toy.ar("revert", "--to", "baseline").out
    assert toy.branch == toy.experiments()[10]["commit"]
    assert git(toy.root, "diff", "main", toy.branch) == ""
    assert toy.ar("log", "best").out.startswith("#0 ")
    assert toy.ar("log").out.startswith("0 kept of 4 · baseline 100\n")
    toy.assert_sound()


def test_ctrl_c_takes_nothing_back(tmp_path: Path) -> None:
    toy = Toy.make(tmp_path)
    toy.run(-1, "awaits:001")
    branch = toy.branch
    process = toy.cli.start(toy.root, "revert", "1")
    until(lambda: any("sleep 600" in one for one in toy.processes()), "the state is measured")
    process.send_signal(signal.SIGINT)
    done = finish(process)
    assert done.code == 130
    assert "nothing was taken back" in done.out
    assert toy.experiments()[3].items() >= {"Outcome": "interrupted", "Decision": "discard"}.items()
    assert toy.branch == branch
    toy.assert_sound()


def test_where_the_branch_is_checked_out_it_is_like_git_revert(tmp_path: Path) -> None:
    toy = Toy.make(tmp_path)
    toy.run(-1)
    git(toy.root, "switch", "--quiet", "autoresearch/toy")
    write(toy.root, {"measure.sh": "echo changed\n"})
    refs, state = toy.refs(), state_of(toy.root)
    done = toy.ar("revert", "last", "--no-measure")
    assert done.code == 1
    assert done.error == f"autoresearch/toy is checked out in {toy.root}, with uncommitted changes in measure.sh"
    assert (toy.refs(), state_of(toy.root)) == (refs, state)
    git(toy.root, "restore", "measure.sh")
    assert (toy.root / "params" / "001.txt").exists()
    assert toy.ar("revert", "last").code == 0
    assert not (toy.root / "params" / "001.txt").exists()
    assert git(toy.root, "status", "--porcelain") == ""
    assert git(toy.root, "rev-parse", "HEAD") == toy.ref("0002")
    refused = toy.ar("run")
    assert refused.code == 1
    assert refused.hints.startswith("git switch --detach")
    assert toy.ref("0002") == toy.branch
