"""What the refs of a run hold, read in one go.

What is not here: writing (`journal`), and what to do about the drafts that a death left (`recovery`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from autoresearch.core.experiment import Experiment
from autoresearch.core.history import Direction, History
from autoresearch.core.named import number_in
from autoresearch.record import trailers
from autoresearch.record.repository import RefRow, Repository
from autoresearch.record.runs import Run
from autoresearch.record.sealed import known_key, unseal


@dataclass(frozen=True, slots=True)
class Recorded:
    """All that the refs of a run hold: finished experiments in order, and drafts that never got a result."""

    experiments: tuple[Experiment, ...]
    drafts: tuple[RefRow, ...]
    sealed: Mapping[int, str]
    """What the holdout measured, by number, as it stands in the record."""
    failed_baseline: Experiment | None
    """An experiment 0 that was not measured: it is tried again, so that it is no part of the history of a search."""

    @property
    def incumbent(self) -> Experiment | None:
        """The newest kept experiment."""
        return next((one for one in reversed(self.experiments) if one.is_kept), None)

    @property
    def shown(self) -> tuple[Experiment, ...]:
        """What people see: the failed baseline is worth a look, too."""
        return self.experiments if self.failed_baseline is None else (self.failed_baseline, *self.experiments)

    def history(self, direction: Direction, experiments: Iterable[Experiment], final_holdout: str = "") -> History:
        """These experiments, with what the holdout measured where it can be read here.

        `final_holdout` is what the run has of it, where it is measured at the end.
        """
        history, key = History(direction, experiments), known_key() if self.sealed or final_holdout else None
        for number, word in self.sealed.items():
            history.add_holdout(number, unseal(word, key))
        name, _, sealed = final_holdout.partition(" ")
        if len(values := unseal(sealed, key)) == 2 and (best := number_in(name)) is not None:
            history.add_holdout(0, values[:1])
            history.add_holdout(best, values[1:])
        return history


def has_baseline(repository: Repository, run: Run) -> bool:
    """Was experiment 0 measured? One that was not is tried again."""
    row = repository.row(f"{run.prefix}/{0:04d}")
    return row is not None and trailers.is_kept(trailers.parse(row.message)[2])


def read_run(repository: Repository, run: Run) -> Recorded:
    """One listing of the refs and nothing else, whatever the length of the history; read while git still prints."""
    experiments: list[Experiment] = []
    drafts: list[RefRow] = []
    sealed: dict[int, str] = {}
    failed = None
    for row in repository.refs(run.prefix):
        if number_in(row.ref.rpartition("/")[2]) is None:
            continue
        parsed = trailers.parse(row.message)
        if trailers.is_draft(parsed[2]):
            drafts.append(row)
            continue
        experiment = trailers.experiment_of(row.commit, row.tree, parsed)
        if experiment.number == 0 and not experiment.is_kept:
            failed = experiment
        else:
            experiments.append(experiment)
            sealed |= trailers.sealed_numbers(experiment.number, parsed[2])
    experiments.sort(key=lambda one: one.number)
    drafts.sort(key=lambda row: int(row.ref.rpartition("/")[2]))
    return Recorded(tuple(experiments), tuple(drafts), sealed, failed)
