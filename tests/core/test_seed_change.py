"""Changes of a whole training script and of several files, and texts that nobody would write."""

from __future__ import annotations

import random
import re

import pytest

from autoresearch.core.edit import Change
from autoresearch.core.seed_change import only_the_seed
from tests.support.training import SEEDING, SEEDS, TRAINING, is_seed_change

# ---- a training script as people write them


@pytest.mark.parametrize(("found", "other"), SEEDS)
def test_every_seed_of_a_training_script_is_seen(found: str, other: str) -> None:
    assert TRAINING.count(found) == 1
    assert is_seed_change("train.py", TRAINING, TRAINING.replace(found, other))


def test_all_seeds_of_a_training_script_at_once_are_seen() -> None:
    text = TRAINING
    for found, other in SEEDS:
        text = text.replace(found, other)
    assert is_seed_change("train.py", TRAINING, text)
    assert is_seed_change("train.py", TRAINING, "# tried another seed\n" + text.replace(", ", ",  "))


def other_tokens() -> list[tuple[int, int, str]]:
    """Every number and word of the script that is no seed, with another one for its place."""
    seeds = [TRAINING.index(found) for found, _ in SEEDS]
    taken = [range(start, start + len(found)) for start, (found, _) in zip(seeds, SEEDS, strict=True)]
    docstring_end = TRAINING.index('"""\n') + 4
    tokens = []
    for token in re.finditer(r"\d+(?:\.\d+)?(?:e-?\d+)?|[A-Za-z_]\w*|[-+*/]=?", TRAINING):
        line_start = TRAINING.rfind("\n", 0, token.start()) + 1
        line = TRAINING[line_start:].partition("\n")[0]
        if token.start() < docstring_end or "#" in TRAINING[line_start : token.start()] or line.strip() in SEEDING:
            continue
        if any(token.start() in one for one in taken):
            continue
        other = f"{token[0]}1" if token[0][0].isdigit() else f"{token[0]}x" if token[0][0] not in "+-*/" else "+ -"
        tokens.append((token.start(), token.end(), other))
    return tokens


def test_no_other_word_number_or_sign_of_it_is_hidden_by_a_seed() -> None:
    tokens = other_tokens()
    assert len(tokens) > 250
    wrong = []
    for start, end, other in tokens:
        new = (TRAINING[:start] + other + TRAINING[end:]).replace("SEED = 1337", "SEED = 1338")
        if is_seed_change("train.py", TRAINING, new):
            wrong.append(TRAINING[start - 20 : end + 20])
    assert wrong == []


def test_no_line_of_it_can_go_unnoticed_but_those_that_only_seed() -> None:
    lines = TRAINING.splitlines()
    gone = [
        line.strip()
        for number, line in enumerate(lines)
        if is_seed_change("train.py", TRAINING, "\n".join(lines[:number] + lines[number + 1 :]))
    ]
    assert gone == ["SEED = 1337", *SEEDING]


# ---- several files


def test_seeds_in_several_files_are_seen_with_a_comment_in_another() -> None:
    before = {"a.py": "seed = 1\n", "b.toml": "seed = 1\n", "c.py": "x = 1\n"}
    change = Change({"a.py": "seed = 2\n", "b.toml": "seed = 2\n", "c.py": "x = 1  # one\n"})
    assert only_the_seed(before, change)


def test_a_real_change_in_another_file_counts() -> None:
    before = {"a.py": "seed = 1\n", "b.py": "x = 1\n"}
    assert not only_the_seed(before, Change({"a.py": "seed = 2\n", "b.py": "x = 2\n"}))


def test_new_and_deleted_files_are_never_only_a_seed() -> None:
    assert not only_the_seed({}, Change({"a.py": "seed = 2\n"}))
    assert not only_the_seed({"a.py": "seed = 2\n"}, Change({"a.py": None}))
    assert not only_the_seed({"a.py": "seed = 1\n", "b.py": ""}, Change({"a.py": "seed = 2\n", "b.py": None}))


def test_no_change_is_no_seed_change() -> None:
    assert not only_the_seed({"a.py": "seed = 1\n"}, Change({}))


# ---- odd texts

ODD = {
    "nul": "seed = 1\x00\n", "brackets": "((((" * 50_000, "deep": "x = " + "[" * 90 + "]" * 90, "long": "9" * 200_000,
    "sum": "x = 1" + " + 1" * 20_000, "calls": "a" + ".b()" * 20_000, "hex": "x = 0x" + "f" * 10_000,
    "mark": "\ufeffseed = 1\n", "surrogate": "x = '\ud800'\n", "escape": "x = '\\d'\n", "lines": "\n" * 50_000,
    "minus": "x = " + "-" * 50_000 + "1", "braces": "{" * 100_000, "returns": "seed = 1\r" * 1000,
}  # fmt: skip


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
@pytest.mark.parametrize("path", ["a.py", "a.yaml", "a.json", "Makefile", "a.c", "a"])
def test_odd_texts_are_no_problem(path: str, text: str) -> None:
    assert not is_seed_change(path, text, text)
    assert not is_seed_change(path, text + "\nx = 1\n", text + "\nx = 2\n")
    assert is_seed_change(path, text + "\nseed = 1\n", text + "\nseed = 2\n")


HOSTILE = [
    "seed", "--seed ", "seed = [", "seed = [1, ", '"seed": ', "seed: ", "seed:\n- 1\n", "-- ", "${SEED:-", "seed ",
    '"--seed", default', "mt19937 ", "srand(", "seed = 1\n", "seed:int", "a.", " ", "\t#", "seed-", "x seed=1,1",
    "seed = ${",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_long_texts_take_linear_time(piece: str) -> None:
    text = "(" + piece * (200_000 // len(piece))  # where a pattern is not linear, this takes minutes: the time limit
    assert not is_seed_change("broken.py", text + "\nrate = 1\n", text + "\nrate = 2\n")


def test_large_python_files_are_read() -> None:
    text = TRAINING * (300_000 // len(TRAINING))
    assert not is_seed_change("train.py", text, text + "\nrate = 2\n")


def test_random_bytes_never_raise() -> None:
    draw = random.Random(5)
    pieces = [
        "seed",
        "=",
        " ",
        "42",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ":",
        '"',
        "'",
        "\n",
        "--",
        ",",
        "f",
        "\\",
        "\x00",
        "$",
    ]
    for _ in range(2000):
        old, new = ("".join(draw.choices(pieces, k=draw.randrange(12))) for _ in range(2))
        for path in ("a.py", "a.json", "a.sh"):
            assert only_the_seed({path: old}, Change({path: new})) in (True, False)
            assert not is_seed_change(path, old, old)
