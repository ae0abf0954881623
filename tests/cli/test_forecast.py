"""What a record says about the experiments to come."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from autoresearch.cli.forecast import forecast, pace_of, reserve_of, sample_seconds, spending
from autoresearch.config import Config
from autoresearch.core.budget import Budget, Meter
from autoresearch.core.experiment import Decision, Experiment, Outcome, Sample, Usage
from autoresearch.core.history import Direction, History
from autoresearch.core.plan import UNKNOWN, Pace
from autoresearch.core.seeds import Seeds
from tests.support.experiments import START, experiment

NOISY, EQUAL, ONE = (3.0, 3.1, 2.9), (3.0, 3.0, 3.0), (3.0,)


def configured(metric: dict[str, Any] | None = None, **decision: Any) -> Config:
    return Config.model_validate(
        {
            "editable": ["train.py"],
            "experiment": {"command": "python train.py"},
            "metric": {"name": "val_bpb", "direction": "min", **(metric or {})},
            "decision": decision,
        }
    )


def baseline(values: tuple[float, ...], **fields: Any) -> Experiment:
    samples = tuple(Sample(value, at) for at, value in enumerate(values, 1))
    return experiment(0, values[0], samples=samples, **{"seconds": 10.0 * len(values), **fields})


def record(*experiments: Experiment) -> History:
    return History(Direction.MIN, experiments)


def test_before_the_baseline_nothing_is_known() -> None:
    assert pace_of(record(), configured()) == UNKNOWN
    assert list(forecast(record(), configured(), Seeds.VARIED)) == []
    assert reserve_of(record(), configured(), 3600.0) == 0.0


@pytest.mark.parametrize(
    ("values", "config", "pace"),
    [
        # 1.35 samples until a change is decided, and one more of the incumbent every 25 of them
        (NOISY, configured(), Pace(10 * 1.35 * 1.04, repeats=True)),
        (ONE, configured(), Pace(10 * 1.35 * 1.04, repeats=True)),
        (NOISY, configured({"timing": True}), Pace(10 * 1.35 * 1.1, repeats=True)),
        (EQUAL, configured(), Pace(10)),
        (NOISY, configured(rule="keep-if-better"), Pace(10)),
    ],
)
def test_after_the_baseline_an_experiment_takes_its_sample_and_repeats(
    values: tuple[float, ...], config: Config, pace: Pace
) -> None:
    known = pace_of(record(baseline(values)), config)
    assert (known.seconds, known.repeats) == (pytest.approx(pace.seconds), pace.repeats)


def test_the_setup_is_there_once_and_checks_are_not_taken_for_samples() -> None:
    one = baseline(EQUAL, seconds=60.0, ended=START + timedelta(seconds=67), flags=("slowest=11.000",))
    assert sample_seconds(one) == 11.0
    assert pace_of(record(one), configured()) == Pace(11 + 7)


def test_with_a_record_it_takes_what_the_others_took_and_cost() -> None:
    again = ((0, Sample(3.0, 9)),)
    tried = [
        experiment(1, 3.2, seconds=10.0, usage=Usage(1, 1, 0.1)),
        experiment(2, 3.2, seconds=30.0, usage=Usage(1, 1, 0.3), incumbent_samples=again),
        experiment(3, outcome=Outcome.INTERRUPTED, seconds=500.0),
        experiment(4, 2.5, seconds=20.0, usage=Usage(1, 1, 0.2), decision=Decision.KEEP),
    ]
    history = record(baseline(NOISY), *tried)
    known = pace_of(history, configured())
    assert (known.seconds, known.usd, known.repeats) == (20.0, pytest.approx(0.2), True)
    said = spending(Meter(Budget(usd=3), lambda: 0.0), history, configured())
    assert said == "budget: 3 usd: room for about 15 experiments of 20 s and 0.20 usd, repeats included"


def test_the_time_that_is_gone_and_the_final_check_are_no_room() -> None:
    clock = iter((0.0, 30.0, 30.0))
    history = record(baseline(NOISY))
    # 600 s less 30 s for the baseline and 3 pairs of 10 s each; 14.04 s an experiment
    said = spending(Meter(Budget(seconds=600), lambda: next(clock)), history, configured())
    assert said == "budget: 10m: room for about 36 experiments of 14 s, repeats included"
    unchecked = spending(Meter(Budget(seconds=600), lambda: 0.0), history, configured(final_check=False))
    assert unchecked == "budget: 10m: room for about 42 experiments of 14 s, repeats included"
    assert reserve_of(record(baseline(EQUAL)), configured(), 600.0) == 0.0
    assert reserve_of(history, configured(), 250.0) == 20.0


def test_a_night_is_foreseen_with_the_noise_and_the_smallest_gain() -> None:
    history = record(baseline(NOISY))
    assert list(forecast(history, configured(), Seeds.VARIED)) == [
        "metric  val_bpb 3",
        "time    10 s per sample",
        "noise   ±0.1 (3.3 %) from sample to sample",
        # 2.2 · 0.1 · sqrt(1/6 + 1/6)
        "gain    of 0.13 (4.2 %) or more: can be told from luck, with 6 samples each",
        "rate    about 260 experiments an hour, 2000 a night (8 h), repeats included",
    ]
    more = configured({"max_samples": 12, "min_gain": "10%", "timing": True})
    # 0.3 + 2.6 · sqrt((0.01 + 0.04) / 4) · sqrt(1/12 + 1/12)
    assert "gain    of 0.42 (14 %) or more: can be told from luck, with 12 samples each" in list(
        forecast(history, more, Seeds.VARIED)
    )
    unproved = "\n".join(forecast(history, configured(rule="keep-if-better"), Seeds.VARIED))
    assert "gain" not in unproved
    assert "repeats" not in unproved


@pytest.mark.parametrize(
    ("seeds", "said"),
    [
        (Seeds.ABSENT, "none: the samples are equal, so that every gain is real"),
        (Seeds.FIXED, "none with the seed that the script fixes; with another one it may be a different number"),
        (Seeds.VARIED, "none, although every sample had its own seed: does the command use it?"),
    ],
)
def test_what_equal_samples_mean_depends_on_their_seeds(seeds: Seeds, said: str) -> None:
    assert f"noise   {said}" in list(forecast(record(baseline(EQUAL)), configured(), seeds))
