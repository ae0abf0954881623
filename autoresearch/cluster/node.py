"""In a Ray worker on a node: hands orders to the process that carries them out, and passes on what that one says.

Ray keeps a worker for the orders that come after; `host` is started once in each. Nothing here knows Ray.
"""

from __future__ import annotations

import os
import platform
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from multiprocessing.connection import Connection

from autoresearch.cluster.messages import (
    DONE,
    Anchor,
    Asked,
    Begun,
    FromHost,
    Gone,
    Hosted,
    Last,
    Order,
    Said,
    WantsAnchor,
)
from autoresearch.core.secrets import harmless
from autoresearch.runtime.undisturbed import undisturbed


def run(order: Order, anchor: Callable[[], bytes], asked: Callable[[int], int]) -> Iterator[Said]:
    """Carry it out; the last of what is said is the result.

    `anchor` fetches the anchor's bundle. `asked(level)` waits until more than that level is asked for, and is called
    from another thread.
    """
    yield Begun()
    host = _host()
    # Read anew each time: the GPUs are other ones.
    host.send(Hosted(order, dict(os.environ)))
    threading.Thread(target=_pass_on, args=(host, asked), name="asked", daemon=True).start()
    while True:
        match host.heard():
            case WantsAnchor():
                host.send(Anchor(anchor()))
            case None:
                _host.cache_clear()
                yield Gone(f"what ran on {platform.node()} was killed")
                return
            case said:
                yield said
                if isinstance(said, Last):
                    return


def _pass_on(host: _Host, asked: Callable[[int], int]) -> None:
    level = 0
    while (level := asked(level)) < DONE:
        host.send(Asked(level))


class _Host:
    """The process, and the pipe to it. Any thread may send."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs, undisturbed():
            self._process = subprocess.Popen(
                (sys.executable, "-P", "-m", "autoresearch.cluster.host", str(theirs.fileno())),
                cwd="/",
                env=harmless(os.environ),
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        self._pipe = Connection(ours.detach())
        self._sending = threading.Lock()

    def send(self, message: Hosted | Asked | Anchor) -> None:
        """Where it is gone, `heard` says so."""
        with self._sending, suppress(OSError):
            self._pipe.send(message)

    def heard(self) -> FromHost | None:
        """The next word; None when it is gone."""
        try:
            message: FromHost = self._pipe.recv()
        except (EOFError, OSError):
            self._process.wait()
            return None
        return message


@cache
def _host() -> _Host:
    """Of this worker, as long as it lives: so do its worktree, its caches and what `setup` made."""
    return _Host()
