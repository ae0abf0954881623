"""Which accelerators there are, as torch sees them.

Asked in a short-lived process of its own: a CUDA context in this one would occupy the GPU that the experiment needs.
The CPU is not listed, and what is running on the others is not looked at.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from enum import StrEnum

TIMEOUT = 60.0


class DeviceKind(StrEnum):
    """torch's word for it."""

    CUDA = "cuda"
    MPS = "mps"


@dataclass(frozen=True, slots=True)
class Device:
    """One accelerator. `memory_mb` is in MiB; 0 where torch does not say (Apple's share the machine's memory)."""

    kind: DeviceKind
    name: str
    memory_mb: int


def devices(python: str, timeout: float = TIMEOUT) -> tuple[Device, ...] | None:
    """The accelerators, in torch's order. None: `python` has no torch, fails, or takes over `timeout` seconds.

    `python` must be 3.11 or newer.
    """
    try:
        done = subprocess.run(
            [python, "-I", __file__], stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=True
        )
        told = json.loads(done.stdout.splitlines()[-1])
        return tuple(Device(DeviceKind(kind), str(name), int(memory)) for kind, name, memory in told)
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None


def ask_torch() -> list[tuple[str, str, int]]:
    """Kind, name and MiB of each device. Raises ImportError without torch; runs in the child only."""
    import torch  # noqa: PLC0415  (never in the process that waits)

    if torch.cuda.is_available():
        found = [torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count())]
        return [(DeviceKind.CUDA, one.name, one.total_memory // 2**20) for one in found]
    if torch.backends.mps.is_available():
        return [(DeviceKind.MPS, "Apple GPU", 0)]
    return []


if __name__ == "__main__":
    sys.stdout.write(json.dumps(ask_torch()) + "\n")
