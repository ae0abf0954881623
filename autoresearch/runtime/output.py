"""The output of a process as it streams: cut into lines, kept at its ends, written to a log, in bounded memory.

Known secrets are taken out before any of that. Nothing here waits for anything, or knows what a line means.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from autoresearch.core.secrets import NO_SECRETS, Redactor, Secrets
from autoresearch.runtime.text import plain
from autoresearch.runtime.transcript import Transcript

LONGEST_LINE = 64 * 1024
KEPT_AT_EACH_END = 1024 * 1024
SHOWN = 8 * 1024
CHUNK = 64 * 1024
DRAINED_AT_MOST = 2 * 1024 * 1024
GLANCED_AT = 4 * 1024
GLANCE_EVERY = 0.1


class Lines:
    """Cuts a stream into lines. What goes over 64 KiB in one line is dropped; empty lines are left out.

    A carriage return starts the line anew, as on a screen: a progress bar is not one line that grows for hours.
    """

    def __init__(self) -> None:
        self._open = bytearray()
        self._redrawn = False

    def feed(self, data: bytes) -> Iterator[str]:
        """The lines that `data` completes."""
        *ended, rest = data.split(b"\n")
        for piece in ended:
            self._append(piece)
            yield from self.end()
        self._append(rest)

    def _append(self, piece: bytes) -> None:
        text = piece.rstrip(b"\r")
        if text and (self._redrawn or b"\r" in text):
            self._open.clear()
        self._open += text.rpartition(b"\r")[2][: LONGEST_LINE - len(self._open)]
        self._redrawn = len(text) < len(piece) or (self._redrawn and not text)

    def end(self) -> Iterator[str]:
        """The line as it stands: at its end, or when the stream ends without one."""
        line = self._open.decode("utf-8", errors="replace")
        self._open.clear()
        self._redrawn = False
        if line:
            yield line


class Tail:
    """The last `size` bytes of a stream."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.total = 0
        self._kept = bytearray()

    def add(self, data: bytes) -> None:
        self.total += len(data)
        self._kept += data
        # Cut only when it has doubled: moving the bytes with each small write would cost more than writing them.
        if len(self._kept) > 2 * self.size:
            del self._kept[: -self.size]

    def content(self) -> bytes:
        return bytes(self._kept[-self.size :])

    def text(self) -> str:
        """As text that starts with a whole line, where there is one."""
        content = self.content()
        if self.total > len(content):
            content = content.partition(b"\n")[2] or content
        return content.decode("utf-8", errors="replace")


class OutputLog:
    """Appends to a file the first and the last MiB of what it is given, with a line in between that says so.

    The head is in the file at once, for those who watch it; the tail when the log is closed.
    """

    def __init__(self, to: Path | Transcript | None, header: str) -> None:
        """`to`: a file, or what an execution that has several logs prints into one; None keeps nothing.

        Raises OSError where nothing can be written.
        """
        self._own = Transcript(to) if isinstance(to, Path) else None
        self._transcript = to if isinstance(to, Transcript) else self._own
        self._room = KEPT_AT_EACH_END
        self._tail = Tail(KEPT_AT_EACH_END)
        self._last = b"\n"
        try:
            self._write(f"--- {header} ---\n".encode())
        except OSError:
            self._close_own()
            raise

    def add(self, data: bytes) -> None:
        """Raises OSError when the disk is full."""
        head = data[: self._room]
        self._room -= len(head)
        self._write(head)
        if len(head) < len(data):
            self._tail.add(data[len(head) :])

    def close(self) -> None:
        tail = self._tail.content()
        cut = self._tail.total - len(tail)
        try:
            if cut:
                self._write(f"\n--- {cut} bytes left out ---\n".encode())
            self._write(tail)
            if not self._last.endswith(b"\n"):
                self._write(b"\n")
        finally:
            self._close_own()

    def _close_own(self) -> None:
        if self._own is not None:
            self._own.close()

    def _write(self, data: bytes) -> None:
        if data and self._transcript is not None:
            self._transcript.write(data)
            self._last = data[-1:]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Glance:
    """Shows the newest line of a process, at most ten times a second; for people only, most lines are never seen."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._next = 0.0
        self._seen: dict[int, bytes] = {}

    def add(self, stream: int, data: bytes) -> None:
        """Lines may come in pieces; `stream` says which of them belong together."""
        seen = self._seen[stream] = (self._seen.get(stream, b"") + data)[-GLANCED_AT:]
        if time.monotonic() < self._next:
            return
        *ended, self._seen[stream] = seen.replace(b"\r", b"\n").split(b"\n")
        for line in reversed(ended):
            if text := plain(line.decode("utf-8", errors="replace")).strip():
                self._next = time.monotonic() + GLANCE_EVERY
                self._show(text)
                return


class Pump:
    """Takes what is in the two pipes of a process to the log, the tails and the readers of lines."""

    def __init__(
        self,
        stdout: int,
        stderr: int,
        *,
        on_line: Callable[[str], None],
        show: Callable[[str], None],
        log: OutputLog,
        secrets: Secrets = NO_SECRETS,
    ) -> None:
        """`stdout` and `stderr` are descriptors to read from; they are made non-blocking.

        `on_line` gets every line of stdout, `show` now and then one of either. Nobody gets to see the `secrets`.
        """
        self.tails = {stdout: Tail(SHOWN), stderr: Tail(SHOWN)}
        self.both = Tail(SHOWN)
        self._stdout = stdout
        self._on_line = on_line
        self._lines = Lines()
        self._glance = Glance(show)
        self._log = log
        self._redactors = {descriptor: Redactor(secrets) for descriptor in self.tails}
        for descriptor in self.tails:
            os.set_blocking(descriptor, False)

    def read(self, descriptor: int) -> int:
        """Take one chunk. Returns its size, 0 at the end of file; raises BlockingIOError when there is nothing yet."""
        data = os.read(descriptor, CHUNK)
        self._take(descriptor, self._redactors[descriptor].feed(data))
        return len(data)

    def _take(self, descriptor: int, data: bytes) -> None:
        self._log.add(data)
        self.both.add(data)
        self.tails[descriptor].add(data)
        self._glance.add(descriptor, data)
        if descriptor == self._stdout:
            for line in self._lines.feed(data):
                self._on_line(line)

    def finish(self) -> None:
        """Take what is there and no more: a process that got away may hold the pipes open, or go on writing."""
        for descriptor, redactor in self._redactors.items():
            left = DRAINED_AT_MOST
            with suppress(BlockingIOError):
                while left > 0 and (size := self.read(descriptor)):
                    left -= size
            self._take(descriptor, redactor.end())
        for line in self._lines.end():
            self._on_line(line)
