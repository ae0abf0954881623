"""The pipe to the process that talks to Ray: started, listened to, and ended, within limits of time.

A driver that dies or hangs is a RunError with its own last words. Not here: what is said (`messages`).
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue

from autoresearch.cluster.messages import (
    About,
    Close,
    Closed,
    Connected,
    Failed,
    FromDriver,
    Gone,
    Order,
    Said,
    Start,
    Stop,
    Submit,
    ToDriver,
)
from autoresearch.errors import RunError
from autoresearch.runtime.undisturbed import undisturbed

JOINING, STARTING = 60.0, 180.0
"""Seconds until a cluster must have been joined, or a Ray of our own started."""
CLOSING = 40.0
"""Seconds for the nodes to be cleared and for Ray to end."""


class Link:
    """Any thread may use it. Ends, with all that it started, when this process does."""

    def __init__(self, start: Start, environment: Mapping[str, str], log: Path, patience: float | None = None) -> None:
        """Start the driver and have it join, within `patience` seconds. `log` gets what Ray prints.

        Raises RunError where it cannot be had.
        """
        self._log = log
        self._sending = threading.Lock()
        self._numbers = count(1)
        self._open: dict[int, SimpleQueue[Said]] = {}
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = self._spawn(theirs, environment)
        self._pipe = Connection(ours.detach())
        try:
            self.joined = self._join(start, patience or (JOINING if start.address else STARTING))
        except RunError:
            self._end(0.0)
            raise
        self._reader = threading.Thread(target=self._listen, name="ray", daemon=True)
        self._reader.start()

    @property
    def process(self) -> int:
        """The driver's id, and that of its session."""
        return self._process.pid

    def submit(self, order: Order, anchor_file: Path) -> tuple[int, SimpleQueue[Said]]:
        """A number for it, and what is said about it: the last is a `Last`."""
        number, said = next(self._numbers), SimpleQueue[Said]()
        self._open[number] = said
        if not self._send(Submit(number, order, str(anchor_file))):
            said.put(self._last_words())
        return number, said

    def stop(self, numbers: tuple[int, ...], *, at_once: bool) -> None:
        """Ask for the end of these."""
        self._send(Stop(numbers, at_once))

    def forget(self, number: int) -> None:
        """Its last was heard."""
        self._open.pop(number, None)

    def abandon(self, numbers: tuple[int, ...]) -> None:
        """Nobody waits any longer for what these nodes have to say."""
        for number in numbers:
            if said := self._open.get(number):
                said.put(Gone("its node did not answer"))

    def close(self, run: str, tag: str) -> None:
        """Clear the nodes and end the driver; by force, where it takes too long."""
        self._send(Close(run, tag))
        self._end(CLOSING)
        self._reader.join()

    def _spawn(self, theirs: socket.socket, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("wb") as log, undisturbed():
            return subprocess.Popen(
                # Neither the present folder nor the one of a script is looked into for modules, here and on the nodes.
                (sys.executable, "-P", "-m", "autoresearch.cluster.driver", str(theirs.fileno())),
                cwd="/",
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )

    def _join(self, start: Start, patience: float) -> Connected:
        self._send(start)
        try:
            if not self._pipe.poll(patience):
                what = f"the Ray cluster at {start.address} does" if start.address else "a Ray of its own did"
                said = f"is it Ray that listens there? what was tried is in {self._log}"
                raise RunError(f"{what} not answer within {patience:.0f} s", hint=said)
            told: FromDriver = self._pipe.recv()
        except (EOFError, OSError):
            told = self._last_words()
        if isinstance(told, Connected):
            return told
        raise RunError(told.message, hint=told.hint) if isinstance(told, Failed) else RunError("Ray cannot be joined")

    def _send(self, message: ToDriver) -> bool:
        with self._sending, suppress(OSError):
            self._pipe.send(message)
            return True
        return False

    def _listen(self) -> None:
        with suppress(EOFError, OSError):
            while not isinstance(told := self._pipe.recv(), Closed):
                if isinstance(told, About) and told.number in self._open:
                    self._open[told.number].put(told.said)
        last = self._last_words()
        for said in list(self._open.values()):
            said.put(last)

    def _last_words(self) -> Failed:
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        said = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return Failed(f"the Ray cluster is gone{f': {said}' if said else ''}", f"what Ray said is in {self._log}")

    def _end(self, patience: float) -> None:
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            # Its whole session: a Ray of our own is in it.
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
