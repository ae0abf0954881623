"""Measuring what a command made where no edited code is: in a worktree of the base, with nothing but that in it.

Not covered: what `evaluate` itself executes of it (a pickle, a module) is edited code again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TypeVar

from autoresearch.core.experiment import Execution, Measured, Outcome, Unmeasured
from autoresearch.core.metric import MOST_MEASURES, MetricReader, MetricSpec
from autoresearch.core.ports import Job
from autoresearch.runtime.artifacts import Artifacts
from autoresearch.runtime.bench import Bench
from autoresearch.runtime.command import Finished, NotStarted
from autoresearch.runtime.feedback import FeedbackReader
from autoresearch.runtime.metrics_file import MetricsFile
from autoresearch.runtime.outcome import failure, judge
from autoresearch.runtime.output import OutputLog
from autoresearch.runtime.protection import listed
from autoresearch.runtime.settings import ExecutorSettings
from autoresearch.runtime.text import plain

E = TypeVar("E", bound=Execution)
CHANGED = "it changed what it may not: "
"""How the reason of what was tampered with begins; what follows is separated by commas."""
LEAST_LIMIT = 1.0
"""Seconds that `evaluate` has, however long the command took."""


class Evaluation:
    """Only the slot's own thread calls it."""

    def __init__(self, bench: Bench, evaluator: Bench, artifacts: Artifacts) -> None:
        """`bench` is where the command runs, `evaluator` the one of the base."""
        self._bench = bench
        self._evaluator = evaluator
        self._settings = bench.settings
        self._artifacts = artifacts

    def laid_out(self) -> Bench:
        """The bench of the base, as the base has it."""
        self._evaluator.lay_out(self._settings.base)
        self._evaluator.worktree.point(self._settings.base)
        return self._evaluator

    def measure(
        self, job: Job, made: Finished | NotStarted, log: OutputLog, show: Callable[[str], None] = lambda _: None
    ) -> Measured | Unmeasured:
        """What comes of a command that has ended; both share the job's limit, and time and memory are the command's."""
        failed = failure(made, job.limit)
        if failed is not None or isinstance(made, NotStarted):
            return failed or Unmeasured(Outcome.CRASHED, "it did not start", made.seconds)
        bench = self.laid_out()
        trouble = self._artifacts.carry(
            self._bench.worktree.path, bench.worktree.path, self._is_protected, self._bench.guard.protected
        )
        if trouble is not None:
            return Unmeasured(trouble.outcome, trouble.reason, made.seconds, {}, plain(made.tail))
        bench.guard.before()
        execution = self._run(job, made, log, show)
        if isinstance(execution, Unmeasured) and execution.outcome is not Outcome.INTERRUPTED:
            execution = replace(execution, reason=f"evaluate: {execution.reason}")
        return tampered(execution, bench.guard.after())

    def _run(self, job: Job, made: Finished, log: OutputLog, show: Callable[[str], None]) -> Measured | Unmeasured:
        settings, cwd = self._settings, self._evaluator.worktree.cwd
        reader, metrics = MetricReader(settings.metric), metrics_file(settings, cwd)
        feedback = FeedbackReader(cwd / settings.feedback if settings.feedback else None)

        def on_line(line: str) -> None:
            reader.feed(line)
            feedback.feed(line)

        limit = max(LEAST_LIMIT, job.limit - made.seconds)
        done = self._evaluator.run(settings.evaluate, job, log, limit=limit, on_line=on_line, show=show)
        execution = judge(done, reader, job, metrics.text() if metrics else None, measured=made)
        return replace(execution, seconds=made.seconds + done.seconds, feedback=feedback.text())

    def _is_protected(self, path: str) -> bool:
        return not self._settings.is_editable(path)


def metrics_file(settings: ExecutorSettings, folder: Path) -> MetricsFile | None:
    """As it is before the command runs: only what is written then counts."""
    return MetricsFile(folder / settings.metrics_file) if settings.metrics_file else None


def merged(job: Job, spec: MetricSpec, made: Mapping[str, float], evaluated: Mapping[str, float]) -> dict[str, float]:
    """The numbers of both commands, those of `evaluate` where both printed one; what is wanted comes first."""
    both = {**made, **evaluated}
    first = (*spec.wanted, *(job.convention.names if job.convention else ()))
    ordered = {name: both[name] for name in first if name in both} | both
    return dict(islice(ordered.items(), MOST_MEASURES))


def tampered(execution: E, found: list[str]) -> E | Unmeasured:
    """What it gave, unless it changed what it may not; a stopped one may have been in the middle of anything."""
    is_stopped = isinstance(execution, Unmeasured) and execution.outcome is Outcome.INTERRUPTED
    if not found or is_stopped:
        return execution
    return Unmeasured(Outcome.TAMPERED, f"{CHANGED}{listed(found)}", execution.seconds, {}, execution.tail)
