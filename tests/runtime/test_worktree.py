"""The worktree: what is in it before a sample, what stays, and that the user's own files are left alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from autoresearch.core.layout import Layout
from autoresearch.errors import ConfigError, RecordError
from autoresearch.runtime.git import common_directory
from autoresearch.runtime.tree import provide
from autoresearch.runtime.worktree import Worktree, remove_leftovers
from tests.support.repositories import git, make_repository, state_of, write

FILES = {"train.py": "print(1)\n", "data/.gitkeep": "", "src/lib.py": "", ".gitignore": "*.log\nbuild/\n"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "a répo with späces", FILES)


def worktree(root: Path, **options: object) -> Worktree:
    layout = Layout(root, "nov23")
    return Worktree(root, layout.worktree(0), layout.cache(0), **options)  # type: ignore[arg-type]


def head(root: Path) -> str:
    return git(root, "rev-parse", "HEAD")


def second_commit(root: Path) -> str:
    """A commit that is on no branch, as candidates are."""
    write(root, {"train.py": "print(2)\n", "new.py": ""})
    git(root, "add", "--all", ":!.autoresearch")
    git(root, "commit", "--quiet", "--message=second")
    commit = head(root)
    git(root, "reset", "--quiet", "--hard", "HEAD~")
    return commit


def found(folder: Path) -> set[str]:
    """Every path below a folder but git's own; links are not followed."""
    return {
        (Path(base) / name).relative_to(folder).as_posix()
        for base, folders, files in os.walk(folder)
        for name in (*folders, *files)
        if name != ".git"
    }


CLEAN = {"train.py", "data", "data/.gitkeep", "src", "src/lib.py", ".gitignore"}


def test_it_holds_the_commit_and_leaves_the_checkout_alone(root: Path) -> None:
    write(root, {"train.py": "dirty\n", "untracked.txt": ""})
    git(root, "stash", "push", "--quiet")
    write(root, {"train.py": "dirty again\n"})
    (root / ".git" / "info" / "exclude").write_text(".autoresearch\n")
    before = state_of(root)
    there = worktree(root)
    there.create(head(root))
    assert found(there.path) == CLEAN
    assert (there.path / "train.py").read_text() == "print(1)\n"
    assert state_of(root) == before
    there.remove()
    assert state_of(root) == before
    assert not there.path.exists()
    assert not (root / ".git" / "worktrees").exists()


def test_another_commit_replaces_everything(root: Path) -> None:
    commit, there = second_commit(root), worktree(root)
    there.create(head(root))
    write(there.path, {"left.txt": "", "src/build/x.o": "", "ignored.log": "", "train.py": "changed"})
    (there.path / "src" / "lib.py").unlink()
    there.lay_out(commit)
    assert found(there.path) == CLEAN | {"new.py"}
    assert (there.path / "train.py").read_text() == "print(2)\n"


def test_a_commit_that_does_not_exist_is_an_error_with_the_words_of_git(root: Path) -> None:
    with pytest.raises(RecordError, match=r"bad object|not a tree|failed to unpack"):
        worktree(root).create("0" * 39 + "1")


def test_neither_hooks_nor_signing_nor_the_users_shell_take_part(root: Path) -> None:
    for name in ("post-checkout", "post-index-change", "reference-transaction"):
        hook = root / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch '{root}/hooked'\nexit 1\n")
        hook.chmod(0o755)
    git(root, "config", "commit.gpgSign", "true")
    program = (
        "import sys; from pathlib import Path; from autoresearch.runtime.worktree import Worktree\n"
        "root = Path(sys.argv[1]); there = Worktree(root, root / '.autoresearch/worktrees/0', root / 'cache')\n"
        "there.create(sys.argv[2]); there.remove()\n"
    )
    poisoned = {**os.environ, "GIT_DIR": "/nowhere", "GIT_INDEX_FILE": "/nowhere", "GIT_WORK_TREE": "/nowhere"}
    subprocess.run([sys.executable, "-c", program, str(root), head(root)], env=poisoned, check=True)
    assert not (root / "hooked").exists()


def test_an_experiment_that_checks_out_a_branch_does_not_move_it(root: Path) -> None:
    git(root, "branch", "mine")
    before, commit, there = head(root), second_commit(root), worktree(root)
    there.create(before)
    git(there.path, "checkout", "--quiet", "mine")
    there.lay_out(commit)
    there.point(commit)
    assert git(root, "rev-parse", "mine") == before
    assert git(there.path, "rev-parse", "HEAD") == commit


@pytest.mark.parametrize(
    "damage",
    [
        "rm .git",
        "rm .git; git init --quiet .",
        "rm -rf ./* .git .gitignore",
        'echo torn > "$(git rev-parse --git-path index)"',
        'touch "$(git rev-parse --git-path index.lock)"',
        "rm train.py; mkdir train.py; touch train.py/x; rm -r src; ln -s /etc src",
        "mkdir -p deep/er; touch deep/er/file; chmod 500 deep/er; chmod 000 deep",
        "chmod 500 src; chmod 400 train.py",
        "mkdir dep; cd dep; git init --quiet; touch x",
        "mkfifo pipe src/pipe; ln -s nowhere dangling; mkdir new; mkfifo new/pipe",
    ],
)
def test_it_can_be_laid_out_after_whatever_an_experiment_did(tmp_path: Path, damage: str) -> None:
    root = make_repository(tmp_path / "repository", FILES)
    there = worktree(root)
    there.create(head(root))
    subprocess.run(["sh", "-c", damage], cwd=there.path, check=True)
    there.lay_out(head(root))
    assert found(there.path) == CLEAN
    assert git(there.path, "status", "--porcelain", "--ignored") == ""


LAY_OUT_LOCKED = """
import os, sys
from pathlib import Path
from autoresearch.runtime.tree import remove
folder = Path(sys.argv[1])
try:
    os.listdir(folder / "closed")
except PermissionError:
    remove(folder)
    print("removed")
"""


def test_closed_folders_are_removed_by_somebody_who_is_not_root(tmp_path: Path) -> None:
    folder = tmp_path / "leftover"
    write(folder, {"closed/inner/file": "", "other/file": ""})
    for name in ("closed/inner", "closed", "other"):
        (folder / name).chmod(0o000)
    # root may do everything: without its capabilities it is as any other owner.
    humble = ["setpriv", "--bounding-set", "-all"] if os.geteuid() == 0 else []
    command = [*humble, sys.executable, "-c", LAY_OUT_LOCKED, str(folder)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert told == "removed\n"
    assert not folder.exists()


def test_data_is_linked_and_comes_back(root: Path) -> None:
    write(root, {"inputs/raw/a.bin": "a", "model.bin": "m"})
    there = worktree(root, data=("inputs/raw", "model.bin"))
    there.create(head(root))
    assert (there.path / "model.bin").readlink() == root / "model.bin"
    (there.path / "inputs" / "raw").unlink()
    write(there.path, {"inputs/raw/mine": "", "inputs/other": ""})
    there.tidy()
    assert (there.path / "inputs" / "raw" / "a.bin").read_text() == "a"
    assert found(there.path) == CLEAN | {"inputs", "inputs/raw", "model.bin"}
    there.remove()
    assert found(root / "inputs") == {"raw", "raw/a.bin"}


def test_data_beside_tracked_files_is_linked_entry_by_entry(root: Path) -> None:
    write(root, {"data/corpus.txt": "text", "data/deep/er.txt": "", "data/.gitkeep": "the user's\n"})
    there = worktree(root, data=("data",))
    there.create(head(root))
    for _ in range(2):
        assert (there.path / "data" / ".gitkeep").read_text() == ""
        assert not (there.path / "data").is_symlink()
        assert (there.path / "data" / "corpus.txt").read_text() == "text"
        assert (there.path / "data" / "deep").is_symlink()
        there.lay_out(head(root))
    there.remove()
    assert (root / "data" / "deep" / "er.txt").exists()
    assert (root / "data" / ".gitkeep").read_text() == "the user's\n"


def test_a_commit_with_files_where_data_was_linked_does_not_write_through_the_link(root: Path) -> None:
    before = head(root)
    write(root, {"sets/x": "of the commit"})
    git(root, "add", "sets")
    git(root, "commit", "--quiet", "--message=sets")
    write(root, {"sets/x": "the user's", "sets/y": "more"})
    there = worktree(root, data=("sets",))
    there.create(before)
    assert (there.path / "sets").is_symlink()
    there.lay_out(head(root))
    assert (there.path / "sets" / "x").read_text() == "of the commit"
    assert (there.path / "sets" / "y").is_symlink()
    there.lay_out(before)
    assert (root / "sets" / "x").read_text() == "the user's"
    assert found(root / "sets") == {"x", "y"}


def test_a_link_in_the_commit_that_leads_nowhere_is_replaced_by_the_data(root: Path) -> None:
    (root.parent / "shared").mkdir()
    (root.parent / "shared" / "x").write_text("x")
    (root / "sets").symlink_to("../shared")
    git(root, "add", "sets")
    git(root, "commit", "--quiet", "--message=link")
    there = worktree(root, data=("sets",))
    there.create(head(root))
    there.tidy()
    assert (there.path / "sets" / "x").read_text() == "x"


def test_data_that_does_not_exist_is_an_error_of_the_configuration(root: Path) -> None:
    with pytest.raises(ConfigError, match=r"data: .*missing does not exist"):
        worktree(root, data=("missing",))


@pytest.mark.parametrize("path", ["../outside", "/etc", ".", "src/..", ".git", ".git/hooks"])
@pytest.mark.parametrize("key", ["data", "cache"])
def test_paths_outside_the_repository_are_refused(root: Path, key: str, path: str) -> None:
    with pytest.raises(ConfigError, match="not a path inside the repository"):
        worktree(root, **{key: (path,)})


def test_paths_are_relative_to_the_folder_of_the_configuration(root: Path) -> None:
    write(root, {"tasks/one/sets/x": "", "tasks/shared": "s"})
    there = worktree(root, sub="tasks/one", data=("sets", "../shared"), cache=("target",))
    there.create(head(root))
    assert there.cwd == there.path / "tasks" / "one"
    assert found(there.path / "tasks") == {"one", "one/sets", "one/target", "shared"}


def test_the_cache_starts_empty_and_survives_commits_and_runs(root: Path) -> None:
    commit = second_commit(root)
    write(root, {"target/of/the/user": "", "build/deps/x": ""})
    there = worktree(root, cache=("target", "build/deps"))
    there.create(head(root))
    assert found(there.path) == CLEAN | {"target", "build", "build/deps"}
    write(there.path, {"target/a.o": "a", "build/deps/b.o": "b", "build/gone": ""})
    there.lay_out(commit)
    assert found(there.path) == CLEAN | {"new.py", "target", "target/a.o", "build", "build/deps", "build/deps/b.o"}
    there.remove()
    again = worktree(root, cache=("target", "build/deps"))
    again.create(head(root))
    assert (again.path / "target" / "a.o").read_text() == "a"
    assert (again.path / "build" / "deps" / "b.o").read_text() == "b"
    again.remove()


def test_a_cache_that_became_a_link_is_made_a_folder_again(root: Path) -> None:
    (root.parent / "precious").mkdir()
    there = worktree(root, cache=("build/target",))
    there.create(head(root))
    subprocess.run(["sh", "-c", "rm -r build; ln -s ../../../../precious build"], cwd=there.path, check=True)
    there.tidy()
    assert (there.path / "build" / "target").is_dir()
    assert not (there.path / "build").is_symlink()
    assert found(root.parent / "precious") == set()


def test_what_setup_made_stays_for_the_samples_of_a_commit(root: Path) -> None:
    commit, there = second_commit(root), worktree(root, cache=("target",))
    there.create(head(root))
    write(there.path, {"build/bin/tool": "tool", "node/x/y": "", "target/o": "", "train.py": "patched by setup"})
    there.remember_setup()
    there.tidy()
    after_setup = CLEAN | {"build", "build/bin", "build/bin/tool", "node", "node/x", "node/x/y", "target", "target/o"}
    assert found(there.path) == after_setup
    assert (there.path / "train.py").read_text() == "print(1)\n"
    write(there.path, {"out/result.json": "", "build/bin/extra": "", "node/x/__pycache__/y.pyc": "", "target/p": ""})
    (there.path / "src" / "empty").mkdir()
    there.tidy()
    assert found(there.path) == after_setup | {"target/p"}
    there.lay_out(commit)
    assert found(there.path) == CLEAN | {"new.py", "target", "target/o", "target/p"}


def test_leftovers_of_a_killed_run_are_removed_and_nobody_elses(root: Path) -> None:
    other = root.parent / "other"
    git(root, "worktree", "add", "--quiet", "--detach", str(other))
    abandoned = worktree(root)
    abandoned.create(head(root))
    subprocess.run(["sh", "-c", "mkdir -p a/b; chmod 500 a"], cwd=abandoned.path, check=True)
    (root / ".git" / "worktrees" / "0" / "index.lock").touch()
    write(root, {".autoresearch/worktrees/7/half/made": "", ".autoresearch/runs/nov23/0001/output.log": "kept"})
    remove_leftovers(root, Layout(root, "nov23").worktrees)
    assert [path.name for path in (root / ".git" / "worktrees").iterdir()] == ["other"]
    assert found(root / ".autoresearch") == {
        "worktrees",
        *("runs", "runs/nov23", "runs/nov23/0001", "runs/nov23/0001/output.log"),
    }
    assert git(other, "status", "--porcelain") == ""


def test_a_new_run_takes_the_place_of_a_killed_one(root: Path) -> None:
    worktree(root).create(head(root))
    there = worktree(root)
    there.create(head(root))
    assert found(there.path) == CLEAN
    assert [path.name for path in (root / ".git" / "worktrees").iterdir()] == ["0"]
    there.remove()


def test_a_worktree_with_the_same_name_elsewhere_does_not_matter(root: Path) -> None:
    other = root.parent / "0"
    git(root, "worktree", "add", "--quiet", "--detach", str(other))
    there = worktree(root)
    there.create(head(root))
    assert found(there.path) == CLEAN
    there.remove()
    assert git(other, "status", "--porcelain") == ""


def test_it_works_from_a_linked_worktree(root: Path) -> None:
    linked = root.parent / "linked"
    git(root, "worktree", "add", "--quiet", "--detach", str(linked))
    there = worktree(linked)
    there.create(head(root))
    assert found(there.path) == CLEAN
    assert common_directory(linked) == common_directory(root) == root / ".git"
    there.remove()
    assert [path.name for path in (root / ".git" / "worktrees").iterdir()] == ["linked"]


def test_a_file_that_a_killed_process_left_empty_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "home" / ".gitignore"
    provide(path, "*\n")
    assert [one.name for one in path.parent.iterdir()] == [".gitignore"]
    path.write_text("")
    provide(path, "*\n")
    assert path.read_text() == "*\n"
    path.write_text("mine\n")
    provide(path, "*\n")
    assert path.read_text() == "mine\n"
