"""How many samples run side by side, and where: what the configuration and `--workers` ask for.

Which GPUs this machine has, and who gets which, is found out in `runtime`; on a cluster that is the cluster's business.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from typing import Literal

from autoresearch.config import Config
from autoresearch.errors import UsageError
from autoresearch.runtime.gpu_slots import Slots, share_out
from autoresearch.runtime.gpus import find

AUTO = "auto"
ONE = Slots(("",))
TIMED = "timing = true: one sample at a time, for others beside it would change what it measures"
ONE_BY_ONE = "replayed changes are tried one by one: each may build on the one before"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for. `workers` None: as many samples at a time as there is room for."""

    workers: int | None = 1
    gpus: float | Literal["all"] | None = None
    """None: not written."""
    address: str | None = None
    """Of a Ray cluster, as it is written; None: this machine."""
    notes: tuple[str, ...] = ()


def wanted(config: Config, workers: str | None, *, one_by_one: bool = False) -> Wanted:
    """`one_by_one`: what is tried builds on what was tried before. Raises UsageError for a number that is none."""
    given = config.run.workers if workers is None else parse_workers(workers)
    is_alone = (config.metric.timing or one_by_one) and given != 1
    notes = (ONE_BY_ONE if one_by_one else TIMED,) if is_alone else ()
    # Its default is for machines that have some: only what is written must be there.
    gpus = config.experiment.gpus if "gpus" in config.experiment.model_fields_set else None
    address = config.executor.address if config.executor.kind == "ray" else None
    return Wanted(1 if is_alone else None if given == AUTO else int(given), gpus, address, notes)


def slots_here(config: Config, asked: Wanted) -> Slots:
    """On this machine. Raises ConfigError for what cannot be, RunError where `auto` finds every GPU in use."""
    variables = {**os.environ, **config.experiment.env}
    slots = share_out(asked.workers, asked.gpus, lambda: find(variables))
    return replace(slots, notes=(*slots.notes, *asked.notes))


def parse_workers(text: str) -> int | str:
    """`auto`, or a whole number from 1. Raises UsageError."""
    if text == AUTO:
        return text
    if re.fullmatch(r"[0-9]{1,4}", text) and int(text):
        return int(text)
    raise UsageError(f'--workers "{text}" is no number of samples', hint="--workers 4    or --workers auto")
