"""Several executions that print into one file at the same time: each in one piece, in the order in which they ended."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoresearch.core.experiment import Measured
from autoresearch.core.ports import Task
from autoresearch.runtime.output import OutputLog
from autoresearch.runtime.transcript import Transcript
from tests.runtime.test_executor import PATIENCE, Lab, until


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "0000" / "output.log"


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    made = Lab(tmp_path / "repo")
    yield made
    for executor in made.executors:
        executor.close()


def names(path: Path) -> list[str]:
    return sorted(one.name for one in path.parent.iterdir())


def test_alone_it_can_be_read_in_the_file_itself(path: Path) -> None:
    for word in ("one", "two"):
        with Transcript(path) as transcript:
            transcript.write(f"{word}\n".encode())
            assert path.read_text().endswith(f"{word}\n")
            assert names(path) == ["output.log"]
    assert path.read_text() == "one\ntwo\n"


def test_together_each_is_in_one_piece_in_the_order_in_which_they_ended(path: Path) -> None:
    with Transcript(path) as before:
        before.write(b"before\n")
    written = [Transcript(path) for _ in range(3)]
    for _ in range(3):
        for number, transcript in enumerate(written):
            transcript.write(f"{number}\n".encode())
    assert path.read_text() == "before\n"
    written[1].close()
    assert path.read_text() == "before\n1\n1\n1\n"
    written.append(Transcript(path))
    written[3].write(b"3\n")
    for number in (0, 3, 2):
        written[number].close()
    assert path.read_text() == "before\n1\n1\n1\n0\n0\n0\n3\n2\n2\n2\n"
    assert names(path) == ["output.log"]


def test_the_first_takes_along_what_it_has_written(path: Path) -> None:
    first = Transcript(path)
    first.write(b"first begins\n")
    second = Transcript(path)
    assert (path.read_text(), (path.parent / "output-1.log").read_text()) == ("", "first begins\n")
    second.write(b"second\n")
    second.close()
    first.write(b"first ends\n")
    first.close()
    assert path.read_text() == "second\nfirst begins\nfirst ends\n"


def test_somebody_may_clear_everything_away_meanwhile(path: Path) -> None:
    both = [Transcript(path), Transcript(path)]
    for left in path.parent.iterdir():
        left.unlink()
    path.parent.rmdir()
    for one in both:
        one.write(b"x\n")
        one.close()
    with Transcript(path) as again:
        again.write(b"again\n")
    assert path.read_text() == "again\n"


KILLED = """
import os, signal, sys
from pathlib import Path
from autoresearch.runtime.output import OutputLog
one, two = (OutputLog(Path(sys.argv[1]), f"sample {number}") for number in (1, 2))
for log in (one, two, one, two):
    log.add(b"half a li")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_ar_leaves_beside_the_file_comes_into_it(path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    blocks = {name: (path.parent / name).read_text() for name in names(path)}
    half = [f"--- sample {number} ---\n{'half a li' * 2}" for number in (1, 2)]
    assert blocks == {"output.log": "", "output-1.log": half[0], "output-2.log": half[1]}
    with OutputLog(path, "sample 1") as log:
        log.add(b"whole\n")
        assert path.read_text() == f"{half[0]}\n{half[1]}\n--- sample 1 ---\nwhole\n"
    assert names(path) == ["output.log"]


def test_of_samples_of_one_experiment_side_by_side_each_is_in_one_piece(lab: Lab, tmp_path: Path) -> None:
    gate = f"'{tmp_path}/gate'"
    command = (
        f"echo begin $AR_SAMPLE; touch {gate}$AR_SAMPLE; "
        f"until [ -e {gate}1 ] && [ -e {gate}2 ]; do sleep 0.01; done; echo end $AR_SAMPLE; echo loss: 1"
    )
    options = {"artifacts": ("x.txt",), "evaluate": "echo evaluated $AR_SAMPLE; echo loss: 1", "base": lab.head}
    executor = lab.executor(command, devices=("", ""), setup="echo set up", **options)
    jobs = [lab.job(slot=slot, sample=slot + 1, task=task) for slot, task in enumerate((Task.SAMPLE, Task.INCUMBENT))]
    futures = [executor.submit(job) for job in jobs]
    assert all(isinstance(future.result(PATIENCE), Measured) for future in futures)
    piece = (
        "--- setup ---\nset up\n--- sample {0} (seed 7) ---\nbegin {0}\nend {0}\nloss: 1\n"
        "--- evaluate, sample {0} ---\nevaluated {0}\nloss: 1\n"
    )
    pieces = [piece.format(number) for number in (1, 2)]
    assert lab.output(0) in (pieces[0] + pieces[1], pieces[1] + pieces[0])


def test_a_single_sample_can_be_read_while_it_runs(lab: Lab, tmp_path: Path) -> None:
    executor = lab.executor(f"echo working; until [ -e '{tmp_path}/gate' ]; do sleep 0.01; done; echo loss: 1")
    future = executor.submit(lab.job(3))
    until(lambda: lab.layout.output(3).exists() and "working\n" in lab.output(3))
    (tmp_path / "gate").touch()
    assert isinstance(future.result(PATIENCE), Measured)
    assert re.findall("^---.*", lab.output(3), re.MULTILINE) == ["--- sample 1 (seed 7) ---"]
