"""What the configuration means on a node: paths of the person's checkout become paths that exist here, or an error."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from autoresearch.cluster.messages import Order
from autoresearch.errors import ConfigError
from autoresearch.runtime.environment import filtered
from autoresearch.runtime.settings import ExecutorSettings
from autoresearch.runtime.sources import interpreter, source_roots
from autoresearch.runtime.tree import remove
from autoresearch.runtime.worktree import inside

GPUS = "CUDA_VISIBLE_DEVICES"


def environment_here(environ: Mapping[str, str], root: str, repository: Path) -> dict[str, str]:
    """The node's variables, without Ray's own; folders of the checkout on PYTHONPATH become those of `repository`."""
    found = {name: value for name, value in environ.items() if not name.startswith("RAY_")}
    if found.get("PYTHONBREAKPOINT", "").startswith("ray."):
        del found["PYTHONBREAKPOINT"]
    if "PYTHONPATH" in found:
        entries = (Path(entry) for entry in found["PYTHONPATH"].split(os.pathsep) if entry)
        found["PYTHONPATH"] = os.pathsep.join(
            str(repository / one.relative_to(root) if one.is_relative_to(root) else one) for one in entries
        )
    return found


def settings_here(order: Order, repository: Path, environment: Mapping[str, str]) -> ExecutorSettings:
    """The settings for an executor in `repository`. Raises ConfigError for `data` that this node does not have."""
    settings, root = order.settings, Path(order.root)
    for name in settings.data:
        _link(repository, root, inside(settings.sub, name, "data"))
    gpus = environment.get(GPUS, "")
    paths = tuple(str(root / settings.sub / Path(path).expanduser()) for path in settings.write_paths)
    pythonpath = settings.pythonpath
    if pythonpath is None:
        pythonpath = _pythonpath(settings, root, repository, environment)
    return replace(settings, devices=(gpus,), write_paths=paths, pythonpath=pythonpath)


def _link(repository: Path, root: Path, name: str) -> None:
    """What is no part of the commits must lie on every node where it lies for the person: on a shared disk, say."""
    source, link = root / name, repository / name
    if not source.exists():
        raise ConfigError(
            f"[experiment] data: there is no {source}",
            hint="put it there, at the same path on every node (or on a disk that they share)",
        )
    if link.is_symlink() and link.readlink() == source:
        return
    remove(link)
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(source)


def _pythonpath(
    settings: ExecutorSettings, root: Path, repository: Path, environment: Mapping[str, str]
) -> tuple[str, ...]:
    """Where an interpreter imports from the person's checkout (an editable install), it must from the worktree."""
    variables = {**filtered(environment, settings.pass_env).variables, **settings.env}
    python = interpreter(settings.command, variables, repository / settings.sub)
    found = source_roots(python, root, variables) if python and root.is_dir() else []
    return tuple(os.path.relpath(one, settings.sub or ".") for one in found)
