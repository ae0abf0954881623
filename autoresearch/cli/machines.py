"""Where samples run: the slots of this machine, or a Ray cluster. Made here, closed by the caller.

Not in here: what is asked for (`slots`), and what an executor does (`runtime`, `cluster`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Protocol

from autoresearch.cli import build
from autoresearch.cli.project import Project
from autoresearch.cli.slots import Wanted, slots_here
from autoresearch.core.isolation import Level
from autoresearch.core.ports import Executor
from autoresearch.record.runs import Run
from autoresearch.runtime.canary import CanaryResult
from autoresearch.runtime.executor import LocalExecutor
from autoresearch.runtime.gpu_slots import Slots
from autoresearch.runtime.settings import unheard


class Runner(Executor, Protocol):
    """An executor that can also try the canary."""

    @property
    def withheld(self) -> tuple[str, ...]:
        """Names of the person's variables that no experiment gets."""
        ...

    def canary(self, commit: str, editable: Sequence[str]) -> Future[CanaryResult]:
        """Does the command use the editable files?"""
        ...


@dataclass(frozen=True, slots=True)
class Machines:
    """Where samples run, and how many side by side."""

    executor: Runner
    slots: Slots


def open_machines(
    project: Project,
    run: Run,
    level: Level,
    asked: Wanted,
    on_line: Callable[[int, str], None] = lambda _number, _line: None,
    on_wait: Callable[[str], None] = unheard,
) -> Machines:
    """`on_wait` is told why a sample cannot begin yet; both are called on other threads.

    Raises ConfigError, UsageError or RunError for what cannot be had; then nothing is left running.
    """
    settings, layout = build.executor_settings(project, run, level), project.layout(run.tag)
    if asked.address is None:
        slots = slots_here(project.config, asked)
        settings = replace(settings, devices=slots.devices, on_wait=on_wait)
        return Machines(LocalExecutor(settings, layout, on_line=on_line), slots)
    from autoresearch.cluster.start import ray_executor

    cluster = ray_executor(settings, layout, asked.address, asked.gpus, asked.workers, on_line)
    return Machines(cluster.executor, Slots(("",) * cluster.slots, (*asked.notes, cluster.note)))
