"""`ar revert`: take one kept experiment back, or go back to an older state."""

from __future__ import annotations

from typing import Annotated

import typer

from autoresearch.cli.options import ConfigOption


def revert(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[EXPERIMENT]", help="A kept experiment: its number, its commit, or last."),
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="EXPERIMENT", help="Go back to the state of this one instead.")
    ] = None,
    no_measure: Annotated[
        bool, typer.Option("--no-measure", help="Leave measuring the result to the next ar run.")
    ] = False,
    tag: Annotated[str | None, typer.Option("--tag", metavar="NAME", help="The run; else the newest.")] = None,
    config: ConfigOption = None,
) -> int:
    """Take a kept experiment back: a new commit on the run's branch; history is never rewritten.

    Example: [bold]ar revert 12[/] or [bold]ar revert --to 8[/]
    """
    from autoresearch.cli.taking_back import take_back

    return take_back(config, tag, name, to, measure=not no_measure)
