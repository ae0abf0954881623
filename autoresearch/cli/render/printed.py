"""What is printed above the live region, for good: the table's lines, its heading now and then, warnings.

Not in here: when it is printed (`live`), and what was printed: the terminal's scroll-back remembers that.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from autoresearch.cli.render.columns import Columns, Row, is_spread
from autoresearch.cli.render.text import clean, folded
from autoresearch.cli.render.view import RunView

WORTH_A_HEADING = 6
"""With fewer lines in sight than this, a heading would take more room than it helps."""


class Printed:
    """Turns items into lines, and knows how far up the last heading is by now."""

    def __init__(self, view: RunView) -> None:
        self._view = view
        self._columns: Columns | None = None
        self._lines_since_heading = 0

    def lines(self, items: Sequence[Row | Text], *, width: int, visible: int) -> list[Text]:
        """Lines of at most `width` cells; `visible` is how many of them the screen shows above the live region."""
        lines: list[Text] = []
        for item in items:
            new = self._row(item, width, visible) if isinstance(item, Row) else folded(item, width)
            self._lines_since_heading += len(new)
            lines += new
        return lines

    def _row(self, row: Row, width: int, visible: int) -> list[Text]:
        """The heading comes again when the columns change, and before the last one is scrolled out of sight."""
        old = self._columns
        self._columns = Columns(
            width=width,
            name=clean(self._view.metric_name),
            spreads=is_spread(row.values) or (old is not None and old.spreads),
            cost=bool(self._view.history.usage.cost_usd),
        )
        out_of_sight = self._lines_since_heading >= visible >= WORTH_A_HEADING
        if self._columns == old and not out_of_sight:
            return [self._columns.row(row)]
        self._lines_since_heading = 0
        return [self._columns.heading(), self._columns.row(row)]
