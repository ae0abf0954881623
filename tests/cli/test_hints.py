"""What an error says to type next leads on: to the thing that is missing, and not to another error."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cli import Cli, improvements, solve, toy
from tests.support.repositories import git, make_repository, write


@pytest.fixture
def ar(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "home")


def test_without_a_run_what_comes_first_is_named(ar: Cli, tmp_path: Path) -> None:
    unborn, unset = tmp_path / "unborn", make_repository(tmp_path / "unset", {"fit.py": "print('loss: 1')\n"})
    write(unborn, {"fit.py": ""})
    git(unborn, "init", "--quiet")
    for folder, said, hint in (
        (unborn, "no run yet, and no commit that one could start from", "git add . && git commit -m 'first'"),
        (unset, "no run yet", "ar init    writes autoresearch.toml, then: ar run --budget 5m"),
    ):
        for call in (["status"], ["log"]):
            done = ar(folder, *call)
            assert (done.code, done.out, done.hints) == (0, f"{said}\n", hint)
        export = ar(folder, "log", "--tsv")
        assert (export.code, export.out, export.error, export.hints) == (2, "", said, hint)


def test_an_export_of_a_configuration_without_a_run_is_an_error(ar: Cli, tmp_path: Path) -> None:
    repository = toy(tmp_path / "repo")
    assert ar(repository, "run", "--tag", "t", "--replay", str(improvements(tmp_path / "p"))).code == 0
    write(repository, {"other/autoresearch.toml": (repository / "autoresearch.toml").read_text()})
    plain = ar(repository / "other", "log")
    assert (plain.code, plain.out) == (0, "no run of other/autoresearch.toml yet\n")
    done = ar(repository / "other", "log", "--jsonl")
    assert (done.code, done.out, done.error) == (2, "", "no run of other/autoresearch.toml yet")
    assert done.hints == plain.hints
    assert "ar log --tag t" in done.hints


@pytest.mark.parametrize(
    ("words", "hint"),
    [("log --html", "ar log --help"), ("init --from", "ar init --help"), ("run --tag", "ar run --help")],
)
def test_an_option_without_its_value_leads_to_the_help_of_its_command(
    ar: Cli, tmp_path: Path, words: str, hint: str
) -> None:
    done = ar(tmp_path, *words.split())
    assert (done.code, done.hints) == (2, hint)
    assert "requires an argument" in done.error


def test_what_was_given_is_in_the_hint_too(ar: Cli, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repo", {"notes.txt": "x"})
    done = ar(repository, "init", "--yes", "--command", "sh a b.sh", "--metric", "x y", "--direction", "max")
    assert done.error == "found no editable file here: say it with --editable"
    assert done.hints == "ar init --command 'sh a b.sh' --metric 'x y' --direction max --editable GLOB"
    again = ar(repository, *shlex.split(done.hints.removeprefix("ar ").replace("GLOB", "notes.txt")))
    assert again.code == 0, again.err


def test_when_nothing_is_left_to_take_back_that_is_said(ar: Cli, tmp_path: Path) -> None:
    repository = toy(tmp_path / "repo")
    assert ar(repository, "run", "--tag", "t", "--replay", str(improvements(tmp_path / "p"))).code == 0
    for _ in range(2):
        assert ar(repository, "revert", "last", "--no-measure").code == 0
    done = ar(repository, "revert", "last")
    assert (done.code, done.error) == (2, "nothing is left to take back: no kept change is on the branch")
    assert done.hints == "ar log --kept"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a file that is full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("call", ["log --tsv", "log", "log 0 --output", "status --json"])
def test_an_output_that_cannot_be_written_is_said(ar: Cli, tmp_path: Path, call: str, unbuffered: str) -> None:
    repository = toy(tmp_path / "repo")
    assert ar(repository, "run", "--tag", "t", "--replay", str(improvements(tmp_path / "p"))).code == 0
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "autoresearch", *call.split()],
            cwd=repository,
            env={**ar.environment, "PYTHONUNBUFFERED": unbuffered},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "error: the output cannot be written: No space left on device"
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        ({"files": {"evaluate.py": "print('step: 3')\nprint('loss: 3')\n"}}, 'name = "loss"    in [metric]'),
        ({"files": {"evaluate.py": "print(3)\n"}}, 'print("score:", value)    in what it runs'),
        ({"command": "no-such-program --fast"}, 'command = "..."    in [experiment]: '),
        ({"command": f"'{sys.executable}' evalute.py"}, 'command = "..."    in [experiment]: there is no evalute.py'),
        ({"command": "sh evaluate.sh"}, 'command = "..."    in [experiment]: there is no evaluate.sh'),
    ],
)
def test_a_baseline_that_fails_says_which_key_to_change(
    ar: Cli, tmp_path: Path, settings: dict[str, object], hint: str
) -> None:
    repository = toy(tmp_path / "repo", **settings)  # type: ignore[arg-type]
    done = ar(repository, "run", "--replay", str(improvements(tmp_path / "p")))
    assert done.code == 1
    assert [line for line in done.hints.splitlines() if line.startswith(hint)], done.err


def test_a_script_that_is_there_is_not_called_missing(ar: Cli, tmp_path: Path) -> None:
    code = "from solve import X\nopen('weights.bin')\n"
    repository = toy(tmp_path / "repo", {"evaluate.py": code, "solve.py": solve()})
    done = ar(repository, "run", "--replay", str(improvements(tmp_path / "p")))
    assert "command = " not in done.hints


def test_a_dry_run_needs_no_key_and_says_so(ar: Cli, tmp_path: Path) -> None:
    repository = toy(tmp_path / "repo")
    call = ("run", "--model", "openai/gpt-5-mini")
    assert ar(repository, *call).error == "OPENAI_API_KEY is not set, so openai/gpt-5-mini cannot be asked"
    done = ar(repository, *call, "--dry-run")
    assert done.code == 0, done.err
    assert "note: OPENAI_API_KEY is not set: export OPENAI_API_KEY=... before ar run asks the model" in done.out
    assert "--- the prompt ---" in done.out
    assert "OPENAI_API_KEY" not in ar(repository, *call, "--dry-run", OPENAI_API_KEY="sk-of-a-test").out


def test_instructions_that_are_gone_can_be_brought_back(ar: Cli, tmp_path: Path) -> None:
    repository = toy(tmp_path / "repo")
    (repository / "program.md").unlink()
    done = ar(repository, "run")
    assert done.error.endswith('`instructions`: there is no file "program.md"')
    assert done.hints == "git restore program.md    brings it back"
    git(repository, "rm", "--quiet", "--cached", "program.md")
    untracked = ar(repository, "run")
    assert untracked.hints == "echo 'what to try, what to leave alone' > program.md    a line is enough"
    typed = untracked.hints.partition("    ")[0]
    assert subprocess.run(typed, shell=True, cwd=repository, check=False).returncode == 0
    assert "program.md" not in ar(repository, "run", "--dry-run", "--committed").err
