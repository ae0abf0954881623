"""What an experiment made: plain files are found and copied, everything else is passed over and said."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from autoresearch.core.layout import Layout
from autoresearch.runtime.artifacts import Artifacts
from autoresearch.runtime.made import copy, look
from tests.support.repositories import write


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("out/a.pt", ["out/a.pt"]),
        ("out", ["out/a.pt", "out/b.txt", "out/deep/c.pt"]),
        ("out/*.pt", ["out/a.pt"]),
        ("out/**/*.pt", ["out/a.pt", "out/deep/c.pt"]),
        ("**/c.pt", ["out/deep/c.pt"]),
        ("*", ["out/a.pt", "out/b.txt", "out/deep/c.pt", "top"]),
        ("out/missing", []),
        ("top/below", []),
    ],
)
def test_names_globs_and_folders_mean_files(tmp_path: Path, name: str, found: list[str]) -> None:
    write(tmp_path, {"out/a.pt": "a", "out/b.txt": "b", "out/deep/c.pt": "c", "top": "t", ".git": "gitdir: x"})
    assert sorted(look(tmp_path, [name]).files) == found


def test_what_is_no_plain_file_is_passed_over_and_said(tmp_path: Path) -> None:
    folder, out = tmp_path / "worktree", tmp_path / "worktree" / "out"
    write(tmp_path, {"secret": "s", "worktree/out/good": "g", "worktree/protected": "p", "worktree/other": "o"})
    os.mkfifo(out / "pipe")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(out / "socket"))
    for name, target in {
        "away": "../../secret",
        "closed": "../protected",
        "near": "../other",
        "gone": "nothing",
    }.items():
        (out / name).symlink_to(target)
    (out / "folder").symlink_to(tmp_path)
    (out / "loop").symlink_to("loop")
    made = look(folder, ["out"], lambda path: path != "protected")
    assert sorted(made.files) == ["out/good", "out/near"]
    assert set(made.passed_over) == {
        "out/away is a link that leads elsewhere",
        "out/closed is a link that leads elsewhere",
        "out/folder is a link that leads elsewhere",
        "out/gone cannot be read",
        "out/loop cannot be read",
        "out/pipe is no regular file",
        "out/socket is no regular file",
    }


def test_a_tree_that_is_deeper_than_a_path_can_be_long_is_no_obstacle(tmp_path: Path) -> None:
    write(tmp_path, {"out/a": "a"})
    here = os.open(tmp_path / "out", os.O_RDONLY)
    try:
        for _ in range(1500):
            os.mkdir("d" * 100, dir_fd=here)
            below = os.open("d" * 100, os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
    finally:
        os.close(here)
    assert list(look(tmp_path, ["out"]).files) == ["out/a"]
    _take_away(tmp_path / "out")


def _take_away(folder: Path) -> None:
    """Level by level: what the tests' own clean-up would give up on."""
    inner = folder / ("d" * 100)
    while inner.exists():
        (inner / ("d" * 100)).exists() and (inner / ("d" * 100)).rename(folder / "next")
        inner.rmdir()
        (folder / "next").exists() and (folder / "next").rename(inner)


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    write(tmp_path, {"mine/x": "mine", "made": "forged", "clean/keep": ""})
    (tmp_path / "clean" / "data").symlink_to(tmp_path / "mine")
    (tmp_path / "clean" / "y").symlink_to(tmp_path / "mine" / "x")
    for target in ("data/x", "y"):
        assert (
            copy(tmp_path / "made", tmp_path / "clean" / target, tmp_path / "clean")
            == "would be written through a link"
        )
    assert (tmp_path / "mine" / "x").read_text() == "mine"


def test_a_copy_has_no_special_mode_and_the_files_own_time(tmp_path: Path) -> None:
    write(tmp_path, {"made": "x"})
    (tmp_path / "made").chmod(0o6751)
    os.utime(tmp_path / "made", (5, 7))
    assert copy(tmp_path / "made", tmp_path / "new" / "one", tmp_path) == ""
    there = (tmp_path / "new" / "one").stat()
    assert (there.st_mode & 0o7777, there.st_mtime) == (0o751, 7)


def test_kept_artefacts_for_which_the_disk_has_no_room_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, {"worktree/out/a": "a"})
    os.truncate(tmp_path / "worktree" / "out" / "a", 2**42)
    layout = Layout(tmp_path, "t")
    artifacts = Artifacts(layout, ("out",), "")
    artifacts.stage(1, tmp_path / "worktree")
    artifacts.keep(1)
    assert not layout.artifacts(1).exists()


def test_a_configuration_folder_that_became_a_link_holds_nothing(tmp_path: Path) -> None:
    write(tmp_path, {"elsewhere/out/a": "secret", "worktree/x": ""})
    (tmp_path / "worktree" / "sub").symlink_to(tmp_path / "elsewhere")
    layout = Layout(tmp_path, "t")
    artifacts = Artifacts(layout, ("out",), "sub")
    artifacts.stage(1, tmp_path / "worktree")
    artifacts.keep(1)
    assert not layout.artifacts(1).exists()
    trouble = artifacts.carry(tmp_path / "worktree", tmp_path / "clean", lambda _: True, ())
    assert trouble is not None
    assert trouble.reason == "the command made no out to evaluate"
