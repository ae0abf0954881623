"""The file that a command may write its metrics to. Only what this sample wrote counts, and at most 1 MiB of it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

LARGEST = 1024 * 1024


class MetricsFile:
    """Looked at before the command starts and read when it has ended."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._before = _stamp(path)

    def text(self) -> str:
        """What the command wrote; empty when it wrote nothing, no regular file, or over 1 MiB."""
        after = _stamp(self._path)
        if after is None or after == self._before or after[0] > LARGEST:
            return ""
        try:
            return self._path.read_bytes()[: LARGEST + 1].decode("utf-8", errors="replace")
        except OSError:
            return ""


def _stamp(path: Path) -> tuple[int, int, int, int] | None:
    """What changes when a file is written; None for what is no regular file (reading a pipe would never end)."""
    try:
        there = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    if not stat.S_ISREG(there.st_mode):
        return None
    return there.st_size, there.st_mtime_ns, there.st_ctime_ns, there.st_ino
