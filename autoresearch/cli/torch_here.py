"""What torch computes on, told before a night of training: a torch that was built for the processor says nothing."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable

from autoresearch.cli.project import Project
from autoresearch.runtime.device import Device, devices
from autoresearch.runtime.sources import interpreter

_IMPORT = re.compile(r"^[ \t]*(?:import|from) torch\b", re.MULTILINE)


def torch_note(project: Project, sources: Iterable[str]) -> str:
    """One line for sources that import torch; empty where none does, or its Python cannot be asked. Takes seconds."""
    if not any(map(_IMPORT.search, sources)):
        return ""
    experiment = project.config.experiment
    python = interpreter(experiment.command, {**os.environ, **experiment.env}, project.repository.root / project.base)
    found = devices(python) if python else None
    return "" if found is None else f"torch: {_named(found)}"


def _named(found: Iterable[Device]) -> str:
    """`2 x NVIDIA H200 (143771 MiB)`, or that there is none."""
    counts = Counter(f"{one.name} ({one.memory_mb} MiB)" if one.memory_mb else one.name for one in found)
    named = (f"{count} x {name}" if count > 1 else name for name, count in counts.items())
    return ", ".join(named) or "no GPU that it can use; what does not ask for one runs on the processor"
