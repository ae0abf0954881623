"""Keeps the secrets of this process's environment from other processes. Linux only; elsewhere nothing happens.

Taking a variable out of `os.environ` leaves it where the kernel put it at the start, in /proc/<pid>/environ. There the
values are overwritten; `os.environ` keeps its own copy. And the process is made undumpable, so that no other process
of the same person may read its memory (nor may a debugger of theirs). Not covered: root, who may read any memory, and
the processes that started this one, which have an environment of their own.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from autoresearch.core.secrets import hidden

PR_SET_DUMPABLE = 4
_ENV_START, _ENV_END = 47, 48
"""Of what follows the name in /proc/self/stat: see proc_pid_stat(5), where they are numbers 50 and 51."""


def hide_environment() -> None:
    """To be called before an experiment runs. Children that are given no environment get the values blank."""
    if sys.platform != "linux":
        return
    try:
        import ctypes  # noqa: PLC0415  (where it is not needed it may be missing)

        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
        words = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
        start, end = int(words[_ENV_START]), int(words[_ENV_END])
        for at, size in _secret_parts(ctypes.string_at(start, end - start)):
            ctypes.memset(start + at, 0, size)
    except (ImportError, OSError, IndexError):
        return


def _secret_parts(block: bytes) -> list[tuple[int, int]]:
    """Where the values of secret variables lie in a block of `NAME=value` and null bytes: offset and length."""
    entries = [entry.partition(b"=") for entry in block.split(b"\0")]
    secret = hidden({os.fsdecode(name): os.fsdecode(value) for name, _, value in entries})
    parts, at = [], 0
    for name, separator, value in entries:
        if value and os.fsdecode(name) in secret:
            parts.append((at + len(name) + len(separator), len(value)))
        at += len(name) + len(separator) + len(value) + 1
    return parts
