"""The process between Ray's worker and the experiments: it ends what it runs, however it or the worker ends."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from autoresearch.cluster import place
from autoresearch.cluster.messages import STOP, Anchor, Asked, Hosted, Line, Report, WantsAnchor
from autoresearch.core.experiment import Measured, Outcome, Unmeasured
from tests.support.clusters import TAG, Lab, running, until

ECHO = 'echo "loss: $(cat x.txt)"'


class Worker(Lab):
    """The other end of a host's pipe."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.packer = self.parcels()
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "autoresearch.cluster.host", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                cwd="/",
            )
        self.pipe = Connection(ours.detach())
        self.run = ""

    def hand_over(self, command: str) -> None:
        order = self.order(self.settings(command), self.job(), self.packer.pack(self.head)[0])
        self.run = order.run
        self.pipe.send(Hosted(order, dict(os.environ)))

    def hears(self, is_it: Callable[[object], bool]) -> object:
        while True:
            said = self.pipe.recv()
            if isinstance(said, WantsAnchor):
                self.pipe.send(Anchor(self.packer.anchor_file.read_bytes()))
            elif is_it(said):
                return said


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    worker = Worker(tmp_path / "my répo")
    yield worker
    worker.pipe.close()
    worker.process.wait(60)
    place.clear(worker.run, TAG)


def is_report(said: object) -> bool:
    return isinstance(said, Report)


def test_one_order_after_the_other(worker: Worker) -> None:
    for text in ("1.5", "2.5"):
        worker.commit({"x.txt": f"{text}\n", "y.txt": text})
        worker.hand_over(ECHO)
        report = worker.hears(is_report)
        assert isinstance(report, Report)
        assert isinstance(report.result, Measured)
        assert report.result.value == float(text)


def test_what_it_is_asked_for_reaches_the_experiment(worker: Worker) -> None:
    worker.hand_over("echo ready; exec sleep 8613.125")
    worker.hears(lambda said: said == Line("ready"))
    worker.pipe.send(Asked(STOP))
    report = worker.hears(is_report)
    assert isinstance(report, Report)
    assert isinstance(report.result, Unmeasured)
    assert report.result.outcome is Outcome.INTERRUPTED


def test_with_the_worker_gone_nothing_stays(worker: Worker) -> None:
    worker.hand_over("echo ready; exec sleep 8613.25")
    worker.hears(lambda said: said == Line("ready"))
    until(lambda: bool(running("sleep 8613.25")))
    worker.pipe.close()
    assert worker.process.wait(60) == 0
    assert not running("sleep 8613.25")
    assert not list(place.folder_of(worker.run).glob("0/repository/.autoresearch/worktrees/*"))


def test_killed_itself_nothing_runs_any_more(worker: Worker) -> None:
    worker.hand_over("echo ready; exec sleep 8613.5")
    worker.hears(lambda said: said == Line("ready"))
    until(lambda: bool(running("sleep 8613.5")))
    worker.process.kill()
    with pytest.raises(EOFError):
        worker.hears(is_report)
    until(lambda: not running("sleep 8613.5"))
