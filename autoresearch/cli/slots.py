"""How many samples run side by side, and on which GPUs: what the configuration and `--workers` ask for.

Which GPUs there are, and who gets which, is found out in `runtime`; on a cluster that is the cluster's business.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace

from autoresearch.config import Config
from autoresearch.errors import UsageError
from autoresearch.runtime.gpu_slots import Slots, share_out
from autoresearch.runtime.gpus import find

AUTO = "auto"
ONE = Slots(("",))
TIMED = "timing = true: one sample at a time, for others beside it would change what it measures"
ONE_BY_ONE = "replayed changes are tried one by one: each may build on the one before"


def slots_of(config: Config, workers: str | None, *, one_by_one: bool = False) -> Slots:
    """`one_by_one`: what is tried builds on what was tried before, so that there is one slot.

    Raises UsageError or ConfigError for what cannot be, RunError where `auto` finds every GPU in use.
    """
    wanted = config.run.workers if workers is None else parse_workers(workers)
    is_alone = (config.metric.timing or one_by_one) and wanted != 1
    # Its default is for machines that have some: only what is written must be there.
    gpus = config.experiment.gpus if "gpus" in config.experiment.model_fields_set else None
    variables = {**os.environ, **config.experiment.env}
    slots = share_out(1 if is_alone else None if wanted == AUTO else int(wanted), gpus, lambda: find(variables))
    return replace(slots, notes=(*slots.notes, *([ONE_BY_ONE if one_by_one else TIMED] if is_alone else ())))


def parse_workers(text: str) -> int | str:
    """`auto`, or a whole number from 1. Raises UsageError."""
    if text == AUTO:
        return text
    if re.fullmatch(r"[0-9]{1,4}", text) and int(text):
        return int(text)
    raise UsageError(f'--workers "{text}" is no number of samples', hint="--workers 4    or --workers auto")
