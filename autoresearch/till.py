"""The money: every dollar is told to the meter, which counts it, and at once to the record, which must not lose it.

In the record each one stands on one commit: on that of the experiment that it was spent for; what was spent for none,
on the draft of one that is open (its *bearer*) until the next result has it; with none open, on the run's own commit.
What things cost is not here (`prices`), nor how much is left (`core.budget`).
"""

from __future__ import annotations

from autoresearch.core.budget import Meter
from autoresearch.core.experiment import FREE, Usage
from autoresearch.core.ports import Journal
from autoresearch.opened import Open


class Till:
    """Only the loop's thread calls it."""

    def __init__(self, meter: Meter, journal: Journal) -> None:
        self._meter = meter
        self._journal = journal
        self.unbilled = FREE
        """Spent, and carried by no experiment yet: it goes into the next result."""
        self._bearer: Open | None = None
        self._waiting_usd = 0.0

    def bill(self, usage: Usage, *, carried: bool) -> None:
        """A proposal was paid; `carried` says that an experiment's own commit has it."""
        self._meter.book(usage)
        if not carried:
            self.unbilled += usage
            if self._bearer is not None:
                self._tell(self._bearer)

    def charge(self, experiment: Open, usd: float) -> None:
        """Running that experiment has cost so much."""
        experiment.spent_usd += usd
        self._meter.charge(usd)
        if usd:
            self._tell(experiment)

    def charge_run(self, usd: float) -> None:
        """The run itself has spent so much, for no experiment."""
        self._meter.charge(usd)
        self.unbilled += Usage(cost_usd=usd)
        if usd:
            self._hold()

    def wait(self, usd: float) -> None:
        """So much, all in all, was paid for proposals that wait for their turn."""
        self._waiting_usd = usd
        self._hold()

    def write_off(self, usage: Usage) -> None:
        """Of these: one whose turn will never come."""
        self.unbilled += usage

    def begun(self, experiment: Open) -> None:
        """It has a draft, which can bear what nobody carries; that of a baseline also what failed ones have cost."""
        if experiment.is_baseline:
            self.unbilled += self._journal.left_over()
        if self.unbilled != FREE and self._bearer is None:
            self._bearer = experiment
            self._tell(experiment)

    def ended(self, experiment: Open) -> None:
        """Its result is in the record, and `unbilled` in it."""
        self.unbilled = FREE
        bearer, self._bearer = self._bearer, None
        if bearer is not None and bearer is not experiment:
            # What it bore in case of a death is in this result now.
            self._tell(bearer)

    def _tell(self, experiment: Open) -> None:
        borne = self.unbilled if experiment is self._bearer else FREE
        self._journal.spend(experiment.draft, borne + Usage(cost_usd=experiment.spent_usd))

    def _hold(self) -> None:
        untold = 0.0 if self._bearer else self.unbilled.cost_usd or 0.0
        self._journal.hold(round(self._waiting_usd + untold, 9))
