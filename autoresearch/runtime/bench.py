"""One slot: a worktree, and commands run in it with the environment of an experiment, one at a time.

What a sample is, and what its result means, is not known here.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from autoresearch.core.isolation import Level
from autoresearch.core.layout import Layout
from autoresearch.core.ports import Job
from autoresearch.core.scope import Scope
from autoresearch.core.secrets import Secrets
from autoresearch.errors import ConfigError
from autoresearch.runtime import space
from autoresearch.runtime.command import Command, Confinement, Finished, Limits, NotStarted, Why
from autoresearch.runtime.confinement import Surroundings, caches, confine
from autoresearch.runtime.environment import facts, filtered, placed, placeholders, provide_archiver
from autoresearch.runtime.git import common_directory
from autoresearch.runtime.guard import Guard
from autoresearch.runtime.output import OutputLog
from autoresearch.runtime.process import Process, Standby
from autoresearch.runtime.scratch import Scratch
from autoresearch.runtime.settings import ExecutorSettings
from autoresearch.runtime.sources import imports_from, interpreter, source_roots
from autoresearch.runtime.tree import IGNORE_ALL, provide
from autoresearch.runtime.worktree import Worktree

_STOPPED = Finished(Why.STOPPED, None, None, 0.0, 0.0, 0.0, "", "", "")


class Bench:
    """A worktree and what runs in it. `stop` may be called from any thread, the rest from one."""

    def __init__(
        self,
        settings: ExecutorSettings,
        layout: Layout,
        inherited: Mapping[str, str],
        slot: int = 0,
        *,
        is_second: bool = False,
        evaluates: bool = False,
    ) -> None:
        """`inherited` is the user's environment. `is_second`: the other one of the slot.

        `evaluates`: the bench for `evaluate`, which has no caches.

        Raises ConfigError for paths that cannot be.
        """
        self.settings = settings
        self.layout = layout
        environment = filtered(inherited, settings.pass_env)
        self.withheld = environment.withheld
        self.secrets = Secrets.of(inherited, settings.env)
        self.device = settings.devices[slot]
        gpus = {"CUDA_VISIBLE_DEVICES": self.device} if self.device else {}
        self._variables = {**environment.variables, **gpus, **settings.env}
        self._write_paths = tuple(_write_path(path, layout.root, settings.sub) for path in settings.write_paths)
        self._created = False
        self._is_fresh = False
        self._roots: list[Path] | None = None
        self._needed: tuple[Path, ...] | None = None
        self._lock = threading.Lock()
        self._process: Process | None = None
        self._standby: Standby | None = None
        self._is_empty = False
        """The temp folder, since nothing has run."""
        self._stopping = False
        place = layout.evaluation(slot) if evaluates else layout.worktree(slot, is_second=is_second)
        cache = () if evaluates else settings.cache
        self.worktree = Worktree(
            layout.root, place, layout.cache(slot), sub=settings.sub, data=settings.data, cache=cache
        )
        self.scratch = Scratch(place)
        self._made = [] if evaluates else [*settings.artifacts, *settings.cache]
        self._made += [name for name in (settings.metrics_file, settings.feedback) if name]
        self._is_made = Scope(tuple(self._made), base=settings.sub).is_editable
        self._command = settings.evaluate if evaluates else settings.command
        # What edited code leaves there would be run with the evaluation's own.
        self._tool_caches = layout.tool_caches.with_name("evaluate") if evaluates else layout.tool_caches
        self.guard = Guard(place, self._is_protected)

    def lay_out(self, tree: str, *, fresh: bool = False) -> None:
        """Bring the worktree to a tree, or a commit's; make it first, where there is none yet.

        `fresh`: a new one, with empty caches; it is replaced, and the caches are back, with the next commit.
        """
        # Each time: somebody may have deleted the whole folder while the run goes on.
        self._prepare_home()
        if self._created and (fresh or self._is_fresh):
            self.close()
        if self._created:
            self.worktree.lay_out(tree)
        else:
            self.worktree.create(tree, empty_caches=fresh)
            self._created, self._is_fresh = True, fresh

    def stand_by(self) -> None:
        """Have all ready for the next command that does not depend on it: its supervisor has started already."""
        if self._standby is None:
            self._standby = Standby()
        self.scratch.clear()
        self._is_empty = True

    def await_room(self, tell: Callable[[str], None]) -> None:
        """Return when the disks have room for what a command may write. Raises RunError when nobody makes any."""
        folders = (self.layout.root, self.scratch.path.parent)
        settings = self.settings
        space.await_room(folders, tell, lambda: self._stopping, settings.space_patience, settings.on_wait)

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
        if not self._is_empty:
            self.scratch.clear()
        self._is_empty = False
        variables = self.variables()
        prepared = Command(
            arguments=self._filled(command, job),
            cwd=self.worktree.cwd,
            env=variables | facts(job, self.settings.tag, self.device),
            limit=limit,
            stop_grace=self.settings.stop_grace,
            limits=Limits(self.settings.memory, disk={self.worktree.path: space.floor(self.worktree.path)}),
            confinement=self._confinement(variables),
            secrets=self.secrets,
        )
        with self._lock:
            if self._stopping:
                return _STOPPED
            standby, self._standby = self._standby, None
            self._process = Process(prepared, standby)
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
        there |= {"PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))} if paths else {}
        own = caches(self.settings.isolation, self._tool_caches, there) | {"TMPDIR": str(self.scratch.path)}
        # What the configuration sets, it sets.
        return there | {name: value for name, value in own.items() if name not in self.settings.env}

    def stop(self, *, at_once: bool) -> None:
        """End what runs, and keep anything else from starting until `resume`."""
        with self._lock:
            self._stopping = True
            if self._process is not None:
                self._process.stop(at_once=at_once)

    def kill(self) -> None:
        """For what runs on although it was stopped."""
        with self._lock:
            if self._process is not None:
                self._process.kill()

    def resume(self) -> None:
        with self._lock:
            self._stopping = False

    def close(self) -> None:
        """Take the worktree away, and what a killed run left. Nothing may be running."""
        if self._standby is not None:
            self._standby.close()
        self._standby = None
        self.worktree.remove()
        self.scratch.remove()
        self._is_empty = False
        self._created = False

    def _find_roots(self, variables: Mapping[str, str]) -> list[Path]:
        """The folders of the worktree that stand for folders of the checkout on the interpreter's path."""
        if self.settings.pythonpath is not None:
            return [self.worktree.cwd / path for path in self.settings.pythonpath]
        python = interpreter(self._command, variables, self.worktree.cwd)
        found = source_roots(python, self.layout.root, variables) if python else []
        return [self.worktree.path / root for root in found]

    def _confinement(self, variables: Mapping[str, str]) -> Confinement:
        level, worktree = self.settings.isolation, self.worktree
        is_strict = level is Level.STRICT
        if is_strict and self._needed is None:
            python = interpreter(self._command, variables, worktree.cwd)
            self._needed = (
                common_directory(self.layout.root),
                self.layout.home / "bin",
                *worktree.linked,
                *(imports_from(python, variables) if python else ()),
            )
        places = Surroundings(
            worktree=worktree.path,
            cwd=worktree.cwd,
            temp=self.scratch.path,
            caches=self._tool_caches,
            write_paths=self._write_paths,
            readable=self._needed or (),
            protected=tuple(self.guard.protected) if is_strict else (),
            changing=tuple(self._changing()) if is_strict else (),
        )
        return confine(level, places, variables, network=self.settings.network)

    def _changing(self) -> Iterator[str]:
        """What must stay writable in the worktree: what may be edited, and what the command makes."""
        yield from (name for name in self.worktree.tracked() if not self._is_protected(name))
        yield from (os.path.normpath(os.path.join(self.settings.sub, name)) for name in self._made)  # noqa: PTH118

    def _is_protected(self, path: str) -> bool:
        """Must a command leave this file of the worktree as it is? What it is said to make is its own."""
        return not self.settings.is_editable(path) and not self._is_made(path)

    def _filled(self, command: str | tuple[str, ...], job: Job) -> str | tuple[str, ...]:
        def fill(text: str) -> str:
            return placeholders(text, seed=job.seed, sample=job.sample, experiment=job.number, tag=self.settings.tag)

        return fill(command) if isinstance(command, str) else tuple(map(fill, command))

    def _prepare_home(self) -> None:
        home = self.layout.home
        self._tool_caches.mkdir(parents=True, exist_ok=True)
        provide(home / ".gitignore", IGNORE_ALL)
        provide_archiver(home / "bin", self._variables.get("PATH", os.defpath))


def _write_path(given: str, root: Path, sub: str) -> Path:
    """Raises ConfigError for a folder that is not there, or that would let an experiment change the record."""
    path = Path(os.path.normpath(root / sub / Path(given).expanduser())).resolve()
    if not path.exists():
        raise ConfigError(f"[experiment] write_paths: {path} does not exist", hint=f"mkdir -p '{path}', or take it out")
    for ours in (common_directory(root), root / ".autoresearch"):
        if ours.is_relative_to(path) or path.is_relative_to(ours):
            raise ConfigError(
                f"[experiment] write_paths: {path} would let experiments change {ours}",
                hint="name the folder that they need, and no other",
            )
    return path
