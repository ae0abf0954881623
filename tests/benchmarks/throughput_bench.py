"""How many experiments an hour: `ar run` beside the least that a loop can be (`bare_loop`), by turns, in one run.

    python -m tests.benchmarks.throughput_bench                 all rows, about twelve minutes
    python -m tests.benchmarks.throughput_bench --rows 1,4      some of them
    python -m tests.benchmarks.throughput_bench --smoke         a minute: everything works; the goals say little then

    1  model 2 s, experiment 2 s          4  neither takes any time: what the loop itself costs, default containment
    2  model 1 s, experiment 5 s          5  the same with 10,000 experiments in the record, beside 100
    3  as 1, with four workers            6  peak memory with 1,000 and 10,000 experiments in the record

Rows 1 to 3: measured experiments per hour, from the first request to the end of the last evaluation; starting is not in
it. *Bound* is what no loop can exceed whose own work takes no time. Row 4: wall time per experiment, the slope between
30 and 100 experiments. Rows 5 and 6: the tuner proposes, and the command is as good as nothing.

The last lines are the goals; the exit status is 1 when one is missed. What is not here: how good the decisions are
(`decision_bench`), what containment alone costs (`containment_bench`).
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from statistics import median

from tests.benchmarks.goals import Goal, at_least, at_most
from tests.support.cli import Cli
from tests.support.histories import TAG, with_history
from tests.support.side_by_side import Failed, Load, Ran, Watched, bare, improvements, ours, watched

FEW, MANY = 100, 10_000
SKIPPED = 10
"""So many experiments after the start say nothing: caches are filled, the record's newest are read."""


@dataclass(frozen=True)
class Overlap:
    """A row whose time is spent waiting: for the model, and for experiments."""

    load: Load
    workers: int
    least: float

    @property
    def bound(self) -> float:
        """Seconds of a loop without any cost of its own: one answer, and then no slot is ever free."""
        return self.load.answer + ceil(self.load.count / self.workers) * self.load.experiment


OVERLAPS = {
    1: Overlap(Load(2.0, 2.0, 12), 1, 1.8),
    2: Overlap(Load(1.0, 5.0, 8), 1, 1.16),
    3: Overlap(Load(2.0, 2.0, 60), 4, 7.0),
}
SMOKE = Load(0.3, 0.3, 6)


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    slope: tuple[int, int] = (30, 100)
    repeats: int = 5
    further: int = 60
    """Experiments whose time is taken in rows 5 and 6."""
    is_smoke: bool = False


def overlap(number: int, folder: Path, size: Size) -> Iterator[Goal]:
    """Rows 1 to 3."""
    row = OVERLAPS[number]
    load = SMOKE if size.is_smoke else row.load
    options = ("--workers", str(row.workers)) if row.workers > 1 else ()
    words = f"{number}  model {load.answer:g} s, experiment {load.experiment:g} s, {row.workers} at a time"
    try:
        full = ours(folder / "ours", load, *options)
    except Failed as error:
        yield Goal(f"{words}: {str(error).splitlines()[0]}", met=False)
        return
    plain = bare(folder / "bare", load)
    bound = plain.window / Overlap(load, row.workers, 0.0).bound
    told = f"{full.measured} of {load.count} in {full.window:.1f} s, bare {plain.window:.1f} s"
    print(f"{words}: {full.per_hour:.0f}/h, bare {plain.per_hour:.0f}/h, bound × {bound:.2f} ({told})", flush=True)
    yield at_least(f"{words}, × bare", full.per_hour / plain.per_hour, row.least)
    yield alike(number, full, plain, improvements(load.count))


def alike(number: int, full: Ran, plain: Ran, kept: int) -> Goal:
    """Two that did not do the same cannot be compared."""
    words = f"{number}  the same was kept: {full.kept}, bare {plain.kept}, of {kept} improvements"
    return Goal(words, full.kept == plain.kept == kept)


def slopes(folder: Path, size: Size) -> Iterator[Goal]:
    """Row 4."""
    few, many = size.slope
    found: dict[str, list[float]] = {"bare": [], "ours": []}
    windows: dict[str, list[float]] = {"bare": [], "ours": []}
    loops: dict[str, Callable[[Path, Load], Ran]] = {"bare": bare, "ours": ours}
    for turn in range(size.repeats):
        for name, loop in loops.items():
            short, long = (loop(folder / f"{name}-{turn}-{count}", Load(0.0, 0.0, count)) for count in size.slope)
            found[name].append(1000 * (long.wall - short.wall) / (many - few))
            windows[name].append(1000 * long.window / many)
            if long.kept != improvements(many):
                yield Goal(f"4  {name} kept {long.kept} of {improvements(many)} improvements", met=False)
    for name, values in found.items():
        inside = f"from first request to last end {spread(windows[name])}"
        print(f"4  {name}: {spread(values)} per experiment, {inside}", flush=True)
    yield at_most("4  wall time per experiment, × bare", median(found["ours"]) / median(found["bare"]), 1.25)


def spread(values: Sequence[float]) -> str:
    """The median of milliseconds, with the smallest and the largest."""
    return f"{median(values):.1f} ms ({min(values):.1f}–{max(values):.1f})"


def histories(folder: Path, size: Size) -> Iterator[Goal]:
    """Row 5."""
    cli = Cli(folder / "home")
    made = {count: with_history(folder / str(count), cli, count) for count in (FEW, MANY)}
    found: dict[int, list[float]] = {count: [] for count in made}
    for turn in range(size.repeats):
        for count, root in made.items():
            done = go_on(root, folder / f"{count}-{turn}", cli, size)
            found[count].append(1000 * (done.ends[-1] - done.ends[SKIPPED - 1]) / (len(done.ends) - SKIPPED))
    for count, values in found.items():
        print(f"5  after {count} experiments: {spread(values)} per experiment", flush=True)
    yield at_most(f"5  after {MANY}, × after {FEW}", median(found[MANY]) / median(found[FEW]), 1.1)


def go_on(root: Path, copy: Path, cli: Cli, size: Size) -> Watched:
    """Continue a copy of a repository with a history."""
    shutil.copytree(root, copy, symlinks=True)
    budget = f"{SKIPPED + size.further}x"
    return watched(cli, copy, "--proposer", "tuner", "--tag", TAG, "--budget", budget)


def memory(folder: Path, size: Size) -> Iterator[Goal]:
    """Row 6."""
    cli = Cli(folder / "home")
    for count, most in ((1_000, 120.0), (MANY, 200.0)):
        root = with_history(folder / str(count), cli, count)
        peak = go_on(root, folder / f"{count}-copy", cli, size).peak_mb
        yield at_most(f"6  peak memory with {count} experiments, in MB", peak, most, ".0f")


def goals(number: int, folder: Path, size: Size) -> Iterator[Goal]:
    """Those of one row."""
    match number:
        case 1 | 2 | 3:
            yield from overlap(number, folder, size)
        case 4:
            yield from slopes(folder, size)
        case 5:
            yield from histories(folder, size)
        case _:
            yield from memory(folder, size)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures as they are known, then the goals; the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", default="1,2,3,4,5,6", help="comma-separated")
    parser.add_argument("--repeats", type=int, default=5, help="of rows 4 and 5")
    parser.add_argument("--smoke", action="store_true", help="short")
    given = parser.parse_args(arguments)
    size = Size((3, 10), 1, 10, is_smoke=True) if given.smoke else Size(repeats=given.repeats)
    started, found = time.monotonic(), list[Goal]()
    for number in map(int, given.rows.split(",")):
        with tempfile.TemporaryDirectory(prefix="ar-bench-") as name:
            found += goals(number, Path(name).resolve(), size)
    for goal in found:
        print(goal)
    missed = sum(not goal.met for goal in found)
    print(f"{missed or 'none'} missed, {time.monotonic() - started:.0f} s")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
