"""Seeds of samples: every sample gets its own, and the same one when the run is done again."""

from __future__ import annotations

import hashlib


def sample_seed(seed: int, experiment: int, sample: int) -> int:
    """The first 31 bits of SHA-256 over the three numbers: fits every generator's seed, signed or not."""
    digest = hashlib.sha256(f"{seed} {experiment} {sample}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1
