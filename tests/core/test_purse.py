"""What is set aside for model calls, what they cost in the end, and when the next one is not paid for."""

from __future__ import annotations

from threading import Barrier, Thread

import pytest

from autoresearch.core.budget import Budget, Meter
from autoresearch.core.experiment import Usage
from autoresearch.core.purse import Purse, Shortfall


def call(usd: float | None, tokens: int = 100) -> Usage:
    """A call that costs exactly this."""
    return Usage(0, tokens, usd)


def fits(purse: Purse, usage: Usage) -> bool:
    return purse.reserve(usage, usage) == usage


def test_without_limits_everything_fits() -> None:
    assert fits(Purse(), call(1e9, 10**12))
    assert fits(Purse(usd=1.0), call(None))


def test_what_calls_under_way_may_cost_is_not_there_for_another_one() -> None:
    purse = Purse(usd=1.0)
    assert fits(purse, call(0.4))
    assert fits(purse, call(0.4))
    assert purse.reserve(call(0.4), call(0.4)) == Shortfall(
        "the money left does not cover another call: 0.2000 usd left, and one can cost 0.4000 usd"
    )
    assert fits(purse, call(0.2))


def test_what_a_call_did_not_cost_is_there_again_and_what_it_cost_is_not() -> None:
    purse = Purse(usd=1.0)
    assert fits(purse, call(0.9))
    purse.settle(call(0.9), call(0.3))
    assert not fits(purse, call(0.8))
    assert fits(purse, call(0.6))


def test_a_call_that_cost_more_than_was_set_aside_uses_up_what_others_would_need() -> None:
    purse = Purse(usd=1.0)
    fits(purse, call(0.5))
    purse.settle(call(0.5), call(0.9))
    assert not fits(purse, call(0.2))


def test_booking_a_proposal_does_not_count_its_calls_twice() -> None:
    meter = Meter(Budget(usd=1.0), lambda: 0.0)
    purse = meter.purse
    for cost in (0.1, 0.2):
        fits(purse, call(0.5))
        purse.settle(call(0.5), call(cost))
    assert purse.unbooked_usd == pytest.approx(0.3)
    meter.book(call(0.1) + call(0.2))
    assert purse.unbooked_usd == 0.0
    assert meter.remaining() == {"usd": pytest.approx(0.7)}
    assert not fits(purse, call(0.71))
    assert fits(purse, call(0.69))


def test_money_of_experiments_counts_and_frees_nothing_that_is_set_aside() -> None:
    meter = Meter(Budget(usd=1.0), lambda: 0.0)
    fits(meter.purse, call(0.5))
    meter.charge(0.3)
    assert meter.remaining() == {"usd": pytest.approx(0.7)}
    assert meter.purse.unbooked_usd == 0.5
    assert not fits(meter.purse, call(0.21))
    assert fits(meter.purse, call(0.19))


def test_what_nobody_set_aside_can_be_booked() -> None:
    purse = Purse(usd=1.0)
    purse.book(Usage(10, 10, 0.9))
    assert purse.unbooked_usd == 0.0
    assert purse.usage == Usage(10, 10, 0.9)
    assert not fits(purse, call(0.2))


def test_the_limit_of_the_whole_run_knows_what_earlier_calls_of_ar_have_spent() -> None:
    purse = Purse(usd=5.0, run_usd=10.0)
    Meter(Budget(usd=5.0, run_usd=10.0), lambda: 0.0, spent_run_usd_before=9.5, purse=purse)
    shortfall = purse.reserve(call(0.6), call(0.6))
    assert shortfall == Shortfall(
        "the money left for the whole run does not cover another call: 0.5000 usd left, and one can cost 0.6000 usd"
    )
    assert fits(purse, call(0.5))


def test_tokens_are_set_aside_in_the_same_way() -> None:
    purse = Purse(tokens=1000)
    assert fits(purse, call(None, 600))
    assert purse.reserve(call(None, 600), call(None, 600)) == Shortfall(
        "the tokens left do not cover another call: 400 tok left, and one can take 600 tok"
    )
    purse.settle(call(None, 600), call(None, 300))
    assert fits(purse, call(None, 700))


def test_of_what_could_be_used_as_much_is_set_aside_as_there_is() -> None:
    least, most = Usage(1000, 1000, 0.03), Usage(1000, 16_000, 0.33)
    assert Purse(usd=0.33).reserve(least, most) == most
    assert Purse(usd=0.13).reserve(least, most) == Usage(1000, 6000, pytest.approx(0.13))
    assert Purse(usd=0.03).reserve(least, most) == least
    assert Purse(tokens=3000).reserve(least, most) == Usage(1000, 2000, pytest.approx(0.05))
    assert Purse(usd=0.13, tokens=3000).reserve(least, most) == Usage(1000, 2000, pytest.approx(0.05))
    assert isinstance(Purse(usd=0.029).reserve(least, most), Shortfall)


def test_the_two_numbers_never_look_the_same() -> None:
    shortfall = Purse(usd=2.101001).reserve(call(2.101002), call(2.101002))
    assert isinstance(shortfall, Shortfall)
    assert "2.1010 usd left, and one can cost 2.1011 usd" in shortfall.reason
    assert "0.0000 usd left" in _reason(Purse(usd=0.0), call(0.5))
    assert "0.0000 usd left" in _reason(_overdrawn(), call(0.5))


def _reason(purse: Purse, usage: Usage) -> str:
    shortfall = purse.reserve(usage, usage)
    assert isinstance(shortfall, Shortfall)
    return shortfall.reason


def _overdrawn() -> Purse:
    purse = Purse(usd=1.0)
    purse.charge(1.5)
    return purse


def test_many_threads_never_set_aside_more_than_there_is() -> None:
    purse, together, got = Purse(usd=50.0), Barrier(8), []

    def ask() -> None:
        together.wait()
        got.extend(fits(purse, call(1.0)) for _ in range(20))

    threads = [Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(got) == 50
