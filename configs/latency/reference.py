"""The fixed half of the task: is a result right? Judged by its properties, for inputs of any length.

A result must increase strictly, be found in the input in that order, and be as long as any can be. The latter is
certain without a second way to find one: if the values can be dealt onto k piles, each of which never increases, then
no increasing subsequence takes two values of one pile, so none is longer than k.
Not covered: which inputs are tried, that is up to check.py and bench.py.
"""

from itertools import pairwise
from typing import Any


def piles(values: list[Any]) -> int:
    """How many piles are needed: each value goes onto the first pile whose top is not smaller."""
    tops: list[Any] = []
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
    if len(result) != (longest := piles(values)):
        return f"it has {len(result)} values, the longest has {longest}"
    return None
