"""One order on a node, in this process: what a node needs, what it sends back, what it leaves."""

from __future__ import annotations

import os
import shlex
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autoresearch.cluster import bag, hosted, place
from autoresearch.cluster.messages import DONE, STOP, Canary, Failed, Line, Order, Report, Said
from autoresearch.cluster.place import folder_of
from autoresearch.core.experiment import Measured, Outcome, Unmeasured
from autoresearch.core.isolation import Level
from autoresearch.core.metric import MetricSpec
from autoresearch.core.ports import Task
from autoresearch.runtime.canary import Unused, Used
from autoresearch.runtime.confinement import problem
from autoresearch.runtime.settings import ExecutorSettings, HoldoutSettings
from tests.support.clusters import TAG, Lab
from tests.support.repositories import git, write

PYTHON = shlex.quote(sys.executable)
ECHO = 'echo "loss: $(cat x.txt)"'


class Node(Lab):
    """A lab whose orders are carried out here."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.packer = self.parcels()
        self.run = ""

    def order_for(self, settings: ExecutorSettings, work: Any = None, **options: Any) -> Order:
        work = work or self.job()
        order = self.order(settings, work, self.packer.pack(work.commit)[0], **options)
        self.run = order.run
        return order

    def say(self, order: Order, asked: Callable[[int], int] | None = None) -> Iterator[Said]:
        ended = threading.Event()
        anchor = self.packer.anchor_file.read_bytes()
        try:
            yield from hosted.run(order, dict(os.environ), lambda: anchor, asked or (lambda _: (ended.wait(), DONE)[1]))
        finally:
            ended.set()

    def report(self, settings: ExecutorSettings, work: Any = None, **options: Any) -> Report:
        *_, last = self.say(self.order_for(settings, work, **options))
        assert isinstance(last, Report), last
        return last

    def failed(self, settings: ExecutorSettings, **changes: Any) -> Failed:
        *_, last = self.say(replace(self.order_for(settings), **changes))
        assert isinstance(last, Failed), last
        return last


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Node]:
    lab = Node(tmp_path / "my répo")
    yield lab
    if lab.run:
        hosted.leave(lab.run)
        place.clear(lab.run, TAG)
        assert not folder_of(lab.run).exists()


def test_a_commit_is_measured_where_there_was_nothing(lab: Node) -> None:
    commit = lab.commit({"x.txt": "2.5\n"})
    report = lab.report(lab.settings(f"git rev-parse HEAD; echo to stderr >&2; {ECHO}"), lab.job(3))
    assert isinstance(report.result, Measured)
    assert report.result.value == 2.5
    assert report.log.decode().splitlines()[0] == "--- sample 1 (seed 7) ---"
    assert {commit, "to stderr", "loss: 2.5"} <= set(report.log.decode().splitlines())
    assert report.node == hosted.name()


def test_it_shows_lines(lab: Node) -> None:
    *between, last = lab.say(lab.order_for(lab.settings(f"echo early; sleep 0.3; {ECHO}")))
    assert isinstance(last, Report)
    assert Line("early") in between


def test_worktree_and_setup_stay_for_the_next_sample(lab: Node) -> None:
    settings = lab.settings("echo once > made; cat built; " + ECHO, setup="date +%s%N > built; echo set up")
    first, second = lab.report(settings), lab.report(settings)
    assert "set up" in first.log.decode()
    assert "set up" not in second.log.decode()
    assert first.log.decode().splitlines()[-2] == second.log.decode().splitlines()[-2]


def test_each_report_has_its_own_output_only(lab: Node) -> None:
    settings = lab.settings(ECHO)
    assert lab.report(settings, lab.job(1)).log == lab.report(settings, lab.job(1)).log


def test_other_settings_are_taken_up(lab: Node) -> None:
    assert lab.report(lab.settings(ECHO)).result.value == 1.5  # type: ignore[union-attr]
    other = lab.report(lab.settings(ECHO, env={"LC_ALL": "C"}, isolation=lab.settings("").isolation))
    assert other.result.value == 1.5  # type: ignore[union-attr]


def test_the_environment_is_the_nodes_without_secrets_and_without_rays(
    lab: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "HERE": "a node",
        "SOME_TOKEN": "geheim-9137",
        "RAY_JOB_ID": "01",
        "RAY_AUTH_TOKEN": "x",
    }.items():
        monkeypatch.setenv(name, value)
    shown = lab.report(lab.settings(f"env; {ECHO}", env={"GIVEN": "yes"})).log.decode()
    assert "HERE=a node" in shown
    assert "GIVEN=yes" in shown
    assert "TOKEN" not in shown
    assert "RAY_" not in shown


def test_gpus_are_those_that_ray_gives_this_time(lab: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = lab.settings(f'echo "gpus $CUDA_VISIBLE_DEVICES $AR_DEVICE"; {ECHO}')
    for gpus in ("0", "3"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", gpus)
        assert f"gpus {gpus} {gpus}" in lab.report(settings).log.decode()


def test_an_editable_install_of_the_checkout_imports_from_the_worktree(
    lab: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(lab.root / "src"))
    lab.commit({"src/measured.py": "print('loss: 4.5')\n"})
    write(lab.root, {"src/measured.py": "print('loss: 99')\n"})
    assert lab.report(lab.settings(f"{PYTHON} -c 'import measured'")).result.value == 4.5  # type: ignore[union-attr]


def test_data_is_linked_from_the_same_place(lab: Node) -> None:
    write(lab.root, {"data/numbers": "7.5\n"})
    report = lab.report(lab.settings("echo loss: $(cat data/numbers)", data=("data",)))
    assert isinstance(report.result, Measured)
    assert report.result.value == 7.5


@pytest.mark.parametrize("level", list(Level))
def test_every_level_holds_here(lab: Node, level: Level) -> None:
    if reason := problem(level):
        pytest.skip(reason)
    write(lab.root, {"data/numbers": "7.5\n"})
    outside = lab.root / "outside"
    command = f"echo 1 > inside; echo 1 > {shlex.quote(str(outside))}; echo loss: $(cat data/numbers)"
    report = lab.report(lab.settings(command, data=("data",), isolation=level))
    assert isinstance(report.result, Measured), report
    assert report.result.value == 7.5
    assert outside.exists() is (level is Level.BASIC)


def test_data_that_a_node_lacks_is_named_with_the_node(lab: Node, tmp_path: Path) -> None:
    failed = lab.failed(lab.settings(ECHO, data=("data",)), root=str(tmp_path / "elsewhere"))
    assert failed.message == f"on {hosted.name()}: [experiment] data: there is no {tmp_path / 'elsewhere' / 'data'}"
    assert "on every node" in failed.hint


def test_a_node_with_another_version_refuses(lab: Node) -> None:
    failed = lab.failed(lab.settings(ECHO), version="0.0.1")
    assert failed.message.startswith(f"on {hosted.name()}: it has autoresearch-loop ")
    assert " and here are 0.0.1 and " in failed.message


def test_a_bundle_that_does_not_apply_names_the_node(lab: Node) -> None:
    order = lab.order_for(lab.settings(ECHO), lab.job(commit=lab.commit({"x.txt": "2\n"})))
    *_, last = lab.say(replace(order, commits=replace(order.commits, thin=b"torn")))
    assert isinstance(last, Failed)
    assert last.message.startswith(f"on {hosted.name()}: commit {lab.head[:12]} cannot be taken in: git bundle failed")


def test_artefacts_come_back_and_nothing_of_them_stays(lab: Node) -> None:
    settings = lab.settings(f"mkdir out; echo 1 > out/model; {ECHO}", artifacts=("out",))
    report = lab.report(settings, lab.job(4))
    assert report.artifacts is not None
    bag.unpack(report.artifacts, lab.root / "unpacked")
    assert (lab.root / "unpacked" / "out" / "model").read_text() == "1\n"
    assert not list(folder_of(lab.run).glob("*/repository/.autoresearch/artifacts/**/model"))


def test_artefacts_that_are_too_large_stay_away_with_a_word(lab: Node) -> None:
    settings = lab.settings(f"head -c 5000 /dev/zero > model; {ECHO}", artifacts=("model",))
    report = lab.report(settings, lab.job(4), largest=1000)
    assert isinstance(report.result, Measured)
    assert report.artifacts is None
    assert "not sent back" in report.note


def test_a_holdout_finds_the_artefacts_of_another_node(lab: Node, tmp_path: Path) -> None:
    write(tmp_path, {"sent/model": "8.5\n"})
    holdout = HoldoutSettings('echo "loss: $(cat model)"', MetricSpec("loss"))
    settings = lab.settings(f"echo 3.5 > model; {ECHO}", artifacts=("model",), holdout=holdout)
    sent = bag.pack(tmp_path / "sent")
    report = lab.report(settings, lab.job(4, task=Task.HOLDOUT), artifacts=sent)
    assert isinstance(report.result, Measured)
    assert report.result.value == 8.5
    without = lab.report(settings, lab.job(4, task=Task.HOLDOUT))
    assert isinstance(without.result, Measured)
    assert without.result.value == 3.5


def test_a_node_that_is_asked_to_stop_gives_a_grace_period_and_the_output(lab: Node) -> None:
    asked = iter([STOP, DONE])
    has_begun = threading.Event()

    def wait(_level: int) -> int:
        has_begun.wait()
        return next(asked)

    order = lab.order_for(lab.settings("trap 'echo saved; exit 0' TERM; echo ready; while :; do sleep 0.05; done"))
    said = []
    for one in lab.say(order, wait):
        said.append(one)
        if one == Line("ready"):
            has_begun.set()
    assert isinstance(said[-1], Report)
    assert isinstance(said[-1].result, Unmeasured)
    assert said[-1].result.outcome is Outcome.INTERRUPTED
    # The shell may have a word about the sleep that ended with it.
    assert "\nsaved\n" in said[-1].log.decode()


def test_the_canary_is_tried_there(lab: Node) -> None:
    lab.commit({"x.py": "print('loss: 1')\n"})
    canary = Canary(lab.head, ("x.py",))
    used, unused = lab.settings(f"{PYTHON} x.py"), lab.settings("echo loss: 1")
    assert isinstance(lab.report(used, canary).result, Used)
    assert isinstance(lab.report(unused, canary).result, Unused)


def test_nobody_elses_process_finds_a_place_taken(lab: Node) -> None:
    lab.report(lab.settings(ECHO))
    assert [entry.name for entry in folder_of(lab.run).iterdir()] == ["0"]
    assert git(folder_of(lab.run) / "0" / "repository", "rev-parse", "HEAD") == lab.base
    assert folder_of(lab.run).stat().st_mode & 0o077 == 0
    assert folder_of(lab.run).stat().st_uid == os.getuid()
