"""Changes that remove code: what they may lose, and how much shorter they are.

Nothing is kept here; the rule is asked once more, with a loss that is tolerated.
"""

from __future__ import annotations

from collections.abc import Mapping

from autoresearch.core.experiment import SIMPLER
from autoresearch.core.history import History
from autoresearch.core.quantity import Gain


def net_lines(before: Mapping[str, str], after: Mapping[str, str]) -> int:
    """Lines added less lines removed, over all files; blank ones are no code."""
    return _lines(after) - _lines(before)


def _lines(files: Mapping[str, str]) -> int:
    return sum(bool(line.strip()) for text in files.values() for line in text.splitlines())


def tolerated(history: History, max_loss: Gain) -> float:
    """What the next simplification may lose, in units of the metric; 0 where nothing is left.

    All simplifications since the last real gain share one `max_loss`: a hundred of them must not undo a search.
    """
    anchor = next((one for one in reversed(history.kept) if SIMPLER not in one.flags), None)
    incumbent = history.incumbent
    reference = None if anchor is None else history.metric(anchor.number)
    metric = None if incumbent is None else history.metric(incumbent.number)
    if anchor is None or reference is None or metric is None:
        return 0.0
    lost = -(history.gain(metric, anchor.number) or 0.0)
    return max(0.0, max_loss.of(reference) - max(0.0, lost))
