"""The process that talks to Ray: `python -P -m autoresearch.cluster.driver DESCRIPTOR`, started by `link`.

A process of its own, for Ray ends the process that it runs in when it loses its cluster, prints to its screen, takes
signals, and cannot be given up when it hangs. When the pipe from `ar` ends, so does this, and with it everything that
it started. Nothing else in the package imports Ray; what is run on the nodes is in `node`.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from autoresearch.cluster import joining, node
from autoresearch.cluster.desk import Desk
from autoresearch.cluster.messages import (
    AT_ONCE,
    DONE,
    STOP,
    About,
    Begun,
    Close,
    Closed,
    Connected,
    Failed,
    FromDriver,
    Gone,
    Last,
    Order,
    Said,
    Start,
    Starved,
    Stop,
    Submit,
)
from autoresearch.cluster.nodes import Ray, members, no_room, on_node
from autoresearch.cluster.place import clear
from autoresearch.errors import ArError
from autoresearch.runtime.undisturbed import OURS

_LOG = logging.getLogger(__name__)
CLEARING = 20.0
"""Seconds for the nodes to clear away what is left there."""
_NOT_INSTALLED = "No module named 'autoresearch"


def _on_node(order: Order, anchors: list[Ray], desk: Ray, number: int) -> Iterator[Said]:
    """Ray's task. In a list, the bundle is not fetched before somebody asks for it."""
    import ray  # noqa: PLC0415  (on the node it is there)

    def asked(level: int) -> int:
        try:
            return int(ray.get(desk.asked.remote(number, level)))
        except ray.exceptions.RayError:
            # The driver is gone: Ray ends this process in a moment.
            return AT_ONCE if level < AT_ONCE else DONE

    def anchor() -> bytes:
        return bytes(ray.get(anchors[0]))

    yield from node.run(order, anchor, asked)


@dataclass(slots=True)
class Running:
    """A submission: what Ray will say about it, and whether anything was said yet."""

    stream: Ray
    has_begun: bool = False


class Driver:
    """Submissions in flight. The main thread reads `link`; every submission is watched by a thread of its own."""

    def __init__(self, ray: Ray, link: Connection, start: Start, joined: Connected) -> None:
        self._ray = ray
        self._link = link
        self._needs = start.cpus, joined.gpus
        self._patience = start.patience
        self._sending = threading.Lock()
        self._anchors: dict[str, Ray] = {}
        self._running: dict[int, Running] = {}
        self._desk = on_node(ray, ray.remote(Desk), ray.get_runtime_context().get_node_id()).remote()
        # SPREAD: otherwise the first node is filled before the second gets anything. A lost sample is `ar`'s to retry.
        self._task = ray.remote(_on_node).options(
            num_cpus=start.cpus,
            num_gpus=joined.gpus,
            num_returns="streaming",
            max_retries=0,
            scheduling_strategy="SPREAD",
        )

    def serve(self) -> None:
        """Until `Close`. Raises EOFError at the end of `ar`."""
        while True:
            match self._link.recv():
                case Submit() as message:
                    self._submit(message)
                case Stop(numbers, at_once):
                    self._stop(numbers, AT_ONCE if at_once else STOP)
                case Close(run, tag):
                    self._clear(run, tag)
                    return

    def send(self, message: FromDriver) -> None:
        """Any thread may; where `ar` is gone, nothing is said."""
        with self._sending, suppress(BrokenPipeError):
            self._link.send(message)

    def _submit(self, message: Submit) -> None:
        anchor = message.order.commits.anchor
        if anchor not in self._anchors:
            self._anchors[anchor] = self._ray.put(Path(message.anchor_file).read_bytes())
        stream = self._task.remote(message.order, [self._anchors[anchor]], self._desk, message.number)
        running = self._running[message.number] = Running(stream)
        watch = threading.Thread(target=self._watch, args=(message.number, running), name="order", daemon=True)
        watch.start()

    def _stop(self, numbers: tuple[int, ...], level: int) -> None:
        """What waits for room is cancelled, what runs is asked to end."""
        self._desk.ask.remote(numbers, level)
        for running in [self._running[number] for number in numbers if number in self._running]:
            if not running.has_begun:
                self._ray.cancel(running.stream)

    def _clear(self, run: str, tag: str) -> None:
        task = self._ray.remote(clear)
        left = [on_node(self._ray, task, one.id).remote(run, tag) for one in members(self._ray)]
        self._ray.wait(left, num_returns=len(left), timeout=CLEARING)

    def _watch(self, number: int, running: Running) -> None:
        """Pass on what is said. Whatever happens, something final is said in the end."""
        last: Last = Gone("its watch ended")
        try:
            last = self._follow(number, running)
        finally:
            self._running.pop(number, None)
            self._desk.ask.remote((number,), DONE)
            self.send(About(number, last))

    def _follow(self, number: int, running: Running) -> Last:
        errors = self._ray.exceptions
        try:
            if not self._await_room(running):
                self._ray.cancel(running.stream)
                lacking = no_room(*self._needs, members(self._ray))
                return Failed(lacking.message, lacking.hint)
            for reference in running.stream:
                said: Said = self._ray.get(reference)
                if isinstance(said, Last):
                    return said
                running.has_begun = True
                if not isinstance(said, Begun):
                    self.send(About(number, said))
        except errors.TaskCancelledError:
            return Gone("it was cancelled")
        except errors.OutOfMemoryError:
            return Starved("the node ran low on memory, and Ray ended the sample")
        except errors.RayTaskError as error:
            return _broken(error)
        except errors.RayError as error:
            return Gone(_first_line(error) or type(error).__name__)
        return Gone("its node ended without a word")

    def _await_room(self, running: Running) -> bool:
        """False when it waits, and no node has what it needs any more."""
        while not self._ray.wait([running.stream], timeout=self._patience)[0]:
            if not running.has_begun and not any(one.room(*self._needs) for one in members(self._ray)):
                return False
        return True


def _broken(error: Exception) -> Failed:
    """Neither the experiment's doing nor a lost node's: our own code failed there, or is not there."""
    _LOG.error("%s", error)
    if _NOT_INSTALLED in str(error):
        return Failed("a node has no autoresearch-loop", "install it there, in the environment of its `ray start`")
    lines = [line for line in str(error).splitlines() if line.strip()]
    return Failed(f"a node failed: {lines[-1].strip() if lines else type(error).__name__}")


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "")


def main() -> None:
    """Say whether the cluster can be had, serve, and leave nothing behind that was started here."""
    # Ray's own processes have to hear them; whoever started us kept them back.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, OURS)
    link = Connection(int(sys.argv[1]))
    start = link.recv()
    joining.prepare(start.address)
    import ray  # noqa: PLC0415  (it reads the environment when it is imported)

    with joining.own_folder(start.address) as folder:
        try:
            joined = joining.join(ray, start, folder)
            driver = Driver(ray, link, start, joined)
            link.send(joined)
            driver.serve()
        except ArError as error:
            link.send(Failed(error.message, error.hint))
        except (EOFError, ConnectionError):
            # `ar` is gone.
            return
        finally:
            ray.shutdown()
    link.send(Closed())


if __name__ == "__main__":
    main()
