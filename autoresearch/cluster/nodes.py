"""The nodes of a cluster: what they have, what they have installed, how to run something on a certain one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from autoresearch.cluster.messages import OURS, PYTHON
from autoresearch.errors import RunError

PROBING = 30.0
"""Seconds for the nodes to say what they have installed; the first question starts a process on each."""
Ray = Any
"""The module and what it returns: it is imported too late for its types, and has few."""


@dataclass(frozen=True, slots=True)
class Member:
    """A node, and what it has."""

    name: str
    cpus: float
    gpus: float
    id: str = field(repr=False, default="")

    def room(self, cpus: float, gpus: float) -> int:
        """How many samples with such needs fit at the same time."""
        by_cpus = self.cpus // cpus if cpus else self.gpus // gpus
        return int(min(by_cpus, self.gpus // gpus) if gpus else by_cpus)

    def __str__(self) -> str:
        gpus = f", {_counted(self.gpus, 'GPU')}" if self.gpus else ""
        return f"{self.name} ({_counted(self.cpus, 'CPU')}{gpus})"


def members(ray: Ray) -> list[Member]:
    """The nodes that are alive."""
    return [
        Member(
            name=one.get("NodeManagerHostname") or one["NodeManagerAddress"],
            cpus=one["Resources"].get("CPU", 0.0),
            gpus=one["Resources"].get("GPU", 0.0),
            id=one["NodeID"],
        )
        for one in ray.nodes()
        if one["Alive"]
    ]


def no_room(cpus: float, gpus: float, there: list[Member]) -> RunError:
    """Why no sample can run at all."""
    needs = _counted(cpus, "CPU") + (f" and {_counted(gpus, 'GPU')}" if gpus else "")
    has = ", ".join(map(str, there)) or "none is left"
    return RunError(
        f"a sample needs {needs}, and no node of the cluster has as much: {has}",
        hint="[experiment] gpus sets what it needs; or add a node: ray start --address=HOST:6379",
    )


def _counted(number: float, what: str) -> str:
    return f"{number:g} {what}{'' if number == 1 else 's'}"


def on_node(ray: Ray, what: Ray, node_id: str) -> Ray:
    """A remote function or class, to run there or nowhere, beside everything else."""
    there = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(node_id, soft=False)
    return what.options(num_cpus=0, scheduling_strategy=there)


def check_versions(ray: Ray) -> None:
    """Ask every node what it has installed. One that is lost meanwhile, or that does not answer, is passed over."""
    probe = ray.remote(_make_probe())
    there = members(ray)
    asked = {on_node(ray, probe, one.id).remote(): one for one in there}
    answered, _ = ray.wait(list(asked), num_returns=len(asked), timeout=PROBING)
    wanted = {"autoresearch-loop": OURS, "Python": PYTHON, "ray": ray.__version__}
    for answer in answered:
        try:
            found = ray.get(answer)
        except ray.exceptions.RayError:
            continue
        for what, here in wanted.items():
            if found[what] != here:
                has = f"{what} {found[what]}" if found[what] else f"no {what}"
                raise RunError(
                    f"node {asked[answer].name} has {has}, and here is {here}",
                    hint=f"install the same there, in the environment of its `ray start`: {what} {here}",
                )


def _make_probe() -> Callable[[], dict[str, str]]:
    def probe() -> dict[str, str]:
        """Sent by value, for a function inside another has no module: our package may be missing there."""
        import importlib.metadata  # noqa: PLC0415
        import platform  # noqa: PLC0415

        found = {"Python": platform.python_version()}
        for package in ("autoresearch-loop", "ray"):
            try:
                found[package] = importlib.metadata.version(package)
            except importlib.metadata.PackageNotFoundError:
                found[package] = ""
        return found

    return probe
