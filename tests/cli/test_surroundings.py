"""Repositories and machines in a state in which `ar` refuses, or warns, before anything is written."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autoresearch.cli.surroundings import network_file_system, refuse_in_progress, refuse_unwritable
from autoresearch.errors import RunError, UsageError
from autoresearch.record.repository import Repository
from autoresearch.record.tags import check_tag, free_tag
from tests.support.cli import PYTHON, Cli, Done, config, finish, improvements, refs, toy
from tests.support.namespaces import isolated, needs_root
from tests.support.repositories import IDENTITY, git, make_repository, state_of, write
from tests.support.running import until
from tests.support.toy import Toy

ROOT = "running as root: owners and modes of files hold no experiment back, only its isolation does"
TODAY = datetime(2025, 11, 23, tzinfo=UTC)
WITHOUT_PRIVILEGE = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
"""Root as everybody else: the modes of files count."""


@pytest.fixture
def ar(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "home")


@pytest.fixture
def changes(tmp_path: Path) -> str:
    return str(improvements(tmp_path / "patches"))


def said(done: Done) -> list[str]:
    """The warnings of a run, without the one about root, which the machine is to blame for."""
    assert done.code == 0, done.err
    return [one["message"] for one in done.named("warning") if one["message"] != ROOT]


# --- operations in progress


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


# --- where nothing can be written


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


# --- its own folder


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


# --- names


@pytest.mark.parametrize(
    ("ref", "way"),
    [
        ("refs/heads/autoresearch/t", "git branch -m autoresearch/t NAME    gives that branch another name"),
        ("refs/heads/autoresearch/t/deep", "git branch -m autoresearch/t/deep NAME    gives that branch another name"),
        ("refs/autoresearch/t/0003", "ar run --new --tag t-2"),
        ("refs/autoresearch/t", "ar run --new --tag t-2"),
        ("refs/autoresearch/t/run/deep", "ar run --new --tag t-2"),
    ],
)
def test_a_name_that_something_else_has_is_refused(tmp_path: Path, ref: str, way: str) -> None:
    root = toy(tmp_path / "repo")
    repository = Repository(root)
    for turn in ("loose", "packed"):
        git(root, "update-ref", ref, "HEAD")
        if turn == "packed":
            git(root, "pack-refs", "--all")
        with pytest.raises(UsageError) as refused:
            check_tag(repository, "t")
        assert refused.value.message == f"no run can be called t: {ref} exists, and belongs to none"
        assert refused.value.hint.splitlines()[0] == "ar run --new --tag t-2"
        assert refused.value.hint.splitlines()[-1] == way
    assert check_tag(repository, "t-2") == "t-2"
    repository.close()


def test_a_branch_of_the_persons_own_stays_where_it_is(ar: Cli, tmp_path: Path, changes: str) -> None:
    repository = toy(tmp_path / "repo")
    git(repository, "branch", "autoresearch/t/mine")
    before = refs(repository)
    done = ar(repository, "run", "--tag", "t", "--replay", changes)
    what = "refs/heads/autoresearch/t/mine exists, and belongs to none"
    assert (done.code, done.error) == (2, f"no run can be called t: {what}")
    assert refs(repository) == before
    way = done.hints.splitlines()[1].partition("    ")[0]
    subprocess.run(way, shell=True, check=True, cwd=repository)
    assert check_tag(Repository(repository), "t") == "t"


def test_a_ref_in_the_way_of_every_record_is_refused(tmp_path: Path) -> None:
    root = toy(tmp_path / "repo")
    git(root, "update-ref", "refs/autoresearch", "HEAD")
    repository = Repository(root)
    for name in (lambda: check_tag(repository, "t"), lambda: free_tag(repository, TODAY)):
        with pytest.raises(UsageError, match="a ref is called refs/autoresearch") as refused:
            name()
        assert refused.value.hint == "git update-ref -d refs/autoresearch    removes it"


def test_the_name_of_the_day_goes_round_what_is_there(tmp_path: Path) -> None:
    root = toy(tmp_path / "repo")
    for number, ref in enumerate(("heads/autoresearch/nov23", "heads/autoresearch/nov23-2/mine")):
        assert free_tag(Repository(root), TODAY) == ("nov23", "nov23-2")[number]
        git(root, "update-ref", f"refs/{ref}", "HEAD")
    git(root, "update-ref", "refs/autoresearch/nov23-3/0007", "HEAD")
    assert free_tag(Repository(root), TODAY) == "nov23-4"


# --- what is only a warning


def test_a_usual_repository_gives_no_warning(ar: Cli, tmp_path: Path, changes: str) -> None:
    repository = toy(tmp_path / "repo", {".gitattributes": "*.py text\n"})
    done = ar(repository, "run", "--budget", "1x", "--replay", changes, "--json")
    assert said(done) == []
    assert (ROOT in [one["message"] for one in done.named("warning")]) == (os.geteuid() == 0)


def test_submodules_are_named_unless_they_are_linked(ar: Cli, tmp_path: Path, changes: str) -> None:
    library = make_repository(tmp_path / "library", {"value.txt": "1\n"})
    settings = config(
        f"cat deps/two/value.txt && {PYTHON} evaluate.py", experiment="canary = false\ndata = ['deps/two']"
    )
    repository = toy(tmp_path / "repo", {"autoresearch.toml": settings})
    for name in ("deps/one", "deps/two", "three"):
        git(repository, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library), name)
    git(repository, "commit", "--quiet", "--message=submodules")
    before = state_of(repository)
    done = ar(repository, "run", "--budget", "2x", "--replay", changes, "--json")
    names = "deps/one, three; data = […] links them"
    assert said(done) == [f"submodules are empty in the worktree of experiments: {names}"]
    assert [one["outcome"] for one in done.named("experiment-finished")] == ["measured"] * 3
    assert state_of(repository) == before
    assert git(repository, "submodule", "status").count("+") == 0


def test_files_of_git_lfs_are_named_where_its_client_is_missing(ar: Cli, tmp_path: Path, changes: str) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("git", "sh", "env", "cat"):
        (tools / name).symlink_to(shutil.which(name) or name)
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n"
    files = {
        ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n",
        "model.bin": pointer,
        "sub/b.bin": pointer,
    }
    repository = toy(tmp_path / "repo", files)
    done = ar(repository / "sub", "run", "--tag", "t", "--budget", "1x", "--replay", changes, "--json", PATH=str(tools))
    text = "git-lfs is not installed: experiments get pointers instead of the content of model.bin, sub/b.bin"
    assert said(done) == [text]
    (tools / "git-lfs").symlink_to(shutil.which("true") or "true")
    done = ar(repository, "run", "--budget", "1x", "--replay", changes, "--json", PATH=str(tools))
    assert said(done) == []


def test_a_partial_clone_is_told_only_where_something_is_missing(ar: Cli, tmp_path: Path, changes: str) -> None:
    origin = toy(tmp_path / "origin", {"deep/big.txt": "1\n"})
    git(origin, "config", "uploadpack.allowFilter", "true")
    text = "this clone is partial: git will ask its remote for 1 objects of the last commit"
    for name, more, expected in (("full", [], []), ("sparse", ["--sparse"], [text])):
        git(tmp_path, "clone", "--quiet", "--filter=blob:none", *more, f"file://{origin}", name)
        done = ar(tmp_path / name, "run", "--tag", "t", "--budget", "1x", "--replay", changes, "--json")
        assert said(done) == expected


def test_network_file_systems_are_known_by_their_types(tmp_path: Path) -> None:
    place = tmp_path.resolve()
    mounts = tmp_path / "mountinfo"
    odd = f"{place}/a\\040b"

    def found(*rows: tuple[str, str], path: str = "") -> str:
        lines = [f"22 1 0:21 / {where} rw,relatime shared:1 - {kind} source rw" for where, kind in rows]
        mounts.write_text("\n".join(lines) + "\n")
        return network_file_system(place / path, mounts)

    for kind in ("nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "ceph", "lustre", "fuse.glusterfs"):
        assert found(("/", "ext4"), (str(place), kind)) == kind
    for kind in ("ext4", "btrfs", "tmpfs", "overlay", "fuseblk", "fuse.mergerfs", "nfsd", "zfs", "virtiofs"):
        assert found(("/", "nfs4"), (str(place), kind)) == ""
    assert found(("/", "nfs4")) == "nfs4"
    assert found(("/", "ext4"), (f"{place}/other", "nfs4"), (f"{place}x", "nfs4")) == ""
    assert found(("/", "ext4"), (odd, "nfs4"), path="a b/c") == "nfs4"
    assert found((str(place), "nfs4"), (str(place), "ext4")) == ""
    assert found((str(place), "ext4"), (str(place), "nfs4")) == "nfs4"
    assert network_file_system(place, tmp_path / "none") == ""


# --- the lock, as the commands show it


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
