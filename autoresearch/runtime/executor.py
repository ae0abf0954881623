"""Runs samples on this machine, one at a time: threads, futures, stopping.

What is run is in `work`, and how it is kept from the rest of the machine in `confinement`; what each level promises and
does not is in `core.isolation`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

from autoresearch.core.experiment import Execution
from autoresearch.core.layout import Layout
from autoresearch.core.ports import Job
from autoresearch.core.promise import fulfil
from autoresearch.errors import RunError
from autoresearch.runtime.artifacts import Artifacts
from autoresearch.runtime.bench import Bench, ExecutorSettings
from autoresearch.runtime.canary import CanaryResult, try_canary
from autoresearch.runtime.evaluation import Evaluation
from autoresearch.runtime.work import Work

T = TypeVar("T")


class LocalExecutor:
    """The `Executor` of a single slot. Futures are fulfilled on a thread of its own."""

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
        self._layout = layout
        environment = os.environ if inherited is None else inherited
        self.isolation = settings.isolation.value
        self._bench = Bench(settings, layout, environment)
        evaluator = Bench(settings, layout, environment, evaluates=True) if settings.evaluate else None
        self._benches = [self._bench, *([evaluator] if evaluator else [])]
        self._artifacts = Artifacts(layout, settings.artifacts, settings.sub)
        self._evaluation = Evaluation(self._bench, evaluator, layout, self._artifacts) if evaluator else None
        self._work = Work(self._bench, self._evaluation, layout, self._artifacts, on_line)
        self._is_free: Callable[[], bool] = lambda: True
        self._thread: threading.Thread | None = None

    @property
    def withheld(self) -> tuple[str, ...]:
        """Names of the user's variables that no experiment gets."""
        return self._bench.withheld

    def submit(self, job: Job) -> Future[Execution]:
        """Start what the job says. Raises RunError while something runs: there is one slot."""
        return self._begin(lambda: self._work.do(job))

    def canary(self, commit: str, editable: Sequence[str]) -> Future[CanaryResult]:
        """Find out whether the command uses the editable files (paths from the repository's root) of the worktree."""
        self._work.forget()
        log = self._layout.experiment(0).with_name("canary.log")
        evaluate = self._evaluation.measure if self._evaluation else None
        return self._begin(lambda: try_canary(self._bench, commit, editable, log, evaluate))

    def keep_artifacts(self, number: int) -> None:
        """Store what the newest measured sample of that experiment left; nothing there is fine."""
        self._artifacts.keep(number)

    def stop(self, *, at_once: bool) -> None:
        """End what runs; its future gets `interrupted`. May be called from any thread, and again."""
        for bench in self._benches:
            bench.stop(at_once=at_once)

    def close(self) -> None:
        """End what runs at once, and remove the worktree. May be called again."""
        self.stop(at_once=True)
        if self._thread is not None:
            self._thread.join()
        self._artifacts.discard()
        for bench in self._benches:
            bench.close()

    def _begin(self, work: Callable[[], T]) -> Future[T]:
        if not self._is_free():
            raise RunError("a sample is running already, and there is one slot")
        if self._thread is not None:
            self._thread.join()
        for bench in self._benches:
            bench.resume()
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()
        self._is_free = future.done
        # A daemon, so that a process that cannot be killed never keeps `ar` from ending.
        self._thread = threading.Thread(target=fulfil, args=(future, partial(_taken, work)), name="sample", daemon=True)
        self._thread.start()
        return future


def _taken(work: Callable[[], T]) -> T:
    """What `work` gives; what the machine refuses becomes an error with words of ours."""
    try:
        return work()
    except OSError as error:
        raise RunError(f"a sample cannot be taken: {error}") from error
