"""Waiting for one sample at a time without a loop, so that Ctrl-C reaches what runs."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import TypeVar

from autoresearch.core.ports import Executor

T = TypeVar("T")


@dataclass
class Waiting:
    """Waits for one thing at a time, and passes Ctrl-C on to it."""

    stopped: str = ""
    at_once: bool = False
    wake: SimpleQueue[None] = field(default_factory=SimpleQueue)

    def stop(self, why: str, at_once: bool) -> None:
        """Called by a signal between any two instructions of the main thread: takes no lock."""
        self.stopped, self.at_once = why, at_once
        self.wake.put(None)

    def for_result(self, executor: Executor, future: Future[T]) -> T:
        """The result; once somebody said stop, it comes soon."""
        future.add_done_callback(lambda _: self.wake.put(None))
        while not future.done():
            if self.stopped:
                executor.stop(at_once=self.at_once)
            self.wake.get()
        return future.result()
