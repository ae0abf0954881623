"""`ar init --check`: three samples, what they say, and that the next `ar run` goes on from them."""

from __future__ import annotations

import os
import re
import signal
import sys
import termios
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

import pexpect
import pytest

from autoresearch.cli import build
from autoresearch.cli.checking import Check
from autoresearch.cli.choose import choose
from autoresearch.cli.forecast import forecast
from autoresearch.cli.project import open_project
from autoresearch.cli.run_options import RunOptions
from autoresearch.cli.starting import begin_run
from autoresearch.core.experiment import Execution, Measured
from autoresearch.core.isolation import Level
from autoresearch.core.ports import Job
from autoresearch.core.seeds import Seeds
from autoresearch.runtime.lock import RunLock
from tests.support.cli import EVALUATE, Cli, config, finish, improvements, toy
from tests.support.repositories import git, state_of, write
from tests.support.torches import TWO_GPUS, python_with_torch
from tests.support.toy import until

COUNTED = """\
import os
from pathlib import Path
from solve import X, Y

with Path(os.environ["COUNT"]).open("a") as file:
    file.write("x")
print(f"score: {(X - 1) ** 2 + (Y + 0.5) ** 2}")
"""
NOISY = 'import os\nfrom solve import X\nprint("score:", X + (0.0, 0.1, -0.1, 0.0)[int(os.environ["AR_SAMPLE"])])\n'


@pytest.fixture
def ar(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "home", {"COUNT": str(tmp_path / "count")})


@pytest.fixture
def changes(tmp_path: Path) -> str:
    return str(improvements(tmp_path / "patches"))


def refs_of_runs(repository: Path) -> list[str]:
    names = git(repository, "for-each-ref", "--format=%(refname)", "refs/autoresearch", "refs/heads/autoresearch")
    return names.splitlines()


def assert_clean(repository: Path) -> None:
    """No worktree, and nobody holds the lock."""
    assert len(git(repository, "worktree", "list").splitlines()) == 1
    assert not list((repository / ".autoresearch").glob("worktrees/*"))
    assert not (repository / ".git" / "autoresearch.lock").exists()


def test_three_samples_are_the_baseline_that_the_next_run_goes_on_from(ar: Cli, tmp_path: Path, changes: str) -> None:
    repository = toy(tmp_path / "repo", {"evaluate.py": COUNTED}, experiment='isolation = "basic"')
    count = tmp_path / "count"
    before = state_of(repository)
    done = ar(repository, "init", "--check")
    assert done.code == 0, done.err
    tag = done.out.split()[2]
    said = [
        rf"new run {tag}",
        r"rule: a gain must be proved, at most 6 samples each if there is noise",
        r"isolation: basic; not confined: files, network, other processes",
        r"checking that the command uses the editable files …",
        *(rf"sample {number} of 3: score 6\.25 in \d.*" for number in (1, 2, 3)),
        r"metric  score 6\.25",
        r"time    \d+ ms per sample",
        r"noise   none: the samples are equal, so that every gain is real",
        r"rate    about \d+ experiments an hour, \d+ a night \(8 h\)",
        r"next:   ar run --budget 8h    goes on from this baseline",
    ]
    lines = done.out.splitlines()
    assert [line for line, expected in zip(lines, said, strict=True) if not re.fullmatch(expected, line)] == []
    assert max(map(len, lines)) <= 80
    assert state_of(repository) == before
    assert count.read_text() == "xxx"
    assert_clean(repository)

    again = ar(repository, "init", "--check")
    assert again.out.splitlines()[0] == f"going on with {tag}"
    assert "sample 1" not in again.out
    assert "metric  score 6.25" in again.out
    assert count.read_text() == "xxx"

    run = ar(repository, "run", "--budget", "1x", "--replay", changes, "--json")
    assert run.code == 0, run.err
    assert run.named("run-started")[0]["tag"] == tag
    [first] = run.named("experiment-finished")
    assert (first["number"], first["metric"], first["decision"]) == (1, 3.25, "keep")
    assert count.read_text() == "xxxx"
    assert "samples    6.25@1 6.25@2 6.25@3" in ar(repository, "log", "0").out


def test_noise_is_told_with_the_smallest_gain_that_can_be_proved(ar: Cli, tmp_path: Path) -> None:
    repository = toy(tmp_path / "repo", {"evaluate.py": NOISY})
    done = ar(repository, "init", "--check")
    assert done.code == 0, done.err
    assert "metric  score 3" in done.out.splitlines()
    assert "noise   ±0.1 (3.3 %) from sample to sample" in done.out.splitlines()
    # 2.2 · 0.1 · sqrt(1/6 + 1/6)
    assert "gain    of 0.13 (4.2 %) or more: can be told from luck, with 6 samples each" in done.out.splitlines()


FAILING = {
    "a file that is not tracked": (
        "print('loading')\nprint(open('data/rows.csv').read())\n",
        "",
        "the baseline failed: exit code 1: FileNotFoundError",
        'data = ["data"]    in [experiment]',
        "  | loading\n",
    ),
    "no metric": (
        "print('loss: 3')\nprint('acc=0.5')\n",
        "",
        'the baseline failed: "score" was not printed; numbers that were: loss, acc',
        "ar log 0 --output",
        "  | acc=0.5\n",
    ),
    "too slow": (
        "import time\ntime.sleep(600)\n",
        "timeout = '300ms'",
        "the baseline failed: timed out after 0.3 s",
        'timeout = "3h"    in [experiment] gives it longer',
        "",
    ),
    "another number of times": (
        "import os\nprint('score: 1')\nprint('score: 2') if os.environ['AR_SAMPLE'] == '3' else None\n",
        "",
        'the baseline failed: "score" was printed 2 times with different values; the baseline printed it once',
        "",
        "  | score: 2\n",
    ),
    "unused files": (
        "print('score: 1')\n",
        "canary = true",
        "the command measures the same without solve.py: it does not use the editable files",
        "set `editable` to what the command runs",
        "",
    ),
}


@pytest.mark.parametrize("case", FAILING)
def test_a_command_that_cannot_be_measured_is_explained_and_is_no_baseline(ar: Cli, tmp_path: Path, case: str) -> None:
    code, experiment, error, hint, end = FAILING[case]
    experiment = experiment if "canary" in experiment else f"canary = false\n{experiment}"
    repository = toy(tmp_path / "repo", {"evaluate.py": code, ".gitignore": "data\n"}, experiment=experiment)
    write(repository, {"data/rows.csv": "1,2\n"})
    done = ar(repository, "init", "--check")
    assert done.code == (2 if case == "unused files" else 1)
    assert done.error.startswith(error)
    assert hint in done.hints
    assert end in done.err
    assert not [line for line in done.out.splitlines() if line.startswith(("metric", "noise"))]
    assert_clean(repository)


def test_what_was_wrong_is_put_right_and_the_same_run_is_checked_again(ar: Cli, tmp_path: Path) -> None:
    code = "from solve import X\nprint('score:', X + len(open('data/rows.csv').read()))\n"
    repository = toy(tmp_path / "repo", {"evaluate.py": code, ".gitignore": "data\n"})
    write(repository, {"data/rows.csv": "12345"})
    assert ar(repository, "init", "--check").code == 1
    write(repository, {"autoresearch.toml": config(experiment='canary = false\ndata = ["data"]')})
    done = ar(repository, "init", "--check")
    assert done.code == 0, done.err
    assert done.out.startswith("going on with ")
    assert "metric  score 8" in done.out
    assert len([name for name in refs_of_runs(repository) if name.endswith("/run")]) == 1


GUARDED = """\
checks = ["test -e solve.py"]
canary = false

[holdout]
command = "echo score: 77.5"

[constraints]
size = "<= 10"
"""
SIZED = EVALUATE + "print('size: 5')\n"


def test_all_that_a_keep_must_hold_is_tried_on_the_baseline_and_the_next_run_finds_it(
    ar: Cli, tmp_path: Path, changes: str
) -> None:
    repository = toy(tmp_path / "repo", {"evaluate.py": SIZED}, experiment=GUARDED)
    done = ar(repository, "init", "--check")
    assert done.code == 0, done.err
    told = [line.partition(":")[0] for line in done.out.splitlines() if re.search(r" in [\d.]+ m?s$", line)]
    assert told == ["sample 1 of 3", "checks", "holdout", *("sample 2 of 3", "holdout", "sample 3 of 3", "holdout")]
    assert "77.5" not in done.out
    assert "holdout    77.5 ±0" in ar(repository, "log", "0").out.splitlines()
    run = ar(repository, "run", "--budget", "1x", "--replay", changes, "--json")
    [one] = run.named("experiment-finished")
    assert (one["number"], one["decision"]) == (1, "keep")
    assert [flag.partition("=")[0] for flag in one["flags"]] == ["slowest"]
    assert [event["task"] for event in run.named("sample-started")] == ["sample", "checks", "holdout"]
    assert "77.5" not in run.out
    assert "holdout    77.5, ±0 % against 77.5 of #0" in ar(repository, "log", "1").out.splitlines()


@pytest.mark.parametrize(
    ("before", "after", "error"),
    [
        ("test -e solve.py", "test -e missing", "the baseline failed: check `test -e missing`: exit code 1"),
        ("echo score: 77.5", "echo nothing", 'the baseline failed: the holdout failed: "score" was not printed'),
        ("<= 10", "<= 4", "the baseline failed: the constraint size <= 4: it is 5"),
    ],
)
def test_what_the_baseline_does_not_hold_is_an_error(
    ar: Cli, tmp_path: Path, before: str, after: str, error: str
) -> None:
    repository = toy(tmp_path / "repo", {"evaluate.py": SIZED}, experiment=GUARDED.replace(before, after))
    done = ar(repository, "init", "--check")
    assert done.code == 1
    assert done.error.startswith(error)
    assert "\nmetric  " not in done.out
    assert_clean(repository)


def test_whether_the_seed_varies_is_asked_before_anything_is_run(ar: Cli, tmp_path: Path) -> None:
    text = config().replace("seed = 'not random'", "")
    repository = toy(tmp_path / "repo", {"autoresearch.toml": text})
    done = ar(repository, "init", "--check")
    assert (done.code, done.out, refs_of_runs(repository)) == (2, "", [])
    assert 'seed = "not random"' in done.hints


def test_while_another_run_holds_the_lock_nothing_is_measured(ar: Cli, tmp_path: Path) -> None:
    repository = toy(tmp_path / "repo")
    with RunLock(repository / ".git", "ar run", tag="nov23"):
        done = ar(repository, "init", "--check")
    assert done.code == 3
    assert "`ar run` works on this repository already on run nov23" in done.error
    assert "ar status" in done.hints
    assert refs_of_runs(repository) == []


def test_of_a_dirty_checkout_the_last_commit_is_measured_and_it_says_so(ar: Cli, tmp_path: Path, changes: str) -> None:
    repository = toy(tmp_path / "repo")
    write(repository, {"solve.py": "X = 100\nY = 100\n"})
    before = state_of(repository)
    done = ar(repository, "init", "--check")
    assert done.code == 0, done.err
    assert "the last commit is measured, without your changes in solve.py" in done.out.splitlines()
    assert "metric  score 6.25" in done.out
    assert "next:   ar run --budget 8h --committed" in done.out
    assert state_of(repository) == before
    run = ar(repository, "run", "--budget", "1x", "--committed", "--replay", changes, "--json")
    assert [one["number"] for one in run.named("experiment-finished")] == [1]


HANGING = """\
import os, time
from pathlib import Path
from solve import X

if os.environ["AR_SAMPLE"] == "2" and not Path(os.environ["STARTED"]).exists():
    Path(os.environ["STARTED"]).write_text(str(os.getpid()))
    time.sleep(600)
print("score:", X)
"""


def test_ctrl_c_in_the_middle_ends_the_command_and_the_next_run_takes_its_own_baseline(
    ar: Cli, tmp_path: Path, changes: str
) -> None:
    repository = toy(tmp_path / "repo", {"evaluate.py": HANGING}, experiment='canary = false\nisolation = "basic"')
    started = tmp_path / "started"
    child = pexpect.spawn(
        sys.executable,
        ["-m", "autoresearch", "init", "--check"],
        cwd=str(repository),
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LC_ALL": "C.UTF-8", "STARTED": str(started)},
        dimensions=(24, 80),
        encoding="utf-8",
        timeout=60,
    )
    child.delayafterclose = child.delayafterterminate = child.ptyproc.delayafterclose = 0.01
    child.expect_exact("sample 1 of 3: score 3 in ")
    until(lambda: started.exists() and started.read_text() != "", "the second sample runs")
    child.sendintr()
    child.expect(pexpect.EOF)
    text = str(child.before)
    modes = termios.tcgetattr(child.child_fd)[3]
    child.wait()
    child.close()
    assert child.exitstatus == 130
    assert text.rstrip().endswith("error: interrupted")
    assert "Traceback" not in text
    assert modes & termios.ECHO
    assert modes & termios.ICANON
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text()), 0)
    assert_clean(repository)

    run = ar(repository, "run", "--budget", "1x", "--replay", changes, "--json", STARTED=str(started))
    assert run.code == 0, run.err
    ends = [(one["number"], one["outcome"], one["metric"]) for one in run.named("experiment-finished")]
    assert ends == [(0, "measured", 3.0), (1, "measured", 2.0)]
    assert len([name for name in refs_of_runs(repository) if name.endswith("/run")]) == 1


def test_a_termination_is_an_interruption_too(ar: Cli, tmp_path: Path) -> None:
    repository = toy(tmp_path / "repo", {"evaluate.py": HANGING}, experiment='canary = false\nisolation = "basic"')
    started = tmp_path / "started"
    process = ar.start(repository, "init", "--check", STARTED=str(started))
    until(lambda: started.exists() and started.read_text() != "", "the second sample runs")
    process.send_signal(signal.SIGTERM)
    done = finish(process)
    assert (done.code, done.error) == (130, "interrupted")
    assert_clean(repository)
    facts = git(repository, "for-each-ref", "--format=%(contents)", "refs/autoresearch/*/0000")
    assert "Outcome: interrupted" in facts


class Measuring:
    """An executor whose samples have taken as long as it is told."""

    isolation = "none"

    def __init__(self, seconds: Sequence[float]) -> None:
        self.seconds = list(seconds)

    def submit(self, job: Job) -> Future[Execution]:
        future: Future[Execution] = Future()
        future.set_result(Measured(1.0, self.seconds.pop(0)))
        return future

    def prepare(self, slot: int, tree: str) -> None: ...

    def settle(self, number: int, *, keep: bool) -> None: ...

    def stop(self, *, at_once: bool) -> None: ...

    def close(self) -> None: ...


LONG, SHORT = [7200.0], [600.0, 600.0, 600.0]


@pytest.mark.parametrize(
    ("seconds", "noise", "rate"),
    [
        (LONG, "noise   not known: the baseline has one sample", "0.36 experiments an hour, 2 a night (8 h), rep"),
        (SHORT, "noise   none with the seed that the script fixes", "6 experiments an hour, 48 a night (8 h)"),
    ],
)
def test_a_sample_of_more_than_ten_minutes_is_enough_and_a_fixed_seed_proves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], seconds: list[float], noise: str, rate: str
) -> None:
    text = config().replace("'not random'", "'none'")
    project = open_project(toy(tmp_path / "repo", {"autoresearch.toml": text}) / "autoresearch.toml")
    run = begin_run(project, choose(project, RunOptions()), "", Level.BASIC)
    journal = build.open_journal(project, run)
    Check(project, run, Seeds.FIXED).measure(journal, Measuring(seconds))
    assert journal.history().values(0) == (1.0,) * len(seconds)
    told = "\n".join(forecast(journal.history(), project.config, Seeds.FIXED))
    assert noise in told
    assert f"rate    about {rate}" in told
    assert len(capsys.readouterr().out.splitlines()) == len(seconds)
    journal.close("checked", 0.0)


def test_what_torch_computes_on_is_said_where_the_code_imports_it(ar: Cli, tmp_path: Path) -> None:
    python = python_with_torch(tmp_path / "torch", TWO_GPUS)
    training = {"solve.py": "import torch\n\nX = 0.0\nY = 0.0\n"}
    repository = toy(tmp_path / "repository", training, command=f"{python} -u evaluate.py")
    assert "\ntorch: 2 x H200 (142336 MiB)\n" in ar(repository, "init", "--check").out

    without = toy(tmp_path / "without", command=f"{python} -u evaluate.py")
    assert "torch" not in ar(without, "init", "--check").out
