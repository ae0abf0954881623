"""The tuner: proposes other values for the constants in the editable files. No model, no key, no network.

    constants.find -> trials.past_of -> sampling.suggest -> constants.rewrite

It holds no state but a cache: what it proposes follows from the record, the seed and the number of the experiment. What
is not here: which constants count and what they may be (`constants`, `ranges`), how values are chosen (`sampling`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product

from autoresearch.core.edit import Write
from autoresearch.core.experiment import Proposal, Scalar
from autoresearch.core.history import Direction
from autoresearch.core.ports import Request
from autoresearch.errors import ProposalsExhausted, ProposerBroken
from autoresearch.proposers.constants import Constant, find, rewrite
from autoresearch.proposers.ranges import Options
from autoresearch.proposers.sampling import Sampler, suggest
from autoresearch.proposers.space import Axis, Past
from autoresearch.proposers.trials import Combination, Reader, past_of, refused, state_of, tried

__all__ = ["Sampler", "TunerProposer"]

DRAWS = 600
"""Suggestions looked at for one that is new."""
COMBINATIONS = 3000
"""Below so many, all are gone through before the tuner says that none is left."""
TITLE_LENGTH = 72
EXAMPLE = "LR = 3e-4  # tune: 1e-5..1e-2 log"


class TunerProposer:
    """Satisfies `core.ports.Proposer`. Proposals cost nothing and take milliseconds, however long the run."""

    name = "tuner"

    def __init__(self, *, sampler: Sampler = Sampler.LOCAL, direction: Direction, seed: int) -> None:
        self._sampler = sampler
        self._seed = abs(seed)
        self._reader = Reader(direction)

    def propose(self, request: Request) -> Proposal:
        """Values that were not tried. Raises ProposerBroken without constants, ProposalsExhausted without new values."""
        constants = find(request.files)
        if not constants:
            raise nothing_to_tune(request.files)
        present = state_of(request.files, constants)
        trials = self._reader.trials(request)
        axes = {one.key: Axis(one.domain, one.value) for one in constants}
        past = past_of(trials, present, axes, self.name)
        used = tried(trials, present) | {tuple(present.values.values())}
        ...
