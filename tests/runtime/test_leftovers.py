"""Nothing of an experiment runs any more once it has ended, however it ended and whatever it did about that."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from autoresearch.core.isolation import Level
from tests.support.hostile import Lab, Who, everybody, is_free, lab_of, until

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux hands orphans to the supervisor"),
]

TREE = """
import ctypes, fcntl, os, signal, sys, time

def hold(name):
    '''A lock that this process has, and everything that inherits from it.'''
    file = open(name + '.new', 'w')
    fcntl.flock(file, fcntl.LOCK_EX)
    os.set_inheritable(file.fileno(), True)
    os.rename(name + '.new', name)
    return file

def sleep():
    while True: time.sleep(60)

def deaf():
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT): signal.signal(number, signal.SIG_IGN)

def daemon():
    if os.fork(): os._exit(0)
    os.setsid()
    if os.fork(): os._exit(0)
    os.chdir('/')
    sleep()

def deaf_session():
    os.setsid()
    deaf()
    sleep()

def hydra():
    def again(*_):
        if os.fork(): os._exit(0)
    signal.signal(signal.SIGTERM, again)
    sleep()

def nameless():
    ctypes.CDLL(None).prctl(15, b'kworker/0:1', 0, 0, 0)
    os.setsid()
    os.execve(sys.executable, ['[kworker/0:1]', '-ISc', 'import time; time.sleep(600)'], {})

def holds_the_pipe():
    os.setsid()
    deaf()
    while True:
        os.write(1, b'still here\\n')
        time.sleep(0.1)

def stopped():
    os.setsid()
    os.kill(os.getpid(), signal.SIGSTOP)
    sleep()

os.mkdir('alive')
for kind in (daemon, deaf_session, hydra, nameless, holds_the_pipe, stopped):
    if os.fork() == 0:
        file = hold('alive/' + kind.__name__)
        kind()
while len([name for name in os.listdir('alive') if '.' not in name]) < 6: time.sleep(0.01)
os.mkdir('complete' + os.environ['AR_EXPERIMENT'])
"""
WAIT, END = "\nsleep()", "\nprint('loss: 1')"


def assert_nothing_is_left(lab: Lab) -> None:
    """Whoever still runs holds a lock."""
    locks = list((lab.worktree / "alive").iterdir())
    assert len(locks) == 6
    assert [path.name for path in locks if not is_free(path)] == []


def starts(lab: Lab, code: str, limit: float = 30.0) -> None:
    lab.start(code, limit=limit)
    until((lab.worktree / f"complete{lab.number}").is_dir)
    assert not any(map(is_free, (lab.worktree / "alive").iterdir()))


def test_nothing_is_left_when_the_command_has_ended(lab: Lab, level: Level) -> None:
    lab.open(level)
    assert lab.run(TREE + END).value == 1
    assert_nothing_is_left(lab)


def test_nothing_is_left_when_time_is_up(lab: Lab, level: Level) -> None:
    lab.open(level)
    starts(lab, TREE + WAIT, limit=1.0)
    assert lab.result().outcome == "timed out"
    assert_nothing_is_left(lab)


@pytest.mark.parametrize("at_once", [False, True], ids=["politely", "at once"])
def test_nothing_is_left_when_it_was_stopped(lab: Lab, level: Level, at_once: bool) -> None:
    lab.open(level)
    starts(lab, TREE + WAIT)
    lab.stop(at_once=at_once)
    assert lab.result().outcome == "interrupted"
    assert_nothing_is_left(lab)


def test_nothing_is_left_when_its_keeper_was_killed(lab: Lab, level: Level) -> None:
    lab.open(level)
    starts(lab, TREE + WAIT)
    lab.kill()
    alive: list[Path] = list((lab.worktree / "alive").iterdir())
    until(lambda: all(map(is_free, alive)))


BOMB = """
import gc, mmap, os, time
gc.disable()
gc.freeze()
born = mmap.mmap(-1, 2500)
file = open('bomb', 'w')
import fcntl
fcntl.flock(file, fcntl.LOCK_EX)
while (number := bytes(born).find(0)) >= 0:
    born[number] = 1
    if os.fork() == 0: os.setsid()
time.sleep(600)
"""


@pytest.mark.parametrize("who", everybody(), ids=lambda who: who.name)
def test_a_fork_bomb_is_over_limits_and_gone(who: Who) -> None:
    with lab_of(who) as lab:
        lab.open(Level.STRICT if who.uid == 0 else Level.BASIC)
        done = lab.run(BOMB)
        assert (done.outcome, done.reason) == ("over limits", "more than 2048 processes at once")
        assert is_free(lab.worktree / "bomb")
