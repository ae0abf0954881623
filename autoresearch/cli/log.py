"""`ar log`: the experiments, as a list, one in full, or for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autoresearch.cli.log_options import Asked, Better, Form, Part, Selection, Sort, Source
from autoresearch.cli.options import ConfigOption, JsonOption, TagOption
from autoresearch.errors import UsageError

SHOWN = 20
WHICH, AS, ONE = "Which experiments", "As what", "Of one experiment, print just"
FROM = "From elsewhere"


def log(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[EXPERIMENT]",
            help="A number, the beginning of a commit, best, baseline; with --plot a file.",
        ),
    ] = None,
    count: Annotated[
        int | None, typer.Option("-n", metavar="N", min=1, help=f"So many; else {SHOWN}.", rich_help_panel=WHICH)
    ] = None,
    kept: Annotated[bool, typer.Option("--kept", help="Only kept ones.", rich_help_panel=WHICH)] = False,
    discarded: Annotated[bool, typer.Option("--discarded", help="Only discarded.", rich_help_panel=WHICH)] = False,
    failed: Annotated[bool, typer.Option("--failed", help="Only failed ones.", rich_help_panel=WHICH)] = False,
    everything: Annotated[bool, typer.Option("--all", help="All of them.", rich_help_panel=WHICH)] = False,
    reverse: Annotated[bool, typer.Option("--reverse", help="Oldest first.", rich_help_panel=WHICH)] = False,
    sort: Annotated[Sort, typer.Option(help="Newest first, or best first.", rich_help_panel=WHICH)] = Sort.NUMBER,
    diff: Annotated[bool, typer.Option("--diff", help="Its change.", rich_help_panel=ONE)] = False,
    output: Annotated[bool, typer.Option("--output", help="What it printed.", rich_help_panel=ONE)] = False,
    prompt: Annotated[bool, typer.Option("--prompt", help="What the model was asked.", rich_help_panel=ONE)] = False,
    sha: Annotated[bool, typer.Option("--sha", help="Its commit.", rich_help_panel=ONE)] = False,
    tsv: Annotated[
        bool, typer.Option("--tsv", help="The five columns of karpathy's results.tsv.", rich_help_panel=AS)
    ] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="As pi's log.jsonl.", rich_help_panel=AS)] = False,
    plot: Annotated[
        bool,
        typer.Option("--plot", help="As a picture: here, or in a file NAME.png or NAME.svg.", rich_help_panel=AS),
    ] = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="As one page for a browser.", rich_help_panel=AS)
    ] = None,
    json: JsonOption = False,
    file: Annotated[
        Path | None,
        typer.Option(
            "--import", metavar="FILE", help="Look at a results.tsv, or a log.jsonl of pi's.", rich_help_panel=FROM
        ),
    ] = None,
    direction: Annotated[
        Better | None, typer.Option(help="Which way its metric improves.", rich_help_panel=FROM)
    ] = None,
    tag: TagOption = None,
    config: ConfigOption = None,
) -> int:
    """Browse the experiments: a list, one in full, or a picture.

    Example: [bold]ar log --kept[/], then [bold]ar log 12[/], then [bold]ar log --plot[/]
    """
    from autoresearch.cli.browse import browse

    parts = [part for part, on in zip(Part, (diff, output, prompt, sha), strict=True) if on]
    forms = [form for form, on in zip(Form, (False, json, tsv, jsonl, plot, html), strict=True) if on]
    if everything and count is not None:
        raise UsageError("--all and -n are different things: one at a time", hint="ar log --all")
    limit = None if everything else count or (None if forms else SHOWN)
    selection = Selection(limit, kept, discarded, failed, reverse, sort)
    return browse(Source(config, tag, file, direction), Asked(name, tuple(parts), selection, tuple(forms), html))
