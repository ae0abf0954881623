"""What a tree of processes uses, looked at twice a second: memory, processes, and what it leaves free of the disk.

A look costs what the tree is large, not what the machine is: children are asked for, and not all of /proc. What is used
up within half a second is not seen; the kernel's own protection against that is that experiments are the first to go
when memory runs out (`first_to_go`). Linux only: elsewhere nothing is ever over.
"""

from __future__ import annotations

import os
import time

FIRST_LOOK, LOOK_EVERY = 0.05, 0.5
"""Seconds; the first looks follow each other quickly, for those who fork without end."""
MACHINE_KEEPS = 0.02
"""The share of the machine's memory that must stay available."""
_PAGE = os.sysconf("SC_PAGE_SIZE")
_GIB = 2**30


MEMORY, PROCESSES, DISK = "memory", "processes", "disk"
"""What there may be too much of."""


class Watchdog:
    """Looks at everything below one process. Limits in bytes, or a count; 0 is none."""

    def __init__(self, root: int, memory: int, processes: int, disk: dict[bytes, int]) -> None:
        self._root = root
        self._memory = memory
        self._processes = processes
        self._disk = disk
        self._pause = FIRST_LOOK
        self._next = time.monotonic() + FIRST_LOOK

    def wait(self) -> float:
        """Seconds until the next look is due."""
        return max(0.0, self._next - time.monotonic())

    def look(self) -> tuple[str, str] | None:
        """Which limit is passed, with words for the person; None when all is well, or a look is not due."""
        if self.wait() > 0:
            return None
        self._pause = min(2 * self._pause, LOOK_EVERY)
        self._next = time.monotonic() + self._pause
        pids = below(self._root)
        if self._processes and len(pids) > self._processes:
            return PROCESSES, f"more than {self._processes} processes at once"
        return self._look_at_memory(pids) or self._look_at_disk()

    def _look_at_memory(self, pids: list[int]) -> tuple[str, str] | None:
        # Shared pages count once in the proportional size, which is slow to find out: asked for only when it matters.
        if self._memory and sum(map(_resident, pids)) > self._memory and sum(map(_share, pids)) > self._memory:
            return MEMORY, f"more than the {self._memory / _GIB:.3g} GiB of memory that it may have"
        total, available = _memory_of_the_machine()
        if available < MACHINE_KEEPS * total:
            return MEMORY, f"the machine had only {available / _GIB:.2g} GiB of memory left"
        return None

    def _look_at_disk(self) -> tuple[str, str] | None:
        for folder, least in self._disk.items():
            try:
                space = os.statvfs(folder)
            except OSError:
                continue
            free = space.f_bavail * space.f_frsize
            if free < least:
                return DISK, f"only {free / _GIB:.3g} GiB were left on the disk of {os.fsdecode(folder)}"
        return None


def below(root: int) -> list[int]:
    """Every process below `root`. Some may be missing while others end; nothing where the kernel does not tell."""
    found = [root]
    for pid in found:
        try:
            threads = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208
        except OSError:
            continue
        for thread in threads:
            found.extend(map(int, _read(f"/proc/{pid}/task/{thread}/children").split()))
    return found[1:]


def first_to_go() -> None:
    """Ask the kernel to end this process, and what it starts, before anything else when memory runs out."""
    try:
        with open("/proc/self/oom_score_adj", "wb", buffering=0) as score:  # noqa: PTH123
            score.write(b"800")
    except OSError:
        return


def _resident(pid: int) -> int:
    fields = _read(f"/proc/{pid}/statm").split()
    return int(fields[1]) * _PAGE if fields else 0


def _share(pid: int) -> int:
    for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
        if line.startswith(b"Pss:"):
            return int(line.split()[1]) * 1024
    return _resident(pid)


def _memory_of_the_machine() -> tuple[int, int]:
    told = {line.split(b":")[0]: int(line.split()[1]) * 1024 for line in _read("/proc/meminfo").splitlines()[:3]}
    return told.get(b"MemTotal", 0), told.get(b"MemAvailable", 0)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:  # noqa: PTH123  (pathlib costs more than all the rest)
            return file.read()
    except OSError:
        return b""
