"""What containment costs: the wall time of a command that does nothing, at each level, beside a bare subprocess.

All in one run and by turns, so that whatever else the machine does hits all alike. Run it with
`python -m tests.benchmarks.containment_bench`; it takes about twenty seconds. What is not here: the time that the reset
of the worktree and the comparison take, which is the same at every level.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from autoresearch.core.isolation import Level
from autoresearch.runtime.command import Command, Finished
from autoresearch.runtime.confinement import Surroundings, confine, problem
from autoresearch.runtime.output import OutputLog
from autoresearch.runtime.process import Process
from tests.benchmarks.goals import at_most

ROUNDS = 40
MOST_MS = 30.0
COMMAND = ("/bin/sh", "-c", "true")


def bare(folder: Path) -> Callable[[], None]:
    def run() -> None:
        subprocess.run(COMMAND, cwd=folder, capture_output=True, check=True)

    return run


def contained(level: Level, folder: Path) -> Callable[[], None]:
    worktree, temp, caches = (folder / name for name in ("worktree", "temp", "caches"))
    for place in (worktree, temp, caches):
        place.mkdir(exist_ok=True)
    variables = dict(os.environ)
    places = Surroundings(worktree, worktree, temp, caches)
    command = Command(COMMAND, worktree, variables, 60.0, confinement=confine(level, places, variables, network=False))

    def run() -> None:
        with OutputLog(folder / "log", "sample") as log:
            done = Process(command).wait(lambda _: None, log)
        assert isinstance(done, Finished)
        assert done.exit_code == 0, done

    return run


def measured(runs: dict[str, Callable[[], None]]) -> dict[str, float]:
    """The median of each, in milliseconds."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            started = time.perf_counter()
            run()
            times[name].append(1000 * (time.perf_counter() - started))
    return {name: statistics.median(found) for name, found in times.items()}


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="containment-") as name:
        folder = Path(name).resolve()
        levels = [level for level in Level if not problem(level)]
        runs = {"bare": bare(folder), **{level.value: contained(level, folder) for level in levels}}
        found = measured(runs)
    print(f"{'level':<10} {'ms':>7} {'more than bare':>15}")
    for name, median in found.items():
        print(f"{name:<10} {median:>7.1f} {median - found['bare']:>15.1f}")
    if "guarded" in found:
        print(at_most("guarded adds, in ms", found["guarded"] - found["bare"], MOST_MS, ".1f"))


if __name__ == "__main__":
    main()
