"""Files that experiments can put something else in the place of: what is read, and that nothing is waited for."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from autoresearch.record.plain_files import read_end, read_plain, write_plain


def bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


PLANTED: dict[str, Callable[[Path], None]] = {
    "pipe": os.mkfifo,
    "folder": Path.mkdir,
    "socket": bind,
    "link": lambda path: path.symlink_to(__file__),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_what_is_no_plain_file_is_an_error(planted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("output.log")
    PLANTED[planted](path)
    for read in (read_plain, lambda one: read_end(one, 10)):
        with pytest.raises(OSError, match="it is no plain file"):
            read(path)


def test_what_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_plain(tmp_path / "output.log")


def test_the_beginning_and_the_end_are_of_so_many_bytes_and_characters(tmp_path: Path) -> None:
    path = tmp_path / "output.log"
    path.write_bytes("a\r\nb\rä".encode() + b"\xff" + "😀".encode() * 9)
    assert read_plain(path) == "a\nb\nä\ufffd" + "😀" * 9
    assert read_plain(path, 6) == "a\nb\n\ufffd"
    assert [read_end(path, length) for length in (1, 5, 9)] == ["😀", "😀" * 5, "😀" * 9]
    assert read_end(path, 12) == "\nä\ufffd" + "😀" * 9
    assert read_end(path, 1_000) == read_plain(path)
    path.write_bytes(b"")
    assert (read_plain(path), read_end(path, 5)) == ("", "")


@pytest.mark.parametrize("planted", ["pipe", "socket", "link"])
def test_what_is_written_takes_the_place_of_what_was_planted(planted: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("precious")
    path = tmp_path / "runs" / "reply.md"
    path.parent.mkdir()
    path.symlink_to(outside) if planted == "link" else PLANTED[planted](path)
    write_plain(path, "a reply")
    assert read_plain(path) == "a reply"
    assert outside.read_text() == "precious"


def test_a_folder_is_made_for_what_is_written_and_one_in_its_place_is_an_error(tmp_path: Path) -> None:
    write_plain(tmp_path / "0001" / "reply.md", "a reply")
    assert read_plain(tmp_path / "0001" / "reply.md") == "a reply"
    with pytest.raises(OSError, match=r"\S"):
        write_plain(tmp_path / "0001", "a reply")
