"""The record of a run as the tuner reads it: which values each experiment had, and what came of them.

Constants of an experiment are found in its own files, whoever proposed it. Two experiments whose files differ only in
values are of one *skeleton*; between skeletons the metric differs for other reasons than the constants, so that numbers
of an older skeleton are moved until its best equals the best of the present one, and a skeleton seen once is left out.
What is not here: choosing values (`sampling`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from hashlib import blake2b

from autoresearch.core.experiment import Experiment, Outcome, Scalar
from autoresearch.core.history import Digest, Direction
from autoresearch.core.ports import Request
from autoresearch.proposers.annotations import NUMERAL, WORD, present_value
from autoresearch.proposers.constants import Constant, find, skeleton
from autoresearch.proposers.ranges import Value
from autoresearch.proposers.space import Axis, Observation, Past, Point

REMEMBERED = 1200
"""Commits whose values are kept in memory: twice what a digest names, and some."""
NOT_RUN = (Outcome.REJECTED, Outcome.SKIPPED, Outcome.INTERRUPTED)

Combination = tuple[Value, ...]
Files = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class State:
    """The constants of one commit, by key; `skeleton` identifies everything else."""

    skeleton: bytes
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Trial:
    """An experiment at its state. `cost`: the metric to be minimised, None when it failed, or was vetoed."""

    experiment: Experiment
    state: State
    cost: float | None


def state_of(files: Files, constants: list[Constant]) -> State:
    """The state of files in which those constants were found."""
    digest = blake2b(skeleton(files, constants).encode(errors="surrogatepass"), digest_size=16).digest()
    return State(digest, {one.key: one.value for one in constants})


class Reader:
    """Reads each commit once; remembers a bounded number of them."""

    def __init__(self, direction: Direction, *, markers: bool = False) -> None:
        self._direction = direction
        self._markers = markers
        self._states: OrderedDict[str, State] = OrderedDict()

    def trials(self, request: Request, constants: Sequence[Constant], present: State) -> list[Trial]:
        """All that ran among the best, the newest, the baseline and the parent, oldest first."""
        record = request.record
        shown = {one.number: one for one in (record.baseline, request.parent, *record.best, *record.newest)}
        ran = [shown[number] for number in sorted(shown) if shown[number].outcome not in NOT_RUN]
        read = partial(self._state, request, constants, present)
        return [Trial(one, read(one.commit), self._cost(one, record)) for one in ran]

    def _cost(self, experiment: Experiment, record: Digest) -> float | None:
        metric = record.metric.get(experiment.number)
        is_bad = experiment.outcome.is_failure or experiment.is_vetoed
        return None if metric is None or is_bad else self._direction.cost(metric)

    def _state(self, request: Request, constants: Sequence[Constant], present: State, commit: str) -> State:
        if commit not in self._states:
            files = request.source(commit)
            values = values_like(files, request.files, constants)
            self._states[commit] = State(present.skeleton, values) if values else self._state_in(files)
            while len(self._states) > REMEMBERED:
                self._states.popitem(last=False)
        self._states.move_to_end(commit)
        return self._states[commit]

    def _state_in(self, files: Files) -> State:
        return state_of(files, find(files, markers=self._markers))


def values_like(files: Files, model: Files, constants: Sequence[Constant]) -> dict[str, Value] | None:
    """The values in files that differ from `model` in nothing else; None when they do.

    Twenty times as fast as parsing them. The constants are those of the model.
    """
    values: dict[str, Value] = {}
    if files.keys() != model.keys():
        return None
    for path, text in files.items():
        at = end = 0
        for one in (one for one in constants if one.path == path):
            between = model[path][end : one.literal.start]
            found = (NUMERAL if one.literal.number is not None else WORD).match(text, at + len(between))
            if not text.startswith(between, at) or found is None:
                return None
            values[one.key] = present_value(replace(one.literal, text=found[0]), one.domain)
            at, end = found.end(), one.literal.end
        if text[at:] != model[path][end:]:
            return None
    return values


def tried(trials: Sequence[Trial], present: State) -> set[Combination]:
    """Values of experiments that differ from the present files in nothing else."""
    alike = (one.state.values for one in trials if one.state.skeleton == present.skeleton)
    return {tuple(values[key] for key in present.values) for values in alike}


def refused(request: Request, name: str) -> list[Mapping[str, Scalar]]:
    """Parameters of the tuner's own proposals that did not pass the gates, now or earlier."""
    attempts = [one.proposal.params for one in request.attempts if one.proposal.proposer == name]
    rejected = (one for one in request.record.newest if one.outcome is Outcome.REJECTED and one.proposer == name)
    return [*attempts, *(one.params for one in rejected)]


def past_of(trials: Sequence[Trial], present: State, axes: Mapping[str, Axis], parent: int, name: str) -> Past:
    """The trials as points on the axes (by key), on the level of the present skeleton.

    `parent` is the number of the incumbent, `name` the tuner's as a proposer.
    """
    shifts = _shifts(trials, present.skeleton)
    place = cache(lambda key, value: axes[key].place(value))
    observations = []
    for trial in trials:
        shift, point = shifts.get(trial.state.skeleton), _point(trial.state, axes, place)
        if shift is not None and point is not None:
            observations.append(Observation(point, None if trial.cost is None else trial.cost + shift))
    known = (one.cost for one in trials if one.experiment.number == parent and one.cost is not None)
    keeps = tuple(one.experiment.is_kept for one in trials if one.experiment.proposer == name)
    return Past(tuple(observations), next(known, 0.0), keeps)


def _shifts(trials: Sequence[Trial], present: bytes) -> dict[bytes, float]:
    """What to add to the costs of each skeleton; those that say nothing about constants are not in it."""
    costs: dict[bytes, list[float]] = {present: []}
    for trial in trials:
        if trial.cost is not None:
            costs.setdefault(trial.state.skeleton, []).append(trial.cost)
    level = min(costs.pop(present), default=None)
    if level is None:
        return {present: 0.0}
    return {skeleton: level - min(known) for skeleton, known in costs.items() if len(known) > 1} | {present: 0.0}


def _point(state: State, axes: Mapping[str, Axis], place: Callable[[str, Value], float]) -> Point | None:
    """None when fewer than half of the constants are there, or one has a value that its axis does not know."""
    if 2 * len(axes.keys() & state.values.keys()) < len(axes):
        return None
    try:
        return tuple(place(key, state.values.get(key, axis.value)) for key, axis in axes.items())
    except ValueError:
        return None
