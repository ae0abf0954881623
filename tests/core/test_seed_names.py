"""Names of random seeds, and names that only look like one."""

from __future__ import annotations

import pytest

from autoresearch.core.seed_change import names_a_seed


@pytest.mark.parametrize(
    "name",
    [
        "seed", "SEED", "Seed", "torch_seed", "seed_value", "random_state", "RANDOM_STATE", "randomState", "rng_seed",
        "seed2", "seed_1", "RANDOM_SEED", "random-seed", "randomSeed", "mySeed2", "PRNGSeed", "PYTHONHASHSEED",
        "AR_SEED", "seeds", "SEED_LIST", "seed_everything", "bagging_seed", "data_random_seed", "manual_seed", "_seed",
        "split_seed", "iseed", "seed_offset", "DEFAULT_SEED", "train.seed", "model_seed",
    ],
)  # fmt: skip
def test_names_of_seeds(name: str) -> None:
    assert names_a_seed(name)


@pytest.mark.parametrize(
    "name",
    [
        "seedling", "reseed_every", "seed_length", "n_seeds", "num_seeds", "proceed", "SEEDED_WORDS", "SEED_WORDS",
        "use_seed", "seed_per_iteration", "max_seed", "number_of_seeds", "seed_fn", "seed_path", "linseed", "seed_text",
        "random", "state", "hidden_state", "random_walk_state_size", "rng", "speed", "superseded", "", "x", "lr",
        "seed_everything_fast", "a" * 100_000, "seed" * 100_000, "_" * 100_000, "é", "seed_model",
    ],
)  # fmt: skip
def test_names_of_other_things(name: str) -> None:
    assert not names_a_seed(name)
