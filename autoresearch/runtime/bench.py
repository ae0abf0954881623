"""One slot: a worktree, and commands run in it with the environment of an experiment, one at a time.

What a sample is, and what its result means, is not known here.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from autoresearch.core.layout import Layout
from autoresearch.core.metric import MetricSpec
from autoresearch.core.ports import Job
from autoresearch.runtime.command import Command, Finished, NotStarted
from autoresearch.runtime.environment import facts, filtered, placed, placeholders, provide_archiver
from autoresearch.runtime.output import OutputLog
from autoresearch.runtime.process import Process
from autoresearch.runtime.sources import interpreter, source_roots
from autoresearch.runtime.supervisor import Why
from autoresearch.runtime.tree import IGNORE_ALL, provide
from autoresearch.runtime.worktree import Worktree

_STOPPED = Finished(Why.STOPPED, None, None, 0.0, 0.0, 0.0, "", "", "")


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
    device: str = ""
    stop_grace: float = 5.0
    setup_limit: float = 3600.0


class Bench:
    """A worktree and what runs in it. `stop` may be called from any thread, the rest from one."""

    def __init__(self, settings: ExecutorSettings, layout: Layout, inherited: Mapping[str, str], slot: int = 0) -> None:
        """`inherited` is the user's environment. Raises ConfigError for paths that cannot be."""
        self.settings = settings
        self.layout = layout
        environment = filtered(inherited, settings.pass_env)
        self.withheld = environment.withheld
        self._variables = {**environment.variables, **settings.env}
        self._created = False
        self._is_fresh = False
        self._roots: list[Path] | None = None
        self._lock = threading.Lock()
        self._process: Process | None = None
        self._stopping = False
        place, stored = layout.worktree(slot), layout.cache(slot)
        self.worktree = Worktree(layout.root, place, stored, sub=settings.sub, data=settings.data, cache=settings.cache)

    def lay_out(self, commit: str, *, fresh: bool = False) -> None:
        """Bring the worktree to a commit; make it first, where there is none yet.

        `fresh`: a new one, with empty caches; it is replaced, and the caches are back, with the next commit.
        """
        # Each time: somebody may have deleted the whole folder while the run goes on.
        self._prepare_home()
        if self._created and (fresh or self._is_fresh):
            self.close()
        if self._created:
            self.worktree.lay_out(commit)
            return
        self.worktree.create(commit, empty_caches=fresh)
        self._created, self._is_fresh = True, fresh

    def run(
        self,
        command: str | tuple[str, ...],
        job: Job,
        log: OutputLog,
        *,
        limit: float,
        on_line: Callable[[str], None] = lambda _: None,
        show: Callable[[str], None] = lambda _: None,
    ) -> Finished | NotStarted:
        """Run a command in the worktree and wait for its end. Once `stop` was called, nothing is started any more."""
        prepared = Command(
            arguments=self._filled(command, job),
            cwd=self.worktree.cwd,
            env=self.variables() | facts(job, self.settings.tag, self.settings.device),
            limit=limit,
            stop_grace=self.settings.stop_grace,
        )
        with self._lock:
            if self._stopping:
                return _STOPPED
            self._process = Process(prepared)
        try:
            return self._process.wait(on_line, log, show)
        finally:
            with self._lock:
                self._process = None

    def variables(self) -> dict[str, str]:
        """The environment of every command here, but for what a sample is told about itself."""
        worktree = self.worktree
        there = placed(self._variables, worktree.cwd, self.layout.home / "bin", (self.layout.root, worktree.path))
        if self._roots is None:
            self._roots = self._find_roots(there)
        paths = [str(root) for root in self._roots if root.is_dir()]
        paths += [entry for entry in there.get("PYTHONPATH", "").split(os.pathsep) if entry]
        return there | ({"PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))} if paths else {})

    def stop(self, *, at_once: bool) -> None:
        """End what runs, and keep anything else from starting until `resume`."""
        with self._lock:
            self._stopping = True
            if self._process is not None:
                self._process.stop(at_once=at_once)

    def resume(self) -> None:
        with self._lock:
            self._stopping = False

    def close(self) -> None:
        """Take the worktree away, and what a killed run left. Nothing may be running."""
        self.worktree.remove()
        self._created = False

    def _find_roots(self, variables: Mapping[str, str]) -> list[Path]:
        """The folders of the worktree that stand for folders of the checkout on the interpreter's path."""
        if self.settings.pythonpath is not None:
            return [self.worktree.cwd / path for path in self.settings.pythonpath]
        python = interpreter(self.settings.command, variables, self.worktree.cwd)
        found = source_roots(python, self.layout.root, variables) if python else []
        return [self.worktree.path / root for root in found]

    def _filled(self, command: str | tuple[str, ...], job: Job) -> str | tuple[str, ...]:
        def fill(text: str) -> str:
            return placeholders(text, seed=job.seed, sample=job.sample, experiment=job.number, tag=self.settings.tag)

        return fill(command) if isinstance(command, str) else tuple(map(fill, command))

    def _prepare_home(self) -> None:
        home = self.layout.home
        provide(home / ".gitignore", IGNORE_ALL)
        provide_archiver(home / "bin", self._variables.get("PATH", os.defpath))
