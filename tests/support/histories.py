"""A repository with a made-up history: thousands of experiments as `ar` records them, written in a second.

Its task is as cheap as a command can be: four constants in a shell script, and their distance from an optimum. The
newest kept experiment is at the optimum, so that nothing that is tried afterwards is kept, however long the history
is. What is not here: runs that go on from it.
"""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

from autoresearch.core.experiment import Decision, Draft, Proposal
from autoresearch.record import trailers
from tests.support.cli import Cli
from tests.support.experiments import START, experiment
from tests.support.repositories import git, make_repository

NAMES, OPTIMUM, FAR = "ABCD", 50_000, 9_000
BEST, STEP, EVERY, CRASHES = 100, 10, 100, 10
"""Each hundredth experiment is kept, a step nearer to the optimum; of each ten the last but one crashes."""
TAG = "made"
CONFIG = """\
goal = "near the optimum"
editable = ["constants.sh"]

[experiment]
command = "sh measure.sh"
canary = false

[metric]
name = "loss"
direction = "min"
seed = "not random"
"""
MEASURE = (
    ". ./constants.sh\n"
    + "".join(f"{name.lower()}=$(({name} - {OPTIMUM}))\n" for name in NAMES)
    + f'echo "loss: $(({BEST} + {" + ".join(f"${{{name.lower()}#-}}" for name in NAMES)}))"\n'
)
Values = tuple[int, ...]


def constants(values: Values) -> str:
    """The text of the editable file."""
    rows = zip(NAMES, values, strict=True)
    return "".join(f"{name}={value}  # tune: 1..{2 * OPTIMUM}\n" for name, value in rows)


def with_history(folder: Path, cli: Cli, count: int) -> Path:
    """A real baseline and `count` made-up experiments after it (a multiple of a hundred), packed as by `git gc`."""
    files = {"constants.sh": constants(_kept(0, count)), "measure.sh": MEASURE, "program.md": "Try.\n"}
    root = make_repository(folder / "repository", {**files, "autoresearch.toml": CONFIG})
    baseline = cli(root, "run", "--proposer", "tuner", "--tag", TAG, "--target", "1e9")
    assert baseline.code == 0, baseline.err
    prefix, marks = f"refs/autoresearch/{TAG}", folder / "marks"
    text = "".join(_stream(git(root, "rev-parse", f"{prefix}/0000"), f"{prefix}/{count:04}", count))
    command = ["git", "-c", "core.fsync=none", "fast-import", "--quiet", "--force", f"--export-marks={marks}"]
    subprocess.run(command, cwd=root, input=text.encode(), check=True)
    rows = (line[1:].split() for line in marks.read_text().splitlines())
    refs = sorted((f"{prefix}/{int(number):04}", commit) for number, commit in rows)
    lines = ["# pack-refs with: peeled fully-peeled sorted ", *(f"{commit} {ref}" for ref, commit in refs)]
    (root / ".git" / "packed-refs").write_text("\n".join(lines) + "\n")
    return root


def _kept(number: int, count: int) -> Values:
    """The constants of a kept experiment, the baseline among them."""
    return (OPTIMUM + (count - number) // EVERY * STEP, *(OPTIMUM,) * (len(NAMES) - 1))


def _values(number: int, count: int) -> Values:
    """Of any experiment: those that are not kept are somewhere farther from the optimum than their parent."""
    if number % EVERY == 0:
        return _kept(number, count)
    rng = random.Random(number)
    return tuple(value + rng.randrange(1, FAR) for value in _kept(_parent(number), count))


def _parent(number: int) -> int:
    return (number - 1) // EVERY * EVERY


def _message(number: int, values: Values) -> str:
    """As the journal writes it."""
    is_kept, crashed = number % EVERY == 0, number % CRASHES == CRASHES - 1
    loss = None if crashed else float(BEST + sum(values) - OPTIMUM * len(values))
    decision, title = Decision.KEEP if is_kept else Decision.DISCARD, f"change {number}"
    facts = {"title": title, "metric_name": "loss", "decision": decision, "parent": _parent(number)}
    one = experiment(number, loss, **facts)
    params = dict(zip(NAMES, values, strict=True))
    proposal = Proposal(title, "It should help, for these reasons.", (), "tuner", params=params)
    draft = Draft(number, "", "", _parent(number), "", proposal, START)
    told = [*trailers.draft_facts(draft, proposal.usage), *trailers.result_facts(one)]
    return trailers.message(title, proposal.hypothesis, told)


def _stream(baseline: str, last_ref: str, count: int) -> Iterator[str]:
    """Input of `git fast-import`: every experiment is a commit on the kept one before it; mark n is experiment n."""
    for number in range(1, count + 1):
        values = _values(number, count)
        text, file = _message(number, values), constants(values)
        yield f"commit {last_ref}\nmark :{number}\ncommitter Ada <ada@example.org> {START.timestamp():.0f} +0000\n"
        yield f"data {len(text.encode())}\n{text}\nfrom {f':{_parent(number)}' if _parent(number) else baseline}\n"
        yield f"M 100644 inline constants.sh\ndata {len(file)}\n{file}\n"
    yield f"reset refs/heads/autoresearch/{TAG}\nfrom :{count}\n\n"
