"""One order, on a node of the cluster: in a process of ours (`host`), which stays for the orders that come after it.

A node is a machine with a repository, a worktree and the executor of a single machine. Its environment is its own,
filtered like everybody's: nothing of the person's travels but what the configuration says. Nothing here knows Ray.
"""

from __future__ import annotations

import pickle
import platform
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import chdir, suppress
from dataclasses import replace
from functools import lru_cache
from queue import SimpleQueue

from autoresearch.cluster import bag, place
from autoresearch.cluster.here import environment_here, settings_here
from autoresearch.cluster.messages import AT_ONCE, DONE, OURS, PYTHON, Canary, Failed, Gone, Line, Order, Report, Said
from autoresearch.core.experiment import Execution, Measured
from autoresearch.core.layout import Layout
from autoresearch.core.ports import Job, Task
from autoresearch.errors import ArError, RunError, SampleLost
from autoresearch.runtime.canary import CanaryResult
from autoresearch.runtime.confinement import problem
from autoresearch.runtime.executor import LocalExecutor
from autoresearch.runtime.tree import remove

LONGEST_LOG = 16 * 2**20
"""Bytes of output that are sent back; each command's is cut at its ends already."""


def name() -> str:
    """What this node is called, for people."""
    return platform.node() or "a node without a name"


def run(
    order: Order, environ: Mapping[str, str], anchor: Callable[[], bytes], asked: Callable[[int], int]
) -> Iterator[Said]:
    """Carry it out; the last of what is said is the result.

    `environ` is this node's, with the GPUs that the order was given. `anchor` fetches the anchor's bundle.
    `asked(level)` waits until more than that level is asked for, and is called from another thread.
    """
    try:
        if (order.version, order.python) != (OURS, PYTHON):
            there = f"autoresearch-loop {OURS} with Python {PYTHON}"
            raise RunError(
                f"it has {there}, and here are {order.version} and {order.python}",
                hint="install the same versions on every machine",
            )
        yield from _carry_out(order, environ, anchor, asked)
    except SampleLost as error:
        yield Gone(f"on {name()}: {error.message}")
    except ArError as error:
        yield Failed(f"on {name()}: {error.message}", error.hint)
    except OSError as error:
        yield Failed(f"on {name()}: {error}", "is the disk full there?")


def _carry_out(
    order: Order, environ: Mapping[str, str], anchor: Callable[[], bytes], asked: Callable[[int], int]
) -> Iterator[Said]:
    seat = _seat(order.run)
    seat.place.take_in(order.commits, anchor)
    executor, said = seat.executor(order, environ), SimpleQueue[Line | None]()
    seat.show = lambda line: said.put(Line(line))
    desk = _Desk(executor, Layout(seat.place.root, order.settings.tag), order)
    result = desk.begin()
    result.add_done_callback(lambda _: said.put(None))
    threading.Thread(target=_obey, args=(executor, result.done, asked), name="obey", daemon=True).start()
    while (line := said.get()) is not None:
        yield line
    yield desk.report(result.result())


def _obey(executor: LocalExecutor, has_ended: Callable[[], bool], asked: Callable[[int], int]) -> None:
    level = 0
    while (level := asked(level)) < DONE:
        # What runs there next is another order's.
        if not has_ended():
            executor.stop(at_once=level >= AT_ONCE)


def leave(run: str) -> None:
    """End what runs here, and take the worktrees away."""
    if _held.cache_info().currsize:
        _held(run).close()
        _held.cache_clear()


@lru_cache(maxsize=1)
def _held(run: str) -> Seat:
    return Seat(place.take_place(run))


def _seat(run: str) -> Seat:
    """Of this process, as long as it lives: worktree, caches and what `setup` made stay for the next order."""
    seat = _held(run)
    if not seat.place.is_there:
        # Somebody cleared the temp folder away.
        seat.close()
        _held.cache_clear()
        seat = _held(run)
    return seat


class Seat:
    """A place and the executor in it."""

    def __init__(self, where: place.Place) -> None:
        self.place = where
        self.show: Callable[[str], None] = lambda _: None
        self._executor: LocalExecutor | None = None
        self._made_for: tuple[bytes, Mapping[str, str]] = (b"", {})

    def executor(self, order: Order, environ: Mapping[str, str]) -> LocalExecutor:
        """The one that is there, unless something it was made for has changed: other GPUs, say.

        Raises RunError where the isolation that was asked for cannot be had here, or `data` is missing.
        """
        environment = environment_here(environ, order.root, self.place.root)
        wanted = pickle.dumps(order.settings), environment
        if self._executor is not None and self._made_for == wanted:
            return self._executor
        self._close_executor()
        level = order.settings.isolation
        # It is tried out in a folder that is called after the present one; other processes try it out as well.
        with chdir(self.place.folder):
            reason = problem(level)
        if reason:
            raise RunError(f"isolation {level} cannot be had: {reason}", hint="ar run --isolation basic")
        settings = settings_here(order, self.place.root, environment)
        layout = Layout(self.place.root, order.settings.tag)
        self._executor = LocalExecutor(settings, layout, environment, lambda _number, line: self.show(line))
        self._made_for = wanted
        return self._executor

    def close(self) -> None:
        """Leave everything."""
        self._close_executor()
        self.place.close()

    def _close_executor(self) -> None:
        if self._executor is not None:
            self._executor.close()
        self._executor = None


class _Desk:
    """One order's output and artefacts, before it runs and after."""

    def __init__(self, executor: LocalExecutor, layout: Layout, order: Order) -> None:
        self._executor = executor
        self._layout = layout
        self._order = order
        work = order.work
        self._number = 0 if isinstance(work, Canary) else work.number
        is_canary = isinstance(work, Canary)
        self._log = layout.experiment(0).with_name("canary.log") if is_canary else layout.output(self._number)
        self._kept = layout.artifacts(self._number)

    def begin(self) -> Future[Execution] | Future[CanaryResult]:
        remove(self._log)
        remove(self._kept)
        match self._order.work:
            case Canary(commit, editable):
                return self._executor.canary(commit, editable)
            case Job() as job:
                if self._order.artifacts is not None:
                    bag.unpack(self._order.artifacts, self._kept)
                return self._executor.submit(replace(job, slot=0))

    def report(self, result: Execution | CanaryResult) -> Report:
        """Everything that is to be known of it elsewhere; nothing of it stays here."""
        log = b""
        with suppress(FileNotFoundError):
            log = self._log.read_bytes()
        if len(log) > LONGEST_LOG:
            half = LONGEST_LOG // 2
            log = log[:half] + b"\n--- %d bytes left out ---\n" % (len(log) - LONGEST_LOG) + log[-half:]
        artifacts, note = self._artifacts(result)
        for path in (self._log, self._kept):
            remove(path)
        return Report(result, name(), log, artifacts, note)

    def _artifacts(self, result: Execution | CanaryResult) -> tuple[bytes | None, str]:
        work = self._order.work
        if isinstance(work, Canary) or not self._order.settings.artifacts:
            return None, ""
        is_wanted = isinstance(result, Measured) and work.task in (Task.SAMPLE, Task.INCUMBENT, Task.FRESH)
        self._executor.settle(self._number, keep=is_wanted)
        if not is_wanted or not self._kept.is_dir():
            return None, ""
        size = bag.size_of(self._kept)
        if size > (most := self._order.largest):
            return None, f"its artefacts are not sent back: {size / 2**20:.0f} MiB, over {most / 2**20:.0f} MiB"
        return bag.pack(self._kept), ""
