"""The tuner: proposes other values for the constants in the editable files. No model, no key, no network.

    constants.find -> trials.past_of -> sampling.suggest -> constants.rewrite

It holds no state but a cache: what it proposes follows from the record, the seed and the number of the experiment. What
is not here: which constants count and what they may be (`constants`, `ranges`), how values are chosen (`sampling`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice, product

from autoresearch.core.edit import Change, Edit, Replace, Write, apply
from autoresearch.core.experiment import Proposal, Scalar
from autoresearch.core.history import Direction
from autoresearch.core.ports import Request
from autoresearch.errors import ProposalsExhausted, ProposerBroken
from autoresearch.proposers.constants import Constant, find, misread, rewrite
from autoresearch.proposers.ranges import Value
from autoresearch.proposers.sampling import Sampler, suggest
from autoresearch.proposers.space import Axis, Past, Point
from autoresearch.proposers.trials import Combination, Reader, past_of, refused, state_of, tried

__all__ = ["Sampler", "TunerProposer", "check_constants"]

DRAWS = 200
"""Suggestions looked at for one that is new."""
COMBINATIONS = 3000
"""Below so many, all are gone through before the tuner says that none is left."""
TITLE_LENGTH = 72
EXAMPLE = "LR = 3e-4  # tune: 1e-5..1e-2 log"


class TunerProposer:
    """Satisfies `core.ports.Proposer`. Proposals cost nothing and take milliseconds, however long the run."""

    name = "tuner"
    is_free = True

    def __init__(
        self, *, sampler: Sampler = Sampler.LOCAL, direction: Direction, seed: int, markers: bool = False
    ) -> None:
        """`markers`: in a file with EVOLVE-BLOCK markers, only constants between them are tuned."""
        self._sampler = sampler
        self._seed = abs(seed)
        self._markers = markers
        self._reader = Reader(direction, markers=markers)

    def propose(self, request: Request) -> Proposal:
        """Values that were not tried.

        Raises ProposerBroken without constants, ProposalsExhausted when every combination was tried, ProposalFailed
        when by bad luck only known ones were drawn.
        """
        constants = find(request.files, markers=self._markers)
        if not constants:
            raise _nothing_to_tune(request.files)
        present = state_of(request.files, constants)
        trials = self._reader.trials(request, constants, present)
        axes = {one.key: Axis(one.domain, one.value) for one in constants}
        past = past_of(trials, present, axes, request.parent.number, self.name)
        used = tried(trials, present) | {tuple(present.values.values())}
        seed = (self._seed, request.number, len(request.attempts))
        points = islice(suggest(self._sampler, list(axes.values()), past, seed), DRAWS)
        spoilt = refused(request, self.name)
        for values in chain(_values_at(points, list(axes.values())), _all_combinations(axes)):
            step = _Step(constants, values)
            if values not in used and step.params not in spoilt and step.title not in request.in_flight:
                return self._proposal(step, request, past)
        raise _nothing_new(constants, axes)

    def _proposal(self, step: _Step, request: Request, past: Past) -> Proposal:
        files = rewrite(request.files, step.changed)
        return Proposal(
            title=step.title,
            hypothesis=f"{step.extent} {self._reason(past)}",
            edits=tuple(edit for path, text in files.items() for edit in edits_of(path, request.files[path], text)),
            proposer=self.name,
            params=step.params,
        )

    def _reason(self, past: Past) -> str:
        known = len(past.observations)
        if known < 2:
            return "Nothing is known yet about any of them, so the direction is a guess."
        match self._sampler:
            case Sampler.LOCAL:
                return f"A quadratic model of {known} experiments expects more of it than of other small steps."
            case Sampler.CMAES:
                return f"CMA-ES drew it, as {known} experiments have shaped its distribution."
            case Sampler.TPE:
                return f"The tree-structured Parzen estimator drew it from {known} experiments."


def edits_of(path: str, before: str, after: str) -> tuple[Edit, ...]:
    """The change line by line where that says the same, so that it can be made on another incumbent, too."""
    old, new = before.split("\n"), after.split("\n")
    lines = [(one, other) for one, other in zip(old, new, strict=False) if one != other]
    # Whole lines, with their ends: `LR = 0.1` is also the beginning of `LR = 0.15`.
    edits = tuple(Replace(path, f"{one}\n", f"{other}\n") for one, other in lines)
    change = apply(edits, {path: before}, exactly=True)
    says_the_same = isinstance(change, Change) and change.files == {path: after}
    return edits if says_the_same else (Write(path, after),)


class _Step:
    """New values for the constants, in words. `values` are in the order of the constants."""

    def __init__(self, constants: Sequence[Constant], values: Combination) -> None:
        self._constants = constants
        self._values = values

    @property
    def changed(self) -> dict[Constant, Value]:
        """Only those that differ."""
        pairs = zip(self._constants, self._values, strict=True)
        return {one: value for one, value in pairs if value != one.value}

    @property
    def params(self) -> dict[str, Scalar]:
        """All values, by label, as the program sees them."""
        labels = _labels(self._constants)
        return {
            label: one.scalar(value) for label, one, value in zip(labels, self._constants, self._values, strict=True)
        }

    @property
    def title(self) -> str:
        """`LR 0.003 → 0.0021, BATCH 64 → 32`, and how many more where they do not fit."""
        triples = zip(_labels(self._constants), self._constants, self._values, strict=True)
        steps = [
            f"{label} {one.shown(one.value)} → {one.shown(new)}" for label, one, new in triples if new != one.value
        ]
        for count in range(len(steps), 0, -1):
            rest = f" and {len(steps) - count} more" if count < len(steps) else ""
            if len(text := ", ".join(steps[:count]) + rest) <= TITLE_LENGTH:
                return text
        return f"{len(steps)} constants changed" if len(steps) > 1 else f"{steps[0][: TITLE_LENGTH - 1]}…"

    @property
    def extent(self) -> str:
        count, total = len(self.changed), len(self._constants)
        return f"A small step from the incumbent in {count} of {total} constant{'s' if total > 1 else ''}."


def _labels(constants: Sequence[Constant]) -> list[str]:
    """Short names; with the path where two files use one name."""
    count = Counter(one.short for one in constants)
    return [one.short if count[one.short] == 1 else one.key for one in constants]


def _values_at(points: Iterable[Point], axes: Sequence[Axis]) -> Iterator[Combination]:
    for point in points:
        yield tuple(axis.at(place) for axis, place in zip(axes, point, strict=True))


def _all_combinations(axes: Mapping[str, Axis]) -> Iterator[Combination]:
    """Every combination of values, where there are few."""
    ranges = [axis.domain.everything() for axis in axes.values()]
    if None not in ranges and math.prod(len(one or ()) for one in ranges) <= COMBINATIONS:
        yield from product(*(one or () for one in ranges))


def _nothing_new(constants: Sequence[Constant], axes: Mapping[str, Axis]) -> ProposalsExhausted:
    """The end of the run, unless a result that is still to come leads somewhere else."""
    labels = ", ".join(_labels(constants)[:5]) + (", …" if len(constants) > 5 else "")
    if any(True for _ in _all_combinations(axes)):
        return ProposalsExhausted(
            f"every combination of values has been tried ({labels})",
            hint=f"widen the ranges or annotate more constants, e.g. {EXAMPLE}",
        )
    return ProposalsExhausted(
        f"the tuner drew {DRAWS} combinations of values ({labels}), and all were tried before",
        hint=f"widen the ranges or annotate more constants, e.g. {EXAMPLE}",
    )


def check_constants(files: Mapping[str, str], *, markers: bool = False) -> None:
    """Raises ProposerBroken when there is nothing to tune in the editable files; `markers` as the tuner's."""
    if not find(files, markers=markers):
        raise _nothing_to_tune(files)


def _nothing_to_tune(files: Mapping[str, str]) -> ProposerBroken:
    unclear = misread(files)
    seen = f"; not understood: {', '.join(unclear[:5])}" if unclear else ""
    return ProposerBroken(
        f"nothing to tune: the editable files have no upper-case constant and no line with a `# tune:` comment{seen}",
        hint=f"annotate a line, e.g. {EXAMPLE}    or use a model: ar run --model NAME",
    )
