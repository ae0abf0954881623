"""What was typed behind `ar run`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The command line of `ar run`, as it was typed."""

    config: Path | None = None
    budget: tuple[str, ...] = ()
    tag: str | None = None
    new: bool = False
    snapshot: bool = False
    committed: bool = False
    proposer: str | None = None
    model: str | None = None
    replay: str | None = None
    target: float | None = None
    patience: int | None = None
    workers: str | None = None
    isolation: str | None = None
    dry_run: bool = False
    json: bool = False
