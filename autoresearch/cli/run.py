"""`ar run`: its options. What it does is in `starting`."""

from __future__ import annotations

from typing import Annotated

import typer

from autoresearch.cli.options import ConfigOption
from autoresearch.cli.run_options import RunOptions

WHAT, LIMITS, WHERE = "What is tried", "When it ends", "Where it works"


def run(
    budget: Annotated[
        list[str] | None,
        typer.Option(
            "--budget",
            "-b",
            metavar="LIMIT",
            help="5m, 8h, 1h30m (time), 50x (experiments), 3usd, 2Mtok; may be given several times.",
            rich_help_panel=LIMITS,
        ),
    ] = None,
    target: Annotated[
        float | None, typer.Option(metavar="VALUE", help="Stop when the metric is this good.", rich_help_panel=LIMITS)
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Stop after N experiments that kept nothing.", rich_help_panel=LIMITS),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Any LiteLLM model, as anthropic/claude-sonnet-4-5.", rich_help_panel=WHAT),
    ] = None,
    proposer: Annotated[
        str | None,
        typer.Option(metavar="KIND", help="llm or tuner; else llm when there is a model.", rich_help_panel=WHAT),
    ] = None,
    replay: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT",
            help="Try earlier changes again: 12,17,31, a git range, or a folder of patches.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show prompt, tokens, price and command; run nothing.", rich_help_panel=WHAT),
    ] = False,
    tag: Annotated[
        str | None, typer.Option(metavar="NAME", help="Go on with this run, or name a new one.", rich_help_panel=WHERE)
    ] = None,
    new: Annotated[bool, typer.Option("--new", help="Start a new run from HEAD.", rich_help_panel=WHERE)] = False,
    snapshot: Annotated[
        bool,
        typer.Option("--snapshot", help="Start from the files as they are, uncommitted too.", rich_help_panel=WHERE),
    ] = False,
    committed: Annotated[
        bool, typer.Option("--committed", help="Start from HEAD, uncommitted work left out.", rich_help_panel=WHERE)
    ] = False,
    workers: Annotated[
        str | None,
        typer.Option(metavar="N", help="Samples at the same time; auto: one for each free GPU.", rich_help_panel=WHERE),
    ] = None,
    isolation: Annotated[
        str | None,
        typer.Option(
            metavar="LEVEL",
            help="How far experiments are confined: basic, guarded or strict.",
            rich_help_panel=WHERE,
        ),
    ] = None,
    config: ConfigOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print an event a line, for programs.")] = False,
) -> int:
    """Run experiments until the budget is used up; go on with the newest run.

    Example: [bold]ar run --budget 8h --budget 5usd[/]
    """
    from autoresearch.cli.starting import start

    options = RunOptions(
        config=config,
        budget=tuple(budget or ()),
        tag=tag,
        new=new,
        snapshot=snapshot,
        committed=committed,
        proposer=proposer,
        model=model,
        replay=replay,
        target=target,
        patience=patience,
        workers=workers,
        isolation=isolation,
        dry_run=dry_run,
        json=json,
    )
    return start(options)
