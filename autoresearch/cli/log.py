"""`ar log`: the experiments, as a list, one in full, or for other programs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import typer

from autoresearch.cli.options import ConfigOption, JsonOption, TagOption

SHOWN = 20
WHICH, AS, ONE = "Which experiments", "As what", "Of one experiment, print just"


class Sort(StrEnum):
    """What the list is sorted by."""

    NUMBER = "number"
    METRIC = "metric"


class Form(StrEnum):
    """As what experiments are printed."""

    TEXT = "text"
    TSV = "tsv"
    JSON = "json"


class Part(StrEnum):
    """What of one experiment is printed."""

    DIFF = "diff"
    OUTPUT = "output"
    PROMPT = "prompt"
    SHA = "sha"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which experiments a listing shows."""

    count: int | None
    kept: bool
    discarded: bool
    failed: bool
    reverse: bool
    sort: Sort


def log(
    name: Annotated[
        str | None, typer.Argument(metavar="[EXPERIMENT]", help="A number, the beginning of a commit, best, baseline.")
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
    json: JsonOption = False,
    tag: TagOption = None,
    config: ConfigOption = None,
) -> int:
    """Browse the experiments: a list, or one in full.

    Example: [bold]ar log --kept[/], then [bold]ar log 12[/]
    """
    from autoresearch.cli.browse import browse

    chosen = [part for part, on in zip(Part, (diff, output, prompt, sha), strict=True) if on]
    limit = None if everything or tsv else count or (None if json else SHOWN)
    selection = Selection(limit, kept, discarded, failed, reverse, sort)
    form = Form.TSV if tsv else Form.JSON if json else Form.TEXT
    return browse(config, tag, name, chosen, selection, form)
