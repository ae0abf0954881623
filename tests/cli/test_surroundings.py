"""Repositories and folders that cannot be written, or hold something else: refused before anything is changed."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from autoresearch.cli.surroundings import refuse_unwritable
from autoresearch.errors import RunError
from autoresearch.record.repository import Repository
from tests.support.cli import Cli, Done, finish, improvements, refs, toy
from tests.support.namespaces import isolated, needs_root
from tests.support.repositories import git, write
from tests.support.running import until
from tests.support.toy import Toy

pytestmark = pytest.mark.thorough

WITHOUT_PRIVILEGE = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
"""Root as everybody else: the modes of files count."""


@pytest.fixture
def ar(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "home")


@pytest.fixture
def changes(tmp_path: Path) -> str:
    return str(improvements(tmp_path / "patches"))


def in_namespaces(ar: Cli, folder: Path, before: str, *arguments: str) -> Done:
    """`ar` after the shell's commands `before`, with mounts of its own."""
    call = shlex.join([sys.executable, "-m", "autoresearch", *arguments])
    script = f"set -e; cd {shlex.quote(str(folder))}; {before}; exec {call}"
    return finish(started([*isolated(), "sh", "-c", script], ar, folder))


def started(command: list[str], ar: Cli, folder: Path) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, env=ar.environment, stdout=pipe, stderr=pipe, text=True)


def test_a_read_only_git_folder_is_one_clear_error(ar: Cli, tmp_path: Path) -> None:
    repository = toy(tmp_path / "repo")
    before = refs(repository)
    read_only = "mount --bind {0} {0}; mount -o remount,bind,ro {0}; cd .."
    for folder, *arguments in ((".git/refs/heads", "run"), (".", "run"), (".", "init", "--check")):
        mounting = f"{read_only.format(folder)}; cd {repository}"
        done = in_namespaces(ar, repository, mounting, *arguments)
        assert (done.code, done.out) == (1, ""), done.err
        place = repository / (".git" if folder == "." else folder)
        assert done.error == f"{place} cannot be written: its file system is mounted read-only; nothing was changed"
        assert done.hints == "work in a clone elsewhere: git clone"
        assert refs(repository) == before
        assert not list(repository.glob("**/*.lock"))
    assert in_namespaces(ar, repository, mounting, "status").code == 0


def without_privilege(ar: Cli, folder: Path, *arguments: str) -> Done:
    if os.geteuid() != 0:
        return ar(folder, *arguments)
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    return finish(started([*WITHOUT_PRIVILEGE, sys.executable, "-m", "autoresearch", *arguments], ar, folder))


@pytest.mark.parametrize("folder", [".git", ".git/objects/{}", ".git/logs/refs/heads"])
def test_modes_that_forbid_to_write_are_told_with_the_command_that_helps(ar: Cli, tmp_path: Path, folder: str) -> None:
    repository = toy(tmp_path / "repo")
    place = repository / folder.format(git(repository, "rev-parse", "HEAD")[:2])
    place.chmod(0o555)
    done = without_privilege(ar, repository, "run")
    assert (done.code, done.error) == (1, f"{place} cannot be written: its mode forbids it; nothing was changed")
    assert done.hints == f"chmod -R u+rwX {place}"
    subprocess.run(done.hints, shell=True, check=True)
    refuse_unwritable(Repository(repository))


def test_a_folder_of_somebody_else_is_told_with_its_owner(ar: Cli, tmp_path: Path) -> None:
    needs_root()
    repository = toy(tmp_path / "repo")
    place = repository / ".git" / "objects" / git(repository, "rev-parse", "HEAD")[:2]
    os.chown(place, 54321, 54321)
    done = without_privilege(ar, repository, "run")
    assert done.error == f"{place} cannot be written: it belongs to user 54321; nothing was changed"
    assert done.hints == f'sudo chown -R "$USER" {place}'


def test_without_space_nothing_is_begun(ar: Cli, tmp_path: Path) -> None:
    repository, full = toy(tmp_path / "repo"), tmp_path / "full"
    full.mkdir()
    fill = f"mount -t tmpfs -o size=2m none {full}; cp -a {repository} {full}; cat /dev/zero > {full}/zero || true"
    done = in_namespaces(ar, repository, f"({fill}) 2> /dev/null; cd {full}/repo", "run")
    assert (done.code, done.out) == (1, "")
    assert done.error.startswith("no space left on the device for the record in ")
    assert list(full.iterdir()) == []


def a_file(place: Path, _: Path) -> None:
    place.parent.mkdir(exist_ok=True)
    place.write_text("mine")


def a_link(place: Path, users: Path) -> None:
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(users)


@pytest.mark.parametrize("make", [a_file, a_link])
def test_what_is_no_folder_in_the_place_of_its_own_is_left_alone(
    ar: Cli, tmp_path: Path, make: Callable[[Path, Path], None]
) -> None:
    repository, users = toy(tmp_path / "repo"), tmp_path / "users"
    write(users, {"0/thesis.tex": "precious"})
    before = refs(repository)
    what = "is no folder" if make is a_file else f"is a link to {users}"
    for name in ("", "worktrees", "cache", "runs"):
        place = repository / ".autoresearch" / name
        make(place, users)
        with pytest.raises(RunError) as refused:
            refuse_unwritable(Repository(repository))
        assert refused.value.message == f"{place} {what}: ar keeps its own files there"
        if name == "worktrees":
            assert ar(repository, "run").error == refused.value.message
        subprocess.run(refused.value.hint.partition(": ")[2], shell=True, check=True)
        refuse_unwritable(Repository(repository))
    assert refs(repository) == before
    assert (users / "0/thesis.tex").read_text() == "precious"


def test_a_folder_of_its_own_that_cannot_be_written_is_told(ar: Cli, tmp_path: Path) -> None:
    repository = toy(tmp_path / "repo")
    for place in (repository / ".autoresearch", repository / ".autoresearch" / "worktrees"):
        place.mkdir()
        place.chmod(0o555)
        done = without_privilege(ar, repository, "run")
        assert (done.code, done.error) == (1, f"{place} cannot be written: its mode forbids it; nothing was changed")
        place.chmod(0o755)
    shutil.rmtree(repository / ".autoresearch")
    repository.chmod(0o555)
    assert without_privilege(ar, repository, "run").error.startswith(f"{repository} cannot be written: ")
    repository.chmod(0o755)


def test_locks_of_the_persons_own_git_are_no_obstacle_and_stay(ar: Cli, tmp_path: Path, changes: str) -> None:
    repository = toy(tmp_path / "repo")
    write(repository, {"program.md": "changed\n", "evaluate.py": (repository / "evaluate.py").read_text() + "#\n"})
    names = ("index.lock", "HEAD.lock", "config.lock", "packed-refs.lock", "shallow.lock", "refs/heads/main.lock")
    write(repository / ".git", dict.fromkeys(names, "git's"))
    done = ar(repository, "run", "--snapshot", "--tag", "t", "--budget", "2x", "--replay", changes)
    assert done.code == 0, done.err
    assert [(repository / ".git" / name).read_text() for name in names] == ["git's"] * len(names)


def test_what_others_see_while_somebody_holds_the_lock_even_without_its_file(tmp_path: Path) -> None:
    made = Toy.make(tmp_path)
    lock = made.root / ".git" / "autoresearch.lock"
    running = made.start(*made.run_arguments("hang"), "--json")
    until(lock.exists, "it holds the lock")
    for command in ("status", "log"):
        done = made.ar(command)
        assert (done.code, "error" in done.err) == (0, False)
    running.sees("sample-started", experiment=1)
    lock.unlink()
    done = made.ar("run")
    assert done.code == 3
    assert f"process {running.process.pid} on " in done.error
    assert made.ar("status").out.splitlines()[1].startswith("state        running")
    running.process.terminate()
    assert running.ends().code == 130
    assert not lock.exists()
