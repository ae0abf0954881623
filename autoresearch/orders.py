"""What the loop asks of its parts: the next sample, the next proposal, and whether it is enough."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from autoresearch.confirming import Standards
from autoresearch.core import events
from autoresearch.core.budget import Meter
from autoresearch.core.decision import Discard, Evidence, Rule, pooled_noise
from autoresearch.core.experiment import Experiment, slowest_sample
from autoresearch.core.history import History
from autoresearch.core.metric import Convention
from autoresearch.core.ports import Attempt, Executor, Job, Journal, Request, Strategy, Task
from autoresearch.core.seeds import sample_seed
from autoresearch.errors import RunError
from autoresearch.gate import Gate
from autoresearch.opened import Open

SMALL_SHARE = 0.05
"""What takes more of the time or the money there is, is not done for certainty alone."""
FREEDOM_OF_CERTAINTY = 10
"""Degrees of freedom without any noise after which a metric is taken to be deterministic."""
LAST_WORDS = 2
"""So many of the last experiments, and the incumbent, are heard."""
MOST_AHEAD = 1_000
LOSSES = 3
"""So often a machine may fail in the middle of one experiment before that is taken for the experiment's doing."""
SHORTEST_EXTRA_LIMIT = 60.0
"""Seconds that a sample may always take beyond the baseline's."""


def no_rule(tolerated: float) -> Rule:
    """Nothing is kept for being simpler."""
    return lambda _: Discard(f"a loss of {tolerated:g} is not tolerated")


@dataclass(frozen=True, slots=True)
class Parts:
    """What the loop is made of."""

    gate: Gate
    executor: Executor
    strategy: Strategy
    journal: Journal
    rule: Rule
    meter: Meter
    announce: events.Listener
    instructions: Callable[[], str]
    """The text of program.md as it is now."""
    simpler: Callable[[float], Rule] = no_rule
    """The rule for a change that removes code, by the loss that is tolerated."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Numbers that steer the loop. Limits are in seconds."""

    seed: int = 0
    limit: float | None = None
    baseline_limit: float = 3600.0
    repair_attempts: int = 0
    patience: int | None = None
    target: float | None = None
    baseline_samples: int | None = 1
    """None: three, or one when a sample takes long."""
    refresh: int | None = None
    """The incumbent is sampled again when it has not been for so many samples; None: never."""
    standards: Standards = field(default_factory=Standards)
    cost_name: str = ""
    """A number that the command prints, and that is money spent, in US dollars; empty: none."""
    usd_per_second: float = 0.0
    """Price of the machine."""
    warm_up: bool = False
    """Run the command once before the first sample of this call."""
    final_check: bool = False
    workers: int = 1
    """Slots: samples that run at the same time."""
    lookahead: int = 0
    """Proposals beyond those that run."""
    lays_ahead: bool = True
    """Prepare the next candidate beside what runs."""
    is_replay: bool = False
    """The changes are given: that many of them cannot be made is no reason to end, and what was taken back may be."""

    @property
    def runs_cost(self) -> bool:
        """Does an experiment cost money besides its proposal?"""
        return bool(self.cost_name or self.usd_per_second)


def enough(
    history: History,
    settings: Settings,
    meter: Meter,
    since_keep: int,
    reserve: float = 0.0,
    *,
    is_paid: bool = False,
) -> str:
    """Why no further experiment is begun; empty while there is no reason. `reserve`: seconds to leave.

    `is_paid`: the next one costs no money any more.
    """
    incumbent = history.incumbent
    if incumbent is None:
        return ""
    best = history.metric(incumbent.number)
    if settings.target is not None and best is not None and not history.direction.improves(settings.target, best):
        return f"the target {settings.target:g} is reached"
    if settings.patience is not None and since_keep >= settings.patience:
        return f"{since_keep} experiment{'s' * (since_keep != 1)} in a row kept nothing"
    return meter.exhausted(is_paid=is_paid) or meter.too_short(reserve) or ""


def room_ahead(meter: Meter, slots: int, reserve: float, running: int, usd: float = 0.0) -> int:
    """How many experiments may be under way, `running` ones included, so that each can still be run.

    `reserve`: seconds that are left for something else; `usd`: what an experiment costs. Whether the money is enough
    for one more where nothing runs is not decided here.
    """
    left, experiments = meter.seconds_left(), meter.budget.experiments
    room = math.inf if experiments is None else experiments - meter.experiments
    if left is not None and meter.longest > 0:
        room = min(room, running + slots * max(0.0, (left - reserve) // meter.longest))
    if usd > 0 and (money := [left for name, left in meter.remaining().items() if name in ("usd", "run_usd")]):
        room = min(room, max(min(money) // usd, running, 1))
    return int(min(room, MOST_AHEAD))


def request_for(
    parts: Parts, number: int, attempts: tuple[Attempt, ...] = (), parent: Experiment | None = None
) -> Request:
    """What the proposer of experiment `number` is told; what changes meanwhile is added when it goes out.

    Without a `parent` it is the one that the strategy chooses now.
    """
    history = parts.journal.history()
    parent = parent or parts.strategy.parent(history)
    return Request(
        number=number,
        parent=parent,
        files=parts.journal.files(parent.commit),
        context=parts.journal.context(parent.commit),
        instructions="",
        record=history.digest(),
        source=parts.journal.files,
        attempts=attempts,
        feedback=feedback_of(parts.journal),
    )


def feedback_of(journal: Journal) -> Mapping[int, str]:
    """What the newest kept and the last two experiments had to say, by number."""
    history = journal.history()
    last = [one.number for one in history.experiments[-LAST_WORDS:]]
    numbers = sorted({*last, *([history.incumbent.number] if history.incumbent else [])})
    return {number: text for number in numbers if (text := journal.feedback(number))}


def job_for(
    opened: Open,
    task: Task,
    history: History,
    settings: Settings,
    slot: int = 0,
    incumbent_samples: dict[int, int] | None = None,
) -> Job:
    """What an open experiment wants to be run: of its own commit, or of the incumbent's.

    It counts as begun with that. `incumbent_samples`: how often each experiment was sampled for others, written to: no
    two get the same seed.
    """
    draft = opened.draft
    number, commit, tree, sample = draft.number, draft.commit, draft.tree, opened.begun + 1
    measured = history.baseline or (opened if opened.measured else None)
    convention = convention_of(measured) if measured else None
    limit = limit_for(history, settings) if task.is_sample or task is Task.WARM_UP else limit_of_check(settings)
    match task:
        case Task.INCUMBENT | Task.INCUMBENT_HOLDOUT:
            if draft.parent is None:
                raise RunError("the baseline has no incumbent to be compared with")
            parent = history.get(draft.parent)
            number, commit, tree = draft.parent, draft.parent_commit, parent.tree if parent else ""
            given = {} if incumbent_samples is None else incumbent_samples
            sample = given[number] = max(history.taken(number), given.get(number, 0)) + 1
        case Task.HOLDOUT:
            sample = max(1, len(opened.samples)) + len(opened.holdout)
        case Task.CHECKS:
            sample = max(1, len(opened.samples))
        case Task.FRESH:
            sample = opened.next_sample()
            # Its caches are empty: what was built long ago for the others is built now.
            limit = max(limit, limit_of_check(settings))
        case Task.SAMPLE:
            sample = opened.next_sample()
        case Task.WARM_UP:
            pass
    convention = None if task.is_holdout else convention
    return Job(number, commit, sample, sample_seed(settings.seed, number, sample), limit, convention, task, slot, tree)


def convention_of(baseline: Experiment | Open) -> Convention:
    """How the baseline printed its numbers, and which; of one that is still sampled, how its first sample did."""
    return replace(Convention.of_flags(baseline.flags), names=tuple(baseline.measures))


def limit_of_check(settings: Settings) -> float:
    """Seconds that a check, or the holdout, may take: the same for baseline, candidates and the end."""
    return settings.baseline_limit if settings.limit is None else settings.limit


def limit_for(history: History, settings: Settings) -> float:
    """Seconds that one sample may take: as configured, else twice the baseline and never less than a minute more."""
    if settings.limit is not None:
        return settings.limit
    baseline = history.baseline
    if baseline is None:
        return settings.baseline_limit
    slowest = slowest_sample(baseline)
    return max(2 * slowest, slowest + SHORTEST_EXTRA_LIMIT)


def evidence_for(opened: Open, history: History) -> Evidence:
    """The samples of both sides. The incumbent is the experiment that the candidate started from."""
    parent = opened.draft.parent
    if parent is None:
        raise RunError("the baseline is not weighed against anything")
    fresh = (sample for number, sample in opened.incumbent_samples if number == parent)
    return Evidence(opened.measured, (*history.samples(parent), *fresh), parent, history.groups(besides=parent))


def is_stale(number: int, history: History, settings: Settings, meter: Meter, now: int, newest: int = 0) -> bool:
    """Should the incumbent be sampled before the next candidate is? `now` is the running count of samples.

    `newest`: that of its newest sample that no finished experiment has.
    """
    samples = history.samples(number)
    if not samples:
        return True
    if settings.refresh is None or now - max(newest, samples[-1].at) < settings.refresh:
        return False
    noise = pooled_noise(history.groups())
    left = meter.seconds_left()
    dear = left is not None and meter.longest > SMALL_SHARE * left
    return not dear and (noise.deviation > 0 or noise.freedom < FREEDOM_OF_CERTAINTY)
