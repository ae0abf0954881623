"""Which cluster it is, and whether samples fit on it. Ray is given, not imported: its environment is set up before.
`find` is asked by `ar`, the rest by the driver.

`auto` is what RAY_ADDRESS says, else the cluster of this machine's last `ray start`, else a Ray of our own, which
listens on the loopback address only, wants a token from whoever connects, and ends with this process.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import ceil
from pathlib import Path
from typing import Any

from autoresearch.cluster.messages import Connected, Gpus, Start
from autoresearch.cluster.nodes import Member, Ray, check_versions, members, no_room
from autoresearch.errors import RunError, UsageError

AUTO, OWN = "auto", ""
ANSWER = 5.0
"""Seconds in which a cluster's address must take a connection."""
_ROOM_FOR_SOCKETS = 40
"""Longest temp folder, in characters, below which Ray can make its sockets."""
_VERSIONS = re.compile(r"Ray: (\S+)\s+Python: (\S+)")
_START = 'ray start --head --port=6379    then: address = "HOST:6379"'


def find(wanted: str) -> str:
    """The address to connect to; empty where a Ray of our own is to be started.

    Raises UsageError for an address that cannot be one, RunError for one that does not answer.
    """
    if wanted in (OWN, "local"):
        return OWN
    if wanted != AUTO:
        return _checked(wanted, "[executor] address")
    named = os.environ.get("RAY_ADDRESS", "")
    if named not in ("", AUTO, "local"):
        return _checked(named, "RAY_ADDRESS")
    started = _last_started()
    return OWN if not started or _silence(started) else started


def prepare(address: str) -> None:
    """Set up the environment that Ray reads when it is imported."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.pop("RAY_ADDRESS", None)
    if not address:
        # The first makes Ray take 127.0.0.1 for this machine's only address, on every platform.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


@contextmanager
def own_folder(address: str) -> Iterator[Path | None]:
    """For the files of a Ray of our own; removed in the end. None: Ray's usual one, for this one's name is too long."""
    base = Path(tempfile.gettempdir()).resolve()
    if address or len(str(base)) > _ROOM_FOR_SOCKETS:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="ar-ray-", dir=base))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def join(ray: Ray, start: Start, folder: Path | None) -> Connected:
    """Connect, or start. Raises RunError where that fails, a node has other versions, or no node has room."""
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if start.address:
        options["address"] = start.address
    else:
        cpus = max(os.cpu_count() or 1, ceil((start.workers or 1) * start.cpus))
        options |= {"num_cpus": cpus, "include_dashboard": False}
        options |= {"_temp_dir": str(folder)} if folder else {}
    try:
        context = ray.init(**options)
    except (RuntimeError, ConnectionError, ValueError, OSError, ray.exceptions.RayError) as error:
        raise not_joined(start.address, str(error)) from error
    check_versions(ray)
    there = members(ray)
    gpus = _gpus(start.gpus, there)
    room = sum(one.room(start.cpus, gpus) for one in there)
    if not room:
        raise no_room(start.cpus, gpus, there)
    address = str(context.address_info["gcs_address"])
    return Connected(address, not start.address, tuple(map(str, there)), gpus, room)


def _last_started() -> str:
    """What `ray start` wrote down on this machine; Ray itself would also take any other that runs, also `ar`'s."""
    folder = Path(os.environ.get("RAY_TMPDIR") or tempfile.gettempdir(), "ray")
    for place in (folder, Path("/tmp/ray")):
        with suppress(OSError):
            return (place / "ray_current_cluster").read_text().strip()
    return ""


def _checked(address: str, key: str) -> str:
    host, _, port = address.rpartition(":")
    if "://" in address:
        hint = 'on a machine of the cluster: address = "auto"'
        raise UsageError(f'{key} = "{address}" is for Ray\'s clients; `ar` runs on a machine of the cluster', hint=hint)
    if not host or not port.isdigit():
        raise UsageError(f'{key} = "{address}" is not HOST:PORT', hint=_START)
    if why := _silence(address):
        raise RunError(f"no Ray answers at {address}: {why}", hint=_START)
    return address


def _silence(address: str) -> str:
    """Why nobody answers there; empty when somebody does."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER).close()
    except (OSError, ValueError, OverflowError) as error:
        return getattr(error, "strerror", None) or str(error)
    return ""


def not_joined(address: str, said: str) -> RunError:
    """What Ray said, in words for people."""
    versions = _VERSIONS.findall(said)
    if len(versions) == 2:
        (ray_there, python_there), (ray_here, python_here) = versions
        return RunError(
            f"the cluster at {address} has Ray {ray_there} with Python {python_there},"
            f" and here is Ray {ray_here} with Python {python_here}",
            hint=f"install the same on every machine: pip install 'ray=={ray_there}'",
        )
    line = next((line.strip() for line in said.splitlines() if line.strip()), "it does not say why")
    if not address:
        return RunError(f"Ray cannot be started here: {line}", hint='[executor] kind = "local" needs no Ray')
    return RunError(
        f"cannot connect to the Ray cluster at {address}: {line}",
        hint=f"is this machine one of its nodes? ray start --address={address}",
    )


def _gpus(wanted: Gpus, there: list[Member]) -> float:
    most = max((one.gpus for one in there), default=0.0)
    if wanted is None:
        return min(1.0, most)
    return most if wanted == "all" else float(wanted)
