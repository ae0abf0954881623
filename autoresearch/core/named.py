"""Experiments as people name them: by their number, or by the beginning of their commit."""

from __future__ import annotations

from autoresearch.core.experiment import Experiment
from autoresearch.core.history import History

MOST_DIGITS = 9
"""More than any number has; what is longer is no number, but may be the beginning of a commit."""
SHORTEST = 4
"""Characters of a commit that name an experiment."""


def number_in(word: str) -> int | None:
    """The number of an experiment that a word may be. None for any other word; `²` is a digit elsewhere only."""
    return int(word) if word.isascii() and word.isdigit() and len(word) <= MOST_DIGITS else None


def named(history: History, word: str) -> list[Experiment]:
    """The experiment with that number, else all whose commits begin like that."""
    number = number_in(word)
    known = history.get(number) if number is not None else None
    if known is not None:
        return [known]
    if len(word) < SHORTEST:
        return []
    return [one for one in history.experiments if one.commit.startswith(word.lower())]
