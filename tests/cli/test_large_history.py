"""A record of ten thousand experiments: one git process reads it all, however long it is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoresearch.core.experiment import Decision, Draft, Proposal, Usage
from autoresearch.record import trailers
from tests.support.experiments import START, experiment
from tests.support.toy import Toy

pytestmark = pytest.mark.thorough

MANY, EVERY = 10_000, 100
"""So many experiments after the baseline; each hundredth is kept, each tenth crashes just before."""
PROCESSES = 8
"""Three for git's version, one each for the format, the runs, blobs and the experiments; and one to spare."""


def message(number: int) -> str:
    """An experiment as the journal writes it."""
    title, kept = f"change {number}", number % EVERY == 0
    value = None if number % 10 == 9 else 100.0 - number // EVERY * 0.1 + (not kept) * (1 + number % 7)
    parent = (number - 1) // EVERY * EVERY
    decision = Decision.KEEP if kept else Decision.DISCARD
    one = experiment(number, value, title=title, metric_name="loss", decision=decision, parent=parent)
    proposal = Proposal(title, "It should help, for these reasons.\nOr so.", (), "llm", Usage(1200, 300, 0.01), "a/b")
    draft = Draft(number, "", "", parent, "", proposal, START)
    facts = [*trailers.draft_facts(draft, proposal.usage), *trailers.result_facts(one)]
    return trailers.message(title, proposal.hypothesis, facts)


def stream(first: str, last_ref: str) -> Iterator[str]:
    """Input of `git fast-import`: every experiment is a commit on the kept one before it; mark n is experiment n."""
    for number in range(1, MANY + 1):
        text, parent = message(number), (number - 1) // EVERY * EVERY
        yield f"commit {last_ref}\nmark :{number}\ncommitter Ada <ada@example.org> {START.timestamp():.0f} +0000\n"
        yield f"data {len(text.encode())}\n{text}\nfrom {f':{parent}' if parent else first}\n"
        yield f"M 100644 inline notes.txt\ndata <<.\n{number}\n.\n\n"
    yield f"reset refs/heads/autoresearch/toy\nfrom :{MANY}\n\n"


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """A real run of a baseline, and ten thousand experiments after it as `git gc` would leave them."""
    folder = tmp_path_factory.mktemp("large")
    toy = Toy.make(folder)
    toy.run(1, more=("--target", "1000"))
    marks, prefix = folder / "marks", f"refs/autoresearch/{toy.tag}"
    text = "".join(stream(toy.ref("0000"), f"{prefix}/{MANY}"))
    command = ["git", "-c", "core.fsync=none", "fast-import", "--quiet", "--force", f"--export-marks={marks}"]
    subprocess.run(command, cwd=toy.root, input=text.encode(), check=True)
    rows = (line[1:].split() for line in marks.read_text().splitlines())
    refs = sorted((f"{prefix}/{int(number):04}", commit) for number, commit in rows)
    lines = ["# pack-refs with: peeled fully-peeled sorted ", *(f"{commit} {ref}" for ref, commit in refs)]
    (toy.root / ".git" / "packed-refs").write_text("\n".join(lines) + "\n")
    return toy


@pytest.fixture
def counted(toy: Toy, tmp_path: Path) -> tuple[str, Path]:
    """A search path whose git notes every call in a file, and that file."""
    calls, wrapper = tmp_path / "calls", tmp_path / "git"
    wrapper.write_text(f'#!/bin/sh\necho "$@" >> {calls}\nexec {shutil.which("git")} "$@"\n')
    wrapper.chmod(0o755)
    return f"{tmp_path}:{os.environ['PATH']}", calls


def test_the_list_is_read_by_a_handful_of_git_processes(toy: Toy, counted: tuple[str, Path]) -> None:
    path, calls = counted
    done = toy.cli(toy.root, "log", "-n", "20", PATH=path)
    assert done.out.startswith("100 kept of 10000 · 100 → 90 (−10.0 %)\n")
    assert [int(number) for number in re.findall(r"^ *(\d+)  ", done.out, re.MULTILINE)] == list(range(10000, 9980, -1))
    assert len(calls.read_text().splitlines()) <= PROCESSES


def test_the_status_is_read_by_a_handful_of_git_processes(toy: Toy, counted: tuple[str, Path]) -> None:
    path, calls = counted
    done = toy.cli(toy.root, "status", PATH=path)
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert "loss 100 → 90 (−10.0 %), best is #10000" in lines
    assert "tried 10000, 100 kept (1 %)" in lines
    assert "not kept 8900 not better, 1000 crashed" in lines
    assert len(calls.read_text().splitlines()) <= PROCESSES


def test_a_search_goes_on_after_it_and_says_that_git_wants_tidying(toy: Toy) -> None:
    done = toy.run(-30)
    # A hundred times the largest gain of the ten thousand: looked at twice.
    assert "#10001 sample 2 (in a fresh worktree) loss 70 " in done.out
    assert "#10001 keep (suspicious) 70 " in done.out
    assert [line.split() for line in done.out.splitlines()][-1] == ["tidy", "git", "gc"]
    assert toy.branch == toy.ref("10001")
    assert toy.ar("log", "best", "--sha").out.strip() == toy.branch
