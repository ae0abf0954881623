"""The rules through the real command line: real git, real processes, a script that prints a noisy number.

    python -m tests.benchmarks.cli_bench            two to three minutes
    python -m tests.benchmarks.cli_bench --quick    half a minute: fewer changes, the goals in proportion

    comments     changes that replace nothing but a comment, 1 % noise from AR_SEED: kept under either rule
    fixed seed   the same where the script takes its seed from its own text: each change has its luck, a repeat has none
    planted      a gain of three deviations among 20 such changes: how often it is kept

The last lines are the goals; the exit status is 1 when one is missed. What is not here: the statistics, for which these
are too few experiments (`decision_bench`).
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.benchmarks.goals import Goal
from tests.support.cli import Cli, patches
from tests.support.repositories import make_repository

SCRIPT = """\
gain=0
awk -v gain=$gain -v seed={seed} 'BEGIN {{
    srand(seed + 0)
    # The sum of twelve uniform numbers has a deviation of 1, and is as good as normal.
    for (count = 0; count < 12; count++) noise += rand()
    printf "loss: %.6f\\n", 100 - gain + noise - 6
}}'
exit
"""
NOTE = "# note {number}: {text}\n"
APART = "\n" * 3
"""Between two comments: as many lines as a patch shows around its change, so that no two changes conflict."""
OWN_SEED = '"$AR_SEED"'
FIXED_SEED = """"$(cksum < train.sh | cut -d ' ' -f 1)\""""
CONFIG = """\
goal = "a small loss"
editable = ["train.sh"]

[experiment]
command = "sh train.sh"
canary = false
seed = {seed}

[metric]
name = "loss"
direction = "min"
{metric}

[decision]
rule = "{rule}"
"""
PROVED, PLAIN = "proved", "keep-if-better"
PLANTED = 3
ONE_SEED = "luck of the seed"
"""What the reason of every keep must speak of where the seed is fixed."""
PATIENCE = 300.0
"""Seconds after which a call of `ar` is taken to hang."""


@dataclass(frozen=True)
class Run:
    """A run that has ended: its experiments as `ar log --json` has them, and all that `ar log` says about them."""

    experiments: list[dict[str, object]]
    words: str
    planted_at: int | None

    @property
    def kept(self) -> list[dict[str, object]]:
        """The kept changes."""
        return [one for one in self.experiments if one["number"] and one["decision"] == "keep"]

    @property
    def found(self) -> bool:
        """Is the planted gain among them?"""
        return self.planted_at is not None and self.planted_at + 1 in [one["number"] for one in self.kept]

    @property
    def tried(self) -> int:
        return sum(1 for one in self.experiments if one["number"] and one["outcome"] == "measured")


def script(notes: int, seed: str) -> str:
    """The work, and after its end the comments that the changes replace."""
    comments = "".join(NOTE.format(number=number, text="as it was") + APART for number in range(notes))
    return SCRIPT.format(seed=seed) + APART + comments


def changed(text: str, notes: int, planted_at: int | None) -> Iterator[str]:
    """The script with one comment replaced, for each comment; the gain comes before the comment of that number."""
    for number in range(notes):
        if number == planted_at:
            yield text.replace("gain=0\n", f"gain={PLANTED}\n")
        old, new = (NOTE.format(number=number, text=words) for words in ("as it was", "in other words"))
        yield text.replace(old, new)


def run(
    folder: Path, rule: str, notes: int, *, seed: int = 0, fixed: bool = False, planted_at: int | None = None
) -> Run:
    """Try all changes in a repository of their own."""
    text = script(notes, FIXED_SEED if fixed else OWN_SEED)
    config = CONFIG.format(rule=rule, seed=seed, metric='seed = "none"' if fixed else "")
    root = make_repository(folder / "task", {"train.sh": text, "autoresearch.toml": config, "program.md": "Try.\n"})
    made = patches(folder / "patches", *(("train.sh", text, one) for one in changed(text, notes, planted_at)))
    cli = Cli(folder / "home")
    called(cli, root, "run", "--tag", "bench", "--replay", str(made))
    listed = [json.loads(line) for line in called(cli, root, "log", "--all", "--json").splitlines()]
    # Everything that a person could be shown about what was kept, each in full.
    done = Run(listed, called(cli, root, "log", "--all"), planted_at)
    told = [called(cli, root, "log", str(one["number"])) for one in done.kept]
    return replace(done, words="\n".join((done.words, *told)))


def called(cli: Cli, root: Path, *arguments: str) -> str:
    """What the call prints. Raises RuntimeError when it fails, TimeoutExpired when it hangs."""
    with cli.start(root, *arguments) as process:
        try:
            out, err = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    if process.returncode:
        raise RuntimeError(f"ar {' '.join(arguments)}: {err}")
    return out


def comments(folder: Path, notes: int) -> Iterator[Goal]:
    """Nothing changes: how many are kept?"""
    runs = {rule: run(folder / rule, rule, notes) for rule in (PROVED, PLAIN)}
    yield all_tried(notes, *runs.values())
    most = 2
    words = f"comments: {len(runs[PROVED].kept)} of {notes} kept, {len(runs[PLAIN].kept)} with {PLAIN}; at most {most}"
    yield Goal(words, len(runs[PROVED].kept) <= most)


def fixed_seed(folder: Path, notes: int) -> Iterator[Goal]:
    """The luck of each change's seed cannot be told from a gain, and must not be called proved."""
    runs = {rule: run(folder / rule, rule, notes, fixed=True) for rule in (PROVED, PLAIN)}
    yield all_tried(notes, *runs.values())
    for rule, one in runs.items():
        said = len(re.findall(r"(?<!not )\bproved\b", one.words, re.IGNORECASE))
        warned = sum(ONE_SEED in str(kept["reason"]) for kept in one.kept)
        words = f"fixed seed: {len(one.kept)} of {notes} kept with {rule}, {warned} of them with a warning"
        # Who chose the other rule is told that nothing of it is proved.
        enough = warned == len(one.kept) or rule == PLAIN
        yield Goal(f"{words}, called proved {said} times", said == 0 and enough)


def planted(folder: Path, repetitions: int, least: int) -> Iterator[Goal]:
    """One gain among 20 changes that do nothing."""
    notes = 20
    runs = [
        run(folder / str(seed), PROVED, notes, seed=seed, planted_at=7 * seed % notes) for seed in range(repetitions)
    ]
    yield all_tried(notes + 1, *runs)
    found = sum(one.found for one in runs)
    others = sum(len(one.kept) for one in runs) - found
    words = f"planted: a gain of {PLANTED} deviations kept in {found} of {repetitions}, at least {least}"
    yield Goal(f"{words}; of {notes * repetitions} others {others} kept", found >= least)


def all_tried(expected: int, *runs: Run) -> Goal:
    """A change that could not be applied would make every other figure meaningless."""
    return Goal(f"all {expected} changes were measured", all(one.tried == expected for one in runs))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the goals as they are known; the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer changes and repetitions")
    quick = parser.parse_args(arguments).quick
    notes, repetitions, least = (40, 2, 1) if quick else (200, 10, 7)
    started, missed = time.monotonic(), 0
    with tempfile.TemporaryDirectory(prefix="ar-bench-") as name:
        folder = Path(name)
        for goals in (
            comments(folder / "comments", notes),
            fixed_seed(folder / "fixed", notes),
            planted(folder / "planted", repetitions, least),
        ):
            for goal in goals:
                missed += not goal.met
                print(goal, flush=True)
    print(f"{missed or 'none'} missed, {time.monotonic() - started:.0f} s")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
