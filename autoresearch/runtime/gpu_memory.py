"""Memory of NVIDIA GPUs that is still held after an experiment was ended by force: the driver gives it back in its own
time, and the next sample would fail for want of it. And GPUs that are lost to a slot: broken, or taken by others.

Asked of `nvidia-smi`, which takes a moment, so only then. Other makes of GPU are not looked at.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from autoresearch.runtime.gpus import UNLISTED, VISIBLE, visible
from autoresearch.runtime.nvidia_smi import Gpu, NvidiaSmi, gib

PATIENCE, LOOK_EVERY = 15.0, 0.5
"""Seconds."""
SLACK = 256
"""MiB that may come and go: the desktop's, other people's."""
FILLED = 2048
"""MiB that are too much for that: somebody else works there now."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Why a slot's GPU cannot be used, in words. `for_good`: it is broken; else others use it."""

    reason: str
    for_good: bool


class GpuMemory:
    """What was in use at the beginning, to compare with; only the thread of the slot uses it."""

    def __init__(self, search_path: str | None = None, devices: str | None = None, *, is_shared: bool = False) -> None:
        """Asks nothing where there is no such program on the search path.

        `devices`: the CUDA_VISIBLE_DEVICES of the slot's commands; None: they have none, and see all. `is_shared`:
        samples of other slots run on the same GPUs, so that their memory says nothing about the slot's own.
        """
        self._program = NvidiaSmi(search_path)
        self._is_shared = is_shared
        seen = self._program.gpus()
        if devices is not None:
            found = visible(self._program, seen, {VISIBLE: devices})
            seen = seen if found.is_guess else found.gpus
        self._before = {gpu.uuid: gpu for gpu in seen}
        self._are_own = devices is not None or len(seen) == 1

    def still_held(self, patience: float = PATIENCE) -> str:
        """Wait until it is as it was; else what is held, in words."""
        if self._is_shared or all(gpu.used is None for gpu in self._before.values()):
            return ""
        until = time.monotonic() + patience
        while held := _more(self._before, self._program.gpus(), SLACK):
            if time.monotonic() >= until:
                return ", ".join(f"{gpu.label} still holds {gib(mib)} more than before" for gpu, mib in held.items())
            time.sleep(LOOK_EVERY)
        return ""

    def lost(self) -> Lost | None:
        """One of the GPUs that cannot be used any more; None when all is well.

        For after a failed sample, when nothing of the slot runs and `still_held` has waited. Whether others fill one is
        said only where the slot has GPUs of its own: else nobody knows which of them its samples use.
        """
        if not self._before:
            return None
        now = self._program.gpus()
        for gpu in self._before.values():
            if not self._answers(gpu, now):
                return Lost(f"{gpu.label} is no longer there, or does not answer", for_good=True)
        filled = {} if self._is_shared or not self._are_own else _more(self._before, now, FILLED)
        if not filled:
            return None
        by_whom = self._program.with_holders(tuple(filled))
        words = "; ".join(f"{gpu.label} is used by others: {gpu.held} on it" for gpu in by_whom)
        return Lost(words, for_good=False)

    def _answers(self, before: Gpu, now: tuple[Gpu, ...]) -> bool:
        """As it did before?"""
        if before.name == UNLISTED:
            return bool(now)
        if before.index < 0:
            return any(part.uuid == before.uuid for part in self._program.parts())
        # Another one may have spoilt the list.
        return _is_well(before, now) or _is_well(before, self._program.gpus(only=before.uuid))


def _is_well(before: Gpu, now: tuple[Gpu, ...]) -> bool:
    return any(gpu.uuid == before.uuid and (before.used is None or gpu.used is not None) for gpu in now)


def _more(before: Mapping[str, Gpu], now: tuple[Gpu, ...], slack: int) -> dict[Gpu, int]:
    """MiB more than before, where that is more than the slack."""
    more: dict[Gpu, int] = {}
    for gpu in now:
        was = before[gpu.uuid].used if gpu.uuid in before else None
        if was is not None and gpu.used is not None and gpu.used > was + slack:
            more[gpu] = gpu.used - was
    return more
