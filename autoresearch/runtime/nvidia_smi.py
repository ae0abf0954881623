"""The NVIDIA GPUs of this machine and who holds memory on them, as the program `nvidia-smi` tells it.

Other makes are not looked at. Which of the GPUs a command may use is not known here (`gpus`). In containers the program
often cannot name processes: then only how much is in use is known, not by whom.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from autoresearch.runtime.text import plain

PROGRAM = "nvidia-smi"
ANSWER_WITHIN = 20.0
"""Seconds."""
IDLE = 1024
"""MiB that are in use on a GPU that nobody uses: the driver's, a desktop's."""
_GPUS = ("--query-gpu=index,uuid,memory.total,memory.used,name", "--format=csv,noheader,nounits")
_HOLDERS = ("--query-compute-apps=gpu_uuid,pid,used_memory,process_name", "--format=csv,noheader,nounits")
_PART = re.compile(r"\s+MIG (\S+)\s+Device\s+\d+: \(UUID: (MIG-[^)\s]+)\)")
_SHARES = "nvidia-cuda-mps-server"
"""NVIDIA's own, for those who share a GPU; what it holds is no work."""
_END_WITHIN = 1.0


@dataclass(frozen=True, slots=True)
class Holder:
    """A process with memory on a GPU; `name` may be empty."""

    name: str
    pid: int


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU, or a part of one (MIG), which has no index of its own: -1. Memory is in MiB."""

    index: int
    uuid: str
    name: str
    total: int
    """0: not known."""
    used: int | None = None
    """None: not known."""
    holders: tuple[Holder, ...] = ()

    @property
    def label(self) -> str:
        """For people."""
        return f"GPU {self.index} ({self.name})" if self.index >= 0 else f"{self.uuid} ({self.name})"

    @property
    def kind(self) -> str:
        """For people, too. Samples on GPUs of one kind can be compared.

        Memory in whole GiB: of two that are alike, one may lack some MiB for a screen.
        """
        return f"{self.name} ({self.total / 1024:.0f} GiB)" if self.total else self.name

    @property
    def is_held(self) -> bool:
        """Does anybody work on it?"""
        return bool(self.holders) or (self.used or 0) > IDLE

    @property
    def held(self) -> str:
        """Who holds memory on it, in words that go before "on it"."""
        memory = gib(self.used) if self.used else "memory"
        if not self.holders:
            return f"a process that {PROGRAM} does not name holds {memory}"
        first, *others = self.holders
        return (
            f"{_called(first)} and {len(others)} more hold {memory}" if others else f"{_called(first)} holds {memory}"
        )


class NvidiaSmi:
    """The program, if it is there; each question takes it a tenth of a second, or several seconds."""

    def __init__(self, search_path: str | None = None, answer_within: float = ANSWER_WITHIN) -> None:
        """None: the search path of this process. `answer_within` is in seconds."""
        self._program = shutil.which(PROGRAM, path=search_path)
        self._answer_within = answer_within

    def gpus(self, only: str = "") -> tuple[Gpu, ...]:
        """All that answer, or the one with that UUID; without their holders. None where the program fails."""
        # By itself: with one GPU lost, the program may fail for all of them.
        which = ("-i", only) if only else ()
        return tuple(_gpus(self._ask(*which, *_GPUS)))

    def with_holders(self, gpus: tuple[Gpu, ...]) -> tuple[Gpu, ...]:
        """The same ones, with who holds memory on them now."""
        holders = list(_holders(self._ask(*_HOLDERS))) if gpus else []
        return tuple(replace(gpu, holders=tuple(one for uuid, one in holders if uuid == gpu.uuid)) for gpu in gpus)

    def parts(self) -> tuple[Gpu, ...]:
        """The parts (MIG) of GPUs; how much of their memory is in use is not known."""
        return tuple(Gpu(-1, uuid, plain(name), 0) for name, uuid in _PART.findall(self._ask("-L")))

    def _ask(self, *arguments: str) -> str:
        """What it prints, also where it fails halfway; nothing if it does not answer in time."""
        if self._program is None:
            return ""
        try:
            asked = subprocess.Popen(
                (self._program, *arguments),
                env={name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        except OSError:
            return ""
        try:
            return asked.communicate(timeout=self._answer_within)[0]
        except subprocess.TimeoutExpired:
            _give_up(asked)
            return ""


def gib(mib: int) -> str:
    """A size for people."""
    size = mib / 1024
    return f"{size:.0f} GiB" if size >= 10 else f"{size:.2g} GiB"


def _give_up(asked: subprocess.Popen[str]) -> None:
    """Kill it, and do not insist: a program that hangs in a broken driver cannot be killed."""
    with suppress(ProcessLookupError):
        os.killpg(asked.pid, signal.SIGKILL)
    if asked.stdout is not None:
        asked.stdout.close()
    with suppress(subprocess.TimeoutExpired):
        asked.wait(_END_WITHIN)


def _gpus(told: str) -> Iterator[Gpu]:
    for line in told.splitlines():
        match [field.strip() for field in line.split(",", 4)]:
            # A GPU that was lost has words in these places, an old one has none for its memory.
            case [index, uuid, total, used, name] if index.isdecimal() and uuid.startswith("GPU-"):
                yield Gpu(int(index), uuid, plain(name).removeprefix("NVIDIA "), _mib(total) or 0, _mib(used))


def _holders(told: str) -> Iterator[tuple[str, Holder]]:
    """With the GPU's UUID."""
    for line in told.splitlines():
        match [field.strip() for field in line.split(",", 3)]:
            case [uuid, pid, _, path] if pid.isdecimal():
                name = "" if path.startswith("[") else plain(PurePosixPath(path).name)
                if name != _SHARES:
                    yield uuid, Holder(name, int(pid))


def _mib(field: str) -> int | None:
    return int(field) if field.isdecimal() else None


def _called(holder: Holder) -> str:
    return f"{holder.name} (pid {holder.pid})" if holder.name else f"the process with pid {holder.pid}"
