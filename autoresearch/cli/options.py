"""Options that several commands share, each with its one line of help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Use this autoresearch.toml instead of the nearest one upwards."),
]
TagOption = Annotated[str | None, typer.Option("--tag", metavar="NAME", help="The run to look at; else the newest.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
