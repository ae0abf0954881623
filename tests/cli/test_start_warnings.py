"""What may surprise a person in the night, and is told at the start: only where it is true."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from autoresearch.cli.surroundings import network_file_system
from tests.support.cli import PYTHON, Cli, Done, config, improvements, toy
from tests.support.repositories import git, make_repository, state_of

ROOT = "running as root: only isolation, not file modes, confines experiments"


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
    attributes = {".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n"}
    repository = toy(tmp_path / "repo", {**attributes, "model.bin": pointer, "sub/b.bin": pointer})
    filters = {"process": "git-lfs filter-process", "smudge": "git-lfs smudge", "clean": "git-lfs clean"}
    for name, value in {**filters, "required": "true"}.items():
        git(repository, "config", f"filter.lfs.{name}", value)
    done = ar(repository / "sub", "run", "--tag", "t", "--budget", "1x", "--replay", changes, "--json", PATH=str(tools))
    text = "git-lfs is not installed: experiments get pointers instead of the content of model.bin, sub/b.bin"
    assert said(done) == [text]
    git(repository, "config", "--remove-section", "filter.lfs")
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
