"""The process on a node that runs experiments: `python -P -m autoresearch.cluster.host DESCRIPTOR`, started by `node`.

Between Ray's worker and the supervisors of the commands, for a worker that ends kills its children and not what is
below them: a supervisor that is killed can end nothing any more. When the pipe from the worker ends, or Ray kills this
process, the supervisors notice, and nothing stays. Not here: what an order is (`hosted`).
"""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from queue import SimpleQueue

from autoresearch.cluster.hosted import leave, run
from autoresearch.cluster.messages import (
    AT_ONCE,
    DONE,
    Anchor,
    Asked,
    Failed,
    FromHost,
    Hosted,
    Last,
    Line,
    Said,
    ToHost,
    WantsAnchor,
)
from autoresearch.runtime.undisturbed import OURS


@dataclass(frozen=True, slots=True)
class _Told:
    """What was told about the order that is carried out."""

    asked: SimpleQueue[int] = field(default_factory=SimpleQueue)
    anchors: SimpleQueue[bytes] = field(default_factory=SimpleQueue)


class Host:
    """Carries out one order after the other, on another thread than the one that reads the pipe."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._run = ""
        self._told = _Told()
        self._thread: threading.Thread | None = None

    def serve(self) -> None:
        """Until the worker is gone; then what runs is ended, and the worktrees are taken away."""
        with suppress(EOFError, OSError):
            while True:
                self._take(self._pipe.recv())
        self._told.asked.put(AT_ONCE)
        self._join()
        leave(self._run)

    def _take(self, message: ToHost) -> None:
        match message:
            case Asked(level):
                self._told.asked.put(level)
            case Anchor(bundle):
                self._told.anchors.put(bundle)
            case Hosted():
                # The one before has said its last word, or this one would not be here.
                self._join()
                self._run, self._told = message.order.run, _Told()
                self._thread = threading.Thread(target=self._carry_out, args=(message, self._told), name="order")
                self._thread.start()

    def _carry_out(self, work: Hosted, told: _Told) -> None:
        def anchor() -> bytes:
            self._send(WantsAnchor())
            return told.anchors.get()

        said: Said = Line("")
        try:
            for said in run(work.order, work.environ, anchor, lambda _level: told.asked.get()):
                self._send(said)
        finally:
            told.asked.put(DONE)
            if not isinstance(said, Last):
                self._send(Failed("a node failed", "why is in the logs of Ray's workers there"))

    def _send(self, message: FromHost) -> None:
        with suppress(OSError):
            self._pipe.send(message)

    def _join(self) -> None:
        if self._thread is not None:
            self._thread.join()


def main() -> None:
    """Serve the worker."""
    # Whoever started us kept them back.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, OURS)
    Host(Connection(int(sys.argv[1]))).serve()


if __name__ == "__main__":
    main()
