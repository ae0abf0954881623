"""From `ar init --yes` to kept experiments, in repositories made for other tools that stay as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoresearch.config import load
from tests.support.chat_server import ChatServer
from tests.support.cli import Cli, Done, patches
from tests.support.foreign import EVALUATOR, PROGRAM, SESSION, TASK
from tests.support.repositories import git, make_repository, write

pytestmark = pytest.mark.thorough

INSIDE = ("initial_program.py", PROGRAM, PROGRAM.replace("RATE = 3.0", "RATE = 2.0"))
OUTSIDE = ("initial_program.py", PROGRAM, PROGRAM.replace("FLOOR = 2.0", "FLOOR = 900.0"))
BROKEN = ("initial_program.py", PROGRAM, PROGRAM.replace("return 10 -", "return missing -"))
ONLY = "only what stands between the EVOLVE-BLOCK markers may change"


@pytest.fixture
def ar(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "home")


def set_up(ar: Cli, folder: Path) -> Done:
    """`ar init --yes`, and the repository's own files are as they were."""
    done = ar(folder, "init", "--yes")
    assert done.code == 0, done.err
    assert git(folder, "diff", "HEAD") == ""
    return done


def finished(done: Done) -> list[tuple[str, str]]:
    """Decision and outcome of each experiment, the baseline's first."""
    return [(one["decision"], one["outcome"]) for one in done.named("experiment-finished")]


def test_what_was_found_is_said_before_anything_is_written(ar: Cli, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repo", {**TASK, "ar_openevolve.py": "mine\n"})
    done = ar(repository, "init", "--yes")
    assert done.code == 2
    assert "ar_openevolve.py exists already; nothing was written" in done.error
    assert git(repository, "status", "--porcelain") == ""
    assert "- a task of OpenEvolve (initial_program.py, evaluator.py) is there: " in done.out
    assert "- evaluator.py is protected, and run by ar_openevolve.py, a script of ours" in done.out
    assert "- initial_program.py: only what stands between its EVOLVE-BLOCK markers may change" in done.out


def test_a_task_of_openevolve_runs_and_only_its_region_changes(ar: Cli, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repo", TASK)
    set_up(ar, repository)
    changes = patches(tmp_path / "patches", INSIDE, OUTSIDE, BROKEN)
    done = ar(repository, "run", "--tag", "t", "--replay", str(changes), "--budget", "9x", "--json")
    assert done.code == 0, done.err
    assert finished(done) == [
        ("keep", "measured"),
        ("keep", "measured"),
        ("discard", "rejected"),
        ("discard", "crashed"),
    ]
    baseline, kept, rejected, crashed = done.named("experiment-finished")
    assert (baseline["metric"], kept["metric"]) == (8.0, 11.0)
    assert rejected["reason"].endswith(f'initial_program.py: line 10, "FLOOR = 2.0", is outside: {ONLY}')
    assert "NameError: name 'missing' is not defined" in crashed["reason"]
    assert "in height" in ar(repository, "log", "3", "--output").out
    assert git(repository, "status", "--porcelain").splitlines() == [
        "?? ar_openevolve.py",
        "?? autoresearch.toml",
        "?? program.md",
    ]


def test_it_runs_as_well_when_all_that_was_written_is_committed(ar: Cli, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repo", TASK)
    set_up(ar, repository)
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message=task")
    done = ar(repository, "run", "--replay", str(patches(tmp_path / "p", INSIDE)), "--budget", "1x", "--json")
    assert finished(done) == [("keep", "measured"), ("keep", "measured")], done.err


@pytest.mark.slow
def test_the_tuner_turns_nothing_outside_and_the_model_is_told(ar: Cli, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repo", TASK)
    set_up(ar, repository)
    done = ar(repository, "run", "--budget", "2x", "--json")
    assert done.code == 0, done.err
    titles = [one["title"] for one in done.named("experiment-finished")[1:]]
    assert len(titles) == 2
    assert [title.split()[0] for title in titles] == ["RATE", "RATE"]
    assert not any("FLOOR" in title for title in titles)

    reply = "Title: a higher floor\nHypothesis: h\nExpected: e\n\ninitial_program.py\n"
    reply += "<<<<<<< SEARCH\nFLOOR = 2.0\n=======\nFLOOR = 3.0\n>>>>>>> REPLACE\n"
    with ChatServer(replies=[reply]) as server:
        model = {"OPENAI_API_KEY": "sk-none", "OPENAI_API_BASE": server.base_url}
        words = ("--new", "--tag", "llm", "--model", "openai/stub", "--budget", "1x", "--json")
        asked = ar(repository, "run", *words, **model)
    assert finished(asked) == [("keep", "measured"), ("discard", "rejected")], asked.err
    prompts = [request.prompt for request in server.requests]
    assert "EVOLVE-BLOCK-START and EVOLVE-BLOCK-END only what stands between them may change" in prompts[0]
    assert ONLY in prompts[1]


def test_an_evaluator_that_raises_ends_the_baseline_with_the_end_of_its_traceback(ar: Cli, tmp_path: Path) -> None:
    raises = EVALUATOR.replace("program.total()", "program.totl()")
    repository = make_repository(tmp_path / "repo", {**TASK, "evaluator.py": raises})
    set_up(ar, repository)
    done = ar(repository, "run", "--budget", "1x")
    assert done.code == 1
    assert done.error.startswith("the baseline failed: exit code 1: AttributeError: module 'program' has no attribute")
    assert "in evaluate" in done.out + done.err


SHINKA = """\
import argparse, importlib.util, json, pathlib

parser = argparse.ArgumentParser()
parser.add_argument("--program_path")
parser.add_argument("--results_dir")
given = parser.parse_args()
spec = importlib.util.spec_from_file_location("program", given.program_path)
program = importlib.util.module_from_spec(spec)
spec.loader.exec_module(program)
right = {"correct": program.total() < 20, "error": "too high"}
for name, found in {"metrics": {"combined_score": program.total()}, "correct": right}.items():
    (pathlib.Path(given.results_dir) / f"{name}.json").write_text(json.dumps(found))
"""


def test_a_task_of_shinka_runs_and_what_is_not_correct_is_never_kept(ar: Cli, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repo", {"evaluate.py": SHINKA, "initial.py": PROGRAM})
    set_up(ar, repository)
    texts = (PROGRAM.replace("10 -", "1000 -"), PROGRAM.replace("RATE = 3.0", "RATE = 2.0"))
    changes = patches(tmp_path / "patches", *(("initial.py", PROGRAM, text) for text in texts))
    done = ar(repository, "run", "--replay", str(changes), "--budget", "9x", "--json")
    assert finished(done) == [("keep", "measured"), ("discard", "crashed"), ("keep", "measured")], done.err
    assert done.named("experiment-finished")[1]["reason"].endswith("the program is not correct: too high")


# ---- pi-autoresearch


def test_a_session_of_pi_runs_with_its_script_its_checks_and_its_prompt(ar: Cli, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repo", SESSION)
    said = set_up(ar, repository)
    assert "- its first METRIC line names cost" in said.out
    config = load(repository / "autoresearch.toml")
    assert (config.metric.name, config.metric.direction.value, config.instructions) == (
        "cost",
        "min",
        ".auto/prompt.md",
    )
    assert not (repository / "program.md").exists()
    texts = ("X = 2.0\n# KEEP\n", "X = 1.0\n")
    changes = patches(tmp_path / "patches", *(("solve.py", "X = 3.0\n# KEEP\n", text) for text in texts))
    done = ar(repository, "run", "--replay", str(changes), "--budget", "9x", "--json")
    assert done.code == 0, done.err
    kept = [one["number"] for one in done.named("experiment-finished") if one["decision"] == "keep"]
    assert kept == [0, 1]


def test_a_session_whose_script_names_no_metric_is_asked_for_one(ar: Cli, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repo", {**SESSION, "run.py": "print('nothing')\n"})
    done = ar(repository, "init", "--yes")
    assert done.code == 2
    assert "found no metric here" in done.error
    assert not (repository / "autoresearch.toml").exists()


# ---- karpathy's three files

TRAIN = """\
import os, random

LEARNING_RATE = 0.04
random.seed(int(os.environ["AR_SEED"]))
print("\\rstep 00001 (100.0%) | loss: 3.123456 | lrm: 1.00 | remaining: 0s    ", end="", flush=True)
print("\\n---")
print(f"val_bpb:          {1 + (LEARNING_RATE - 0.02) ** 2 + random.gauss(0, 1e-7):.9f}")
print(f"peak_vram_mb:     {45060.2:.1f}")
print(f"num_steps:        {953}")
"""


def test_karpathys_files_run_and_what_fails_is_shown(ar: Cli, tmp_path: Path) -> None:
    files = {
        "program.md": "# go\n",
        "prepare.py": "LIMIT = 300\n",
        "train.py": "import prepare\nprepare.missing()\nRATE = 1\n",
    }
    repository = make_repository(tmp_path / "repo", files)
    set_up(ar, repository)
    assert (repository / "program.md").read_text() == "# go\n"
    failed = ar(repository, "run", "--budget", "1x")
    assert failed.code == 1
    assert "AttributeError: module 'prepare' has no attribute 'missing'" in failed.error
    assert 'train.py", line 2, in <module>' in failed.out + failed.err

    write(repository, {"train.py": TRAIN})
    git(repository, "commit", "--quiet", "--all", "--message=a stand-in")
    done = ar(repository, "run", "--budget", "3x", "--json")
    assert done.code == 0, done.err
    assert [one["outcome"] for one in done.named("experiment-finished")] == ["measured"] * 4
    assert done.named("experiment-finished")[0]["metric"] == pytest.approx(1.0004, abs=1e-5)
