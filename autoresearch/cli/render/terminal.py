"""The person's terminal while the live screen is up: its size, its modes, one write per frame.

Covered: no echo of keys (an Enter would push the screen out of place), a hidden cursor, Ctrl-Z and `fg`, a terminal
that is closed under us. Not covered: what is drawn (`region`), and Windows consoles, which have no termios.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import termios
import threading
from collections.abc import Mapping
from types import FrameType, TracebackType
from typing import Self, TextIO

DEFAULT_SIZE = (80, 24)
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
ERASE_BELOW = "\r\x1b[J"
LOCAL_MODES = 3
PATIENCE = 1.0
"""Seconds that giving it back waits for a terminal that takes nothing (Ctrl-S, a connection that is lost)."""


def can_show_live(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Is `stream` a terminal that can move its cursor, with us in its foreground (not `ar run &`)?"""
    if not stream.isatty() or environ.get("TERM", "dumb") in ("", "dumb", "unknown"):
        return False
    return in_foreground(stream.fileno())


def in_foreground(descriptor: int) -> bool:
    """A process in the background must not draw, and is stopped when it changes the terminal's modes."""
    try:
        return os.tcgetpgrp(descriptor) == os.getpgrp()
    except OSError:
        return False


def terminal_size(descriptor: int) -> tuple[int, int]:
    """Columns and rows; 80 x 24 where the terminal does not know (serial lines say 0 x 0)."""
    try:
        columns, rows = os.get_terminal_size(descriptor)
    except OSError:
        return DEFAULT_SIZE
    return (columns, rows) if columns > 0 and rows > 0 else DEFAULT_SIZE


def takes_output(descriptor: int, patience: float = PATIENCE) -> bool:
    """Would a write go through within so many seconds?"""
    try:
        return bool(select.select([], [descriptor], [], patience)[1])
    except (OSError, ValueError):
        return False


class Terminal:
    """A context: inside it the terminal is ours, and afterwards it is as it was, also after an exception."""

    def __init__(self, stream: TextIO) -> None:
        self.times_taken = 0
        """What was drawn before the last time is no longer there."""
        self._stream = stream
        self._descriptor = stream.fileno()
        self._encoding = stream.encoding or "utf-8"
        self._modes: list[object] | None = None
        self._lock = threading.RLock()
        self._open = False
        self._previous: object = None

    def __enter__(self) -> Self:
        self._take()
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.getsignal(signal.SIGTSTP)
            if self._previous is signal.SIG_DFL:
                signal.signal(signal.SIGTSTP, self._suspend)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.give_back()
        if self._previous is signal.SIG_DFL and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)

    @property
    def is_ours(self) -> bool:
        return self._open and in_foreground(self._descriptor)

    def size(self) -> tuple[int, int]:
        return terminal_size(self._descriptor)

    def write(self, text: str) -> None:
        """Write the whole text. A terminal that is gone is no reason to end a run: the rest is not shown."""
        with self._lock:
            if not self.is_ours:
                return
            try:
                self._stream.write(text.encode(self._encoding, "replace").decode(self._encoding))
                self._stream.flush()
            except OSError:
                self._open = False

    def _take(self) -> None:
        self._open = True
        self.times_taken += 1
        with contextlib.suppress(termios.error):
            modes = termios.tcgetattr(self._descriptor)
            self._modes = list(modes)
            modes[LOCAL_MODES] &= ~termios.ECHO
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, modes)

    def give_back(self) -> None:
        """Clear what is drawn and restore the terminal, unless that is done already.

        Of one that takes nothing only the modes are restored: nobody may wait for it, a signal handler least of all.
        """
        is_idle = self._lock.acquire(timeout=PATIENCE)
        try:
            if self.is_ours:
                can_write = is_idle and takes_output(self._descriptor)
                if can_write:
                    self.write(ERASE_BELOW + SHOW_CURSOR)
                self._restore_modes(termios.TCSADRAIN if can_write else termios.TCSANOW)
            self._open = False
        finally:
            if is_idle:
                self._lock.release()

    def _restore_modes(self, when: int) -> None:
        if self._modes is not None:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(self._descriptor, when, self._modes)  # type: ignore[arg-type]

    def _suspend(self, _signal: int, _frame: FrameType | None) -> None:
        self.give_back()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        # to this thread only: then the process has stopped, and was continued, when the next line runs
        signal.pthread_kill(threading.get_ident(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, self._suspend)
        if in_foreground(self._descriptor):
            self._take()
        else:
            self._open = True
