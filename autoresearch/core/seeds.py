"""Seeds of samples: every sample gets its own, and the same one when the run is done again.

And whether the command uses them: where it does not, repeats measure the machine's noise only, and what a lucky seed
gives counts as gain.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum


class Seeds(StrEnum):
    """What differs from sample to sample besides the machine."""

    VARIED = "varied"
    """Every sample has a seed of its own."""
    FIXED = "none"
    """The command has randomness, and a seed of its own choice, most often always the same."""
    ABSENT = "not random"
    """There is nothing random in the metric but the machine."""


def sample_seed(seed: int, experiment: int, sample: int) -> int:
    """The first 31 bits of SHA-256 over the three numbers: fits every generator's seed, signed or not."""
    digest = hashlib.sha256(f"{seed} {experiment} {sample}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1
