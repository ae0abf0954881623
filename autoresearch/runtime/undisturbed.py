"""Starting a process that must not get the Ctrl-C that is meant for `ar`.

A session of its own alone does not save it: for the first moment of its life it is in ours.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

OURS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Processes that are started inside inherit that these signals are blocked."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, OURS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
