"""The listing of `ar log`: a summary line, a heading, a line per experiment.

Not in here: which experiments and in which order (the command's), and the pager.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from autoresearch.cli.render.columns import Columns, is_spread, recorded_row
from autoresearch.cli.render.summary import headline
from autoresearch.cli.render.text import clean
from autoresearch.core.experiment import Experiment
from autoresearch.core.final_check import FinalCheck
from autoresearch.core.history import History

UNLIMITED = 10**6


def listing(
    history: History, experiments: Sequence[Experiment], width: int | None, final: FinalCheck | None = None
) -> Iterator[Text]:
    """Lines for a terminal of `width` columns; None: no terminal, nothing is cut.

    Numbers are means of all samples, but in the first line those of the final check, where there is one.
    """
    yield Text(headline(history, final), style="bold")
    if not experiments:
        return
    table = Columns(
        width=UNLIMITED if width is None else width,
        name=clean(history.metric_name),
        spreads=any(is_spread(history.values(one.number)) for one in experiments),
        cost=any(one.usage.cost_usd for one in experiments),
        took=bool(history.seconds),
    )
    yield table.heading()
    for one in experiments:
        yield table.row(recorded_row(one, history))
