"""What was typed behind `ar init`, in the place of answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answers:
    """What the person said on the command line; None and empty: not said."""

    command: str | None
    metric: str | None
    direction: str | None
    editable: tuple[str, ...]
    yes: bool
    force: bool

    @property
    def given(self) -> list[str]:
        """The options that were said."""
        said = {
            "--command": self.command,
            "--metric": self.metric,
            "--direction": self.direction,
            "--editable": self.editable,
            "--yes": self.yes,
            "--force": self.force,
        }
        return [name for name, value in said.items() if value]
