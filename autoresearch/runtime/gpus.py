"""Which GPUs commands may use: those of the machine that the person's CUDA_VISIBLE_DEVICES leaves visible.

torch is not asked: that would take seconds, and a context on the GPU. How they are shared out is in `gpu_slots`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from autoresearch.runtime.nvidia_smi import Gpu, NvidiaSmi

VISIBLE, ORDER = "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"
_AS_LISTED = "PCI_BUS_ID"
_PART = "MIG-"
UNLISTED = "MIG"
"""The name of a part that the program did not list."""


@dataclass(frozen=True, slots=True)
class Found:
    """The GPUs that commands see, in their order."""

    gpus: tuple[Gpu, ...] = ()
    listed: str | None = None
    """What CUDA_VISIBLE_DEVICES says; None: it is not set."""
    by_uuid: bool = False
    """They must be named so: their numbers are not certain, or the person does it."""
    is_guess: bool = False
    """The person names them by number, and which ones CUDA takes these for is not certain."""

    def named(self, gpus: Iterable[Gpu]) -> str:
        """A value for CUDA_VISIBLE_DEVICES.

        Numbers where that is safe: there are programs that cannot read anything else.
        """
        return ",".join(gpu.uuid if self.by_uuid or gpu.index < 0 else str(gpu.index) for gpu in gpus)


def find(environ: Mapping[str, str]) -> Found:
    """The GPUs that a command with this environment sees, and who holds memory on them.

    None without the program `nvidia-smi` on its PATH. Takes up to some seconds, 20 where a driver hangs.
    """
    program = NvidiaSmi(environ.get("PATH"))
    return visible(program, program.with_holders(program.gpus()), environ)


def visible(program: NvidiaSmi, gpus: tuple[Gpu, ...], environ: Mapping[str, str]) -> Found:
    """Those of the GPUs that CUDA would show to a program with this environment.

    Rules: the CUDA programming guide, "CUDA Environment Variables".
    """
    # Its own order is "fastest first", which is that of the list as long as all are equally fast.
    is_open = len({gpu.kind for gpu in gpus}) > 1 and environ.get(ORDER) != _AS_LISTED
    listed = environ.get(VISIBLE)
    if listed is None or not gpus:
        return Found(gpus, listed, by_uuid=is_open)
    entries = [entry.strip() for entry in listed.split(",")]
    parts = program.parts() if any(entry.startswith(_PART) for entry in entries) else ()
    by_number = entries[0][:1].isdigit()
    chosen: list[Gpu] = []
    for entry in entries:
        gpu = _entry(entry, gpus, parts)
        if gpu is None:
            break
        if gpu in chosen:
            # For CUDA the whole list is wrong then.
            return Found((), listed)
        chosen.append(gpu)
    return Found(tuple(chosen), listed, by_uuid=not by_number, is_guess=is_open and by_number)


def _entry(entry: str, gpus: tuple[Gpu, ...], parts: tuple[Gpu, ...]) -> Gpu | None:
    """The GPU that is meant: by its number, its UUID or the beginning of that; None where that is not one."""
    if number := re.match(r"\d+", entry, re.ASCII):
        return next((gpu for gpu in gpus if gpu.index == int(number[0])), None)
    if entry.startswith(_PART) and not parts:
        # Older drivers name parts in another way: believed.
        return Gpu(-1, entry, UNLISTED, 0)
    found = [gpu for gpu in (*gpus, *parts) if entry.startswith(("GPU-", _PART)) and gpu.uuid.startswith(entry)]
    return found[0] if len(found) == 1 else None
