"""How many experiments a budget holds, in one line."""

from __future__ import annotations

import pytest

from autoresearch.core.budget import Budget
from autoresearch.core.plan import UNKNOWN, Pace, plan, room


@pytest.mark.parametrize(
    ("budget", "pace", "line"),
    [
        (Budget(seconds=300), Pace(12), "budget: 5m: room for about 25 experiments of 12 s"),
        (Budget(seconds=300), Pace(17, repeats=True), "5m: room for about 17 experiments of 17 s, repeats included"),
        (Budget(300, 10), Pace(12), "budget: 5m, 10 experiments: room for about 10 experiments of 12 s"),
        (Budget(seconds=300), UNKNOWN, "budget: 5m"),
        (Budget(experiments=50), Pace(12), "budget: 50 experiments; an experiment takes about 12 s"),
        (Budget(usd=3), Pace(12), "budget: 3 usd; an experiment takes about 12 s"),
        (Budget(usd=3), Pace(12, 0.1), "budget: 3 usd: room for about 30 experiments of 12 s and 0.10 usd"),
        (Budget(seconds=300, usd=3), Pace(12, 0.2), "5m, 3 usd: room for about 15 experiments of 12 s and 0.20 usd"),
        (Budget(usd=3, run_usd=2), Pace(12, 0.1), "room for about 20 experiments of 12 s and 0.10 usd"),
        (Budget(), Pace(90, repeats=True), "until stopped; an experiment takes about 1m 30s, repeats included"),
        (Budget(), UNKNOWN, "budget: until stopped"),
        (Budget(seconds=60), Pace(25), "budget: 1m: room for 2 experiments of 25 s, too few to search"),
        (Budget(seconds=60), Pace(40), "budget: 1m: room for 1 experiment of 40 s, too few to search"),
        (Budget(seconds=60), Pace(61), "budget: 1m: no room for an experiment of 1m 1s, too few to search"),
        (Budget(experiments=2), UNKNOWN, "budget: 2 experiments: room for 2 experiments, too few to search"),
        (Budget(seconds=0.3), Pace(0.1), "budget: 300 ms: room for about 3 experiments of 100 ms"),
        (Budget(tokens=5), Pace(1), "budget: 5 tok; an experiment takes about 1 s"),
    ],
)
def test_the_plan_says_how_many_experiments_the_budget_holds(budget: Budget, pace: Pace, line: str) -> None:
    said = plan(budget, dict(budget.limits()), pace)
    assert said.startswith("budget: ")
    assert said.endswith(line)


def test_what_is_spent_or_kept_back_holds_nothing() -> None:
    budget = Budget(seconds=300, experiments=20)
    left = {"seconds": 100.0, "experiments": 18.0}
    assert plan(budget, left, Pace(10)) == "budget: 5m, 20 experiments: room for about 10 experiments of 10 s"
    assert room({"seconds": 0.0}, Pace(10)) == 0
    assert room({}, Pace(10)) is None
