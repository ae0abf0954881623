"""What a benchmark asks for, as lines that say what was found. What is not here: which goals there are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """Something that must hold, and what was found."""

    words: str
    met: bool

    def __str__(self) -> str:
        return f"{'met   ' if self.met else 'MISSED'}  {self.words}"


def at_most(words: str, value: float, limit: float, form: str = ".2f") -> Goal:
    return Goal(f"{words}: {value:{form}}, at most {limit:{form}}", value <= limit)


def at_least(words: str, value: float, limit: float, form: str = ".2f") -> Goal:
    return Goal(f"{words}: {value:{form}}, at least {limit:{form}}", value >= limit)
