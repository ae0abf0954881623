"""An experiment and its parts, as values.

    Proposal --gate--> Draft --executions--> Experiment

Each class is one state; no field means "not known yet". What is deliberately not in here: how a proposal is made,
how a command is run, how any of it is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from statistics import fmean

from autoresearch.core.edit import Edit

Scalar = str | int | float | bool


SLOWEST, TYPICAL, HELD_OUT = "slowest=", "typical=", "holdout="
"""Flags where more was run than one sample, in seconds: of its slowest and its mean sample, and of the holdout."""
CHECKED = "checked"
"""Flag of a baseline that passed the checks."""
SUSPICIOUS, SIMPLER = "suspicious", "simplification"
"""Flags: its gain was too good to be believed at once; it was kept for being simpler."""
VETOED = "vetoed"
"""Flag: the rule said keep, and something else than the metric forbids it."""


class Outcome(StrEnum):
    """What happened to an experiment, or to one sample of it."""

    MEASURED = "measured"
    CRASHED = "crashed"
    TIMED_OUT = "timed out"
    OUT_OF_MEMORY = "out of memory"
    OVER_LIMITS = "over limits"
    NO_METRIC = "no metric"
    TAMPERED = "tampered"
    CHECKS_FAILED = "checks failed"
    REJECTED = "rejected"
    SKIPPED = "skipped"
    INTERRUPTED = "interrupted"

    @property
    def is_failure(self) -> bool:
        """The experiment itself is to blame (not the person who stopped it, not the rule that weighed it)."""
        return self not in (Outcome.MEASURED, Outcome.INTERRUPTED, Outcome.SKIPPED)

    @property
    def was_judged(self) -> bool:
        """Its tree counts as tried: the same change will not be run again."""
        return self is not Outcome.INTERRUPTED


class Decision(StrEnum):
    """What became of the change."""

    KEEP = "keep"
    DISCARD = "discard"


@dataclass(frozen=True, slots=True)
class Usage:
    """What was spent on a proposal, or on several. What is known of it stays known, whatever else is added."""

    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: float | None = 0.0
    """US dollars; None where no price is known."""
    is_partial: bool = False
    """It cost more than that: of a part the price is not known."""

    def __add__(self, other: Usage) -> Usage:
        usd = (self.cost_usd or 0.0) + (other.cost_usd or 0.0)
        is_partial = self.is_partial or other.is_partial or None in (self.cost_usd, other.cost_usd)
        tokens_in, tokens_out = self.tokens_in + other.tokens_in, self.tokens_out + other.tokens_out
        if is_partial and not usd:
            return Usage(tokens_in, tokens_out, None)
        return Usage(tokens_in, tokens_out, usd, is_partial)

    @property
    def tokens(self) -> int:
        return self.tokens_in + self.tokens_out


FREE = Usage()


@dataclass(frozen=True, slots=True)
class Sample:
    """One measured value; `at` is the running count of samples in the run."""

    value: float
    at: int


@dataclass(frozen=True, slots=True)
class LostSample:
    """One execution that gave no value."""

    outcome: Outcome
    at: int


AnySample = Sample | LostSample


@dataclass(frozen=True, slots=True)
class Measured:
    """An execution that gave the metric. `seconds` is wall time; `tail` the end of the output, for people."""

    value: float
    seconds: float
    measures: Mapping[str, float] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    tail: str = ""
    feedback: str = ""
    """What the experiment had to say to the proposer."""


@dataclass(frozen=True, slots=True)
class Unmeasured:
    """An execution that gave no metric, or did not end well, with the reason in words."""

    outcome: Outcome
    reason: str
    seconds: float
    measures: Mapping[str, float] = field(default_factory=dict)
    tail: str = ""
    feedback: str = ""


@dataclass(frozen=True, slots=True)
class Passed:
    """An execution that measures nothing, and ended well: the checks."""

    seconds: float
    tail: str = ""


Execution = Measured | Unmeasured | Passed


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that somebody suggests, and what the suggestion cost. Nothing in it has been checked."""

    title: str
    hypothesis: str
    edits: tuple[Edit, ...]
    proposer: str
    usage: Usage = FREE
    model: str = ""
    params: Mapping[str, Scalar] = field(default_factory=dict)
    prompt: str = ""
    reply: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """A proposal that passed the gates and has its commit and number, but no result."""

    number: int
    commit: str
    tree: str
    parent: int | None
    parent_commit: str
    proposal: Proposal
    started: datetime
    reverts: tuple[int, ...] = ()
    carried_from: int | None = None
    """The experiment that tried the same change on an older incumbent."""


@dataclass(frozen=True, slots=True)
class Result:
    """What is added to a draft to make an experiment of it."""

    outcome: Outcome
    decision: Decision
    reason: str
    samples: tuple[AnySample, ...]
    incumbent_samples: tuple[tuple[int, Sample], ...]
    measures: Mapping[str, float]
    seconds: float
    ended: datetime
    flags: tuple[str, ...] = ()
    unbilled: Usage = FREE
    """Cost of requests that failed since the last commit, and money that the samples spent: booked on this one."""
    holdout: tuple[float, ...] = ()
    """What the holdout measured. No `Experiment` has it, so that no proposer can be told."""
    incumbent_holdout: tuple[float, ...] = ()
    """The same of the parent, where it had to be measured now."""
    feedback: str = ""
    slot: int = 0


@dataclass(frozen=True, slots=True)
class Experiment:
    """One finished experiment, exactly as the record has it."""

    number: int
    commit: str
    tree: str
    parent: int | None
    title: str
    hypothesis: str
    outcome: Outcome
    decision: Decision
    reason: str
    metric_name: str
    metric: float | None
    """The mean of its own samples at the time of the decision; `History.metric` has the mean over all commits."""
    samples: tuple[AnySample, ...]
    incumbent_samples: tuple[tuple[int, Sample], ...]
    measures: Mapping[str, float]
    seconds: float
    started: datetime
    ended: datetime
    proposer: str
    model: str = ""
    params: Mapping[str, Scalar] = field(default_factory=dict)
    usage: Usage = FREE
    isolation: str = "basic"
    slot: int = 0
    flags: tuple[str, ...] = ()
    carried_from: int | None = None
    reverts: tuple[int, ...] = ()

    @property
    def is_kept(self) -> bool:
        return self.decision is Decision.KEEP

    @property
    def is_vetoed(self) -> bool:
        """Was it not kept although its number was better? Nobody need go where it went."""
        return VETOED in self.flags or (SUSPICIOUS in self.flags and not self.is_kept)

    @property
    def values(self) -> tuple[float, ...]:
        """The values of its own measured samples, oldest first."""
        return tuple(sample.value for sample in self.samples if isinstance(sample, Sample))


def sample_seconds(one: Experiment) -> float:
    """Seconds of one sample that was taken for it, as near as the record knows."""
    mean = one.seconds / max(1, len(one.samples) + len(one.incumbent_samples))
    typical = _told(one, TYPICAL)
    return min(mean, slowest_sample(one)) if typical is None else typical


def slowest_sample(one: Experiment) -> float:
    """Seconds of its slowest sample, as far as the record knows."""
    told = _told(one, SLOWEST)
    return one.seconds / max(1, len(one.samples)) if told is None else told


def holdout_seconds(baseline: Experiment | None) -> float:
    """How long the holdout takes; 0 where that is not known."""
    return (_told(baseline, HELD_OUT) if baseline else None) or 0.0


def _told(one: Experiment, name: str) -> float | None:
    return next((float(flag.removeprefix(name)) for flag in one.flags if flag.startswith(name)), None)


def finished(draft: Draft, result: Result, commit: str, metric_name: str, isolation: str = "basic") -> Experiment:
    """The experiment that a draft and its result make, with all that was billed for it."""
    proposal = draft.proposal
    values = [sample.value for sample in result.samples if isinstance(sample, Sample)]
    return Experiment(
        number=draft.number,
        commit=commit,
        tree=draft.tree,
        parent=draft.parent,
        title=proposal.title,
        hypothesis=proposal.hypothesis,
        outcome=result.outcome,
        decision=result.decision,
        reason=result.reason,
        metric_name=metric_name if values else "",
        metric=fmean(values) if values and result.outcome is Outcome.MEASURED else None,
        samples=result.samples,
        incumbent_samples=result.incumbent_samples,
        measures=result.measures,
        seconds=result.seconds,
        started=draft.started,
        ended=result.ended,
        proposer=proposal.proposer,
        model=proposal.model,
        params=proposal.params,
        usage=proposal.usage + result.unbilled,
        isolation=isolation,
        slot=result.slot,
        flags=result.flags,
        carried_from=draft.carried_from,
        reverts=draft.reverts,
    )
