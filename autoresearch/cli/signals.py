"""Ctrl-C, TERM and HUP: once, the loop is asked to end; twice, at once. Nothing else happens in a handler."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def signals(stop: Callable[[str, bool], None], at_once: Callable[[], None]) -> Iterator[None]:
    """Inside, a first signal calls `stop(why, False)`, a second one `at_once()` and `stop(why, True)`.

    A signal that was ignored when the process began stays ignored, so that `nohup ar run` lives on.
    """
    seen = 0

    def handle(number: int, _: FrameType | None) -> None:
        nonlocal seen
        seen += 1
        if seen > 1:
            at_once()
        name = "interrupted" if number == signal.SIGINT else f"interrupted by {signal.Signals(number).name}"
        stop(name, seen > 1)

    before = {number: signal.getsignal(number) for number in ENDING}
    caught = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in caught:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number in caught:
            signal.signal(number, before[number])
