"""Experiments on a real Ray: one that is started for the call, and two nodes, of which one is lost."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from autoresearch.cluster.executor import RayExecutor
from autoresearch.cluster.link import Link
from autoresearch.cluster.messages import Start
from autoresearch.cluster.start import Cluster, ray_executor
from autoresearch.core.experiment import Execution, Measured, Outcome, Unmeasured
from autoresearch.core.isolation import Level
from autoresearch.core.ports import Executor
from autoresearch.errors import RunError, SampleLost
from autoresearch.runtime.canary import Used
from tests.support.clusters import PATIENCE, Lab, in_session, running, until
from tests.support.ray_cluster import LOOPBACK, TwoNodes, two_nodes

PYTHON = shlex.quote(sys.executable)
ECHO = 'echo "loss: $(cat x.txt)"'
SUPPORT = Path(__file__).parents[1] / "support"

Join = Callable[..., Cluster]
pytestmark = [pytest.mark.thorough, pytest.mark.timeout(300), pytest.mark.xdist_group("ray")]


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path / "my répo")


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoNodes]:
    with two_nodes(tmp_path_factory.mktemp("ray")) as nodes:
        yield nodes


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in LOOPBACK.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def join(lab: Lab) -> Iterator[Join]:
    """Makes executors that are closed in the end, also of a test that fails."""
    with ExitStack() as closing:

        def join(command: str, address: str, **options: Any) -> Cluster:
            needs = {name: options.pop(name) for name in ("gpus", "workers") if name in options}
            cluster = ray_executor(lab.settings(command, **options), lab.layout, address, on_line=lab.show, **needs)
            closing.callback(cluster.executor.close)
            return cluster

        yield join


def ended(cluster: Cluster) -> None:
    cluster.executor.close()
    assert not in_session(cluster.driver)


def value(execution: Execution) -> float:
    assert isinstance(execution, Measured), execution
    return execution.value


def test_a_ray_of_its_own_from_start_to_end(lab: Lab, join: Join, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "geheim-52611")
    endlessly = 'trap "echo saved; exit 0" TERM; sleep 7219.5625 & wait'
    command = f'mkdir -p out; cp x.txt out; env; {ECHO}; test "$(cat x.txt)" != 9 || {{ {endlessly}; }}'
    cluster = join(command, "", workers=2, artifacts=("out",), isolation=Level.BASIC)
    executor: Executor = cluster.executor
    assert cluster.slots == 2
    assert cluster.note.startswith("experiments run on a Ray of its own on this machine: ")
    better = lab.commit({"x.txt": "2.5\n"})
    first = executor.submit(lab.job(0, commit=lab.base))
    second = executor.submit(lab.job(1, commit=better, slot=1))
    with pytest.raises(RunError, match="running already"):
        executor.submit(lab.job(2, slot=1))
    assert (value(first.result(PATIENCE)), value(second.result(PATIENCE))) == (1.5, 2.5)
    assert lab.output(1).startswith("--- on ")
    assert "loss: 2.5" in lab.output(1)
    assert "RAY_" not in lab.output(1)
    assert "geheim" not in lab.output(1)
    executor.settle(0, keep=False)
    executor.settle(1, keep=True)
    assert (lab.layout.artifacts(1) / "out" / "x.txt").read_text() == "2.5\n"
    assert not lab.layout.artifacts(0).exists()
    # Asked to stop, it may end as it likes; what it says last is there.
    endless = lab.commit({"x.txt": "9\n"})
    stopped = executor.submit(lab.job(2, commit=endless))
    until(lambda: bool(running("sleep 7219.5625")))
    executor.stop(at_once=False)
    interrupted = stopped.result(PATIENCE)
    assert isinstance(interrupted, Unmeasured)
    assert interrupted.outcome is Outcome.INTERRUPTED
    assert "\nsaved\n" in lab.output(2)
    assert value(executor.submit(lab.job(3, commit=better)).result(PATIENCE)) == 2.5
    ended(cluster)
    assert not list(lab.layout.artifacts(1).parent.glob("from-nodes/*"))


def test_forty_experiments_with_a_node_lost_half_way(
    lab: Lab, join: Join, nodes: TwoNodes, loopback: None, tmp_path: Path
) -> None:
    held = tmp_path / "held"
    cluster = join(
        f"test ! -e {held} || sleep 7219.375; {ECHO}",
        nodes.address,
        gpus=0,
        workers=None,
    )
    assert cluster.slots == 4
    commits = [lab.commit({"x.txt": f"{number}.5\n"}) for number in range(40)]
    waiting, free, results, lost = list(range(40)), {0, 1, 2, 3}, dict[int, float](), list[int]()
    in_slot: dict[int, tuple[int, Future[Execution]]] = {}
    while len(results) < 40:
        is_half_way = len(results) >= 20 and not lost
        if is_half_way and not in_slot:
            held.touch()
        while free and waiting and (not is_half_way or held.exists()):
            slot, number = free.pop(), waiting.pop(0)
            in_slot[slot] = number, cluster.executor.submit(lab.job(number, commit=commits[number], slot=slot))
        if held.exists():
            # Four run now, two of them over there.
            until(lambda: len(running("sleep 7219.375")) == 4)
            nodes.tell("kill")
            until(lambda: len(running("sleep 7219.375")) == 2)
            held.unlink()
            for pid in running("sleep 7219.375"):
                os.kill(pid, signal.SIGTERM)
        wait([future for _, future in in_slot.values()], return_when=FIRST_COMPLETED)
        for slot in [slot for slot, (_, future) in in_slot.items() if future.done()]:
            number, future = in_slot.pop(slot)
            free.add(slot)
            try:
                results[number] = value(future.result())
            except SampleLost:
                lost.append(number)
                waiting.append(number)
    assert results == {number: number + 0.5 for number in range(40)}
    assert len(lost) == 2
    ended(cluster)
    nodes.tell("add")


def kill_in_the_middle(lab: Lab, seconds: str, address: str) -> None:
    """Kill an `ar` whose sample sleeps; of sample and driver nothing is left."""
    sleep = f"sleep {seconds}"
    with subprocess.Popen(
        [sys.executable, str(SUPPORT / "ray_driver.py"), str(lab.root), f"echo ready; exec {sleep}", address],
        env={**os.environ, "PYTHONPATH": str(SUPPORT.parents[1])},
        stdout=subprocess.PIPE,
        text=True,
    ) as ar:
        assert ar.stdout
        try:
            driver = int(ar.stdout.readline())
            # The shell may have said its word and not yet become what sleeps.
            until(lambda: bool(running(sleep)))
        finally:
            ar.kill()
    until(lambda: not running(sleep))
    until(lambda: not in_session(driver))


def test_a_killed_ar_leaves_nothing_and_the_next_goes_on(lab: Lab, join: Join) -> None:
    kill_in_the_middle(lab, "7219.125", "")
    cluster = join(ECHO, "")
    assert value(cluster.executor.submit(lab.job(1)).result(PATIENCE)) == 1.5
    ended(cluster)


def test_a_killed_ar_frees_the_nodes_of_a_cluster(lab: Lab, join: Join, nodes: TwoNodes, loopback: None) -> None:
    kill_in_the_middle(lab, "7219.25", nodes.address)
    cluster = join(ECHO, nodes.address)
    assert value(cluster.executor.submit(lab.job(1)).result(PATIENCE)) == 1.5
    ended(cluster)


def test_stopped_at_once_nothing_runs_any_more(lab: Lab, join: Join, nodes: TwoNodes, loopback: None) -> None:
    cluster = join("echo ready; trap '' TERM; sleep 7219.5; sleep 7219.5", nodes.address)
    future = cluster.executor.submit(lab.job(1))
    until(lambda: bool(running("sleep 7219.5")))
    cluster.executor.stop(at_once=True)
    stopped = future.result(PATIENCE)
    assert isinstance(stopped, Unmeasured)
    assert stopped.outcome is Outcome.INTERRUPTED
    assert not running("sleep 7219.5")
    ended(cluster)


def test_samples_that_wait_for_room_are_stopped_too(lab: Lab, join: Join, nodes: TwoNodes, loopback: None) -> None:
    cluster = join("sleep 600", nodes.address, gpus=0, workers=6)
    futures = [cluster.executor.submit(lab.job(number, slot=number)) for number in range(6)]
    until(lambda: len(running("sleep 600")) >= 4)
    cluster.executor.stop(at_once=True)
    outcomes = [future.result(PATIENCE) for future in futures]
    assert all(isinstance(one, Unmeasured) and one.outcome is Outcome.INTERRUPTED for one in outcomes)
    ended(cluster)


def test_a_sample_that_no_node_has_room_for_is_told_before_it_runs(
    lab: Lab, join: Join, nodes: TwoNodes, loopback: None
) -> None:
    with pytest.raises(RunError, match=r"a sample needs 1 CPU and 3 GPUs, and no node of the cluster has as much: "):
        join(ECHO, nodes.address, gpus=3)


def test_a_sample_sees_the_gpus_that_ray_gives_it(lab: Lab, join: Join, nodes: TwoNodes, loopback: None) -> None:
    shown = f'echo "gpus <$CUDA_VISIBLE_DEVICES> <$AR_DEVICE>"; {ECHO}'
    cluster = join(shown, nodes.address, workers=None)
    assert cluster.slots == 3
    assert value(cluster.executor.submit(lab.job(1)).result(PATIENCE)) == 1.5
    assert re.search("^gpus <([01])> <\\1>$", lab.output(1), re.MULTILINE)
    ended(cluster)


def test_with_the_last_node_that_has_room_the_run_ends(lab: Lab, nodes: TwoNodes, loopback: None) -> None:
    start = Start(nodes.address, cpus=1.0, gpus=2, workers=1, patience=3.0)
    executor = RayExecutor(
        lab.settings("sleep 7219.625"), lab.layout, Link(start, os.environ, lab.layout.home / "ray.log")
    )
    future = executor.submit(lab.job(1))
    until(lambda: bool(running("sleep 7219.625")))
    nodes.tell("kill")
    with pytest.raises(SampleLost, match="a node of the cluster was lost"):
        future.result(PATIENCE)
    with pytest.raises(
        RunError, match=r"a sample needs 1 CPU and 2 GPUs, and no node of the cluster has as much: .* 1 GPU[)]"
    ):
        executor.submit(lab.job(1)).result(PATIENCE)
    executor.close()
    nodes.tell("add")


def test_what_listens_and_is_no_ray_is_given_up(lab: Lab, loopback: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(RunError, match=f"the Ray cluster at {address} does not answer within 3 s"):
            Link(Start(address, 1.0, 0, 1), os.environ, lab.layout.home / "ray.log", patience=3.0)


def test_the_canary_is_tried_on_a_node(lab: Lab, join: Join, nodes: TwoNodes, loopback: None) -> None:
    commit = lab.commit({"x.py": "print('loss: 1')\n"})
    cluster = join(f"{PYTHON} x.py", nodes.address)
    assert isinstance(cluster.executor.canary(commit, ["x.py"]).result(PATIENCE), Used)
    ended(cluster)


def test_a_driver_that_dies_is_told(lab: Lab, join: Join, nodes: TwoNodes, loopback: None) -> None:
    cluster = join("exec sleep 7219.75", nodes.address)
    future = cluster.executor.submit(lab.job(1))
    until(lambda: bool(running("sleep 7219.75")))
    os.kill(cluster.driver, signal.SIGKILL)
    with pytest.raises(RunError, match="the Ray cluster is gone"):
        future.result(PATIENCE)
    until(lambda: not running("sleep 7219.75"))
    ended(cluster)
    again = join(ECHO, nodes.address)
    assert value(again.executor.submit(lab.job(1)).result(PATIENCE)) == 1.5
    ended(again)


def test_a_node_with_an_older_version_is_named(join: Join, tmp_path: Path, loopback: None) -> None:
    older = tmp_path / "older" / "autoresearch_loop-0.0.1.dist-info"
    older.mkdir(parents=True)
    (older / "METADATA").write_text("Metadata-Version: 2.1\nName: autoresearch-loop\nVersion: 0.0.1\n")
    with (
        two_nodes(tmp_path, PYTHONPATH=str(older.parent)) as nodes,
        pytest.raises(RunError, match=r"node .* has autoresearch-loop 0\.0\.1, and here is "),
    ):
        join(ECHO, nodes.address)
