"""`ar log`: the list and its filters, one experiment in full or in part, for programs, and through the pager."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.repositories import git, write
from tests.support.toy import Toy

WORDS = (-1, 1, "crash", -2)
MANY_DIGITS = "1" * 5_000


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """A run with the baseline, two kept changes, a discarded one and a crash. Tests only read it."""
    toy = Toy.make(tmp_path_factory.mktemp("log"))
    toy.run(*WORDS)
    return toy


def numbers(text: str) -> list[int]:
    return [int(match[1]) for line in text.splitlines() if (match := re.match(r" +(\d+)  ", line))]


def test_the_list_is_newest_first_below_one_line_that_sums_it_up(toy: Toy) -> None:
    done = toy.ar("log")
    lines = done.out.splitlines()
    commits = {number: facts["commit"][:7] for number, facts in toy.experiments().items()}
    assert (done.code, done.err) == (0, "")
    assert lines[0] == "2 kept of 4 · 100 → 97 (−3.0 %)"
    assert lines[1].split() == ["#", "commit", "loss", "change", "decision", "took", "hypothesis"]
    assert [line.split()[:2] for line in lines[2:]] == [[str(number), commits[number]] for number in (4, 3, 2, 1, 0)]
    assert re.fullmatch(r" +4  .{7}  97 +−2.0 %  ✓ kept +[\d.]+ m?s  add -2 in 4 — Replay of 004.patch.", lines[2])
    assert re.fullmatch(r" +3  .{7}  – +✗ crashed +[\d.]+ m?s  add crash in 3 — exit code 3: boom in .*", lines[3])


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ("-n 2", [4, 3]),
        ("-n 2 --reverse", [3, 4]),
        ("--all --reverse", [0, 1, 2, 3, 4]),
        ("--kept", [4, 1, 0]),
        ("--discarded", [3, 2]),
        ("--failed", [3]),
        ("--sort metric", [4, 1, 0, 2]),
        ("--sort metric --kept -n 1", [4]),
    ],
)
def test_filters_and_orders(toy: Toy, options: str, shown: list[int]) -> None:
    assert numbers(toy.ar("log", *options.split()).out) == shown


def test_one_experiment_is_shown_in_full_whatever_it_is_called(toy: Toy) -> None:
    commit = toy.experiments()[4]["commit"]
    full = toy.ar("log", "4").out
    lines = full.splitlines()
    assert lines[:3] == [
        "#4 ✓ kept  add -2 in 4",
        "decision   keep: proved better: 97 against 99 of #1 (−2.0 %); no noise",
        "loss       97, −2.0 % against 99 of #1",
    ]
    assert f"commit     {commit}" in lines
    assert {"hypothesis", "diff", "+-2", "end of the output", "loss: 97"} <= set(lines)
    for name in (commit[:6], commit.upper(), "best"):
        assert toy.ar("log", name).out == full
    assert toy.ar("log", "baseline").out.startswith("#0 ✓ baseline  baseline\n")


def test_a_part_of_an_experiment_is_printed_alone(toy: Toy) -> None:
    commit = toy.experiments()[1]["commit"]
    assert toy.ar("log", "1", "--sha").out == commit + "\n"
    assert toy.ar("log", "1", "--diff").out == git(toy.root, "diff", f"{commit}^", commit) + "\n"
    assert toy.ar("log", "3", "--output").out.endswith("boom in params/003.txt\n")
    write(toy.root, {".autoresearch/runs/toy/0001/prompt.md": "What now?", ".autoresearch/runs/toy/0001/reply.md": "x"})
    assert toy.ar("log", "1", "--prompt").out == "What now?\n--- reply ---\nx\n"


def test_programs_get_json_and_the_five_columns_of_a_results_file(toy: Toy) -> None:
    commits = [facts["commit"] for _, facts in sorted(toy.experiments().items())]
    rows = list(csv.reader(io.StringIO(toy.ar("log", "--tsv").out), delimiter="\t"))
    assert rows == [
        ["commit", "loss", "memory_gb", "status", "description"],
        [commits[0][:7], "100.000000", "0.0", "keep", "baseline"],
        [commits[1][:7], "99.000000", "0.0", "keep", "add -1 in 1"],
        [commits[2][:7], "100.000000", "0.0", "discard", "add 1 in 2"],
        [commits[3][:7], "0.000000", "0.0", "crash", "add crash in 3"],
        [commits[4][:7], "97.000000", "0.0", "keep", "add -2 in 4"],
    ]
    objects = [json.loads(line) for line in toy.ar("log", "--json", "--reverse").out.splitlines()]
    assert [one["commit"] for one in objects] == commits
    assert [one["metric"] for one in objects] == [100, 99, 100, None, 97]
    assert json.loads(toy.ar("log", "--json", "3").out) == objects[3]


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        ("77", "there is no experiment 77", "there are 0 to 4; ar log --all lists them"),
        ("ffffffff", "there is no experiment ffffffff", "there are 0 to 4; ar log --all lists them"),
        ("²", "there is no experiment ²", "there are 0 to 4; ar log --all lists them"),
        (MANY_DIGITS, f"there is no experiment {MANY_DIGITS}", "there are 0 to 4; ar log --all lists them"),
        ("--all -n 1", "--all and -n are different things: one at a time", "ar log --all"),
        ("--json --all -n 1", "--all and -n are different things: one at a time", "ar log --all"),
        ("--diff", "--diff needs an experiment", "ar log 12 --diff, or: ar log best --diff"),
        ("1 --prompt --tag nov23", "there is no run nov23", "runs of this repository: toy"),
        ("1 --tsv", "--tsv prints the whole list, not one experiment", "ar log --tsv, or: ar log 1"),
        ("0 --prompt", "experiment 0 has no prompt: no model is asked for a baseline", "ar log 0 shows the record"),
        ("2 --prompt", "experiment 2 has no prompt: no model is asked for a replay", "ar log 2 shows the record"),
    ],
)
def test_what_is_not_there_is_said_with_a_way_on(toy: Toy, arguments: str, message: str, hint: str) -> None:
    done = toy.ar("log", *arguments.split())
    assert (done.code, done.out, done.error, done.hints) == (2, "", message, hint)


def test_without_the_cache_folder_everything_but_the_output_is_told_all_the_same(tmp_path: Path) -> None:
    toy = Toy.make(tmp_path)
    assert (toy.ar("log").out, toy.ar("log").hints) == ("no run yet\n", "ar run --budget 5m")
    for wanted in ("--tsv", "--jsonl", "--json", "--plot p.png", "--plot", "--html p.html", "best", "0 --diff"):
        done = toy.ar("log", *wanted.split())
        assert (done.code, done.out, done.error, done.hints) == (2, "", "no run yet", "ar run --budget 5m")
    assert not list(toy.root.glob("p.*"))
    toy.run(-1)
    calls = (["log", "--json"], ["log", "1", "--diff"], ["status"])
    before = [toy.ar(*call).out for call in calls]
    shutil.rmtree(toy.root / ".autoresearch")
    assert [toy.ar(*call).out for call in calls] == before
    assert toy.ar("log", "1", "--output").error == "the output of experiment 1 is not on disk"
    toy.run(1)
    toy.assert_sound()


def remove(path: Path) -> None:
    if path.is_dir():
        path.rmdir()
    else:
        path.unlink()


def test_what_an_experiment_put_in_the_place_of_its_files_is_not_read(tmp_path: Path) -> None:
    """A pipe would be waited for, and a link leads to a file that is none of the experiment's."""
    toy = Toy.make(tmp_path)
    toy.run(-1)
    folder = toy.root / ".autoresearch/runs/toy/0001"
    write(tmp_path, {"mine": "my own words\n"})
    output, prompt, reply = folder / "output.log", folder / "prompt.md", folder / "reply.md"
    for plant in (os.mkfifo, lambda path: path.symlink_to(tmp_path / "mine"), Path.mkdir):
        output.unlink()
        for path in (output, prompt, reply):
            plant(path)
        done = toy.ar("log", "1")
        assert (done.code, done.err) == (0, "")
        assert "end of the output" not in done.out
        assert "my own words" not in done.out
        for part in ("output", "prompt"):
            done = toy.ar("log", "1", f"--{part}")
            assert (done.code, done.out) == (2, "")
            assert done.error == f"the {part} of experiment 1 cannot be read: it is no plain file"
            assert done.hints.startswith(f"look at {folder}")
        remove(prompt)
        write(folder, {"prompt.md": "What now?"})
        assert toy.ar("log", "1", "--prompt").out == "What now?\n--- reply ---\n\n"
        for path in (output, prompt, reply):
            remove(path)
        output.touch()


def test_of_a_long_output_the_end_is_shown(tmp_path: Path) -> None:
    toy = Toy.make(tmp_path)
    toy.run(-1)
    output = toy.root / ".autoresearch/runs/toy/0001/output.log"
    with output.open("wb") as file:
        # Far more than fits into memory, nearly all of it a hole.
        file.truncate(1 << 40)
        file.seek(1 << 40)
        file.write(b"\r\n" + "ü€😀".encode() * 2_000 + b"\nthe end\r\n")
    shown = toy.ar("log", "1").out.split("end of the output", 1)[1]
    assert "\nthe end\n" in shown
    assert len(shown) < 4_100
    assert "\ufffd" not in shown


def test_a_reader_that_goes_away_is_no_error(toy: Toy) -> None:
    for options in ("", "--json", "--tsv", "4"):
        script = f"'{sys.executable}' -m autoresearch log {options} | head -n 1"
        done = subprocess.run(script, shell=True, cwd=toy.root, capture_output=True, text=True, check=False)
        assert (done.stdout.count("\n"), done.stderr) == (1, "")


def test_on_a_terminal_what_does_not_fit_goes_through_the_pager_in_colours(toy: Toy, tmp_path: Path) -> None:
    paged = tmp_path / "paged"
    pager = f"cat > '{paged}'"
    with toy.person(80, 24, "log", "4", PAGER=pager) as person:
        assert person.ends() == 0
    assert "✓ kept" in paged.read_text()
    paged.unlink()
    with toy.person(80, 24, "log", PAGER=pager) as person:
        assert person.ends() == 0
        assert any("2 kept of 4" in line for line in person.visible)
        assert all(len(line) <= 80 for line in person.visible)
    assert not paged.exists()


@pytest.mark.skipif(shutil.which("less") is None, reason="the pager that people have")
def test_less_shows_colours_and_not_their_codes(toy: Toy) -> None:
    with toy.person(80, 12, "log", "4") as person:
        person.sees("hypothesis")
        assert person.visible[0] == "#4 ✓ kept  add -2 in 4"
        assert person.visible[-1] == ":"
        person.child.send("q")
        assert person.ends() == 0
