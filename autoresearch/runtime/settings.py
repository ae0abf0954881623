"""What the configuration says about running the command, as the executors are told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from autoresearch.core.isolation import Level
from autoresearch.core.metric import MetricSpec
from autoresearch.runtime import space


def unheard(_: str) -> None:
    """Nobody listens. A name of its own, for settings travel to other machines."""


@dataclass(frozen=True, slots=True)
class HoldoutSettings:
    """The measurement that no proposer sees: its command, and the metric that it prints on stdout."""

    command: str | tuple[str, ...]
    metric: MetricSpec


@dataclass(frozen=True, slots=True)
class ExecutorSettings:
    """What the configuration says about running the command. All paths are relative to `sub`; times are in seconds."""

    command: str | tuple[str, ...]
    metric: MetricSpec
    tag: str
    setup: str | tuple[str, ...] = ""
    sub: str = ""
    """The folder of the configuration, relative to the repository; the command runs there."""
    env: Mapping[str, str] = field(default_factory=dict)
    pass_env: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    cache: tuple[str, ...] = ()
    artifacts: tuple[str, ...] = ()
    pythonpath: tuple[str, ...] | None = None
    """None: found out from the interpreter (`sources`)."""
    metrics_file: str = ""
    feedback: str = ""
    checks: tuple[str, ...] = ()
    holdout: HoldoutSettings | None = None
    devices: tuple[str, ...] = ("",)
    """The GPUs of each slot, as CUDA_VISIBLE_DEVICES has them; empty: what the person's environment says."""
    stop_grace: float = 5.0
    setup_limit: float = 3600.0
    isolation: Level = Level.BASIC
    network: bool = False
    """Where the level could take it away."""
    write_paths: tuple[str, ...] = ()
    """Folders outside that may be written; relative ones are of the user's checkout."""
    memory: int = 0
    """Bytes that a sample's processes may use together; 0: no limit."""
    is_editable: Callable[[str], bool] = lambda _: True
    """May an experiment change this file of the repository (path from its root)?"""
    evaluate: str | tuple[str, ...] = ""
    """Measures what the command made, in a worktree of the base."""
    base: str = ""
    """The commit to evaluate in."""
    space_patience: float = space.PATIENCE
    on_wait: Callable[[str], None] = unheard
    """Told why a sample cannot begin yet; may be called from any thread."""
    is_timed: bool = False
    """The metric is a duration: nothing else is done while it is measured."""

    @property
    def lays_ahead(self) -> bool:
        """May the next candidate be laid out beside what runs? What a slot has once cannot be in two worktrees."""
        return not (self.is_timed or self.cache or self.setup)
