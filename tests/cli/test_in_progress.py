"""What git waits for in a checkout, a merge or a rebase: refused at the start of a run, no matter in its course."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from autoresearch.cli.surroundings import refuse_in_progress
from autoresearch.errors import RunError
from tests.support.cli import Cli, improvements, refs, toy
from tests.support.repositories import IDENTITY, git, state_of, write
from tests.support.toy import Toy

pytestmark = pytest.mark.thorough


@pytest.fixture
def ar(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "home")


@pytest.fixture
def changes(tmp_path: Path) -> str:
    return str(improvements(tmp_path / "patches"))


def fails(folder: Path, *arguments: str) -> None:
    """A call of git that stops in the middle."""
    env = {**os.environ, **IDENTITY, "GIT_EDITOR": "true"}
    done = subprocess.run(["git", *arguments], cwd=folder, env=env, capture_output=True, check=False)
    assert done.returncode != 0


def cherry_pick_series(folder: Path) -> None:
    """The first of two does not fit and was committed by hand: nothing is left but git's list of what comes."""
    fails(folder, "cherry-pick", "other~1", "other")
    write(folder, {"notes.txt": "both\n"})
    git(folder, "commit", "--quiet", "--all", "--message=by hand")


def am(folder: Path) -> None:
    write(folder.parent, {"mail.patch": git(folder, "format-patch", "--stdout", "other~1..other") + "\n"})
    fails(folder, "am", str(folder.parent / "mail.patch"))


def bisect(folder: Path) -> None:
    git(folder, "bisect", "start", "HEAD", "HEAD~2")


def merge_without_a_conflict(folder: Path) -> None:
    git(folder, "merge", "--quiet", "--no-commit", "--strategy=ours", "other")


def stopping(*arguments: str) -> Callable[[Path], None]:
    return lambda folder: fails(folder, *arguments)


OPERATIONS: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "merge": (stopping("merge", "other"), "merge", "git merge --abort"),
    "merge without a conflict": (merge_without_a_conflict, "merge", "git merge --abort"),
    "rebase": (stopping("rebase", "other"), "rebase", "git rebase --abort"),
    "rebase by patches": (stopping("rebase", "--apply", "other"), "rebase", "git rebase --abort"),
    "rebase that waits": (stopping("rebase", "--exec", "false", "HEAD~1"), "rebase", "git rebase --abort"),
    "cherry-pick": (stopping("cherry-pick", "other"), "cherry-pick", "git cherry-pick --abort"),
    "two cherry-picks": (cherry_pick_series, "cherry-pick", "git cherry-pick --abort"),
    "revert": (stopping("revert", "--no-edit", "HEAD~1"), "revert", "git revert --abort"),
    "am": (am, "git am", "git am --abort"),
    "bisect": (bisect, "bisect", "git bisect reset"),
}


def divided(folder: Path) -> Path:
    """The task, and two branches that do not fit together."""
    repository = toy(folder, {"notes.txt": "first\n"})
    for branch in ("other", "main"):
        git(repository, *(["switch", "--quiet", "--create", branch] if branch == "other" else ["switch", "-q", branch]))
        for turn in (1, 2):
            write(repository, {"notes.txt": f"{branch} {turn}\n"})
            git(repository, "commit", "--quiet", "--all", "--message", f"{branch} {turn}")
    git(repository, "tag", "start")
    return repository


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return divided(tmp_path_factory.mktemp("shared") / "repo")


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_git_waits_for_is_named_with_the_command_that_ends_it(shared: Path, name: str) -> None:
    (begin, word, way), repository = OPERATIONS[name], shared
    git(repository, "reset", "--quiet", "--hard", "start")
    begin(repository)
    before = (state_of(repository), refs(repository))
    with pytest.raises(RunError) as refused:
        refuse_in_progress(repository)
    assert refused.value.message == f"a {word} is in progress in {repository}: its files are between two states"
    assert refused.value.hint.splitlines()[-1].removeprefix("end it: ").removeprefix("or:     ") == way
    assert (state_of(repository), refs(repository)) == before
    git(repository, *way.split()[1:])
    refuse_in_progress(repository)


def test_run_and_init_check_refuse_with_nothing_written(ar: Cli, tmp_path: Path) -> None:
    repository = divided(tmp_path / "repo")
    fails(repository, "merge", "other")
    before = (state_of(repository), refs(repository))
    for arguments in (["run", "--committed"], ["run", "--snapshot", "--dry-run"], ["init", "--check"]):
        done = ar(repository, *arguments)
        assert (done.code, done.out) == (1, "")
        assert done.error == f"a merge is in progress in {repository}: its files are between two states"
        assert done.hints == "end it: git merge --continue\nor:     git merge --abort"
    assert (state_of(repository), refs(repository)) == before
    assert not (repository / ".autoresearch").exists()


def test_only_the_checkout_that_one_is_in_counts(tmp_path: Path) -> None:
    repository, linked = divided(tmp_path / "repo"), tmp_path / "linked"
    git(repository, "worktree", "add", "--quiet", "--detach", str(linked))
    fails(repository, "merge", "other")
    refuse_in_progress(linked)
    git(repository, "merge", "--abort")
    fails(linked, "merge", "other")
    refuse_in_progress(repository)
    with pytest.raises(RunError, match=r"a merge is in progress in .*/linked: "):
        refuse_in_progress(linked)


def test_a_conflict_of_a_stash_is_never_taken_into_a_snapshot(ar: Cli, tmp_path: Path, changes: str) -> None:
    repository = divided(tmp_path / "repo")
    write(repository, {"notes.txt": "mine\n"})
    git(repository, "stash", "--quiet")
    write(repository, {"notes.txt": "main 3\n"})
    git(repository, "commit", "--quiet", "--all", "--message=three")
    fails(repository, "stash", "pop")
    before = refs(repository)
    for more in ([], ["--snapshot"]):
        done = ar(repository, "run", *more)
        assert (done.code, done.error) == (1, "conflicts are not resolved yet in notes.txt")
    assert refs(repository) == before
    assert ar(repository, "run", "--committed", "--budget", "1x", "--replay", changes).code == 0


def test_a_revert_leaves_a_checkout_alone_that_git_works_in(tmp_path: Path) -> None:
    made = Toy.make(tmp_path)
    made.run(-1)
    git(made.root, "branch", "other")
    git(made.root, "commit", "--quiet", "--allow-empty", "--message=more")
    git(made.root, "switch", "--quiet", "autoresearch/toy")
    git(made.root, "merge", "--quiet", "--no-commit", "--no-ff", "--strategy=ours", "main")
    assert git(made.root, "status", "--porcelain") == ""
    before = (state_of(made.root), refs(made.root))
    done = made.ar("revert", "1", "--no-measure")
    assert done.code == 1
    assert done.error == f"a merge is in progress in {made.root}: its files are between two states"
    assert (state_of(made.root), refs(made.root)) == before
    git(made.root, "merge", "--abort")
    assert made.ar("revert", "1", "--no-measure").code == 0


def test_what_one_begins_during_a_run_disturbs_neither(tmp_path: Path) -> None:
    made = Toy.make(tmp_path)
    write(made.root, {"start.sh": "loss=90\n"})
    git(made.root, "stash", "--quiet")
    git(made.root, "switch", "--quiet", "--create", "other")
    write(made.root, {"program.md": "other\n"})
    git(made.root, "commit", "--quiet", "--all", "--message=other")
    git(made.root, "switch", "--quiet", "main")
    running = made.start(*made.run_arguments("slow", "slow", "slow"), "--json")
    running.sees("sample-started", experiment=1)
    write(made.root, {"program.md": "mine\n"})
    git(made.root, "commit", "--quiet", "--all", "--message=mine")
    fails(made.root, "rebase", "other")
    running.sees("experiment-finished", number=2)
    write(made.root, {"program.md": "both\n"})
    git(made.root, "add", "program.md")
    git(made.root, "-c", "core.editor=true", "rebase", "--continue")
    fails(made.root, "merge", "--no-ff", "--no-commit", "--strategy=nonsense", "other")
    git(made.root, "merge", "--quiet", "--no-commit", "--no-ff", "--strategy=ours", "main~1")
    assert running.ends().code == 0
    assert [facts["Decision"] for _, facts in sorted(made.experiments().items())] == ["keep"] * 4
    assert git(made.root, "log", "-1", "--format=%s") == "mine"
    assert git(made.root, "show", "HEAD:program.md") == "both"
    assert git(made.root, "fsck", "--no-dangling", "--no-progress") == ""


def test_a_run_does_not_move_its_branch_while_it_is_being_rebased(tmp_path: Path) -> None:
    made = Toy.make(tmp_path)
    made.run(-1)
    running = made.start(*made.run_arguments("slow", "slow"), "--json")
    running.sees("sample-started", experiment=2)
    fails(made.root, "rebase", "--exec", "false", "HEAD~0", "autoresearch/toy")
    tip = made.branch
    ended = running.ends()
    assert ended.code == 1
    assert ended.error.startswith(f"autoresearch/toy is checked out in {made.root}")
    assert made.branch == tip
    git(made.root, "rebase", "--abort")
    git(made.root, "switch", "--quiet", "main")
    made.run(-1)
    made.assert_sound()
