"""The fixed half of the task: is what longest_increasing returns right? Tried on many small inputs and some large ones.

The large ones are as long as those of bench.py, where speed counts. reference.py judges.
Not covered: a function that sets out to deceive. It runs in this process, and can know which lengths are tried; reading
the diff is for that.

Exit code 0: nothing wrong was found. Environment: AR_SEED (integer) decides the inputs.
"""

import os
import random
import sys
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from bench import LENGTHS
from increasing import longest_increasing
from reference import problem

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


def inputs(rng: random.Random) -> Iterator[list[Any]]:
    """The known ones; then random ones: short ones with values that come more than once, and large ones."""
    yield from KNOWN
    for _ in range(INPUTS):
        largest = rng.choice([1, 3, 10, 1000])
        yield [rng.randint(-largest, largest) for _ in range(rng.choice([2, 4, 8, 30]))]
    for length in LENGTHS:
        yield rng.sample(range(10 * length), length)
        # of the lengths between those of the short ones and this one, too; some values come more than once
        yield rng.choices(range(length), k=rng.randint(30, length))


def short(what: object) -> str:
    """A text of bounded length."""
    text = repr(what)
    return text if len(text) <= 200 else f"{text[:200]}..."


def main() -> None:
    rng = random.Random(int(os.environ.get("AR_SEED") or 0))
    for values in inputs(rng):
        given = list(values)
        result = longest_increasing(given)
        if given != values:
            sys.exit(f"wrong for {short(values)}: the input was changed, to {short(given)}")
        if wrong := problem(values, result):
            sys.exit(f"wrong for {short(values)}: {wrong}: {short(result)}")
    if longest_increasing(iter([1, 3, 2])) not in ([1, 3], [1, 2]):
        sys.exit("wrong for an iterator: any iterable is a valid input")
    print("nothing wrong was found")


if __name__ == "__main__":
    main()
