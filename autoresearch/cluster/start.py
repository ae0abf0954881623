"""Makes the executor of a cluster from what the configuration says. Ray itself is asked for by another process."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass

from autoresearch.cluster.executor import RayExecutor
from autoresearch.cluster.joining import AUTO, find
from autoresearch.cluster.link import Link
from autoresearch.cluster.messages import Connected, Gpus, Start
from autoresearch.core.layout import Layout
from autoresearch.errors import ConfigError
from autoresearch.runtime.environment import filtered
from autoresearch.runtime.executor import LocalExecutor
from autoresearch.runtime.settings import ExecutorSettings
from autoresearch.runtime.tree import IGNORE_ALL, provide


@dataclass(frozen=True, slots=True)
class Cluster:
    """An executor, how many samples are to run at the same time, and what to tell the person about the cluster."""

    executor: RayExecutor
    slots: int
    note: str
    driver: int
    """Id of the process that talks to Ray."""


def ray_executor(
    settings: ExecutorSettings,
    layout: Layout,
    address: str = AUTO,
    gpus: Gpus = None,
    workers: int | None = 1,
    on_line: Callable[[int, str], None] = lambda _number, _line: None,
    cpus: float = 1.0,
) -> Cluster:
    """Join the cluster at `address` (HOST:PORT, `auto`, or empty for a local Ray), or start a local Ray.

    `gpus` and `cpus` are what one sample needs; `gpus` None: one, where there are any. `workers` None: as many samples
    at the same time as there is room for. Raises ConfigError where Ray is missing or a path of the configuration
    cannot be, UsageError for an address that is none, and RunError where nobody answers, a node has other versions, or
    no node is large enough. The caller closes the executor.
    """
    if importlib.util.find_spec("ray") is None:
        raise ConfigError('[executor] kind = "ray" needs Ray', hint="pip install 'autoresearch-loop[ray]'")
    provide(layout.home / ".gitignore", IGNORE_ALL)
    # Only to have its paths checked here, before anything is sent anywhere.
    LocalExecutor(settings, layout)
    start = Start(find(address), cpus, gpus, workers)
    # Where it starts a Ray, that is what experiments get; the names that begin with RAY_ are for Ray alone.
    environment = filtered(os.environ, (*settings.pass_env, "RAY_*")).variables
    link = Link(start, environment, layout.home / "cluster" / "ray.log")
    executor = RayExecutor(settings, layout, link, on_line)
    return Cluster(executor, workers or link.joined.room, _note(link.joined), link.process)


def _note(joined: Connected) -> str:
    where = "a Ray of its own on this machine" if joined.is_ours else f"the Ray cluster at {joined.address}"
    return f"experiments run on {where}: {', '.join(joined.nodes)}"
