"""The same task for `ar` and for the bare loop: the same program, evaluator, interpreter and sequence of answers.

Each call makes a repository and a chat server of its own, runs one of the two to its end, and says how long it took.
Every twelfth answer is an improvement, and the others are none, so that both keep the same; an improvement is of a
constant that no answer in flight touches. What is not here: what is compared with what (`throughput_bench`).
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.chat_server import ChatServer
from tests.support.cli import Cli
from tests.support.repositories import IDENTITY, make_repository

START = {"A": 40.0, "B": 30.0, "C": 20.0, "D": 10.0}
BETTER, PERIOD, FIRST = "D", 12, 4
"""Of each twelve answers the fifth lowers this constant; no more than eleven may be in flight at a time."""
PYTHON = os.path.realpath(sys.executable)
"""Not that of the virtual environment, which takes longer to start."""
EVALUATE = """\
import os
import time

values = {}
exec(open("solve.py").read(), values)
time.sleep(float(os.environ["BENCH_SECONDS"]))
print("score:", sum(values[name] for name in "ABCD"))
with open(os.environ["BENCH_ENDS"], "a") as ends:
    ends.write(f"{time.monotonic()}\\n")
"""
CONFIG = """\
goal = "a low score"
editable = ["solve.py"]

[experiment]
command = {command}
canary = false
env = {{ BENCH_SECONDS = "{seconds}", BENCH_ENDS = {ends} }}
write_paths = [{outside}]

[metric]
name = "score"
direction = "min"
seed = "not random"

[proposer]
model = "openai/stub"
api_base = "{url}"
"""
BARE = Path(__file__).parents[1] / "benchmarks" / "bare_loop.py"
PATIENCE = 900.0
"""Seconds after which a run is taken to hang."""


class Failed(Exception):
    """A run did not end as it should; the message is its error."""


@dataclass(frozen=True)
class Load:
    """How long the model and an experiment take, in seconds, and how many experiments there are."""

    answer: float
    experiment: float
    count: int


@dataclass(frozen=True)
class Ran:
    """A run that has ended. Times are in seconds."""

    wall: float
    window: float
    """From the first request to the end of the last evaluation: without what starting takes."""
    measured: int
    kept: int

    @property
    def per_hour(self) -> float:
        return 3600 * self.measured / self.window


@dataclass
class Watched:
    """A call of `ar run --json`: when each experiment ended, and what memory the process itself had used by then."""

    ends: list[float] = field(default_factory=list)
    peak_mb: float = 0.0
    events: list[Mapping[str, object]] = field(default_factory=list)


def answers(count: int) -> list[str]:
    """What the model says to each request, whoever asks."""
    best, found = START[BETTER], []
    others = [name for name in START if name != BETTER]
    for number in range(count):
        if number % PERIOD == FIRST:
            name, old, new = BETTER, best, best - 0.25
            best = new
        else:
            name = others[number % len(others)]
            old, new = START[name], START[name] + (number + 1) / 100
        found.append(
            f"Title: {name} {old} to {new}\nHypothesis: It may help.\nExpected: lower\n\n"
            f"<<<<<<< SEARCH\n{name} = {old}\n=======\n{name} = {new}\n>>>>>>> REPLACE\n"
        )
    return found


def improvements(count: int) -> int:
    """So many of the first answers are to be kept."""
    return len(range(FIRST, count, PERIOD))


def bare(folder: Path, load: Load) -> Ran:
    """The bare loop, in a new folder."""
    with ChatServer(answers(load.count), latency=load.answer) as server:
        root, ends = _task(folder, load, server.base_url)
        call = [PYTHON, "-I", str(BARE), server.base_url, str(load.count), PYTHON, "evaluate.py"]
        own = {"BENCH_SECONDS": str(load.experiment), "BENCH_ENDS": str(ends)}
        environment = {**Cli(folder / "home").environment, **IDENTITY, **own}
        started = time.monotonic()
        done = subprocess.run(
            call, check=False, cwd=root, env=environment, capture_output=True, text=True, timeout=PATIENCE
        )
        wall = time.monotonic() - started
        if done.returncode:
            raise Failed(done.stderr.strip())
        return Ran(wall, _last(ends) - server.requests[0].at, load.count, int(done.stdout))


def ours(folder: Path, load: Load, *options: str) -> Ran:
    """`ar run` with a model, in a new folder."""
    # More answers than experiments: what is thought of ahead may be asked for, and never be run.
    with ChatServer(answers(load.count + 2 * PERIOD), latency=load.answer) as server:
        root, ends = _task(folder, load, server.base_url)
        started = time.monotonic()
        done = watched(Cli(folder / "home"), root, "--tag", "bench", "--budget", f"{load.count}x", *options)
        wall = time.monotonic() - started
        finished = [one for one in done.events if one["event"] == "experiment-finished" and one["number"] != 0]
        measured = sum(one["outcome"] == "measured" for one in finished)
        kept = sum(one["decision"] == "keep" for one in finished)
        return Ran(wall, _last(ends) - server.requests[0].at, measured, kept)


def watched(cli: Cli, root: Path, *options: str) -> Watched:
    """`ar run --json` to its end. Raises Failed when it does not end well."""
    done = Watched()
    with cli.start(root, "run", "--json", *options) as process:
        assert process.stdout
        assert process.stderr
        hanging = threading.Timer(PATIENCE, process.kill)
        hanging.start()
        for line in process.stdout:
            at, event = time.monotonic(), json.loads(line)
            done.events.append(event)
            if event["event"] == "experiment-finished":
                done.ends.append(at)
            # Not from its resource usage: that counts its children, and begins with the process it was forked from.
            done.peak_mb = max(done.peak_mb, _peak_mb(process.pid))
        said = process.stderr.read()
        hanging.cancel()
    if process.returncode:
        raise Failed(said.strip())
    return done


def _peak_mb(pid: int) -> float:
    """Peak of the resident memory of one process, 0 where the system does not say."""
    with suppress(OSError):
        for row in Path(f"/proc/{pid}/status").read_text().splitlines():
            if row.startswith("VmHWM:"):
                return int(row.split()[1]) / 1024
    return 0.0


def _task(folder: Path, load: Load, url: str) -> tuple[Path, Path]:
    """A new repository with the task, and the file that each evaluation notes its end in."""
    outside = folder / "outside"
    outside.mkdir(parents=True)
    ends = outside / "ends"
    config = CONFIG.format(
        command=json.dumps(f"{shlex.quote(PYTHON)} evaluate.py"),
        seconds=load.experiment,
        ends=json.dumps(str(ends)),
        outside=json.dumps(str(outside)),
        url=url,
    )
    program = "".join(f"{name} = {value}\n" for name, value in START.items())
    files = {"solve.py": program, "evaluate.py": EVALUATE, "autoresearch.toml": config, "program.md": "Lower it.\n"}
    return make_repository(folder / "task", files), ends


def _last(ends: Path) -> float:
    return max(map(float, ends.read_text().splitlines()))
