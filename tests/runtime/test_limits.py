"""What an experiment may use: memory, output, room on the disk; and what that costs the process that watches it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from autoresearch.core.isolation import Level
from autoresearch.errors import RunError
from autoresearch.runtime import space
from autoresearch.runtime.command import Command, Finished, Limits, Why
from autoresearch.runtime.output import OutputLog
from autoresearch.runtime.process import Process
from tests.support.hostile import Lab
from tests.support.namespaces import isolated

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a tree of processes uses"),
]

MIB = 2**20
GROWS = """
held = []
while True:
    held.append(b'x' * 2**20)
    time.sleep(0.002)
"""
TOGETHER = """
for _ in range(5):
    if os.fork() == 0: break
held = b'x' * (70 * 2**20)
time.sleep(60)
"""
SHARED = """
import mmap
shared = mmap.mmap(-1, 120 * 2**20)
shared.write(b'x' * (120 * 2**20))
for _ in range(4):
    if os.fork() == 0:
        sum(shared[::4096])
        time.sleep(1)
        os._exit(0)
for _ in range(4): os.wait()
print('loss: 1')
"""


@pytest.mark.parametrize("code", [GROWS, TOGETHER], ids=["one", "together"])
def test_too_much_memory_ends_it(lab: Lab, level: Level, code: str) -> None:
    lab.open(level, memory=200 * MIB)
    done = lab.run("import os, time\n" + code)
    assert (done.outcome, done.reason) == ("out of memory", "more than the 0.195 GiB of memory that it may have")


def test_shared_memory_counts_once(lab: Lab) -> None:
    lab.open(Level.BASIC, memory=250 * MIB)
    assert lab.run("import os, time\n" + SHARED).value == 1


def test_a_line_without_end_costs_little_memory(lab: Lab) -> None:
    lab.open(Level.BASIC, "head -c 2G /dev/zero; echo; echo loss: 1")
    before = lab.run(commit=lab.git("rev-parse", "HEAD"))
    assert before.value == 1
    assert before.peak_mb < 100


def ran(folder: Path, command: str, limits: Limits) -> Finished:
    with OutputLog(folder / "log", "sample") as log:
        done = Process(Command(command, folder, dict(os.environ), 60.0, 0.2, limits)).wait(lambda _: None, log)
    assert isinstance(done, Finished)
    return done


def test_too_much_output_ends_it(tmp_path: Path) -> None:
    done = ran(tmp_path, "cat /dev/zero", Limits(output=2**24))
    assert (done.why, done.over) == (Why.OVER, "printed more than 0.0156 GiB")
    assert (tmp_path / "log").stat().st_size < 2.1 * MIB


def test_too_many_processes_end_it(tmp_path: Path) -> None:
    done = ran(tmp_path, "for i in 1 2 3 4 5 6; do sleep 60 & done; wait", Limits(processes=5))
    assert (done.why, done.over) == (Why.OVER, "more than 5 processes at once")


def test_a_disk_that_fills_up_ends_it(tmp_path: Path) -> None:
    done = ran(tmp_path, "sleep 60", Limits(disk={tmp_path: 2**60}))
    assert done.why is Why.OVER
    assert f"GiB were left on the disk of {tmp_path}" in done.over


# On a disk of 40 MiB, which nobody else sees.
SMALL_DISK = """
mount -t tmpfs -o size=40m none "$1" && cd "$1" && exec "$2" -c '
import json, sys
from pathlib import Path
from autoresearch.errors import RunError
from autoresearch.runtime import space
told = []
warned = []
try: space.await_room([Path(".")], told.append, lambda: False, 0.05, warned.append)
except RunError as error: print(json.dumps([told, warned, error.message, error.hint]))
space.await_room([Path(".")], told.append, lambda: True, 60.0)
'
"""


def test_without_room_nothing_starts_and_after_a_while_it_is_an_error(tmp_path: Path) -> None:
    command = [*isolated(), "sh", "-c", SMALL_DISK, "sh", str(tmp_path), sys.executable]
    root = str(Path(__file__).parents[2])
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": root}, capture_output=True, text=True, check=True)
    told, warned, message, hint = json.loads(done.stdout)
    assert told[0] == "waiting for room on the disk: 2 GiB must be free, and 0.0391 GiB are, of ."
    assert warned == told[:1]
    assert (message, hint) == (told[0].replace("waiting for", "too little"), "make room, then: ar run")


def test_a_disk_with_room_is_not_waited_for(tmp_path: Path) -> None:
    told: list[str] = []
    try:
        space.await_room([tmp_path], told.append, lambda: False, 0.0)
    except RunError:
        pytest.skip("this disk has too little room")
    assert told == []
