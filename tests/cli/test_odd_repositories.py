"""Repositories and machines that are not as one expects: no git, odd names, marks, branches and folders."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autoresearch.core.edit import Change
from autoresearch.record.pipes import RefChange
from autoresearch.record.repository import Repository
from autoresearch.record.trees import changed_tree
from tests.support.cli import PYTHON, Cli, config, improvements, patches, toy
from tests.support.repositories import git, write
from tests.support.running import until
from tests.support.toy import Toy


@pytest.fixture
def ar(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "home")


@pytest.fixture
def changes(tmp_path: Path) -> str:
    return str(improvements(tmp_path / "patches"))


def test_without_git_one_line_says_so(ar: Cli, tmp_path: Path) -> None:
    nothing = tmp_path / "empty"
    nothing.mkdir()
    for command in (["status"], ["run"], ["log"]):
        done = ar(tmp_path, *command, PATH=str(nothing))
        assert (done.code, done.error, done.hints) == (2, "git is not installed", "install git 2.38 or newer")


def test_in_a_folder_that_was_deleted_one_line_says_so(tmp_path: Path) -> None:
    made = Toy.make(tmp_path)
    gone = made.root / "gone"
    for command in (["status"], ["log"], ["run"], ["revert", "1"]):
        gone.mkdir()
        script = 'rmdir "$PWD" && exec "$0" -m autoresearch "$@"'
        done = subprocess.run(
            ["sh", "-c", script, sys.executable, *command], cwd=gone, capture_output=True, text=True, check=False
        )
        said = "error: this folder does not exist any more\nhint: cd somewhere else\n"
        assert (done.returncode, done.stderr) == (2, said)


def test_a_change_that_deletes_the_only_file_is_rejected_and_the_run_goes_on(ar: Cli, tmp_path: Path) -> None:
    repository = tmp_path / "repo"
    settings = config("printf 'score: 1\\n'", editable=("*",))
    toy(repository)
    git(repository, "rm", "--quiet", "--cached", "-r", ".")
    write(repository, {"only.txt": "5\n", "autoresearch.toml": settings, ".git/info/exclude": "*\n!only.txt\n"})
    git(repository, "add", "only.txt")
    git(repository, "commit", "--quiet", "--message=one file")
    folder = str(patches(tmp_path / "patches", ("only.txt", "5\n", "6\n")))
    (Path(folder) / "00.patch").write_text(
        "diff --git a/only.txt b/only.txt\ndeleted file mode 100644\n--- a/only.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-5\n"
    )
    done = ar(repository, "run", "--committed", "--replay", folder, "--json")
    assert done.code == 0, done.err
    ends = [(one["outcome"], one["reason"]) for one in done.named("experiment-finished")]
    assert ends[1] == ("rejected", "no file would be left")
    assert ends[2][0] == "measured"


def test_a_configuration_with_a_byte_order_mark_works_from_the_run_to_the_log(
    ar: Cli, tmp_path: Path, changes: str
) -> None:
    repository = toy(tmp_path / "repo", {"autoresearch.toml": "\ufeff" + config()})
    first = ar(repository, "run", "--tag", "t", "--budget", "1x", "--replay", changes, "--json")
    assert first.code == 0, first.err
    again = ar(repository, "run", "--budget", "1x", "--replay", changes, "--json")
    assert again.named("run-started")[0]["tag"] == "t"
    assert ar(repository, "status").out.startswith("autoresearch/t   a low score\n")
    assert ar(repository, "log").out


def test_a_recorded_configuration_that_is_none_is_a_clear_error(tmp_path: Path) -> None:
    made = Toy.make(tmp_path)
    made.run(-1)
    ref = "refs/autoresearch/toy/run"
    for text in ("goal = \n", "goal = 'x'\n", "[metric]\nname = 'a'\ndirection = 'up'\n", "metric = 1\n"):
        repository, old = Repository(made.root), made.ref("run")
        tree = changed_tree(repository, repository.tree_of(old), Change({"autoresearch.toml": text}))
        assert isinstance(tree, str)
        repository.move(RefChange(ref, repository.commit(tree, [old], repository.message(old), datetime.now(UTC)), old))
        repository.close()
        done = made.ar("status")
        assert done.code == 1
        assert done.error.startswith("the configuration that is recorded with toy cannot be read: ")
        assert f"git show {ref}:autoresearch.toml" in done.hints
    assert made.ar("log").error == done.error


def test_a_configuration_of_another_name_is_not_changed_by_a_proposal(ar: Cli, tmp_path: Path) -> None:
    settings = config(editable=("*",))
    repository = toy(tmp_path / "repo", {"exp.toml": settings})
    folder = str(patches(tmp_path / "patches", ("exp.toml", settings, settings.replace("min", "max"))))
    done = ar(repository, "run", "--config", "exp.toml", "--budget", "1x", "--replay", folder, "--json")
    last = done.named("experiment-finished")[-1]
    assert last["outcome"] == "rejected"
    assert "is the configuration: it is never changed" in last["reason"]


def test_a_branch_called_autoresearch_is_refused_before_anything_is_written(
    ar: Cli, tmp_path: Path, changes: str
) -> None:
    repository = toy(tmp_path / "repo")
    git(repository, "branch", "autoresearch")
    before = git(repository, "for-each-ref")
    for tag in ([], ["--tag", "t"]):
        done = ar(repository, "run", *tag, "--replay", changes)
        assert (done.code, done.hints) == (2, "git branch -m autoresearch NAME")
        assert done.error.startswith("a branch is called autoresearch")
    assert git(repository, "for-each-ref") == before
    git(repository, "branch", "-m", "autoresearch", "mine")
    assert ar(repository, "run", "--tag", "t", "--budget", "1x", "--replay", changes).code == 0


def test_instructions_above_the_configuration_may_be_edited_without_a_commit(
    ar: Cli, tmp_path: Path, changes: str
) -> None:
    settings = config(f"{PYTHON} ../evaluate.py", top="instructions = '../program.md'", editable=("../solve.py",))
    repository = toy(tmp_path / "repo", {"sub/autoresearch.toml": settings})
    write(repository, {"program.md": "Try harder.\n"})
    done = ar(repository / "sub", "run", "--budget", "1x", "--replay", changes)
    assert done.code == 0, done.err


def test_the_question_about_uncommitted_work_takes_only_a_clear_answer(tmp_path: Path) -> None:
    made = Toy.make(tmp_path)
    write(made.root, {"start.sh": "loss=90\n"})
    refs = git(made.root, "for-each-ref")
    with made.person(100, 30, *made.run_arguments(-1)) as person:
        for answer in ("s", "snappshot"):
            person.sees("Start from [snapshot]:")
            person.types(answer)
            person.sees("snapshot, committed or stop?")
        person.types("st")
        assert person.ends() == 0
        assert "nothing was changed" in person.lines
        assert not any("error" in line for line in person.lines)
    with made.person(100, 30, *made.run_arguments(-1)) as person:
        person.sees("Start from [snapshot]:")
        person.child.sendintr()
        assert person.ends() == 130
    assert git(made.root, "for-each-ref") == refs
    with made.person(100, 30, *made.run_arguments(-1)) as person:
        person.sees("Start from [snapshot]:")
        person.types("c")
        assert person.ends() == 0
    assert git(made.root, "show", "autoresearch/toy:start.sh") == "loss=100"


def test_status_in_another_worktree_knows_that_the_run_goes_on(tmp_path: Path) -> None:
    made = Toy.make(tmp_path)
    linked = tmp_path / "linked"
    git(made.root, "worktree", "add", "--quiet", "--detach", str(linked))
    made.run(-1)
    made.tag = "second"
    running = made.start(*made.run_arguments("hang"), "--new", "--budget", "1h", "--json")
    running.sees("sample-started", experiment=1)
    until(lambda: any("sleep 600" in process for process in made.processes()), "the experiment runs")

    def state(*arguments: str) -> str:
        lines = made.cli(linked, "status", *arguments).out.splitlines()
        [line] = [line for line in lines if line.startswith("state ")]
        return line.removeprefix("state ").strip()

    assert state() == "running"
    assert state("--tag", "toy") == "not running; `ar run` goes on"
    running.kill()
    assert state() == "not running; `ar run` goes on"


def test_after_the_configuration_was_renamed_the_runs_are_named(tmp_path: Path) -> None:
    made = Toy.make(tmp_path)
    made.run(-1)
    git(made.root, "mv", "autoresearch.toml", "exp.toml")
    for command in ("status", "log"):
        done = made.ar(command, "--config", "exp.toml")
        assert (done.code, done.out) == (0, "no run of exp.toml yet\n")
        assert "ar status --tag toy" in done.hints.splitlines()
    assert made.ar("status", "--config", "exp.toml", "--tag", "toy").out.startswith("autoresearch/toy ")
