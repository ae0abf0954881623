"""`ar status`: what the run does now, and how far it got."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from autoresearch.cli.options import ConfigOption, JsonOption, TagOption

if TYPE_CHECKING:
    from autoresearch.cli.render.status import StatusView
    from autoresearch.cli.view import Record

EVERY = 1.0
"""Seconds between two looks of --watch."""


def status(
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Look again every second, until Ctrl-C.")] = False,
    tag: TagOption = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> int:
    """Show what the newest run does and how far it got.

    Example: [bold]ar status --watch[/]
    """
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    from autoresearch.cli.render.records import dumps
    from autoresearch.cli.render.status import status as page
    from autoresearch.cli.render.status import status_json
    from autoresearch.cli.view import open_record

    # A program would take the words that there is none for JSON.
    record = open_record(config, tag, needed=json)
    if record is None:
        typer.echo("no run yet")
        sys.stderr.write("hint: ar run --budget 5m\n")
        return 0
    if json:
        typer.echo(dumps(status_json(_view(record))))
        return 0
    console = Console(highlight=False)
    if not watch:
        for line in page(_view(record)):
            # A terminal would break a long line in the middle of a word; a file keeps it whole.
            console.print(line, soft_wrap=not console.is_terminal)
        return 0
    with Live(console=console, auto_refresh=False) as live:
        while True:
            live.update(Text("\n").join(page(_view(record))), refresh=True)
            time.sleep(EVERY)
            record.repository.close()
            record = open_record(config, tag) or record


def _view(record: Record) -> StatusView:
    """The page, with how the slots were used: of a call that goes on its live state says that, of an ended one git."""
    from autoresearch.cli.view import status_view
    from autoresearch.record.runs import unbilled_usd

    view = status_view(record)
    used = record.run.used if view.live is None else view.live.used
    return replace(view, used=used, unbilled_usd=unbilled_usd(record.repository, record.run))
