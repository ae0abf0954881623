"""Which experiment the next proposal starts from."""

from __future__ import annotations

from autoresearch.core.experiment import Experiment
from autoresearch.core.history import History
from autoresearch.errors import BaselineFailed


class Greedy:
    """Always the incumbent: one line of improvements, each on top of the last."""

    def parent(self, history: History) -> Experiment:
        """The newest kept experiment. Raises BaselineFailed when there is none."""
        if history.incumbent is None:
            raise BaselineFailed("no experiment has been measured yet, so there is nothing to start from")
        return history.incumbent
