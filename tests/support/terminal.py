"""A program on a real pseudo-terminal, and what a person would see there, scroll-back included."""

from __future__ import annotations

import os
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import pexpect
import pyte

ROOT = Path(__file__).parents[2]
PATIENCE = 20.0
QUIET = 0.05
"""Seconds; frames come at least twice as far apart."""


class Person:
    """Sits before the terminal: types, looks, resizes the window, waits until something is to be seen."""

    def __init__(self, arguments: list[str], columns: int, rows: int) -> None:
        environment = {**os.environ, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}
        for name in ("COLUMNS", "LINES", "NO_COLOR"):
            environment.pop(name, None)
        self.child = pexpect.spawn(sys.executable, arguments, dimensions=(rows, columns), env=environment)  # type: ignore[arg-type]
        self.child.delaybeforesend = None
        self.child.delayafterclose = self.child.delayafterterminate = self.child.ptyproc.delayafterclose = 0.01
        self.screen = pyte.HistoryScreen(columns, rows, history=10_000)
        self._stream = pyte.ByteStream(self.screen)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.child.close(force=True)

    def types(self, line: str) -> None:
        self.child.sendline(line)

    def resizes(self, columns: int, rows: int) -> None:
        """As terminals do: what is too much goes from the blank end first, then, with the cursor, from the top."""
        at, lost = self.screen.cursor.y, max(self.screen.lines - rows, 0)
        blank = next((index for index, line in enumerate(reversed(self.visible)) if line), self.screen.lines)
        if min(lost, blank):
            self.screen.cursor_position(1, 1)
            self.screen.insert_lines(min(lost, blank))
        self.screen.resize(rows, columns)
        self.screen.cursor.y = at - max(lost - blank, 0)
        self.child.setwinsize(rows, columns)

    @property
    def echoes(self) -> bool:
        """Does the terminal show what is typed?"""
        return bool(termios.tcgetattr(self.child.child_fd)[3] & termios.ECHO)

    def closes_the_window(self) -> None:
        self.child.ptyproc.fileobj.close()
        self.child.ptyproc.closed = True

    def sees(self, text: str) -> None:
        """Look until the text is on the screen."""
        self.waits(lambda: any(text in line for line in self.screen.display), f"to see {text!r}")

    def waits(self, happened: Callable[[], bool], what: str) -> None:
        """Look until it has happened; in the middle of a frame nothing is judged."""
        deadline = time.monotonic() + PATIENCE
        while self._reads() or not happened():
            if self.child.flag_eof and happened():
                # It ended in the same moment: there is no further frame to wait for.
                return
            ended = self.child.flag_eof or time.monotonic() > deadline
            assert not ended, f"waited {what}:\n" + "\n".join(self.lines)

    def _reads(self) -> bool:
        """Take in what is written; False when nothing has come for a moment, or never will again."""
        try:
            self._stream.feed(self.child.read_nonblocking(65536, timeout=QUIET))
        except (pexpect.TIMEOUT, pexpect.EOF):
            return False
        return True

    @property
    def visible(self) -> list[str]:
        return [line.rstrip() for line in self.screen.display]

    @property
    def lines(self) -> list[str]:
        """Scroll-back and screen."""
        above = [
            "".join(row[column].data for column in range(max(row, default=-1) + 1)).rstrip()
            for row in self.screen.history.top
        ]
        return above + self.visible
