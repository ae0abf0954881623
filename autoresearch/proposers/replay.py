"""Proposes changes that were made before, one by one, on the present incumbent.

To check somebody's run on this machine, or to make a clean branch of what still holds. What is not here: where the
changes come from and how they are merged (`record.replays`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from threading import local

from autoresearch.core.experiment import Proposal
from autoresearch.core.ports import Request
from autoresearch.core.replay import Replay
from autoresearch.errors import ProposalsExhausted


class ReplayProposer:
    """Satisfies `core.ports.Proposer`."""

    name = "replay"
    is_free = False

    def __init__(self, replays: Iterable[Replay]) -> None:
        self._left = deque(replays)
        self._count = len(self._left)
        # All attempts of one request are made on one thread.
        self._asked = local()

    def propose(self, request: Request) -> Proposal:
        """The next change; the same again when it was refused, for nobody can improve it."""
        if not request.attempts:
            if not self._left:
                raise ProposalsExhausted(f"all {self._count} changes have been replayed")
            self._asked.replay = self._left.popleft()
        replay: Replay = self._asked.replay
        return Proposal(replay.title, replay.hypothesis, replay.onto(request.parent.commit), self.name)
