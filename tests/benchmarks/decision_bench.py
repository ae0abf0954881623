"""Tries the decision rules on scenarios of known truth, thousands of experiments through the real loop in one process.

    python -m tests.benchmarks.decision_bench                  all scenarios; about a minute and a half
    python -m tests.benchmarks.decision_bench --scenarios mix,noise --repeats 100

Printed per scenario (see `scenarios`), for `proved` and for `keep-if-better` on the same changes with the same luck:

    tried     experiments, over all repeats          false    kept although the true effect is none or harm, and its %
    kept      of these                               missed   changes that gain 1 or more and were not kept, in %
    optimism  reported metric of the best minus its true value, in deviations of one sample; positive: looks too good
    gain      true gain at the end, in those deviations, and as a share of what keep-if-better reached
    samples   per decision, baseline and refreshes included

Both rules may take the same number of samples, so the careful one tries fewer changes. The last lines are the goals;
the exit status is 1 when one is missed. Seeded: the same call prints the same numbers. What is not here: git and
processes (`cli_bench`).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from zlib import crc32

from tests.benchmarks.goals import Goal, at_least, at_most
from tests.benchmarks.scenarios import SCENARIOS
from tests.benchmarks.simulated import PLAIN, PROVED, Method, Scenario, Search, search, true_gain

REPEATS = {"noise": 30, "planted": 60, "deterministic": 5}
USUAL_REPEATS = 10
NOTABLE = 1.0
"""A gain from which on it is a pity not to have kept it."""
POOL = ("mix", "rare", "whole", "max", "tails")
"""Noisy scenarios with something to find, on a machine that does not drift. Not `sparse`: where hardly anything helps,
the same few false keeps are a larger share, and that row is there to show how large."""


@dataclass(frozen=True)
class Tally:
    """What several searches on one scenario came to."""

    searches: int
    tried: int
    kept: int
    false: int
    notable: int
    found: int
    samples: int
    gain: float
    """Mean true gain at the end."""
    optimism: float | None
    """None on a machine that drifts: the best was measured on another machine, so to say."""

    @property
    def false_share(self) -> float:
        return self.false / max(1, self.kept)

    @property
    def false_per_100(self) -> float:
        return 100 * self.false / self.tried

    @property
    def samples_per_decision(self) -> float:
        return self.samples / self.tried


def tally(scenario: Scenario, searches: Sequence[Search]) -> Tally:
    tried = [one for each in searches for one in each.tried]
    notable = [one for one in tried if true_gain(one) >= NOTABLE]
    return Tally(
        searches=len(searches),
        tried=len(tried),
        kept=sum(len(each.kept) for each in searches),
        false=sum(len(each.false_keeps) for each in searches),
        notable=len(notable),
        found=sum(one.is_kept for one in notable),
        samples=sum(each.history.sample_count for each in searches),
        gain=fmean(each.quality for each in searches),
        optimism=None if scenario.drift else fmean(each.optimism for each in searches),
    )


@dataclass(frozen=True)
class Row:
    """Both rules on one scenario."""

    scenario: Scenario
    proved: Tally
    plain: Tally

    @property
    def share(self) -> float | None:
        """Of keep-if-better's true gain; None where that gained nothing."""
        return self.proved.gain / self.plain.gain if self.plain.gain > 0 else None

    def __str__(self) -> str:
        cells = [cells_of(self.plain, None), cells_of(self.proved, self.share)]
        return f"{self.scenario.name:14}{self.proved.searches:4}  {cells[1]}  | {cells[0]}"


def cells_of(one: Tally, share: float | None) -> str:
    missed = f"{100 - 100 * one.found / one.notable:4.0f}%" if one.notable else "    -"
    optimism = "    -" if one.optimism is None else f"{one.optimism:+5.1f}"
    relative = "    " if share is None else f"{share:4.2f}"
    counts = f"{one.tried:6}{one.kept:5}{one.false:5}{100 * one.false_share:4.0f}%"
    return f"{counts} {missed} {optimism} {one.gain:6.1f} {relative} {one.samples_per_decision:5.2f}"


def heading() -> str:
    names = " tried kept false      miss optim   gain      smpls"
    first = f"{'':20}{PROVED.name:^{len(names)}}  | {PLAIN.name:^{len(names)}}"
    return f"{first}\n{'scenario':14}{'runs':>4}  {names}  | {names}"


def rows(scenarios: Iterable[Scenario], repeats: int | None) -> Iterator[Row]:
    """A row per scenario, as it is ready."""
    for scenario in scenarios:
        count = repeats or REPEATS.get(scenario.name, USUAL_REPEATS)
        yield Row(scenario, several(scenario, PROVED, count), several(scenario, PLAIN, count))


def several(scenario: Scenario, method: Method, repeats: int) -> Tally:
    # From the name: a new scenario must not change the luck of the others.
    first = crc32(scenario.name.encode())
    return tally(scenario, [search(scenario, method, first + number) for number in range(repeats)])


def goals(table: Mapping[str, Row]) -> Iterator[Goal]:
    """Those for which the table has the scenarios."""
    yield from pooled_goals([table[name] for name in POOL if name in table])
    for name, row in table.items():
        limit = 1.65 if row.scenario.timing else 1.35 if row.scenario.noisy else 1.05
        yield at_most(f"samples per decision, {name}", row.proved.samples_per_decision, limit)
        for check in SINGLE.get(name, ()):
            yield check(row)


def pooled_goals(pool: Sequence[Row]) -> Iterator[Goal]:
    shares = [row.share for row in pool if row.share is not None]
    if shares:
        false = sum(row.proved.false for row in pool) / max(1, sum(row.proved.kept for row in pool))
        names = ", ".join(row.scenario.name for row in pool)
        yield at_most(f"false keeps of all keeps, {names}", false, 0.05, ".1%")
        yield at_least(f"true gain as a share of keep-if-better's, mean of {names}", fmean(shares), 0.80)


SINGLE: Mapping[str, Sequence[Callable[[Row], Goal]]] = {
    "noise": [lambda row: at_most("false keeps per 100 changes, noise", row.proved.false_per_100, 0.35)],
    "drift": [lambda row: at_most("false keeps of all keeps, drift", row.proved.false_share, 0.09, ".1%")],
    "deterministic": [
        lambda row: at_most("false keeps, deterministic", row.proved.false, 0, "d"),
        lambda row: at_least("true gain as a share of keep-if-better's, deterministic", row.share or 0.0, 0.95),
    ],
    "planted": [
        lambda row: at_least("planted gains kept", row.proved.found, 0.85 * row.proved.searches, ".0f"),
    ],
}
"""What is asked of one scenario."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table and the goals; the exit status."""
    names = ",".join(scenario.name for scenario in SCENARIOS)
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--scenarios", default=names, help=f"comma-separated, of {names}")
    parser.add_argument("--repeats", type=int, help="searches for each scenario and rule")
    given = parser.parse_args(arguments)
    unknown = set(given.scenarios.split(",")) - set(names.split(","))
    if unknown:
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    print(heading(), flush=True)
    table = {}
    for row in rows((scenario for scenario in SCENARIOS if scenario.name in given.scenarios.split(",")), given.repeats):
        table[row.scenario.name] = row
        print(row, flush=True)
    found = list(goals(table))
    print("", *found, sep="\n")
    missed = sum(not goal.met for goal in found)
    print(f"\n{len(found)} goals, {missed or 'none'} missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
