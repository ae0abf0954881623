"""Where the nodes learn that something shall stop: an actor of Ray, beside the driver, that answers when there is news.

Ray's own way to cancel a task throws away what the task has to say; an experiment that is stopped has an output.
Nothing here knows Ray.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence


class Desk:
    """All methods run on one event loop."""

    def __init__(self) -> None:
        self._levels: dict[int, int] = {}
        self._changed = asyncio.Condition()

    async def ask(self, numbers: Sequence[int], level: int) -> None:
        """Of these orders, this much is asked for from now on; never less than before."""
        async with self._changed:
            for number in numbers:
                self._levels[number] = max(level, self._levels.get(number, 0))
            self._changed.notify_all()

    async def asked(self, number: int, level: int) -> int:
        """What is asked of the order, once that is more than `level`."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._levels.get(number, 0) > level)
            return self._levels[number]
