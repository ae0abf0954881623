"""Runs samples on this machine, in one slot or several side by side.

What is run is in `work`, how a slot keeps the next candidate ready in `slot`, and how it is all kept from the rest of
the machine in `confinement`; what each level promises and does not is in `core.isolation`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import cache, partial

from autoresearch.core.experiment import Execution
from autoresearch.core.layout import Layout
from autoresearch.core.ports import Job
from autoresearch.runtime.artifacts import Artifacts
from autoresearch.runtime.bench import Bench
from autoresearch.runtime.canary import CanaryResult
from autoresearch.runtime.evaluation import Evaluation
from autoresearch.runtime.git import common_directory
from autoresearch.runtime.gpu_memory import GpuMemory
from autoresearch.runtime.gpus import VISIBLE
from autoresearch.runtime.scratch import Scratch
from autoresearch.runtime.settings import ExecutorSettings
from autoresearch.runtime.shared_guard import Open, SharedGuard
from autoresearch.runtime.slot import Lane, Slot
from autoresearch.runtime.work import Work
from autoresearch.runtime.worktree import inside, remove_leftovers


class LocalExecutor:
    """Satisfies `core.ports.Executor`. Futures are fulfilled on threads of its own."""

    def __init__(
        self,
        settings: ExecutorSettings,
        layout: Layout,
        inherited: Mapping[str, str] | None = None,
        on_line: Callable[[int, str], None] = lambda _number, _line: None,
    ) -> None:
        """`on_line` gets the experiment's number and now and then a line of its output, on another thread.

        `inherited` is the user's environment, by default this process's. Raises ConfigError for paths that lead out
        of the repository, and for `data` that does not exist; touches nothing.
        """
        self.isolation = settings.isolation.value
        self._layout = layout
        self._settings = settings
        self._environment = os.environ if inherited is None else inherited
        self._on_line = on_line
        self._artifacts = Artifacts(layout, settings.artifacts, settings.sub)
        self._guard = SharedGuard(None if settings.isolation.protects_files else _reach(settings, layout))
        self._slots = [self._slot(number) for number in range(len(settings.devices))]

    def _slot(self, number: int) -> Slot:
        settings, environment = self._settings, self._environment
        evaluator = Bench(settings, self._layout, environment, number, evaluates=True) if settings.evaluate else None
        is_shared = len(set(settings.devices)) < len(settings.devices)
        lanes: list[Lane] = []

        @cache
        def gpus() -> GpuMemory:
            # Asked for before the first sample, and not at once: it takes a moment.
            variables = lanes[0].benches[0].variables()
            return GpuMemory(variables.get("PATH"), variables.get(VISIBLE), is_shared=is_shared)

        for is_second in (False, True) if settings.lays_ahead else (False,):
            bench = Bench(settings, self._layout, environment, number, is_second=is_second)
            benches = [bench, *([evaluator] if evaluator else [])]
            evaluation = Evaluation(bench, evaluator, self._artifacts) if evaluator else None
            work = Work(bench, evaluation, self._layout, self._artifacts, self._guard, gpus, self._on_line)
            lanes.append(Lane(benches, work))
        return Slot(lanes)

    @property
    def withheld(self) -> tuple[str, ...]:
        """Names of the user's variables that no experiment gets."""
        return self._slots[0].lanes[0].benches[0].withheld

    def prepare(self, slot: int, tree: str) -> None:
        """Lay the tree out in the slot, beside what runs there, and have a supervisor wait for its command."""
        self._slots[slot].prepare(tree)

    def submit(self, job: Job) -> Future[Execution]:
        """Start what the job says, in its slot. Raises RunError while something runs there."""
        return self._slots[job.slot].submit(job)

    def canary(self, commit: str, editable: Sequence[str]) -> Future[CanaryResult]:
        """Find out whether the command uses the editable files (paths from the repository's root) of the worktree."""
        slot = self._slots[0]
        lane = slot.lanes[0]
        lane.tree = ""
        log = self._layout.experiment(0).with_name("canary.log")
        return slot.begin(lane, partial(lane.work.canary, commit, editable, log))

    def settle(self, number: int, *, keep: bool) -> None:
        """Store what the newest measured sample of that experiment left, or drop it; nothing there is fine."""
        if keep:
            self._artifacts.keep(number)
        self._artifacts.drop(number)

    def stop(self, *, at_once: bool) -> None:
        """End all that runs; the futures get `interrupted`. May be called from any thread, and again."""
        for slot in self._slots:
            for lane in slot.lanes:
                lane.stop(at_once=at_once)

    def close(self) -> None:
        """End what runs at once, and remove the worktrees. May be called again.

        Where something cannot be ended they are left, and `ar` ends all the same: the next one removes them.
        """
        self.stop(at_once=True)
        have_ended = [slot.close() for slot in self._slots]
        if not all(have_ended):
            return
        # A killed run may have had more slots.
        for left in self._layout.worktrees.glob("*"):
            Scratch(left).remove()
        remove_leftovers(self._layout.root, self._layout.worktrees)
        self._artifacts.discard()


def _reach(settings: ExecutorSettings, layout: Layout) -> Open:
    """What an experiment could change where no level keeps it from that."""
    data = tuple(layout.root / inside(settings.sub, name, "data") for name in settings.data)
    return Open(common_directory(layout.root), data, f"refs/heads/autoresearch/{settings.tag}")
