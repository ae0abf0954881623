"""The fixed half of the task: is what longest_increasing returns right? Tried on many small inputs, by properties.

A result must increase strictly, be found in the input in that order, and be as long as any can be. The latter is
certain without a second way to find one: if the values can be dealt onto k piles, each of which never increases, then
no increasing subsequence takes two values of one pile, so none is longer than k.

Exit code 0: nothing wrong was found. Environment: AR_SEED (integer) decides the inputs.
"""

import os
import random
import sys
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Any

from increasing import longest_increasing

INPUTS = 3000
KNOWN: list[list[Any]] = [
    [],
    [7],
    [2, 2, 2],
    [3, 1, 4, 1, 5, 9, 2, 6],
    [1.5, -0.0, 0.0, float("inf"), float("-inf")],
    ["b", "a", "ab", "", "c"],
    [(1, 2), (1, 1), (2,), (1, 2)],
    [Fraction(1, 3), Fraction(1, 2), Fraction(2, 5), 1],
    list(range(300)),
    list(range(300, 0, -1)),
]


def piles(values: list[Any]) -> int:
    """How many piles are needed: each value goes onto the first pile whose top is not smaller."""
    tops = []
    for value in values:
        place = next((i for i, top in enumerate(tops) if not top < value), len(tops))
        tops[place : place + 1] = [value]
    return len(tops)


def problem(values: list[Any], result: object) -> str | None:
    """What is wrong with a result, in words; None when it is right."""
    if not isinstance(result, list):
        return f"it is no list but {type(result).__name__}"
    if any(not a < b for a, b in pairwise(result)):
        return "it does not increase strictly"
    rest = iter(values)
    if not all(any(value == wanted for value in rest) for wanted in result):
        return "its values are not in the input in that order"
    if len(result) != piles(values):
        return f"it has {len(result)} values, the longest has {piles(values)}"
    return None


def inputs(rng: random.Random) -> Iterator[list[Any]]:
    """The known ones; then random ones, most of them short and with values that come more than once."""
    yield from KNOWN
    for _ in range(INPUTS):
        largest = rng.choice([1, 3, 10, 1000])
        yield [rng.randint(-largest, largest) for _ in range(rng.choice([2, 4, 8, 30]))]


def main() -> None:
    rng = random.Random(int(os.environ.get("AR_SEED") or 0))
    for values in inputs(rng):
        given = list(values)
        result = longest_increasing(given)
        if given != values:
            sys.exit(f"wrong for {values}: the input was changed, to {given}")
        if wrong := problem(values, result):
            sys.exit(f"wrong for {values}: {wrong}: {result}")
    if longest_increasing(iter([1, 3, 2])) not in ([1, 3], [1, 2]):
        sys.exit("wrong for an iterator: any iterable is a valid input")
    print("nothing wrong was found")


if __name__ == "__main__":
    main()
