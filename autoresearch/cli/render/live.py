"""The live screen of `ar run`: finished experiments scroll up, below them a header and what is happening now.

A thread of its own draws, at most ten times a second and only what changed, so that a slow terminal never holds up
the loop. Not in here: what the lines say (`board`, `columns`) and how they get onto the terminal (`region`).
"""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console
from rich.text import Text

from autoresearch.cli.render.board import Board
from autoresearch.cli.render.columns import Row
from autoresearch.cli.render.printed import Printed
from autoresearch.cli.render.region import Region
from autoresearch.cli.render.terminal import Terminal
from autoresearch.cli.render.text import clean
from autoresearch.cli.render.view import RunView
from autoresearch.core.events import Event, ExperimentFinished, OutputLine, Warned

TICK, SETTLE, GAP = 0.25, 0.05, 0.1
"""Seconds: between two looks at the clock; for events that come together; between two frames."""
PATIENCE = 1.0
"""Seconds that leaving waits for a frame on a terminal that takes nothing (Ctrl-S)."""


class LiveScreen:
    """A listener and a context. The terminal is as before after it, also after an exception or Ctrl-C."""

    def __init__(self, view: RunView, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._view = view
        self._clock = clock
        self._terminal = Terminal(stream)
        self._region = Region(self._terminal)
        self._console = Console(file=stream, highlight=False, markup=False)
        self._board = Board(view, clock())
        self._printed = Printed(view)
        self._pending: list[Row | Text] = []
        # re-entrant: a signal handler may print while the main thread is in here
        self._lock = threading.RLock()
        self._wake, self._leaving = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._draw_until_left, name="screen", daemon=True)
        self._streams = ExitStack()

    def __enter__(self) -> Self:
        self._terminal.__enter__()
        for redirect in (redirect_stdout, redirect_stderr):
            aside = Aside(self.print)
            self._streams.callback(aside.finish)
            self._streams.enter_context(redirect(aside))
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._streams.close()
        self._leaving.set()
        self._wake.set()
        self._thread.join(PATIENCE)
        self._terminal.__exit__(kind, error, at)

    def restore(self) -> None:
        """Give the terminal back at once, without a last frame: for a second Ctrl-C. Harmless when done already."""
        self._terminal.give_back()

    def __call__(self, event: Event) -> None:
        """Take in an event; it is drawn within a quarter of a second."""
        with self._lock:
            self._board.tell(event, self._clock())
            match event:
                case ExperimentFinished(experiment, against):
                    self._pending.append(Row(experiment, experiment.metric, experiment.values, against))
                case Warned(message):
                    self._pending.append(Text("warning: " + clean(message), "yellow"))
                case _:
                    pass
        if not isinstance(event, OutputLine):
            self._wake.set()

    def print(self, line: str) -> None:
        """A line of text above the live region."""
        with self._lock:
            self._pending.append(Text(clean(line)))
        self._wake.set()

    def _draw_until_left(self) -> None:
        while not self._leaving.is_set():
            self._wake.wait(TICK)
            self._leaving.wait(SETTLE)
            self._wake.clear()
            self._draw()
            self._leaving.wait(GAP - SETTLE)
        self._draw()

    def _draw(self) -> None:
        if not self._terminal.is_ours:
            return
        shares = self._view.shares()
        size = self._terminal.size()
        with self._lock:
            lines = self._board.lines(size, self._clock(), shares)
            above = self._printed.lines(self._pending, width=size[0] - 1, visible=size[1] - len(lines))
            self._pending = []
        self._region.draw([self._ansi(line) for line in above], [self._ansi(line) for line in lines], size)

    def _ansi(self, line: Text) -> str:
        with self._console.capture() as captured:
            self._console.print(line, end="", soft_wrap=True)
        return captured.get()


class Aside(io.TextIOBase):
    """What a library prints while the screen is up goes above the live region, line by line."""

    encoding = "utf-8"

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._rest = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *whole, self._rest = (self._rest + text).split("\n")
        for line in whole:
            self._show(line)
        return len(text)

    def finish(self) -> None:
        """Show what came without the end of its line."""
        if self._rest:
            self.write("\n")
