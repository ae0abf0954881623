"""The editable half of the task: a function of a library, correct and slow."""

from collections.abc import Iterable
from typing import Any


def longest_increasing(values: Iterable[Any]) -> list[Any]:
    """The longest strictly increasing subsequence of `values`, as a list; of several that are longest, any.

    What is left of the values keeps its order: of [3, 1, 4, 1, 5, 9, 2, 6] it is [3, 4, 5, 9], or [1, 4, 5, 6], or
    another of four. The values need only `<` and `==`; an empty input gives an empty list. Raises TypeError for values
    that cannot be compared.
    """
    values = list(values)
    best: list[list[int]] = []  # best[i]: the longest that ends with values[i], as indices
    for i, value in enumerate(values):
        longest: list[int] = []
        for j in range(i):
            if values[j] < value and len(best[j]) > len(longest):
                longest = best[j]
        best.append([*longest, i])
    return [values[index] for index in max(best, key=len, default=[])]
