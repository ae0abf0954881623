"""Memory of NVIDIA GPUs that is still held after an experiment was ended by force: the driver gives it back in its own
time, and the next sample would fail for want of it.

Asked of `nvidia-smi`, which takes a moment, so only then. Other makes of GPU are not looked at, and who holds the
memory is not found out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Mapping

PROGRAM = "nvidia-smi"
_QUERY = ("--query-gpu=index,memory.used", "--format=csv,noheader,nounits")
ANSWER_WITHIN = 20.0
PATIENCE, LOOK_EVERY = 15.0, 0.5
"""Seconds."""
SLACK = 256
"""MiB that may come and go: the desktop's, other people's."""


class GpuMemory:
    """What was in use at the beginning, to compare with; only the thread of the slot uses it."""

    def __init__(self, search_path: str | None = None) -> None:
        """Asks nothing where there is no such program on the search path."""
        self._program = shutil.which(PROGRAM, path=search_path)
        self._before = self._used()

    def still_held(self, patience: float = PATIENCE) -> str:
        """Wait until it is as it was; else what is held, in words."""
        if not self._before:
            return ""
        until = time.monotonic() + patience
        while held := _more(self._before, self._used()):
            if time.monotonic() >= until:
                return ", ".join(
                    f"GPU {gpu} still holds {mib / 1024:.2g} GiB more than before" for gpu, mib in held.items()
                )
            time.sleep(LOOK_EVERY)
        return ""

    def _used(self) -> dict[int, int]:
        """MiB in use by GPU; nothing where the program does not answer as it should."""
        if self._program is None:
            return {}
        try:
            done = subprocess.run(
                (self._program, *_QUERY),
                env={name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=ANSWER_WITHIN,
                check=True,
            )
            rows = (line.split(",") for line in done.stdout.splitlines() if line.strip())
            return {int(gpu): int(mib) for gpu, mib in rows}
        except (OSError, subprocess.SubprocessError, ValueError):
            return {}


def _more(before: Mapping[int, int], now: Mapping[int, int]) -> dict[int, int]:
    return {gpu: mib - before.get(gpu, mib) for gpu, mib in now.items() if mib > before.get(gpu, mib) + SLACK}
