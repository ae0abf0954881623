"""Scripts that run other tools' evaluators as they are: `ar init` writes one beside autoresearch.toml.

A copy, because experiments run in the person's interpreter, which may know nothing of this package. Nothing here
imports them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Adapter:
    """A script, under the name that it gets beside autoresearch.toml."""

    name: str
    source: Path

    @property
    def text(self) -> str:
        return self.source.read_text(encoding="utf-8")


OPENEVOLVE = Adapter("ar_openevolve.py", Path(__file__).with_name("openevolve.py"))
SHINKA = Adapter("ar_shinka.py", Path(__file__).with_name("shinka.py"))
