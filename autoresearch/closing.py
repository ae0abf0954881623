"""The end of a call: baseline and best are sampled in turn, with fresh seeds, in a tenth of the budget.

Nothing is decided by it; it says what the gain of the whole run is worth (`core.final_check`). There is none for a
metric without noise, without a kept change, and without a budget of time or experiments to take a tenth of.
"""

from __future__ import annotations

from collections.abc import Sequence
from queue import Empty
from typing import TYPE_CHECKING

from autoresearch.core import events
from autoresearch.core.budget import Meter
from autoresearch.core.decision import SAME, pooled_noise
from autoresearch.core.experiment import Execution, Experiment, Measured, Sample, Usage
from autoresearch.core.final_check import SHARE, FinalCheck, pairs_in
from autoresearch.core.history import History
from autoresearch.core.ports import Job
from autoresearch.core.seeds import sample_seed
from autoresearch.opened import Answered, Sampled, SampledAgain, StopRequested
from autoresearch.orders import Settings, convention_of, limit_for
from autoresearch.prices import money_of

if TYPE_CHECKING:
    from autoresearch.loop import Loop


def pairs_wanted(history: History, settings: Settings, meter: Meter) -> int:
    """How many pairs of samples the check would have."""
    best, baseline, budget = history.best, history.baseline, meter.budget
    if not settings.final_check or best is None or baseline is None or best is baseline:
        return 0
    noise, level = pooled_noise(history.groups()), abs(history.metric(baseline.number) or 0.0)
    if noise.deviation <= SAME * level or (budget.seconds is None and budget.experiments is None):
        return 0
    in_time = pairs_in(budget.seconds, meter.longest) if budget.seconds is not None else None
    in_count = pairs_in(float(budget.experiments), 1.0) if budget.experiments is not None else None
    return min(pairs for pairs in (in_time, in_count) if pairs is not None)


def reserve(history: History, settings: Settings, meter: Meter) -> float:
    """Seconds to leave for the check when no further experiment is begun."""
    if meter.budget.seconds is None:
        return 0.0
    return min(SHARE * meter.budget.seconds, 2 * pairs_wanted(history, settings, meter) * meter.longest)


def look_again(loop: Loop) -> FinalCheck | None:
    """Take the samples, as long as nobody says stop and the time is enough; None without a whole pair."""
    history, meter = loop.history, loop.parts.meter
    baseline, best = history.baseline, history.best
    if baseline is None or best is None:
        return None
    taken: dict[int, list[Sample]] = {baseline.number: [], best.number: []}
    for _ in range(pairs_wanted(history, loop.settings, meter)):
        left = meter.seconds_left()
        if left is not None and 2 * meter.longest > left:
            break
        for one in (baseline, best):
            execution = _sample(loop, one, taken[one.number])
            if not isinstance(execution, Measured) or loop.stopping:
                return _check(best, taken[baseline.number], taken[best.number])
            taken[one.number].append(Sample(execution.value, loop.judge.samples))
    return _check(best, taken[baseline.number], taken[best.number])


def _check(best: Experiment, first: Sequence[Sample], last: Sequence[Sample]) -> FinalCheck | None:
    pairs = min(len(first), len(last))
    return FinalCheck(best.number, tuple(first[:pairs]), tuple(last[:pairs])) if pairs else None


def _sample(loop: Loop, one: Experiment, before: Sequence[Sample]) -> Execution | None:
    """One more sample of a finished experiment, with a seed that it never had."""
    history, settings, parts = loop.history, loop.settings, loop.parts
    number, baseline = len(history.samples(one.number)) + len(before) + 1, history.baseline
    job = Job(
        number=one.number,
        commit=one.commit,
        sample=number,
        seed=sample_seed(settings.seed, one.number, number),
        limit=limit_for(history, settings),
        convention=convention_of(baseline) if baseline else None,
    )
    loop.judge.samples += 1
    parts.announce(events.SampleStarted(job.number, job.sample, job.limit))
    parts.executor.submit(job).add_done_callback(lambda done: loop.inbox.put(SampledAgain(done)))
    execution = _wait(loop)
    parts.announce(events.SampleFinished(job.number, job.sample, execution))
    parts.meter.sample_took(execution.seconds)
    usage = Usage(cost_usd=money_of(job.task, execution, history, settings))
    loop.judge.bill(usage, carried=False)
    return execution


def _wait(loop: Loop) -> Execution:
    """The sample's end; time that is up, and who says stop, end it before."""
    while True:
        try:
            message = loop.inbox.get(timeout=None if loop.stopping else loop.parts.meter.seconds_left())
        except Empty:
            message = StopRequested("the time budget is used up", at_once=False)
        match message:
            case SampledAgain(future):
                return future.result()
            case StopRequested(_, at_once):
                loop.parts.executor.stop(at_once=at_once or loop.stopping)
                loop.stopping = True
            case Answered(future) if future.exception() is None:
                loop.judge.bill(future.result().proposal.usage, carried=False)
            case Answered() | Sampled():
                pass
