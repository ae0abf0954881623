"""What an experiment has to say: lines of its output and a file of its worktree, bounded and made harmless."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autoresearch.runtime.feedback import LARGEST, FeedbackReader


def heard(*lines: str) -> str:
    reader = FeedbackReader(None)
    for line in lines:
        reader.feed(line)
    return reader.text()


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """A file in a folder that is there, as the repository's own folders are."""
    (tmp_path / "tree" / "out").mkdir(parents=True)
    return tmp_path / "tree" / "out" / "notes.md"


def test_lines_of_feedback_are_heard_and_others_are_not() -> None:
    lines = ("loss: 1", "FEEDBACK worst case: 17", "no FEEDBACK here", "FEEDBACKS", "FEEDBACK", "  FEEDBACK  two  ")
    assert heard(*lines) == "worst case: 17\ntwo"


def test_nothing_said_is_empty() -> None:
    assert heard("loss: 1", "FEEDBACK ", "FEEDBACK \x1b[0m") == ""


def test_colours_progress_bars_and_control_characters_do_not_matter() -> None:
    coloured = "\x1b[1;31mFEEDBACK\x1b[0m the \x1b]0;title\x07red one"
    assert heard(coloured, "10 %\rFEEDBACK at\x00 the\x08 end\u202e") == "the red one\nat the end"


def test_the_last_lines_count_when_there_are_many() -> None:
    text = heard(*(f"FEEDBACK line {number} ä" for number in range(10_000)))
    assert text.endswith("\nline 9999 ä")
    assert text.startswith("line ")
    assert LARGEST - 20 < len(text.encode()) <= LARGEST


def test_of_a_huge_line_the_beginning_is_heard() -> None:
    text = heard("FEEDBACK before", f"FEEDBACK begin{'ä' * 30_000}")
    assert text.startswith("beginä")
    assert LARGEST - 2 <= len(text.encode()) <= LARGEST
    assert heard(f"FEEDBACK {'x' * 30_000}", "FEEDBACK after") == "after"


def test_a_file_comes_before_the_lines(notes: Path) -> None:
    reader = FeedbackReader(notes)
    reader.feed("FEEDBACK printed")
    notes.write_bytes(b"# Notes\r\n\n\x1b[31mwritten\x1b[0m \xff\x00\n")
    assert reader.text() == "# Notes\n\nwritten \ufffd\nprinted"


def test_a_file_in_a_folder_that_the_command_makes_is_read(tmp_path: Path) -> None:
    reader = FeedbackReader(tmp_path / "new" / "notes.md")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "notes.md").write_text("written")
    assert reader.text() == "written"


def test_of_a_huge_file_the_last_whole_lines_count(notes: Path) -> None:
    reader = FeedbackReader(notes)
    notes.write_text("".join(f"line {number:06} ä\n" for number in range(100_000)))
    lines = reader.text().splitlines()
    assert lines[-1] == "line 099999 ä"
    assert lines[0] == f"line {100_000 - len(lines):06} ä"
    assert LARGEST - 20 < len(reader.text().encode()) <= LARGEST


def test_a_huge_file_of_one_line_is_bounded(notes: Path) -> None:
    reader = FeedbackReader(notes)
    notes.write_text("€" * 100_000)
    assert set(reader.text()) == {"€"}
    assert len(reader.text().encode()) <= LARGEST


def test_a_file_that_this_sample_did_not_write_says_nothing(notes: Path) -> None:
    notes.write_text("of an earlier sample")
    reader = FeedbackReader(notes)
    assert reader.text() == ""
    notes.write_text("of this one")
    assert reader.text() == "of this one"


def test_a_missing_file_a_folder_a_pipe_and_a_link_say_nothing(notes: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    reader = FeedbackReader(notes)
    assert reader.text() == ""
    os.mkfifo(notes)
    assert reader.text() == ""
    notes.unlink()
    notes.symlink_to(secret)
    assert reader.text() == ""
    notes.unlink()
    notes.mkdir()
    assert reader.text() == ""


def test_a_folder_that_became_a_link_says_nothing(notes: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "notes.md").write_text("secret")
    reader = FeedbackReader(notes)
    notes.parent.rmdir()
    notes.parent.symlink_to(elsewhere)
    assert reader.text() == ""
    notes.parent.unlink()
    notes.parent.symlink_to(notes.parent)
    assert reader.text() == ""
