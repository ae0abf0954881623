"""Bars: how much of something is used up, readable without colours. Not in here: what is measured."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from autoresearch.cli.render.text import cut
from autoresearch.core.budget import Share

SHORTEST, LONGEST = 10, 40


def bars(shares: Sequence[Share], width: int) -> list[Text]:
    """One line for each budget: its name, the bar, the same in numbers."""
    longest = max((len(share.label) for share in shares), default=0)
    lines = []
    for share in shares:
        line = Text(f" {share.label:<{longest}}  ").append_text(bar(share.used, bar_width(width)))
        lines.append(cut(line.append(f"  {share.text}"), width))
    return lines


def bar_width(width: int) -> int:
    """How long the bars are in a line of `width` cells."""
    return min(max(width // 3, SHORTEST), LONGEST)


def bar(used: float, width: int) -> Text:
    """Heavy for what is used (a fraction; more than 1 is full), light for what is left."""
    full = round(min(max(used, 0.0), 1.0) * width)
    return Text().append("━" * full, style="not bold cyan").append("─" * (width - full), style="not bold dim")
