"""What the samples of a baseline say about a night of experiments, in words. Nothing is measured here."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import fmean, stdev

from autoresearch.config import Config
from autoresearch.core.history import History
from autoresearch.core.quantity import format_duration, format_metric

NIGHT_HOURS = 8
THRESHOLD, MOST_SAMPLES = 2.2, 6
"""The normal score that proves a gain, and the most samples per side that are taken for it."""


def forecast(history: History, config: Config, each: float | None) -> Iterator[str]:
    """Metric, time, noise, the smallest provable gain, experiments an hour and a night.

    `each` is the seconds of one experiment; None where only the record says how long a sample took.
    """
    values, baseline = history.values(0), history.baseline
    seconds = baseline.seconds / max(1, len(baseline.samples)) if baseline else 0.0
    mean = fmean(values)
    yield f"metric  {config.metric.name} {format_metric(mean)}"
    yield f"time    {format_duration(seconds)} per sample"
    noise = stdev(values) if len(values) > 1 else 0.0
    if len(values) < 2:
        yield "noise   not known: the baseline has one sample"
    elif noise > 1e-9 * abs(mean):
        # The reach of the rule with the most samples on both sides: z·s·sqrt(1/K + 1/K).
        gain = THRESHOLD * noise * math.sqrt(2 / MOST_SAMPLES)
        yield f"noise   ±{_rounded(noise, mean)} from sample to sample"
        yield f"gain    of {_rounded(gain, mean)} or more: can be told from luck, with {MOST_SAMPLES} samples each"
    elif config.metric.seed == "none":
        yield "noise   none with the seed that the script fixes; with another one it may be a different number"
    else:
        yield "noise   none: the samples are equal, so that every gain is real"
    hourly = 3600 / max(each or seconds, 0.001)
    nightly = _few_digits(NIGHT_HOURS * hourly)
    yield f"rate    about {_few_digits(hourly)} experiments an hour, {nightly} in a night of {NIGHT_HOURS} h"


def _rounded(value: float, of: float) -> str:
    """Two digits, and in per cent of the metric where it is not 0."""
    share = f" ({_few_digits(100 * value / abs(of))} %)" if of else ""
    return _few_digits(value) + share


def _few_digits(value: float) -> str:
    return format_metric(float(f"{value:.2g}"))
