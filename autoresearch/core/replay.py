"""A change that was made before, as something that can be tried again on other files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from autoresearch.core.edit import Edit


@dataclass(frozen=True, slots=True)
class Replay:
    """`onto(commit)` gives the edits that put the change on top of a commit; a `Conflict` where it does not fit."""

    title: str
    hypothesis: str
    onto: Callable[[str], tuple[Edit, ...]]
