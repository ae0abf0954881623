"""`ar run` where it cannot work: one clear error, the right exit code, and nothing has changed."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from pathlib import Path

import pytest

from tests.support.cli import PYTHON, Cli, Done, config, improvements, patches, solve, toy
from tests.support.repositories import git, state_of, write


@pytest.fixture
def ar(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "home")


def everything(folder: Path) -> dict[str, str]:
    """Every ref and every file of a folder, also those that git ignores; of `.git` only what lies on top."""
    files = {str(one): one.read_text(errors="replace") for one in folder.rglob("*") if one.is_file()}
    ours = {name: text for name, text in files.items() if "/.git/" not in name}
    refs = git(folder, "for-each-ref") if (folder / ".git").exists() else ""
    return {**ours, "refs": refs, "git": " ".join(sorted(one.name for one in folder.glob(".git/*")))}


def refused(ar: Cli, folder: Path, *arguments: str, code: int = 2) -> Done:
    """`ar run` fails with this exit code, says nothing on stdout, and leaves everything as it was."""
    before = everything(folder)
    done = ar(folder, "run", *arguments)
    assert (done.code, done.out) == (code, ""), done
    assert everything(folder) == before
    return done


def test_without_a_repository_or_a_commit_or_files_there_is_nothing_to_run(ar: Cli, tmp_path: Path) -> None:
    empty = tmp_path / "no repository"
    empty.mkdir()
    done = refused(ar, empty)
    assert (done.error, done.hints) == (f"{empty} is not in a git repository", "git init, and a first commit")
    git(empty, "init", "--quiet")
    assert "no commit yet" in refused(ar, empty).error
    git(tmp_path, "init", "--quiet", "--bare", "bare.git")
    assert "bare" in refused(ar, tmp_path / "bare.git").error


MANY_KEYS = config(
    top="editabel = ['x']",
    experiment="isolation = 'total'\ngpus = -2\nchecks = 'x'",
    rest="timing = 'yes'\n[decision]\nrule = 'best'\n[constraints]\nvram = 'small'\n"
    "[budget]\ntme = '3h'\ncost = 8\n[run]\nworkers = 0\n[proposer]\nkind = 'hybrid'",
)
MANY_FILES = config(
    top="instructions = 'programm.md'",
    editable=("src/**/*.py", "sub/solve.py", "draft.py"),
    experiment="data = ['datasets']",
)
BROKEN = [
    ("goal = a low score\n", ["autoresearch.toml:1: broken TOML", "look at: goal = a low score"]),
    (
        MANY_KEYS,
        [
            "autoresearch.toml:3: `editabel` is no key; did you mean `editable`?",
            '`[experiment] isolation` must be "basic", "guarded" or "strict", not "total"',
            "`[experiment] gpus` must be at least 0, not -2",
            '`[experiment] checks` must be a list of texts, not "x"',
            '`[metric] timing` must be true or false, not "yes"',
            '`[decision] rule` must be "proved" or "keep-if-better", not "best"',
            '`[constraints] vram` must be text such as "<= 48000" or "<= 1.1x", not "small"',
            "`[budget] tme` is no key; did you mean `time`?",
            '`[budget] cost` must be money, as "3usd", not 8',
            "`[run] workers` must be at least 1, not 0",
            '`[proposer] kind = "hybrid"` is not available yet',
        ],
    ),
    (
        MANY_FILES,
        [
            '`instructions`: there is no file "programm.md"; did you mean "program.md"?',
            '`editable`: "src/**/*.py" matches no tracked file',
            '"sub/solve.py" matches no tracked file; did you mean "solve.py"?',
            '"draft.py" is there, but git does not track it',
            'there is no "datasets"; did you mean "dataset"?',
        ],
    ),
]


@pytest.mark.parametrize(("text", "said"), BROKEN)
def test_everything_wrong_in_the_configuration_is_named(ar: Cli, tmp_path: Path, text: str, said: list[str]) -> None:
    repository = toy(tmp_path / "repo")
    write(repository, {"autoresearch.toml": text, "draft.py": "", "dataset/1.txt": "1"})
    done = refused(ar, repository)
    assert done.error.startswith("autoresearch.toml:")
    for one in said:
        assert one in f"{done.error}\n{done.hints}"


OPTIONS = [
    (["--bugdet", "5x"], "No such option: --bugdet", "did you mean --budget"),
    (["--tag", "../elsewhere"], "'../elsewhere' cannot name a run", "--tag"),
    (["--snapshot", "--committed"], "--snapshot and --committed exclude each other", ""),
    (["--workers", "0"], '--workers "0" is no number of samples', "--workers auto"),
    (["--workers", "two"], '--workers "two" is no number of samples', "--workers auto"),
    (["--proposer", "hybrid"], "--proposer hybrid is not available yet", "llm or tuner"),
    (["--proposer", "replay"], "what shall be replayed?", "--replay 12,17"),
    (["--proposer", "llm"], "the llm proposer needs a model", "--model"),
    (["--target", "nan"], "--target nan is no number", "--target"),
    (["--patience", "0"], "Invalid value for '--patience'", "ar run --help"),
    (["--config", "elsewhere.toml"], "elsewhere.toml: cannot be read", ""),
    (["--replay", "nonsense"], "neither experiment numbers, a git range nor a folder of patches", "12,17,31"),
    (["--replay", "7"], "there is no change of experiment 7", "ar log"),
]


@pytest.mark.parametrize(("options", "error", "hint"), OPTIONS)
def test_a_wrong_option_is_refused(ar: Cli, tmp_path: Path, options: list[str], error: str, hint: str) -> None:
    done = refused(ar, toy(tmp_path / "repo"), *options)
    assert error in done.error
    assert hint in done.hints


def test_an_unknown_command_names_the_nearest_one(ar: Cli, tmp_path: Path) -> None:
    done = ar(tmp_path, "rnu")
    assert (done.code, done.out, done.error, done.hints) == (2, "", "No such command 'rnu'", "did you mean 'run'?")
    alone = ar(tmp_path)
    assert (alone.code, alone.err) == (2, "")
    assert "Usage: ar" in alone.out


def test_without_a_configuration_the_way_to_one_is_shown(ar: Cli, tmp_path: Path) -> None:
    repository = toy(tmp_path / "repo")
    (repository / "autoresearch.toml").unlink()
    done = refused(ar, repository)
    assert (done.error, done.hints) == (f"there is no autoresearch.toml in {repository}", "ar init")
    write(repository, {"autoresearch.toml": config(), "solve.py": solve(x=2.0), "evaluate.py": "1 / 0\n"})
    done = refused(ar, repository)
    assert done.error == "uncommitted changes in evaluate.py, solve.py"
    assert "--snapshot" in done.hints
    assert "--committed" in done.hints


def test_a_second_run_at_the_same_time_is_refused_also_from_a_linked_worktree(ar: Cli, tmp_path: Path) -> None:
    repository = toy(tmp_path / "repo")
    linked = tmp_path / "linked"
    git(repository, "worktree", "add", "--quiet", "--detach", str(linked))
    lock = repository / ".git" / "autoresearch.lock"
    here = {"pid": os.getpid(), "host": socket.gethostname()}
    holder = {**here, "what": "ar run", "tag": "night", "since": "now", "command": "ar run"}
    lock.write_text(json.dumps(holder))
    with lock.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for folder in (repository, linked):
            done = refused(ar, folder, "--replay", str(improvements(tmp_path / "p")), code=3)
            assert f"works on this repository already on run night: process {os.getpid()}" in done.error
            assert "ar status" in done.hints


def test_a_branch_that_is_checked_out_or_was_moved_by_hand_is_refused(ar: Cli, tmp_path: Path) -> None:
    repository, folder = toy(tmp_path / "repo"), str(improvements(tmp_path / "p"))
    assert ar(repository, "run", "--tag", "t", "--budget", "1x", "--replay", folder).code == 0
    git(repository, "switch", "--quiet", "autoresearch/t")
    done = refused(ar, repository, "--replay", folder, code=1)
    assert done.error.startswith("autoresearch/t is checked out")
    assert "git switch --detach" in done.hints
    git(repository, "switch", "--quiet", "--detach")
    assert "going on with t" in ar(repository, "run", "--replay", folder, "--budget", "1x").out

    git(repository, "switch", "--quiet", "main")
    git(repository, "worktree", "add", "--quiet", str(tmp_path / "other tree"), "autoresearch/t")
    assert str(tmp_path / "other tree") in refused(ar, repository, "--replay", folder, code=1).error
    git(repository, "worktree", "remove", str(tmp_path / "other tree"))

    git(repository, "commit", "--quiet", "--allow-empty", "--message=by hand")
    git(repository, "branch", "--force", "autoresearch/t", "main")
    git(repository, "reset", "--quiet", "--hard", "main~1")
    done = refused(ar, repository, "--replay", folder, code=1)
    assert "which is no experiment of this run" in done.error
    assert "ar run --new" in done.hints


SWITCHING = """\
import subprocess
from pathlib import Path
from solve import X

if X == 2:
    subprocess.run(["git", "-C", Path.cwd().parents[2], "switch", "-q", "autoresearch/t"], check=True)
print("score:", X)
"""


def test_a_branch_that_is_checked_out_meanwhile_ends_the_run_before_it_would_move(ar: Cli, tmp_path: Path) -> None:
    repository = toy(tmp_path / "repo", {"evaluate.py": SWITCHING}, experiment='canary = false\nisolation = "basic"')
    folder = str(improvements(tmp_path / "p"))
    done = ar(repository, "run", "--tag", "t", "--replay", folder)
    assert done.code == 1
    assert done.error.startswith(f"autoresearch/t is checked out in {repository}")
    assert "git switch --detach" in done.hints
    assert git(repository, "status", "--porcelain") == ""
    assert git(repository, "log", "--format=%s", "autoresearch/t").splitlines() == ["baseline", "first"]
    git(repository, "switch", "--quiet", "main")
    again = ar(repository, "run", "--replay", str(patches(tmp_path / "q", ("solve.py", solve(), solve(x=1.5)))))
    assert "#2 keep 1.5 " in again.out
    assert "interrupted" in ar(repository, "log", "1").out


NO_BASELINE = [
    ("raise RuntimeError('boom')", "exit code 1: RuntimeError: boom"),
    ("print('scroe: 3')\nprint('accuracy = 4')", '"score" was not printed; numbers that were: scroe, accuracy'),
    ("print('score: nan')", '"score" was given as "nan": no finite number'),
    ("import sys\nprint('score: 3', file=sys.stderr)", "it is on stderr: only stdout is read"),
    ("import time\nprint('waiting')\ntime.sleep(600)", "timed out after 1 s"),
]


@pytest.mark.parametrize(("program", "reason"), NO_BASELINE)
def test_a_baseline_that_fails_ends_the_run_and_is_shown(ar: Cli, tmp_path: Path, program: str, reason: str) -> None:
    limit = "timeout = '1s'" if "sleep" in program else ""
    repository = toy(tmp_path / "repo", {"evaluate.py": f"{program}\n"}, experiment=f"canary = false\n{limit}")
    before = state_of(repository)
    done = ar(repository, "run", "--tag", "t", "--json", "--replay", str(improvements(tmp_path / "p")))
    assert done.code == 1
    assert done.error.startswith("the baseline failed: ")
    assert reason in done.error
    assert done.named("run-finished")[0]["exit_code"] == 1
    assert state_of(repository) == before
    assert git(repository, "rev-parse", "autoresearch/t") == git(repository, "rev-parse", "HEAD")
    assert not list((repository / ".autoresearch").glob("worktrees/*"))


def test_a_baseline_that_needs_more_than_the_whole_budget_is_an_error(ar: Cli, tmp_path: Path) -> None:
    repository = toy(tmp_path / "repo", {"evaluate.py": "import time\n\ntime.sleep(600)\n"})
    done = ar(repository, "run", "--budget", "1s", "--replay", str(improvements(tmp_path / "p")))
    assert (done.code, done.error) == (1, "the time budget is used up before the baseline was measured")
    assert "ar run --budget 8h" in done.hints


@pytest.mark.parametrize("command", ["no-such-program --fast", ["no-such-program", "--fast"]])
def test_a_command_that_does_not_exist_is_named(ar: Cli, tmp_path: Path, command: str | list[str]) -> None:
    repository = toy(tmp_path / "repo", command=command)
    done = ar(repository, "run", "--replay", str(improvements(tmp_path / "p")))
    assert (done.code, done.error) == (1, "the baseline failed: command not found: no-such-program")


def test_a_baseline_that_failed_is_looked_at_mended_and_tried_again(ar: Cli, tmp_path: Path) -> None:
    needs = "import os\nfrom solve import X\n\nprint('begin')\nprint('score:', X * float(os.environ['FACTOR']))\n"
    repository, folder = toy(tmp_path / "repo", {"evaluate.py": needs}), str(improvements(tmp_path / "p"))
    done = ar(repository, "run", "--tag", "t", "--replay", folder)
    assert (done.code, done.error) == (1, "the baseline failed: exit code 1: KeyError: 'FACTOR'")
    assert "  | begin\n" in done.err
    assert "  | KeyError: 'FACTOR'\n" in done.err
    assert "ar log 0 --output" in done.hints
    assert ar(repository, "log", "0", "--output").out.endswith("KeyError: 'FACTOR'\n")

    write(repository, {"autoresearch.toml": config(experiment="canary = false\nenv = { FACTOR = '2' }")})
    again = ar(repository, "run", "--budget", "1x", "--replay", folder, "--json")
    assert "going on with t" in again.err
    assert [one["metric"] for one in again.named("experiment-finished")] == [6.0, 4.0]


def test_a_metric_on_several_lines_is_said(ar: Cli, tmp_path: Path) -> None:
    twice = "from solve import X\n\nprint('score: 99')\nprint('score:', X)\n"
    repository = toy(tmp_path / "repo", {"evaluate.py": twice})
    done = ar(repository, "run", "--json", "--budget", "1x", "--replay", str(improvements(tmp_path / "p")))
    assert "score is printed on several lines: the last one counts" in (one["message"] for one in done.named("warning"))
    assert [one["metric"] for one in done.named("experiment-finished")] == [3.0, 2.0]


def test_changes_that_make_no_difference_are_said(ar: Cli, tmp_path: Path) -> None:
    repository = toy(tmp_path / "repo", command=f"{PYTHON} -c \"print('score: 1')\"")
    same = patches(tmp_path / "p", *(("solve.py", solve(), solve(x=number)) for number in (5.0, 6.0, 7.0)))
    done = ar(repository, "run", "--json", "--replay", str(same))
    assert sum("exactly the same number" in one["message"] for one in done.named("warning")) == 1


def test_a_file_name_cannot_forge_a_line_or_move_the_cursor(ar: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "x\nhint: rm -rf ~\x1b[2J\x9b2J"
    folder.mkdir()
    done = ar(folder, "run")
    assert done.error.startswith(f"{tmp_path}/x hint: rm -rf ~?[2J?2J is not in a git repository")
    assert done.hints == "git init, and a first commit"
    assert "\x1b" not in done.err
