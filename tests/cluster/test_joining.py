"""Which cluster is meant, and what is said where it cannot be had. Nothing here starts a Ray."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoresearch.cluster import joining
from autoresearch.cluster.nodes import Member
from autoresearch.cluster.start import ray_executor
from autoresearch.errors import ArError, ConfigError, RunError, UsageError
from tests.support.clusters import Lab


@pytest.fixture
def listening() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def silent() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture(autouse=True)
def nothing_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where `ray start` writes down what it started on this machine."""
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    (tmp_path / "ray").mkdir()
    return tmp_path / "ray" / "ray_current_cluster"


@pytest.mark.parametrize("address", ["", "local"])
def test_no_address_means_a_ray_of_our_own(address: str) -> None:
    assert joining.find(address) == joining.OWN


def test_auto_is_what_the_environment_says(listening: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", listening)
    assert joining.find("auto") == listening


def test_auto_is_what_was_started_here(listening: str, nothing_started: Path) -> None:
    nothing_started.write_text(f"{listening}\n")
    assert joining.find("auto") == listening


def test_auto_is_our_own_where_what_was_started_here_has_ended(silent: str, nothing_started: Path) -> None:
    nothing_started.write_text(silent)
    assert joining.find("auto") == joining.OWN


def test_an_address_that_does_not_answer_is_told_at_once(silent: str) -> None:
    with pytest.raises(RunError, match=f"no Ray answers at {silent}: Connection refused") as told:
        joining.find(silent)
    assert "ray start --head --port=6379" in told.value.hint


def test_an_environment_that_does_not_answer_is_told(silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", silent)
    with pytest.raises(RunError, match=f"no Ray answers at {silent}"):
        joining.find("auto")


@pytest.mark.parametrize("address", ["host", "host:", ":6379", "host:port", "6379"])
def test_what_is_no_address_is_told(address: str) -> None:
    with pytest.raises(UsageError, match=f'address = "{address}" is not HOST:PORT'):
        joining.find(address)


def test_the_address_of_rays_clients_is_another_thing() -> None:
    with pytest.raises(UsageError, match="is for Ray's clients"):
        joining.find("ray://head:10001")


def test_how_many_samples_fit_on_a_node() -> None:
    node = Member("a", cpus=8.0, gpus=2.0)
    assert [node.room(cpus, gpus) for cpus, gpus in ((1, 0), (3, 0), (1, 1), (1, 0.5), (9, 0), (1, 4))] == [
        8,
        2,
        2,
        4,
        0,
        0,
    ]
    assert str(node) == "a (8 CPUs, 2 GPUs)"


def test_versions_that_differ_are_named() -> None:
    said = (
        "Version mismatch: The cluster was started with:\n    Ray: 2.41.0\n    Python: 3.12.1\n"
        "This process on node 10.0.0.7 was started with:\n    Ray: 2.60.0\n    Python: 3.11.7\n"
    )
    told = joining.not_joined("head:6379", said)
    assert told.message == (
        "the cluster at head:6379 has Ray 2.41.0 with Python 3.12.1, and here is Ray 2.60.0 with Python 3.11.7"
    )
    assert "ray==2.41.0" in told.hint


def test_without_ray_it_is_said_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    lab = Lab(tmp_path / "repository")
    with pytest.raises(ConfigError, match="needs Ray") as told:
        ray_executor(lab.settings("true"), lab.layout)
    assert told.value.hint == "pip install 'autoresearch-loop[ray]'"


def test_a_configuration_that_cannot_be_is_told_before_ray_is_started(tmp_path: Path) -> None:
    lab = Lab(tmp_path / "repository")
    with pytest.raises(ArError, match=r"\[experiment\] data: .* does not exist"):
        ray_executor(lab.settings("true", data=("data",)), lab.layout)
    assert not (lab.layout.home / "cluster").exists()
