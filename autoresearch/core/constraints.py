"""Limits on the other numbers that an experiment prints: `peak_vram_mb = "<= 48000"`, `accuracy = ">= 0.98x"`.

A limit with `x` is relative to the baseline's mean. What is not here: reading the numbers (`metric`), and when it is
asked whether a constraint holds (`confirming`).
"""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from autoresearch.core.quantity import format_metric

_FORM = re.compile(r"(<=|>=|<|>)\s*([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)\s*(x?)")
_HOLDS = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}


@dataclass(frozen=True, slots=True)
class Constraint:
    """A number's name, how it is compared, and with what: `limit`, or `limit` times the baseline's mean."""

    name: str
    sign: str
    limit: float
    relative: bool

    def problem(self, value: float | None, baseline: float | None) -> str:
        """Why it does not hold, in words and numbers; empty when it does.

        A number that is missing is no number that is small: it breaks the constraint, whatever the sign.
        """
        if value is None:
            return f"{self}: that number was not printed"
        if self.relative and baseline is None:
            return f"{self}: the baseline did not print that number"
        limit = self.limit * (baseline or 0.0) if self.relative else self.limit
        if _HOLDS[self.sign](value, limit):
            return ""
        than = f", {format_metric(limit)} here" if self.relative else ""
        return f"{self}: it is {format_metric(value)}{than}"

    def __str__(self) -> str:
        return f"{self.name} {self.sign} {format_metric(self.limit)}{'x' * self.relative}"


def parse_constraint(name: str, text: str) -> Constraint:
    """`<= 48000`, `>= 0.9`, `< 1.1x`. Raises ValueError for anything else."""
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise ValueError(f'"{text}" is no constraint: write it like "<= 48000", or "<= 1.1x" of the baseline')
    return Constraint(name, match[1], float(match[2]), relative=bool(match[3]))


def first_problem(constraints: Iterable[Constraint], values: Mapping[str, float], baseline: Mapping[str, float]) -> str:
    """What the first broken constraint says; empty when all hold. Both mappings hold means over samples."""
    problems = (one.problem(values.get(one.name), baseline.get(one.name)) for one in constraints)
    return next(filter(None, problems), "")
