"""The record of one run in memory: appended to, never rewritten, with the questions that the loop asks of it.

Every method costs the same at ten and at ten thousand experiments, `digest` included: it looks at a bounded number.
Whether a larger metric is better is said once, by `Direction`.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean

from autoresearch.core.experiment import SUSPICIOUS, Experiment, LostSample, Outcome, Sample, Usage

BEST_SHOWN = 100
NEWEST_SHOWN = 400
GROUPS_SHOWN = 100
BEST_SORTED = 1_000
"""So many candidates for the best are collected before they are sorted: sorting at every experiment is slow."""


class Direction(StrEnum):
    """Which way the metric improves."""

    MIN = "min"
    MAX = "max"

    @classmethod
    def _missing_(cls, value: object) -> Direction | None:
        return {"minimize": cls.MIN, "lower": cls.MIN, "maximize": cls.MAX, "higher": cls.MAX}.get(str(value))

    def improves(self, candidate: float, incumbent: float) -> bool:
        """Is `candidate` strictly better than `incumbent`?"""
        return candidate < incumbent if self is Direction.MIN else candidate > incumbent

    def cost(self, value: float) -> float:
        """The value as something to be minimised."""
        return value if self is Direction.MIN else -value


@dataclass(frozen=True, slots=True)
class Digest:
    """A bounded view of the record for proposers; safe to read from another thread."""

    baseline: Experiment
    incumbent: Experiment
    best: tuple[Experiment, ...]
    """At most 100 measured experiments, best first."""
    newest: tuple[Experiment, ...]
    """At most 400 experiments of every outcome, newest first."""
    metric: Mapping[int, float]
    """Mean of all samples, by number, for every measured experiment above."""
    reverted: frozenset[int]
    total: int
    kept: int


class History:
    """All finished experiments of a run, in the order in which they ended."""

    def __init__(
        self, direction: Direction, experiments: Iterable[Experiment] = (), *, is_imported: bool = False
    ) -> None:
        """`is_imported`: there is no branch of ours, and what was kept was somebody else's decision."""
        self.direction = direction
        self._is_imported = is_imported
        self.experiments: list[Experiment] = []
        self.usage = Usage()
        self.seconds = 0.0
        self.sample_count = 0
        """The running count of the newest sample in the run."""
        self.next_number = 0
        """After the highest so far: where several run side by side they do not end in the order of their numbers."""
        self._samples: dict[int, list[Sample]] = {}
        self._means: dict[int, float] = {}
        self._by_number: dict[int, Experiment] = {}
        self._kept: list[Experiment] = []
        self._repeated: dict[int, None] = {}
        self._best: list[Experiment] = []
        self._tried: dict[str, int] = {}
        self._reverted: set[int] = set()
        self._holdout: dict[int, Sequence[float]] = {}
        for experiment in experiments:
            self.add(experiment)

    def add(self, experiment: Experiment) -> None:
        """Append a finished experiment. Raises ValueError when its number is already there."""
        if experiment.number in self._by_number:
            raise ValueError(f"experiment {experiment.number} is in the history already")
        self.experiments.append(experiment)
        self._by_number[experiment.number] = experiment
        self.next_number = max(self.next_number, experiment.number + 1)
        self.usage += experiment.usage
        self.seconds += experiment.seconds
        self._collect_samples(experiment)
        if experiment.outcome.was_judged and experiment.outcome is not Outcome.REJECTED:
            self._tried.setdefault(experiment.tree, experiment.number)
        if experiment.is_kept:
            self._kept.append(experiment)
            if experiment.reverts:
                self._undo()
        if experiment.outcome is Outcome.MEASURED and experiment.number in self._samples:
            self._best.append(experiment)
        if len(self._best) >= BEST_SORTED:
            self._best = self._best_measured()

    def _undo(self) -> None:
        """What is taken back: what a kept return names that is not taken back itself, by a later one."""
        self._reverted.clear()
        for one in reversed(self._kept):
            if one.number not in self._reverted:
                self._reverted.update(one.reverts)

    def _best_measured(self) -> list[Experiment]:
        return sorted(self._best, key=self._cost)[:BEST_SHOWN]

    def _collect_samples(self, experiment: Experiment) -> None:
        # Its samples differ because it cheated, and not by the noise that other changes are weighed against.
        exposed = SUSPICIOUS in experiment.flags and not experiment.is_kept
        taken = [(experiment.number, sample) for sample in experiment.samples if isinstance(sample, Sample)]
        for number, sample in (*taken, *experiment.incumbent_samples):
            known = self._samples.setdefault(number, [])
            # Where several experiments run side by side, they do not end in the order of their samples.
            insort(known, sample, key=lambda one: one.at)
            self._means[number] = fmean(one.value for one in known)
            if len(known) >= 2 and not exposed:
                self._repeated.pop(number, None)
                self._repeated[number] = None
        while len(self._repeated) > GROUPS_SHOWN:
            del self._repeated[next(iter(self._repeated))]
        numbered = (*experiment.samples, *(sample for _, sample in experiment.incumbent_samples))
        self.sample_count = max((self.sample_count, *(sample.at for sample in numbered)))

    @property
    def baseline(self) -> Experiment | None:
        """Experiment 0, when it was measured."""
        first = self._by_number.get(0)
        return first if first is not None and first.is_kept else None

    @property
    def incumbent(self) -> Experiment | None:
        """The newest kept experiment: what the next change must beat."""
        return self._kept[-1] if self._kept else None

    @property
    def kept(self) -> Sequence[Experiment]:
        """The kept experiments, baseline first."""
        return self._kept

    @property
    def best(self) -> Experiment | None:
        """What the run has come to: the incumbent, which the branch is at; after a return to it, the baseline.

        Where there is no branch, or no number of the incumbent, as of a return that was not measured: the kept
        experiment with the best mean that has not been taken back.
        """
        baseline, incumbent = self.baseline, self.incumbent
        if incumbent and incumbent.reverts and baseline and incumbent.tree == baseline.tree:
            return baseline
        if incumbent is not None and incumbent.number in self._means and not self._is_imported:
            return incumbent
        candidates = [one for one in self._kept if one.number not in self._reverted and one.number in self._means]
        return min(reversed(candidates), key=self._cost, default=None)

    def _cost(self, experiment: Experiment) -> float:
        return self.direction.cost(self._means[experiment.number])

    @property
    def metric_name(self) -> str:
        """As the baseline was measured; `metric` where nobody says."""
        named = (one.metric_name for one in (self.baseline, *self.experiments[:1]) if one is not None)
        return next(filter(None, named), "metric")

    def get(self, number: int) -> Experiment | None:
        return self._by_number.get(number)

    def samples(self, number: int) -> Sequence[Sample]:
        """Every sample of that experiment, over all commits, oldest first."""
        return self._samples.get(number, ())

    def taken(self, number: int) -> int:
        """How often that experiment was sampled, over all commits, samples that gave nothing included."""
        own = self._by_number.get(number)
        lost = sum(isinstance(one, LostSample) for one in own.samples) if own else 0
        return len(self.samples(number)) + lost

    def values(self, number: int) -> tuple[float, ...]:
        return tuple(sample.value for sample in self.samples(number))

    def groups(self, *, besides: int | None = None) -> list[tuple[float, ...]]:
        """Values of the experiments that were sampled at least twice, the one sampled last first; at most 100."""
        return [self.values(number) for number in reversed(self._repeated) if number != besides]

    def metric(self, number: int) -> float | None:
        """The mean of all its samples; None when none was measured."""
        return self._means.get(number)

    def gain(self, value: float, number: int) -> float | None:
        """By how much `value` is better than that experiment's mean, in units of the metric; None without one."""
        metric = self.metric(number)
        return None if metric is None else self.direction.cost(metric) - self.direction.cost(value)

    def add_holdout(self, number: int, values: Sequence[float]) -> None:
        """Remember what the holdout measured for an experiment. No digest has it: no proposer may know."""
        if values:
            self._holdout[number] = tuple(values)

    def holdout(self, number: int) -> Sequence[float]:
        """What the holdout measured for that experiment."""
        return self._holdout.get(number, ())

    def holdout_groups(self) -> list[Sequence[float]]:
        """Holdout measurements of the experiments that have two or more."""
        return [values for values in self._holdout.values() if len(values) >= 2]

    def tried(self, tree: str) -> int | None:
        """The number of the experiment that ran this tree."""
        return self._tried.get(tree)

    def is_reverted(self, number: int) -> bool:
        return number in self._reverted

    def digest(self) -> Digest:
        """Raises ValueError before the baseline is measured: there is nothing to propose from."""
        if self.baseline is None or self.incumbent is None:
            raise ValueError("no baseline yet")
        newest, best = tuple(reversed(self.experiments[-NEWEST_SHOWN:])), tuple(self._best_measured())
        shown = {one.number for one in (*best, *newest, self.baseline, self.incumbent)}
        return Digest(
            baseline=self.baseline,
            incumbent=self.incumbent,
            best=best,
            newest=newest,
            metric={number: self._means[number] for number in shown if number in self._means},
            reverted=frozenset(self._reverted),
            total=len(self.experiments),
            kept=len(self._kept),
        )
