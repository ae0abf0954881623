"""Which names mean a random seed, and which functions set one, in any language. Pure.

What is not here: the values (`seed_values`), and where in a file such names stand (`seed_python`, `seed_text`).
"""

from __future__ import annotations

import re
from functools import lru_cache

LONGEST_NAME = 80
"""Characters; what is longer is data, not a name."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SEEDS = frozenset({"seed", "seeds", "randomstate"})
_JOINED = re.compile(
    r"(?:hash|pythonhash|i|r|rand|random|rng|prng|my|base|main|master|global|init|train|test|data|model|default|fixed"
    r"|np|numpy|torch|tf|py|python|jax|cuda|env|split)(seeds?)"
)
_BEFORE = frozenset(
    "n num of no count len length max min use using is has with without should enable reset every per size get log "
    "print show save".split()
)
"""Words in front that make it something else: `n_seeds`, `use_seed`."""
_BEHIND = frozenset(
    "value values val int number num base offset default all everything global torch numpy np python py random rng "
    "cuda jax tf train training eval test valid init shuffle split id idx index list str a b override".split()
)
"""Words behind that leave it a seed; any other makes it something else: `seed_length`, `seed_words`."""

_SETTER = re.compile(
    r"(?:(?:set|fix|init|initiali[sz]e|setup|set_up|reset|manual|apply|configure|from|use)_)?"
    r"(?:(?:all|the|global|random|rng|torch|numpy|np|python|manual)_)*seeds?"
    r"(?:_(?:all|everything|everywhere|globally|global|torch|numpy|np|python|random|rngs?|generators?))*"
)
_GENERATORS = frozenset(
    "default_rng RandomState Random PRNGKey PRNGSequence SeedSequence MT19937 PCG64 PCG64DXSM Philox SFC64 Rngs".split()
)
_OWNERS = frozenset(
    "rand random rng rngs prng env envs gen generator cuda torch np numpy mx cp cupy paddle tf mt set space sampler "
    "fake faker r rs jr jrandom".split()
)


def words_of(name: str) -> list[str]:
    """`torch_seed2`, `torchSeed` and `TORCH-SEED` are all `torch`, `seed`."""
    return [word.lower() for word in _WORD.findall(name)] if len(name) <= LONGEST_NAME else []


def names_a_seed(name: str) -> bool:
    """Is this variable, key or option the random seed itself, not its length, its number or a function?"""
    return len(name) <= LONGEST_NAME and _names_a_seed(name)


@lru_cache(maxsize=4096)
def _names_a_seed(name: str) -> bool:
    words = words_of(name)
    place = _place(words)
    if place < 0 or _BEFORE.intersection(words[:place]):
        return False
    return _BEHIND.issuperset(words[place + 1 :])


def names_seeds(name: str) -> bool:
    """Is it the name of several seeds, so that how many there are matters?"""
    words = words_of(name)
    return names_a_seed(name) and not {"seeds", "list", "values"}.isdisjoint(words)


def _place(words: list[str]) -> int:
    """Of the word that says seed; -1 without one."""
    for place in range(len(words) - 1, -1, -1):
        if words[place] in _SEEDS or _JOINED.fullmatch(words[place]):
            return place
        if words[place] == "state" and place and words[place - 1] == "random":
            return place
    return -1


def sets_a_seed(function: str, owner: str = "") -> bool:
    """Does calling it seed a generator that is there already? `owner` is the name before the last dot, if any."""
    words = words_of(function)
    if words == ["seed"] and owner:
        return not _OWNERS.isdisjoint(words_of(owner))
    return _SETTER.fullmatch("_".join(words)) is not None and words != ["seeds"]


def makes_a_generator(function: str, owner: str = "") -> bool:
    """Does it make a new generator, or a key, out of a seed?"""
    if function == "key":
        return bool({"random", "jr", "jrandom"}.intersection(words_of(owner)))
    return function in _GENERATORS
