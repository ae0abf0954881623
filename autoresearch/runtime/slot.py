"""One slot: two lanes that take turns, so that the next candidate is laid out while a sample runs.

A lane is a worktree with a thread of its own; what it is given is done in that order. Which candidate runs where and
when is decided by the loop; what a sample is, is in `work`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from typing import TypeVar

from autoresearch.core.experiment import Execution
from autoresearch.core.ports import Job
from autoresearch.core.promise import fulfil
from autoresearch.errors import RunError
from autoresearch.runtime.bench import Bench
from autoresearch.runtime.process import OVERDUE
from autoresearch.runtime.work import Work

T = TypeVar("T")


class Lane:
    """Work on a thread of its own. Only `stop` may be called from any thread."""

    def __init__(self, benches: Sequence[Bench], work: Work) -> None:
        """`benches` are those that the work uses, its worktree's first."""
        self.benches = benches
        self.work = work
        self.tree = ""
        """What it was told to lay out last."""
        self.patience = OVERDUE
        """Seconds to wait for what was stopped, and then for what was killed."""
        self._orders: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def do(self, work: Callable[[], T]) -> Future[T]:
        """After everything that it was given before."""
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()
        self._orders.put(partial(fulfil, future, partial(_taken, work)))
        if self._thread is None:
            # A daemon, so that a process that cannot be killed never keeps `ar` from ending.
            self._thread = threading.Thread(target=self._follow, name="lane", daemon=True)
            self._thread.start()
        return future

    def _follow(self) -> None:
        while (order := self._orders.get()) is not None:
            order()

    def resume(self) -> None:
        """Commands may be started again."""
        for bench in self.benches:
            bench.resume()

    def stop(self, *, at_once: bool) -> None:
        """End what runs, and start nothing any more until `resume`."""
        for bench in self.benches:
            bench.stop(at_once=at_once)

    def close(self) -> bool:
        """End the thread, and take the worktrees away. What runs must have been stopped.

        False where the thread does not end, so that its worktrees stay for the next `ar` to remove.
        """
        if self._thread is not None:
            self._orders.put(None)
            self._thread.join(self.patience)
            if self._thread.is_alive():
                for bench in self.benches:
                    bench.kill()
                self._thread.join(self.patience)
            if self._thread.is_alive():
                return False
            self._thread = None
        for bench in self.benches:
            bench.close()
        return True


class Slot:
    """Runs one thing at a time. Called by one thread, but for `stop`."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        """With one lane nothing is laid out ahead."""
        self.lanes = lanes
        self._busy = lanes[0]
        self._is_free: Callable[[], bool] = lambda: True

    def prepare(self, tree: str) -> None:
        """Lay it out beside what runs; what goes wrong will go wrong again, and be told, when it runs."""
        for lane in self.lanes:
            if lane is not self._busy and lane.tree != tree:
                lane.tree = tree
                lane.do(partial(lane.work.prepare, tree))

    def submit(self, job: Job) -> Future[Execution]:
        """Where it lies ready, else where the last sample ran. Raises RunError while one runs."""
        tree = job.tree or job.commit
        lane = next((lane for lane in self.lanes if lane.tree == tree), self._busy)
        lane.tree = tree
        return self.begin(lane, partial(lane.work.do, job))

    def begin(self, lane: Lane, work: Callable[[], T]) -> Future[T]:
        """Have a lane do anything that runs commands. Raises RunError while something runs."""
        if not self._is_free():
            raise RunError("a sample is running already in this slot")
        for one in self.lanes:
            one.resume()
        self._busy = lane
        future = lane.do(work)
        self._is_free = future.done
        return future

    def close(self) -> bool:
        """What runs must have been stopped. False where something does not end."""
        have_ended = [lane.close() for lane in self.lanes]
        return all(have_ended)


def _taken(work: Callable[[], T]) -> T:
    """What `work` gives; what the machine refuses becomes an error with words of ours."""
    try:
        return work()
    except OSError as error:
        raise RunError(f"a sample cannot be taken: {error}") from error
