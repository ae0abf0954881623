"""What the samples so far say about the experiments to come, in words. Nothing is measured here."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import fmean, median

from autoresearch.cli.render.text import is_tried_change
from autoresearch.cli.rules import REFRESH
from autoresearch.config import Config
from autoresearch.core.budget import Meter
from autoresearch.core.decision import NEAR_FIRST, PROOF, SAME, TIMING_PROOF, Noise, pooled_noise
from autoresearch.core.experiment import Experiment, sample_seconds
from autoresearch.core.final_check import pairs_in
from autoresearch.core.history import History
from autoresearch.core.plan import UNKNOWN, Pace, plan, room
from autoresearch.core.quantity import format_duration, format_metric
from autoresearch.core.seeds import Seeds

NIGHT = 8 * 3600.0
REPEATS = 1.35
"""Samples of a candidate until it is decided, on average, where the metric has noise: most are discarded after one."""
ENOUGH, NEWEST = 3, 50
"""From so many changes on the record says what one takes; older ones than these may have been different."""


def pace_of(history: History, config: Config) -> Pace:
    """What one more experiment takes: as the newest have, or by the baseline; unknown before that."""
    baseline, repeats = history.baseline, _is_repeated(history, config)
    tried = [one for one in history.experiments[-NEWEST:] if is_tried_change(one)]
    # What was rejected took no time, and cost money all the same.
    ran = [one for one in tried if one.seconds]
    if len(ran) >= ENOUGH:
        seconds = fmean(one.seconds for one in ran) + median(map(_besides, ran))
        return Pace(seconds, fmean(one.usage.cost_usd or 0.0 for one in tried), repeats)
    if baseline is None:
        return UNKNOWN
    share = 1 / NEAR_FIRST if config.metric.timing else 1 / REFRESH
    samples = REPEATS * (1 + share) if repeats else 1.0
    usd = (baseline.usage.cost_usd or 0.0) / max(1, len(baseline.samples))
    return Pace(samples * sample_seconds(baseline) + _besides(baseline), samples * usd, repeats)


def _besides(one: Experiment) -> float:
    """Seconds that went by without being counted: the setup, above all."""
    return max(0.0, (one.ended - one.started).total_seconds() - one.seconds)


def _is_repeated(history: History, config: Config) -> bool:
    """Will candidates be sampled more than once? As long as no noise is known, there may be some."""
    noise = _noise(history, config)
    return config.decision.rule == "proved" and not (noise.freedom and _is_none(noise, history))


def _noise(history: History, config: Config) -> Noise:
    return pooled_noise(history.groups(), successive=config.metric.timing)


def _is_none(noise: Noise, history: History) -> bool:
    return noise.deviation <= SAME * abs(history.metric(0) or 0.0)


def reserve_of(history: History, config: Config, seconds: float) -> float:
    """Seconds of so long a time that the final check will take."""
    baseline = history.baseline
    if baseline is None or not config.decision.final_check or not _is_repeated(history, config):
        return 0.0
    each = sample_seconds(baseline)
    return 2 * pairs_in(seconds, each) * each


def spending(meter: Meter, history: History, config: Config) -> str:
    """What will be spent, and how many experiments that holds from now on."""
    left, whole = meter.remaining(), meter.budget.seconds
    if whole is not None:
        left["seconds"] = max(0.0, left["seconds"] - reserve_of(history, config, whole))
    return plan(meter.budget, left, pace_of(history, config))


def forecast(history: History, config: Config, seeds: Seeds) -> Iterator[str]:
    """Metric, time, noise, the smallest provable gain, experiments an hour and a night."""
    values, baseline = history.values(0), history.baseline
    if baseline is None:
        return
    mean = fmean(values)
    yield f"metric  {config.metric.name} {format_metric(mean)}"
    yield f"time    {format_duration(sample_seconds(baseline))} per sample"
    yield from _certainty(_noise(history, config), history, config, seeds)
    pace = pace_of(history, config)
    left = NIGHT - reserve_of(history, config, NIGHT)
    hourly, nightly = 3600 / max(pace.seconds, 0.001), room({"seconds": left}, pace) or 0
    words = f"rate    about {_few_digits(hourly)} experiments an hour, {_few_digits(nightly)} a night (8 h)"
    yield words + ", repeats included" * pace.repeats


def _certainty(noise: Noise, history: History, config: Config, seeds: Seeds) -> Iterator[str]:
    """How much the metric scatters, and what can be proved all the same."""
    mean = fmean(history.values(0))
    if not noise.freedom:
        yield "noise   not known: the baseline has one sample"
    elif not _is_none(noise, history):
        yield f"noise   ±{_rounded(noise.deviation, mean)} from sample to sample"
        if config.decision.rule == "proved":
            gain, most = smallest_gain(noise.deviation, mean, config), config.metric.max_samples
            yield f"gain    of {_rounded(gain, mean)} or more: can be told from luck, with {most} samples each"
    elif seeds is Seeds.ABSENT:
        yield "noise   none: the samples are equal, so that every gain is real"
    elif seeds is Seeds.FIXED:
        yield "noise   none with the seed that the script fixes; with another one it may be a different number"
    else:
        yield "noise   none, although every sample had its own seed: does the command use it?"


def smallest_gain(deviation: float, reference: float, config: Config) -> float:
    """The reach of the rule with the most samples on both sides, z·s·sqrt(1/K + 1/K), beyond `min_gain`."""
    score = TIMING_PROOF if config.metric.timing else PROOF
    return config.metric.min_gain.of(reference) + score * deviation * math.sqrt(2 / config.metric.max_samples)


def _rounded(value: float, of: float) -> str:
    """Two digits, and in per cent of the metric where it is not 0."""
    share = f" ({_few_digits(100 * value / abs(of))} %)" if of else ""
    return _few_digits(value) + share


def _few_digits(value: float) -> str:
    return format_metric(float(f"{value:.2g}"))
