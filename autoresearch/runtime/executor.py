"""Runs samples on this machine, one at a time, at the isolation level `basic`.

What that confines is said in `supervisor` and `environment`: nothing of a sample outlives it, and it gets no secrets
by its environment. It may read and write whatever the user may.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import TypeVar

from autoresearch.core.experiment import Execution, Measured, Outcome, Unmeasured
from autoresearch.core.layout import Layout
from autoresearch.core.metric import MetricReader
from autoresearch.core.ports import Job
from autoresearch.core.promise import fulfil
from autoresearch.errors import RunError
from autoresearch.runtime.artifacts import Artifacts
from autoresearch.runtime.bench import Bench, ExecutorSettings
from autoresearch.runtime.canary import CanaryResult, try_canary
from autoresearch.runtime.metrics_file import MetricsFile
from autoresearch.runtime.outcome import failure, judge
from autoresearch.runtime.output import OutputLog

T = TypeVar("T")


class LocalExecutor:
    """The `Executor` of a single slot. Futures are fulfilled on a thread of its own."""

    isolation = "basic"

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
        self._settings = settings
        self._layout = layout
        self._on_line = on_line
        self._bench = Bench(settings, layout, os.environ if inherited is None else inherited)
        self._artifacts = Artifacts(layout, settings.artifacts, settings.sub)
        self._ready = ""
        self._is_free: Callable[[], bool] = lambda: True
        self._thread: threading.Thread | None = None

    @property
    def withheld(self) -> tuple[str, ...]:
        """Names of the user's variables that no experiment gets."""
        return self._bench.withheld

    def submit(self, job: Job) -> Future[Execution]:
        """Start a sample. Raises RunError while another one runs: there is one slot."""
        return self._begin(lambda: self._sample(job))

    def canary(self, commit: str, editable: Sequence[str]) -> Future[CanaryResult]:
        """Find out whether the command uses the editable files (paths from the repository's root) of the worktree."""
        self._ready = ""
        log = self._layout.experiment(0).with_name("canary.log")
        return self._begin(lambda: try_canary(self._bench, commit, editable, log))

    def keep_artifacts(self, number: int) -> None:
        """Store what the newest measured sample of that experiment left; nothing there is fine."""
        self._artifacts.keep(number)

    def stop(self, *, at_once: bool) -> None:
        """End what runs; its future gets `interrupted`. May be called from any thread, and again."""
        self._bench.stop(at_once=at_once)

    def close(self) -> None:
        """End what runs at once, and remove the worktree. May be called again."""
        self._bench.stop(at_once=True)
        if self._thread is not None:
            self._thread.join()
        self._artifacts.discard()
        self._bench.close()

    def _begin(self, work: Callable[[], T]) -> Future[T]:
        if not self._is_free():
            raise RunError("a sample is running already, and there is one slot")
        if self._thread is not None:
            self._thread.join()
        self._bench.resume()
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()
        self._is_free = future.done
        # A daemon, so that a process that cannot be killed never keeps `ar` from ending.
        self._thread = threading.Thread(target=fulfil, args=(future, partial(_taken, work)), name="sample", daemon=True)
        self._thread.start()
        return future

    def _sample(self, job: Job) -> Execution:
        unfit = self._prepare(job)
        if unfit is not None:
            return unfit
        settings, cwd = self._settings, self._bench.worktree.cwd
        reader = MetricReader(settings.metric)
        metrics_file = MetricsFile(cwd / settings.metrics_file) if settings.metrics_file else None
        with OutputLog(self._layout.output(job.number), f"sample {job.sample} (seed {job.seed})") as log:
            done = self._bench.run(
                settings.command,
                job,
                log,
                limit=job.limit,
                on_line=reader.feed,
                show=lambda line: self._on_line(job.number, line),
            )
        execution = judge(done, reader, job, metrics_file.text() if metrics_file else None)
        if isinstance(execution, Unmeasured) and not self._bench.worktree.is_there:
            self._ready = ""
            return _deleted(execution, job)
        if isinstance(execution, Measured):
            self._artifacts.stage(job.number, self._bench.worktree.path)
        return execution

    def _prepare(self, job: Job) -> Unmeasured | None:
        """Lay out the commit, and once per commit run `setup`. Returns why there is nothing to sample."""
        worktree = self._bench.worktree
        if job.commit == self._ready:
            worktree.tidy()
            return None
        self._ready = ""
        self._bench.lay_out(job.commit)
        if self._settings.setup:
            unfit = self._set_up(job)
            if unfit is not None:
                return unfit
            worktree.remember_setup()
            worktree.tidy()
        self._ready = job.commit
        return None

    def _set_up(self, job: Job) -> Unmeasured | None:
        limit = max(job.limit, self._settings.setup_limit)
        with OutputLog(self._layout.output(job.number), "setup") as log:
            done = self._bench.run(
                self._settings.setup, job, log, limit=limit, show=lambda line: self._on_line(job.number, line)
            )
        failed = failure(done, limit)
        if failed is None or failed.outcome is Outcome.INTERRUPTED:
            return failed
        if not self._bench.worktree.is_there:
            return _deleted(failed, job)
        return Unmeasured(Outcome.CRASHED, f"setup failed: {failed.reason}", failed.seconds, {}, failed.tail)


def _deleted(execution: Unmeasured, job: Job) -> Unmeasured:
    """Somebody cleared `.autoresearch` away: whatever came of that says nothing about the candidate.

    A run cannot go on without its baseline, so that one has failed.
    """
    outcome = Outcome.INTERRUPTED if job.number else Outcome.CRASHED
    return replace(execution, outcome=outcome, reason="the worktree was deleted")


def _taken(work: Callable[[], T]) -> T:
    """What `work` gives; what the machine refuses becomes an error with words of ours."""
    try:
        return work()
    except OSError as error:
        raise RunError(f"a sample cannot be taken: {error}") from error
