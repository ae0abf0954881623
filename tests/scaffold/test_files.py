"""Writing into somebody's folder: all or nothing, and nothing of theirs is lost."""

from pathlib import Path

import pytest

from autoresearch.errors import UsageError
from autoresearch.scaffold import write


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_new_files_are_written(tmp_path: Path):
    written = write({tmp_path / "a.toml": "naïve\n", tmp_path / "b.md": "b\r\n"})
    assert (tmp_path / "a.toml").read_bytes() == "naïve\n".encode()
    assert (tmp_path / "b.md").read_bytes() == b"b\r\n"
    assert (written.files, written.originals) == ((tmp_path / "a.toml", tmp_path / "b.md"), ())
    assert names(tmp_path) == ["a.toml", "b.md"]


def test_a_new_file_has_the_usual_permissions(tmp_path: Path):
    write({tmp_path / "a": "x"})
    (tmp_path / "b").write_text("x")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_nothing_is_written_when_one_of_them_exists(tmp_path: Path):
    (tmp_path / "b").write_text("mine")
    with pytest.raises(UsageError, match=r"b exists already; nothing was written") as caught:
        write({tmp_path / "a": "x", tmp_path / "b": "y"})
    assert caught.value.hint.startswith("ar init --force")
    assert names(tmp_path) == ["b"]
    assert (tmp_path / "b").read_text() == "mine"


def test_all_files_in_the_way_are_named(tmp_path: Path):
    (tmp_path / "a").write_text("mine")
    (tmp_path / "b").symlink_to("nowhere")
    with pytest.raises(UsageError, match=r"a and .*b exist already"):
        write({tmp_path / "a": "x", tmp_path / "b": "y"})


def test_force_keeps_what_was_there(tmp_path: Path):
    (tmp_path / "a").write_text("mine")
    written = write({tmp_path / "a": "new", tmp_path / "b": "b"}, force=True)
    assert (tmp_path / "a").read_text() == "new"
    assert (tmp_path / "a.orig").read_text() == "mine"
    assert written.originals == (tmp_path / "a.orig",)


def test_an_older_original_is_never_overwritten(tmp_path: Path):
    for text in ("first", "second", "third", "fourth"):
        write({tmp_path / "a": text}, force=True)
    kept = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert kept == {"a": "fourth", "a.orig": "first", "a.orig.1": "second", "a.orig.2": "third"}


def test_a_link_is_kept_and_what_it_points_to_is_not_touched(tmp_path: Path):
    (tmp_path / "real").write_text("mine")
    (tmp_path / "a").symlink_to("real")
    write({tmp_path / "a": "new"}, force=True)
    assert (tmp_path / "real").read_text() == "mine"
    assert (tmp_path / "a.orig").is_symlink()
    assert not (tmp_path / "a").is_symlink()


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_in_the_way_is_an_error(tmp_path: Path, force: bool):
    (tmp_path / "b").mkdir()
    with pytest.raises(UsageError, match="b is a folder"):
        write({tmp_path / "a": "x", tmp_path / "b": "y"}, force=force)
    assert names(tmp_path) == ["b"]


def test_a_missing_folder_is_an_error_and_leaves_nothing(tmp_path: Path):
    with pytest.raises(UsageError, match="cannot be written: No such file or directory"):
        write({tmp_path / "a": "x", tmp_path / "gone" / "b": "y"})
    assert names(tmp_path) == []
