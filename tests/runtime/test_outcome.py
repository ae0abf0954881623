"""What the end of a real process means for the experiment."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import pytest

from autoresearch.core.experiment import Measured, Outcome, Unmeasured
from autoresearch.core.metric import MetricReader, MetricSpec
from autoresearch.core.ports import Job
from autoresearch.runtime.command import Command
from autoresearch.runtime.outcome import judge
from autoresearch.runtime.output import OutputLog
from autoresearch.runtime.process import Process

PYTHON = shlex.quote(sys.executable)


def outcome_of(folder: Path, command: str | tuple[str, ...], limit: float = 60.0) -> Measured | Unmeasured:
    job = Job(number=1, commit="", sample=1, seed=0, limit=limit, convention=None)
    reader = MetricReader(MetricSpec("loss"))
    with OutputLog(folder / "output.log", "sample 1") as log:
        done = Process(Command(command, folder, os.environ, limit, 0.2)).wait(reader.feed, log)
    return judge(done, reader, job, None)


@pytest.mark.parametrize(
    ("command", "outcome", "reason"),
    [
        ("echo loss: 1; exit 3", Outcome.CRASHED, "exit code 3: loss: 1"),
        ("echo bad >&2; exit 1", Outcome.CRASHED, "exit code 1: bad"),
        (f"{PYTHON} -c 'raise ValueError(5)'; echo later >&2; exit 1", Outcome.CRASHED, "exit code 1: ValueError: 5"),
        ("no-such-program --x", Outcome.CRASHED, "command not found: no-such-program"),
        (("no-such-program",), Outcome.CRASHED, "command not found: no-such-program"),
        ("kill -SEGV $$", Outcome.CRASHED, "killed with SIGSEGV"),
        ("sh -c 'kill -ABRT $$'; exit $?", Outcome.CRASHED, "killed with SIGABRT"),
        ("kill -KILL $PPID; sleep 60", Outcome.CRASHED, "its supervisor was killed"),
        ("kill -KILL $$", Outcome.OUT_OF_MEMORY, "killed with SIGKILL, as the system does when memory runs out"),
        ("exit 137", Outcome.OUT_OF_MEMORY, "killed with SIGKILL"),
        (f"{PYTHON} -c 'raise MemoryError'", Outcome.OUT_OF_MEMORY, "out of memory: MemoryError"),
        ("echo 'RuntimeError: CUDA error: out of memory' >&2; exit 1", Outcome.OUT_OF_MEMORY, "out of memory: Runtime"),
        ("exit 125", Outcome.SKIPPED, "exit code 125"),
        ("echo loss: 1; sleep 60", Outcome.TIMED_OUT, "timed out after 0.7 s"),
        ("echo acc: 1", Outcome.NO_METRIC, "acc"),
        ("echo loss: nan", Outcome.NO_METRIC, "nan"),
        ("echo loss: 1 >&2", Outcome.NO_METRIC, "only stdout is read"),
    ],
)
def test_whatever_goes_wrong_is_an_outcome(
    tmp_path: Path, command: str | tuple[str, ...], outcome: Outcome, reason: str
) -> None:
    done = outcome_of(tmp_path, command, 0.7 if outcome is Outcome.TIMED_OUT else 60.0)
    assert isinstance(done, Unmeasured)
    assert done.outcome is outcome
    assert reason in done.reason


def test_an_error_that_was_survived_is_no_failure(tmp_path: Path) -> None:
    done = outcome_of(tmp_path, "echo 'CUDA out of memory, smaller batch' >&2; echo loss: 0.5")
    assert isinstance(done, Measured)
    assert done.value == 0.5
