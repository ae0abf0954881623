"""Budgets: how they are given, what is left of them, when they are used up."""

import pytest

from autoresearch.core.budget import Budget, Meter, merge, parse_budget
from autoresearch.core.experiment import Usage
from autoresearch.errors import UsageError


class Clock:
    """A monotonic clock that is moved by hand."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


@pytest.mark.parametrize(
    ("texts", "budget"),
    [
        ([], Budget()),
        (["5m"], Budget(seconds=300)),
        (["1h30m"], Budget(seconds=5400)),
        (["50x"], Budget(experiments=50)),
        (["3usd"], Budget(usd=3)),
        (["0.5 USD"], Budget(usd=0.5)),
        (["2Mtok"], Budget(tokens=2_000_000)),
        (["500ktok"], Budget(tokens=500_000)),
        (["800tok"], Budget(tokens=800)),
        (["8h", "50x", "3usd", "2Mtok"], Budget(28800, 50, 3, 2_000_000)),
    ],
)
def test_a_budget_is_read_with_its_unit(texts, budget):
    assert parse_budget(texts) == budget


@pytest.mark.parametrize("text", ["5", "5.5", " 12 ", "", "5k", "5M"])
def test_a_bare_number_is_an_error_that_shows_the_four_forms(text):
    with pytest.raises(UsageError) as caught:
        parse_budget([text])
    assert "no unit" in caught.value.message
    assert [form for form in ("8h", "50x", "3usd", "2Mtok") if form not in caught.value.hint] == []
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "text", ["5parsecs", "-5m", "1.5x", "3eur", "x", "5x5", "0x", "0s", "0usd", "0tok", "x50", "1h30", "5X"]
)
def test_a_budget_that_cannot_be_is_an_error(text):
    with pytest.raises(UsageError) as caught:
        parse_budget([text])
    assert text in caught.value.message
    assert "50x" in caught.value.hint


@pytest.mark.parametrize("texts", [["5m", "300s"], ["5x", "6x"], ["1usd", "2usd"], ["1ktok", "1Mtok"]])
def test_the_same_unit_twice_is_an_error(texts):
    with pytest.raises(UsageError, match="twice"):
        parse_budget(texts)


def test_a_unit_of_the_call_replaces_only_its_own():
    config = Budget(seconds=60, usd=5, run_usd=50)
    assert merge(config, Budget()) == config
    assert merge(config, Budget(seconds=10, experiments=3)) == Budget(seconds=10, experiments=3, usd=5, run_usd=50)
    assert merge(Budget(), Budget(tokens=7)) == Budget(tokens=7)


@pytest.mark.parametrize(
    ("budget", "reason"),
    [
        (Budget(seconds=300), "the time budget of 5m is used up"),
        (Budget(experiments=2), "the experiment budget of 2 is used up"),
        (Budget(usd=0.3), "the money budget of 0.30 usd is used up"),
        (Budget(tokens=1500), "the token budget of 1.5 ktok is used up"),
        (Budget(run_usd=5), "the run money budget of 5 usd is used up"),
        (Budget(seconds=301, experiments=3, usd=0.4, tokens=2000, run_usd=5.5), None),
        (Budget(), None),
        (Budget(experiments=0), "the experiment budget of 0 is used up"),
    ],
)
def test_the_meter_says_which_budget_is_used_up(budget, reason):
    clock = Clock()
    meter = Meter(budget, clock, spent_run_usd_before=4.7)
    meter.book(Usage(1000, 100, 0.2))
    meter.book(Usage(300, 100, 0.1))
    meter.count_experiment()
    meter.count_experiment()
    clock.time += 300
    assert meter.exhausted() == reason
    assert meter.usage == Usage(1300, 200, pytest.approx(0.3))


def test_experiments_that_are_begun_count_before_they_are_recorded():
    meter = Meter(Budget(experiments=3), Clock())
    meter.count_experiment()
    assert meter.exhausted(in_flight=1) is None
    assert meter.exhausted(in_flight=2) == "the experiment budget of 3 is used up"


def test_an_unknown_cost_makes_the_total_partial_and_uses_nothing_up():
    meter = Meter(Budget(usd=1), Clock())
    meter.book(Usage(10, 10, 0.5))
    meter.book(Usage(10, 10, None))
    assert (meter.usage.cost_usd, meter.usage.is_partial) == (0.5, True)
    assert meter.usage.tokens == 40
    assert meter.left() == "0.50 usd left"
    meter.book(Usage(0, 0, 0.5))
    assert meter.exhausted() == "the money budget of 1 usd is used up"


def test_nothing_is_started_that_cannot_end_in_the_time_left():
    clock = Clock()
    meter = Meter(Budget(seconds=100), clock)
    assert meter.too_short() is None
    for seconds in (50, 10, 11, 12, 13):
        meter.sample_took(seconds)
    clock.time += 50
    assert meter.too_short() is None
    clock.time += 0.5
    assert meter.too_short() == "50 s left, and an experiment takes up to 50 s"
    meter.sample_took(9)
    assert meter.too_short() is None
    clock.time += 40
    assert meter.too_short() == "9.5 s left, and an experiment takes up to 13 s"


def test_without_a_time_budget_there_is_no_deadline():
    meter = Meter(Budget(experiments=5), Clock())
    meter.sample_took(1e9)
    assert meter.deadline is None
    assert meter.seconds_left() is None
    assert meter.too_short() is None


def test_the_deadline_counts_from_the_making_of_the_meter():
    clock = Clock()
    meter = Meter(Budget(seconds=60), clock)
    clock.time += 20
    assert meter.deadline == 1060.0
    assert meter.seconds_left() == 40.0
    clock.time += 50
    assert meter.seconds_left() == 0.0


def test_what_is_left_is_said_in_words():
    clock = Clock()
    meter = Meter(Budget(300, 42, 3, 2_000_000, 50), clock, spent_run_usd_before=10)
    clock.time += 100
    meter.count_experiment()
    meter.book(Usage(250_000, 0, 0.9))
    assert meter.remaining() == {
        "seconds": 200.0,
        "experiments": 41,
        "usd": pytest.approx(2.1),
        "tokens": 1_750_000,
        "run_usd": pytest.approx(39.1),
    }
    assert meter.left() == "3m 20s, 41 experiments, 2.10 usd, 1.75 Mtok, 39.10 usd for the whole run left"
    clock.time += 1000
    assert meter.left().startswith("0 s, 41")
    assert meter.remaining()["seconds"] == 0.0
    assert Meter(Budget(experiments=1), clock).left() == "1 experiment left"
    assert Meter(Budget(), clock).left() == "until stopped"


def test_each_limit_has_a_share_for_a_bar():
    clock = Clock()
    meter = Meter(Budget(300, 50, 3, 1000, 50), clock, spent_run_usd_before=10)
    clock.time += 75
    meter.count_experiment()
    meter.book(Usage(2000, 0, 1.5))
    assert [tuple(share) for share in meter.shares()] == [
        ("time", 0.25, "1m 15s of 5m"),
        ("experiments", 0.02, "1 of 50"),
        ("money", 0.5, "1.50 usd of 3 usd"),
        ("tokens", 1.0, "2 ktok of 1 ktok"),
        ("run money", pytest.approx(0.23), "11.50 usd of 50 usd"),
    ]
    assert Meter(Budget(), clock).shares() == []
    assert Meter(Budget(usd=0), clock).shares()[0].used == 1.0
