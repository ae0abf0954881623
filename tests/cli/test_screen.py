"""What `ar run` shows: on terminals of several sizes, resized while it runs, in a pipe, without colours."""

from __future__ import annotations

import io
import json
import re
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.support.chat_server import ChatServer
from tests.support.cli import Cli, config, toy
from tests.support.running import Watcher
from tests.support.terminal import Person
from tests.support.toy import Toy

ROW = re.compile(r"^ +(\d+)  [0-9a-f]{7}  ")
COLOUR = re.compile(rb"\x1b\[(?:\d+;)*(?:3[0-9]|4[0-9]|9[0-7]|10[0-7])[;m]")


def numbers(lines: list[str]) -> list[int]:
    return [int(match[1]) for line in lines if (match := ROW.match(line))]


def assert_calm(person: Person, columns: int, since: int = 0) -> None:
    """One header, no row twice, and from that row on nothing that touches the right edge."""
    assert sum(line.startswith("── a small loss ──") for line in person.visible) == 1
    assert max(Counter(numbers(person.lines)).values()) == 1
    fresh = [line for line in person.visible if not (row := ROW.match(line)) or int(row[1]) >= since]
    assert all(len(line) < columns for line in fresh)


@pytest.mark.parametrize(
    ("first", "then", "many"),
    [
        # More than fit on the small screen before it is made larger.
        pytest.param((80, 24), (200, 50), 17, id="made larger"),
        pytest.param((200, 50), (80, 24), 2, id="made smaller"),
    ],
)
def test_every_experiment_has_its_row_whatever_happens_to_the_window(
    tmp_path: Path, first: tuple[int, int], then: tuple[int, int], many: int
) -> None:
    toy = Toy.make(tmp_path)
    words = [-1, 1, "crash", *[1] * many, "slow", -3, "slow"]
    count = len(words)
    with toy.person(*first, *toy.run_arguments(*words), "--budget", "40x", "--budget", "10m") as person:
        person.sees(f"add slow in {count - 2}")
        assert_calm(person, first[0])
        assert numbers(person.lines) == list(range(count - 2))
        assert any(line.startswith("   3  ") and "✗ crashed" in line for line in person.lines)
        assert person.screen.cursor.hidden
        person.resizes(*then)
        person.sees(f"add slow in {count}")
        assert_calm(person, then[0], since=count - 2)
        assert person.ends() == 0
        lines = [line for line in person.lines if line]
        assert numbers(lines)[-3:] == [count - 2, count - 1, count]
        last = toy.experiments()[count]["commit"][:7]
        assert any(line.startswith(f"{count:4}  {last}  94          −1.1 %  ✓ kept  ") for line in lines)
        assert not any("── a small loss" in line for line in lines)
        assert lines[-6] == f"4 kept of {count} · 100 → 94 (−6.0 %)"
        assert [line.split()[0] for line in lines[-4:]] == ["look", "compare", "merge", "go"]
        assert not person.screen.cursor.hidden
        assert person.echoes


def test_checks_are_seen_while_they_run_and_failed_ones_are_named(tmp_path: Path) -> None:
    toy = Toy.make(tmp_path, experiment='checks = ["sleep 0.6; test ! -e params/002.txt"]')
    with toy.person(80, 24, *toy.run_arguments(-1, -2)) as person:
        person.sees("#0 checks  ")
        person.sees("#1 checks  ")
        assert_calm(person, 80)
        person.sees("✗ checks")
        assert person.ends() == 0
    assert toy.experiments()[2]["Outcome"] == "checks failed"
    assert toy.ar("log", "2").out.startswith("#2 ✗ checks failed  add -2 in 2\ndecision   discard: check `sleep 0.6; ")


def test_in_a_pipe_there_are_plain_lines_and_a_reader_that_leaves_does_not_end_the_run(tmp_path: Path) -> None:
    toy = Toy.make(tmp_path)
    done = toy.run(-1, "crash")
    commits = {number: facts["commit"] for number, facts in toy.experiments().items()}
    assert "\x1b" not in done.out
    assert done.err == ""
    lines = re.sub(r"\d+(\.\d+)? m?s\b", "TIME", done.out).splitlines()
    assert lines[:3] == [
        f"run autoresearch/toy from {toy.before['head'][:7]}, isolation guarded",
        "new run toy",
        "budget: until stopped",
    ]
    assert "#1 keep 99 (−1.0 %) TIME  add -1 in 1" in lines
    assert "#2 discard crashed TIME  add crash in 2: exit code 3: boom in params/002.txt" in lines
    assert lines[-5].startswith("all 2 changes have been replayed")
    assert len(commits) == 3
    running = toy.cli.start(toy.root, *toy.run_arguments(-1, -1, -1, -1))
    assert running.stdout is not None
    assert running.stderr is not None
    assert running.stdout.readline()
    running.stdout.close()
    with running:
        assert "Traceback" not in running.stderr.read()
    assert list(toy.experiments()) == list(range(7))
    toy.assert_sound()


def test_without_colours_and_on_a_dumb_terminal_everything_is_said_all_the_same(tmp_path: Path) -> None:
    toy = Toy.make(tmp_path)
    for variables, escapes in ({"NO_COLOR": "1"}, True), ({"TERM": "dumb"}, False):
        seen = io.BytesIO()
        with toy.person(80, 24, *toy.run_arguments(-1, "crash"), **variables) as person:
            person.child.logfile_read = seen
            assert person.ends() == 0
        assert not COLOUR.search(seen.getvalue())
        assert (b"\x1b" in seen.getvalue()) is escapes
        assert "−1.0 %".encode() in seen.getvalue()
        assert b"crashed" in seen.getvalue()
    coloured = io.BytesIO()
    with toy.person(80, 24, *toy.run_arguments(-1)) as person:
        person.child.logfile_read = coloured
        assert person.ends() == 0
    assert COLOUR.search(coloured.getvalue())


WAITS = """\
import os
import pathlib
import time
from solve import X, Y

number, doors = os.environ["AR_EXPERIMENT"], pathlib.Path(os.environ["DOORS"])
print("waiting for", number, flush=True)
while number != "0" and not (doors / number).exists() and not (doors / "all").exists():
    time.sleep(0.02)
print(f"score: {(X - 1) ** 2 + (Y + 0.5) ** 2}")
"""


def from_header(person: Person) -> list[str]:
    """The live region: the lines from the header on."""
    start = next((at for at, line in enumerate(person.visible) if line.startswith("── a low score ")), 0)
    return person.visible[start:]


def waiting(folder: Path, more: str = "") -> tuple[Path, Path]:
    """A repository whose experiments wait until there is a file with their number, or `all`, in the second folder."""
    doors = folder / "doors"
    doors.mkdir()
    settings = config(experiment=f"canary = false\nenv = {{ DOORS = {json.dumps(str(doors))} }}", rest=more)
    return toy(folder / "repo", {"evaluate.py": WAITS, "autoresearch.toml": settings}), doors


def watcher(ar: Cli, root: Path, *arguments: str) -> Watcher:
    """`ar run` on a terminal of 80 columns and 24 rows."""
    call = [sys.executable, "-m", "autoresearch", "run", *arguments]
    enter = f"import os; os.chdir({str(root)!r}); os.environ.update({ar.environment!r})"
    return Watcher(["-c", f"{enter}; os.execv({sys.executable!r}, {call!r})"], 80, 24)


def test_what_runs_side_by_side_has_its_place_on_the_screen_and_in_the_status(tmp_path: Path) -> None:
    root, doors = waiting(tmp_path)
    ar = Cli(tmp_path / "home")
    with watcher(ar, root, "--workers", "2", "--budget", "4x", "--tag", "both") as person:
        person.sees(" 1  #2 sampling  ")
        first = next(at for at, line in enumerate(from_header(person)) if line.startswith(" 0  #1 sampling  "))
        assert from_header(person)[first + 1].startswith(" 1  #2 sampling  ")
        person.sees("    #1: waiting for 1")
        page = ar(root, "status").out
        assert "state        running: 2 of 2 slots busy\n" in page
        assert re.search(r"^slot 0       sampling #1 for \d+ m?s of 1m\b", page, re.MULTILINE)
        live = json.loads(ar(root, "status", "--json").out)["live"]
        assert [(one["slot"], one["number"]) for one in live["slots"]] == [(0, 1), (1, 2)]
        (doors / "2").touch()
        person.sees(" 1  #3 sampling  ")
        assert from_header(person)[first].startswith(" 0  #1 sampling  ")
        assert from_header(person)[first + 1].startswith(" 1  #3 sampling  ")
        (doors / "all").touch()
        assert person.ends() == 0
    page, known = ar(root, "status").out, json.loads(ar(root, "status", "--json").out)
    assert re.search(r"^slots        2, all busy \d+ % of ", page, re.MULTILINE)
    assert known["utilisation"]["slots"] == 2
    assert "\nslot       1\n" in ar(root, "log", "2").out


def test_a_proposal_that_has_come_is_no_longer_said_to_be_thought_of(tmp_path: Path) -> None:
    replies = [f"Title: X {x}\n\n<<<<<<< SEARCH\nX = 3.0\n=======\nX = {x}\n>>>>>>> REPLACE\n" for x in (4.0, 5.0, 6.0)]
    with ChatServer(replies, latency=1.0) as server:
        model = f"[proposer]\nmodel = 'openai/stub'\napi_base = '{server.base_url}'\n[run]\nlookahead = 1"
        root, doors = waiting(tmp_path, model)
        with watcher(Cli(tmp_path / "home"), root, "--budget", "2x", "--tag", "ahead") as person:
            person.sees(" #2 proposing  ")
            person.waits(lambda: not any("proposing" in line for line in person.visible), "for the second answer")
            assert any(line.startswith(" #1 sampling  ") for line in person.visible)
            (doors / "all").touch()
            assert person.ends() == 0
