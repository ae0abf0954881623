"""The lock that keeps two runs from one repository."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import autoresearch
from autoresearch.errors import LockHeld, RecordError
from autoresearch.runtime.lock import NAME, RunLock, holder
from tests.support.namespaces import isolated, needs_root

HOLD = """
import sys
from pathlib import Path
from autoresearch.runtime.lock import RunLock
with RunLock(Path(sys.argv[1]), "ar run", tag="nov23"):
    print("held", flush=True)
    sys.stdin.read()
"""


TRY = """
import sys
from pathlib import Path
from autoresearch.errors import ArError
from autoresearch.runtime.lock import RunLock
try:
    with RunLock(Path(sys.argv[1]), "ar run"):
        print("held")
except ArError as error:
    print(type(error).__name__, error.message, error.hint, sep="\\n")
"""
LOOK = """
import sys
from pathlib import Path
from autoresearch.runtime.lock import holder
print("looking", flush=True)
while Path(sys.argv[2]).exists():
    holder(Path(sys.argv[1]))
"""
NOBODY, PYTHON = 65534, "/usr/bin/python3"
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel says who holds a lock in /proc only")


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
    with pytest.raises(RecordError, match="cannot be opened"), RunLock(tmp_path / "nothing", "ar run"):
        pass


def refusal(folder: Path) -> LockHeld:
    """What somebody is told who wants the lock now."""
    with pytest.raises(LockHeld) as refused, RunLock(folder, "ar run"):
        pass
    return refused.value


@on_linux
def test_who_removes_the_file_frees_nothing(tmp_path: Path) -> None:
    with somebody_else(tmp_path) as other:
        (tmp_path / NAME).unlink()
        said = refusal(tmp_path)
        assert said.message == (
            f"another `ar` works on this repository already: process {other.pid} on {socket.gethostname()}"
        )
        assert said.hint == f"see what it does: ar status    end it: kill {other.pid}"
        assert holder(tmp_path) is not None
        assert list(tmp_path.iterdir()) == []


@on_linux
@pytest.mark.parametrize("text", ["", "{", "null", "[]", '{"pid": 1}', "\0" * 99, "LIE"])
def test_a_file_that_says_something_else_is_not_believed(tmp_path: Path, text: str) -> None:
    """The lie names a process that lives, as a number that is used again would."""
    with somebody_else(tmp_path) as other:
        said = json.loads((tmp_path / NAME).read_text())
        (tmp_path / NAME).write_text(json.dumps({**said, "pid": os.getpid()}) if text == "LIE" else text)
        assert f"process {other.pid} on" in refusal(tmp_path).message
        found = holder(tmp_path)
        assert found is not None
        assert found.pid == other.pid


def test_what_a_killed_run_left_there_names_nobody_once_the_lock_is_taken_again(tmp_path: Path) -> None:
    with somebody_else(tmp_path) as killed:
        killed.kill()
        killed.wait()
    with somebody_else(tmp_path) as other:
        assert f"process {other.pid} on" in refusal(tmp_path).message


def test_a_file_of_somebody_who_came_later_is_not_removed(tmp_path: Path) -> None:
    with RunLock(tmp_path, "ar run"):
        (tmp_path / NAME).unlink()
        (tmp_path / NAME).write_text("another one")
    assert (tmp_path / NAME).read_text() == "another one"


def link(path: Path, users: Path) -> None:
    path.symlink_to(users)


def hard_link(path: Path, users: Path) -> None:
    path.hardlink_to(users)


def pipe(path: Path, _: Path) -> None:
    os.mkfifo(path)


def folder(path: Path, _: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("make", [link, hard_link, pipe, folder])
def test_what_is_no_file_of_its_own_in_its_place_is_an_error(
    tmp_path: Path, make: Callable[[Path, Path], None]
) -> None:
    users, common = tmp_path / "users.txt", tmp_path / "git"
    users.write_text("precious")
    common.mkdir()
    make(common / NAME, users)
    with pytest.raises(RecordError) as refused, RunLock(common, "ar run"):
        pass
    assert refused.value.message.startswith(f"cannot write the lock {common / NAME}: ")
    assert refused.value.hint.endswith(f" {common / NAME}")
    assert holder(common) is None
    assert users.read_text() == "precious"
    subprocess.run(refused.value.hint.partition(": ")[2], shell=True, check=True)
    with RunLock(common, "ar run"):
        pass


@pytest.fixture
def as_nobody(tmp_path: Path) -> Callable[[str, Path], list[str]]:
    """Runs a script as an ordinary user; the lines that it prints. Needs a Python that everybody can run."""
    needs_root()
    if not Path(PYTHON).exists():
        pytest.skip(f"there is no {PYTHON}")
    for place in (tmp_path, *tmp_path.parents):
        if place.is_relative_to(tempfile.gettempdir()) and place != Path(tempfile.gettempdir()):
            place.chmod(0o755)
    package = Path(autoresearch.__file__).parent
    shutil.copytree(package, tmp_path / "code" / "autoresearch", ignore=shutil.ignore_patterns("__pycache__"))

    def call(script: str, common: Path) -> list[str]:
        command = [PYTHON, "-B", "-c", script, str(common)]
        who = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        done = subprocess.run(command, cwd=tmp_path / "code", capture_output=True, text=True, check=False, **who)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return call


def test_another_user_is_told_who_holds_it_too(tmp_path: Path, as_nobody: Callable[[str, Path], list[str]]) -> None:
    common = tmp_path / "git"
    common.mkdir()
    common.chmod(0o755)
    with somebody_else(common) as other:
        for mode in (0o644, 0o000):
            (common / NAME).chmod(mode)
            kind, message, _ = as_nobody(TRY, common)
            assert kind == "LockHeld"
            assert f"process {other.pid} on" in message


def test_a_file_that_may_not_be_written_is_an_error(
    tmp_path: Path, as_nobody: Callable[[str, Path], list[str]]
) -> None:
    common = tmp_path / "git"
    common.mkdir()
    common.chmod(0o777)
    (common / NAME).touch(0o444)
    kind, message, hint = as_nobody(TRY, common)
    assert (kind, message) == ("RecordError", f"cannot write the lock {common / NAME}: Permission denied")
    assert hint == f"nobody holds it, so it may go: rm {common / NAME}"
    common.chmod(0o755)
    (common / NAME).unlink()
    kind, message, *_ = as_nobody(TRY, common)
    assert (kind, message) == ("RecordError", f"cannot write the lock {common / NAME}: Permission denied")


def test_a_holder_on_another_machine_is_named_with_it(tmp_path: Path) -> None:
    """Another machine as far as one can tell: with a name of its own, where none of our processes can be seen."""
    script = f"import socket; socket.sethostname('elsewhere')\n{TRY}"
    with somebody_else(tmp_path) as other:
        command = [*isolated("--pid", "--fork", "--mount-proc", "--uts"), sys.executable, "-c", script, str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    kind, message, hint = done.stdout.splitlines()
    here = socket.gethostname()
    assert kind == "LockHeld"
    assert f"`ar run` works on this repository already on run nov23: process {other.pid} on {here}, since" in message
    assert hint.endswith(f"kill {other.pid} (on {here})")


def test_who_only_looks_keeps_nobody_from_taking_it(tmp_path: Path) -> None:
    go_on = tmp_path / "go on"
    go_on.touch()
    common = tmp_path / "git"
    common.mkdir()
    command = [sys.executable, "-c", LOOK, str(common), str(go_on)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as looking:
        assert looking.stdout is not None
        assert looking.stdout.readline() == "looking\n"
        for _ in range(20):
            with RunLock(common, "ar run"):
                assert holder(common) is not None
        go_on.unlink()
    assert looking.returncode == 0
