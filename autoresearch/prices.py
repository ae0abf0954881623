"""Money that experiments spend themselves: API calls that they print the price of, and machines by the hour.

What proposals cost is counted elsewhere (`judging.Judge.bill`); both go against the same budget.
"""

from __future__ import annotations

from autoresearch.core.experiment import Execution, Passed, sample_seconds
from autoresearch.core.history import History
from autoresearch.core.ports import Task
from autoresearch.orders import Settings


def money_of(task: Task, execution: Execution, history: History, settings: Settings) -> float:
    """US dollars of one execution. A sample that did not print its price has cost what the baseline's did."""
    machine = execution.seconds * settings.usd_per_second
    if not settings.cost_name or isinstance(execution, Passed):
        return machine
    printed = execution.measures.get(settings.cost_name)
    if printed is None and task.is_sample and history.baseline is not None:
        printed = history.baseline.measures.get(settings.cost_name)
    return machine + max(0.0, printed or 0.0)


def usd_of_sample(history: History, settings: Settings) -> float:
    """US dollars that a sample costs, as far as the baseline tells."""
    if history.baseline is None:
        return 0.0
    machine = sample_seconds(history.baseline) * settings.usd_per_second
    return machine + max(0.0, history.baseline.measures.get(settings.cost_name, 0.0))
