"""The lock that keeps two runs from one repository."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from autoresearch.errors import LockHeld, RecordError
from autoresearch.runtime.lock import NAME, RunLock, holder

HOLD = """
import sys
from pathlib import Path
from autoresearch.runtime.lock import RunLock
with RunLock(Path(sys.argv[1]), "ar run", tag="nov23"):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def somebody_else(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock."""
    command = [sys.executable, "-c", HOLD, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        yield other
        other.kill()


def test_a_second_run_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    with somebody_else(tmp_path) as other:
        with pytest.raises(LockHeld) as refused, RunLock(tmp_path, "ar revert"):
            pass
        assert f"`ar run` works on this repository already on run nov23: process {other.pid}" in refused.value.message
        assert "ar status" in refused.value.hint
        assert refused.value.exit_code == 3


def test_the_kernel_frees_the_lock_of_a_killed_run(tmp_path: Path) -> None:
    with somebody_else(tmp_path) as other:
        other.kill()
        other.wait()
        assert (tmp_path / NAME).exists()
        with RunLock(tmp_path, "ar run"):
            pass
    assert not (tmp_path / NAME).exists()


def test_who_holds_it_can_be_asked_without_taking_it(tmp_path: Path) -> None:
    assert holder(tmp_path) is None
    with somebody_else(tmp_path) as other:
        found = holder(tmp_path)
        assert found is not None
        assert (found.pid, found.what, found.tag) == (other.pid, "ar run", "nov23")
        other.kill()
        other.wait()
        assert holder(tmp_path) is None


def test_a_run_in_the_same_process_can_take_it_again(tmp_path: Path) -> None:
    for _ in range(2):
        with RunLock(tmp_path, "ar run"):
            assert holder(tmp_path) is not None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_children_do_not_inherit_it(tmp_path: Path) -> None:
    with RunLock(tmp_path, "ar run"), (tmp_path / "inherited").open("w") as other:
        os.set_inheritable(other.fileno(), True)
        listing = ["ls", "-l", "/proc/self/fd"]
        opened = subprocess.run(listing, close_fds=False, capture_output=True, text=True, check=True).stdout
    assert "inherited" in opened
    assert NAME not in opened


def test_a_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="cannot write"), RunLock(tmp_path / os.devnull[1:], "ar run"):
        pass
