"""What an experiment has to say to the proposer: lines `FEEDBACK …` on stdout, and a file of the worktree.

Only the last 8 KiB of both together count, and of the file only what this sample wrote. What is not here: showing it to
a model, where it is data and never instructions.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from pathlib import Path

from autoresearch.core.printed import visible
from autoresearch.runtime.text import plain

MARK = "FEEDBACK "
LARGEST = 8 * 1024
"""Bytes of UTF-8."""


class FeedbackReader:
    """Fed with every line of stdout; its memory is bounded."""

    def __init__(self, file: Path | None) -> None:
        """Before the command starts. `file` is read when the sample has ended; None: none is configured."""
        self._file = _File(file) if file else None
        self._lines: deque[str] = deque()
        self._size = 0

    def feed(self, line: str) -> None:
        """One line of stdout. Of one that is longer than all that counts, the beginning stays."""
        if MARK.rstrip() not in line or not (shown := plain(visible(line))).startswith(MARK):
            return
        words = shown.removeprefix(MARK).strip().encode(errors="replace")[: LARGEST - 1].decode(errors="ignore")
        self._lines.append(words)
        self._size += _size(words)
        while self._size > LARGEST:
            self._size -= _size(self._lines.popleft())

    def text(self) -> str:
        """The file's end, then the lines; at most 8 KiB in all, empty when nothing was said."""
        parts = (self._file.end() if self._file else "", "\n".join(self._lines))
        return _end("\n".join(part for part in parts if part))


class _File:
    """A file that a command may write. What is no regular file is none: a pipe would never end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._folder = os.path.realpath(path.parent)
        self._before = _stamp(path)

    def end(self) -> str:
        """Empty where the command wrote nothing, or put a link in the way: it may lead anywhere."""
        if os.path.realpath(self._path.parent) != self._folder or _stamp(self._path) in (None, self._before):
            return ""
        try:
            with self._path.open("rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - 2 * LARGEST))
                return plain(file.read(2 * LARGEST).decode(errors="replace")).strip()
        except OSError:
            return ""


def _stamp(path: Path) -> tuple[int, int, int, int] | None:
    """What changes when a file is written; None for what is no regular file, links included."""
    try:
        there = path.lstat()
    except OSError:
        return None
    regular = stat.S_ISREG(there.st_mode)
    return (there.st_size, there.st_mtime_ns, there.st_ctime_ns, there.st_ino) if regular else None


def _end(text: str) -> str:
    """The last 8 KiB, from the beginning of a line on where there is one."""
    content = text.encode(errors="replace")
    if len(content) <= LARGEST:
        return text
    content = content[-LARGEST:]
    return content[content.find(b"\n") + 1 :].decode(errors="ignore")


def _size(line: str) -> int:
    """In bytes, with its end."""
    return len(line.encode()) + 1
