"""The canary, before a baseline is measured: is it the worktree's files that the command runs?

Not in here: what is put into the files, and how the answer is found (`runtime.canary`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Protocol

from autoresearch.cli.machines import Runner
from autoresearch.core.budget import Meter
from autoresearch.errors import ConfigError
from autoresearch.runtime.canary import Unproved, Unused, Used


class Caller(Protocol):
    """Who waits for it: woken by a signal, which says why in `stopped`."""

    stopped: str
    wake: SimpleQueue[None]
    meter: Meter


def try_canary(
    executor: Runner, base: str, editable: Sequence[str], caller: Caller, note: Callable[[str], None]
) -> None:
    """Run it on the commit `base`. Raises ConfigError when the editable files are not used."""
    note("checking that the command uses the editable files …")
    future = executor.canary(base, list(editable))
    future.add_done_callback(lambda _: caller.wake.put(None))
    late = False
    while not future.done():
        try:
            caller.wake.get(timeout=None if late else caller.meter.seconds_left())
        except Empty:
            late = True
        if caller.stopped or late:
            executor.stop(at_once=True)
    match future.result():
        case Unused(message, hint):
            raise ConfigError(message, hint=hint)
        case Unproved(reason) if not caller.stopped:
            note(f"not proved that the editable files are used: {'no time' if late else reason}")
        case Unproved() | Used():
            pass
