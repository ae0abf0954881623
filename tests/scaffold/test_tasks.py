"""The ready tasks: shown, copied, and never over something else."""

from pathlib import Path

import pytest

from autoresearch.config import load
from autoresearch.errors import UsageError
from autoresearch.scaffold import copy_task, tasks

CONFIG = (
    'goal = "be quick"\neditable = ["a.py"]\n[experiment]\ncommand = "x"\n[metric]\nname = "m"\ndirection = "min"\n'
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Two tasks, one with everything that a copy must leave out, and a folder that is none."""
    folder = tmp_path / "configs"
    for name in ("speed", "words"):
        (folder / name / "lib").mkdir(parents=True)
        (folder / name / "autoresearch.toml").write_text(CONFIG)
        (folder / name / "lib" / "a.py").write_text("a = 1\n")
    for left_out in (
        "__pycache__/a.pyc",
        "results/x",
        ".autoresearch/y",
        ".ruff_cache/z",
        ".git/HEAD",
        "lib/__pycache__/b",
    ):
        (folder / "speed" / left_out).parent.mkdir(exist_ok=True)
        (folder / "speed" / left_out).write_text("")
    (folder / "speed" / "results.tsv").write_text("")
    (folder / "no_task").mkdir()
    return folder


def test_the_tasks_are_listed_with_their_goals(source: Path):
    assert [(task.name, task.summary) for task in tasks(source)] == [("speed", "be quick"), ("words", "be quick")]


def test_a_broken_task_is_listed_without_a_goal(source: Path):
    (source / "words" / "autoresearch.toml").write_text("goal = ")
    assert [task.summary for task in tasks(source)] == ["be quick", ""]


def test_the_tasks_that_come_with_ar_load():
    shipped = tasks()
    assert "gpt" in [task.name for task in shipped]
    for task in shipped:
        assert load(task.folder / "autoresearch.toml").goal == task.summary != ""


def test_a_copy_holds_the_task_and_nothing_that_it_made(source: Path, tmp_path: Path):
    copy_task("speed", tmp_path / "new" / "demo", source)
    copied = tmp_path / "new" / "demo"
    files = sorted(path.relative_to(copied).as_posix() for path in copied.rglob("*") if path.is_file())
    assert files == ["autoresearch.toml", "lib/a.py"]


def test_an_empty_folder_and_a_fresh_repository_are_filled(source: Path, tmp_path: Path):
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    (tmp_path / "repository" / ".git" / "HEAD").write_text("ref")
    copy_task("words", tmp_path / "repository", source)
    assert (tmp_path / "repository" / "autoresearch.toml").read_text() == CONFIG
    assert (tmp_path / "repository" / ".git" / "HEAD").read_text() == "ref"


def test_a_folder_that_holds_something_is_left_alone(source: Path, tmp_path: Path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes").write_text("x")
    with pytest.raises(UsageError, match="mine is not empty; nothing was written"):
        copy_task("speed", tmp_path / "mine", source)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes"]


def test_a_file_is_no_folder(source: Path, tmp_path: Path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="file is a file"):
        copy_task("speed", tmp_path / "file", source)


def test_a_folder_that_cannot_be_made_is_one_clear_error(source: Path, tmp_path: Path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="the task cannot be copied into"):
        copy_task("speed", tmp_path / "file" / "below", source)


def test_an_unknown_task_is_named_with_the_nearest(source: Path, tmp_path: Path):
    with pytest.raises(UsageError, match='there is no task "sped"; did you mean "speed"') as caught:
        copy_task("sped", tmp_path / "new", source)
    assert caught.value.hint == "ar init --list    shows them: speed, words"
    assert not (tmp_path / "new").exists()
