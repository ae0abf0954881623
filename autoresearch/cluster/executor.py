"""The `Executor` of a Ray cluster: one order for each job, run on whatever node has room.

A slot here is no place: Ray decides where a sample runs. A node that is lost loses its samples, which are taken again;
with the last node that has room the run ends, and the next `ar run` goes on. What an order is, is in `node`.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from queue import SimpleQueue
from typing import TypeVar

from autoresearch.cluster.link import Link
from autoresearch.cluster.messages import Begun, Canary, Failed, Gone, Line, Order, Report, Said, Starved
from autoresearch.cluster.parcels import Parcels
from autoresearch.cluster.results import Results
from autoresearch.core.experiment import Execution, Measured, Outcome, Passed, Unmeasured
from autoresearch.core.layout import Layout
from autoresearch.core.ports import Job
from autoresearch.core.promise import fulfil
from autoresearch.core.secrets import Secrets
from autoresearch.errors import RunError, SampleLost
from autoresearch.runtime.canary import CanaryResult, Unproved
from autoresearch.runtime.settings import ExecutorSettings

T = TypeVar("T")
SILENCE = 20.0
"""Seconds for a node to end something at once; then nobody waits for it any more."""
STOPPED = Unmeasured(Outcome.INTERRUPTED, "stopped", 0.0)


@dataclass(slots=True, eq=False)
class _Running:
    """An order on its way; `number` is 0 before it is submitted."""

    number: int = 0
    is_stopped: bool = False


class RayExecutor:
    """Futures are fulfilled on a thread for each order."""

    withheld: tuple[str, ...] = ()
    """No variable of the person's gets to a node, so that none is held back."""

    def __init__(
        self,
        settings: ExecutorSettings,
        layout: Layout,
        link: Link,
        on_line: Callable[[int, str], None] = lambda _number, _line: None,
    ) -> None:
        """`settings.is_editable` travels: a method of a `Scope`, no function inside another. Takes over the link."""
        self.isolation = settings.isolation.value
        self._settings = settings
        self._layout = layout
        self._link = link
        self._on_line = on_line
        self._run = run_name(layout)
        self._parcels = Parcels(layout.root, layout.home / "cluster" / "commits", settings.base)
        self._results = Results(layout, Secrets.of(os.environ, settings.env))
        self._lock = threading.Lock()
        self._running: set[_Running] = set()
        self._in_slot: dict[int, Future[Execution]] = {}
        self._results.discard()

    def prepare(self, slot: int, tree: str) -> None:
        """Nothing: which node it will be is not known yet."""

    def submit(self, job: Job) -> Future[Execution]:
        """Send the job to a node that has room, or wait for one. Raises RunError while something runs in its slot."""
        before = self._in_slot.get(job.slot)
        if before is not None and not before.done():
            raise RunError("a sample is running already in this slot")
        running = self._begin()
        future = self._in_slot[job.slot] = _promised(partial(self._execute, running, job))
        return future

    def canary(self, commit: str, editable: Sequence[str]) -> Future[CanaryResult]:
        """Find out, on a node, whether the command uses the editable files (paths from the repository's root)."""
        return _promised(partial(self._try_canary, self._begin(), Canary(commit, tuple(editable))))

    def settle(self, number: int, *, keep: bool) -> None:
        """Store what the newest measured sample of that experiment left, or drop it; nothing there is fine."""
        self._results.settle(number, keep=keep)

    def stop(self, *, at_once: bool) -> None:
        """End all that runs, on all nodes; the futures get `interrupted`. May be called from any thread, and again."""
        with self._lock:
            for running in self._running:
                running.is_stopped = True
            numbers = tuple(running.number for running in self._running if running.number)
        if not numbers:
            return
        self._link.stop(numbers, at_once=at_once)
        if at_once:
            giving_up = threading.Timer(SILENCE, self._link.abandon, (numbers,))
            giving_up.daemon = True
            giving_up.start()

    def close(self) -> None:
        """End what runs at once, clear the nodes, and end a Ray that was started for this. May be called again."""
        self.stop(at_once=True)
        self._link.close(self._run, self._layout.tag)
        self._results.discard()
        self._parcels.close()

    def _begin(self) -> _Running:
        running = _Running()
        with self._lock:
            self._running.add(running)
        return running

    def _execute(self, running: _Running, job: Job) -> Execution:
        artifacts = self._results.artifacts(job.number) if job.task.is_holdout and self._settings.artifacts else None
        match self._carry_out(running, job, artifacts):
            case Report(result=Measured() | Unmeasured() | Passed() as result) as report:
                self._results.write_log(report, self._layout.output(job.number))
                if report.artifacts is not None:
                    self._results.stage(job.number, report.artifacts)
                if report.note:
                    self._on_line(job.number, report.note)
                return self._results.clean(result)
            case Starved(reason):
                return Unmeasured(Outcome.OUT_OF_MEMORY, reason, 0.0)
            case _:
                return STOPPED

    def _try_canary(self, running: _Running, work: Canary) -> CanaryResult:
        match self._carry_out(running, work):
            case Report(result=result) as report if not isinstance(result, Measured | Unmeasured | Passed):
                self._results.write_log(report, self._layout.experiment(0).with_name("canary.log"))
                return result
            case Starved(reason):
                return Unproved(reason)
            case _:
                return Unproved("stopped")

    def _carry_out(
        self, running: _Running, work: Job | Canary, artifacts: bytes | None = None
    ) -> Report | Starved | None:
        """What came of it; None when it was stopped. Raises SampleLost and RunError."""
        try:
            commits, anchor_file = self._parcels.pack(work.commit)
            order = Order(self._run, str(self._layout.root), self._settings, commits, work, artifacts)
            with self._lock:
                # Nothing that was stopped is sent, and everything that was sent can be stopped.
                if running.is_stopped:
                    return None
                running.number, said = self._link.submit(order, anchor_file)
            return self._listen(running, work, said)
        finally:
            with self._lock:
                self._running.discard(running)
            self._link.forget(running.number)

    def _listen(self, running: _Running, work: Job | Canary, said: SimpleQueue[Said]) -> Report | Starved | None:
        while True:
            match said.get():
                case Line(text) if isinstance(work, Job):
                    self._on_line(work.number, text)
                case Begun() | Line():
                    pass
                case Report() | Starved() as last:
                    return last
                case Gone() | Failed() if running.is_stopped:
                    return None
                case Gone(reason):
                    raise SampleLost(f"a node of the cluster was lost: {reason}")
                case Failed(message, hint):
                    raise RunError(message, hint=hint)


def run_name(layout: Layout) -> str:
    """What the run's folder is called on every node: the same in every call of `ar run`, and nobody else's."""
    known = "\0".join((socket.gethostname(), str(layout.root), layout.tag))
    return blake2b(known.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()


def _promised(work: Callable[[], T]) -> Future[T]:
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()
    # A daemon, so that a node that never answers does not keep `ar` from ending.
    threading.Thread(target=fulfil, args=(future, work), name="sample", daemon=True).start()
    return future
