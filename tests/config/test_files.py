"""Finding the configuration, and what happens when it names what is not there."""

from pathlib import Path

import pytest

from autoresearch.config import check_files, find, load
from autoresearch.errors import ConfigError

CONFIG = """\
editable = ["train.py"]
context = []
instructions = "program.md"

[experiment]
command = "python train.py"
data = []

[metric]
name = "val_bpb"
direction = "min"
"""


def project(folder: Path, *changes: tuple[str, str]) -> Path:
    """A folder with program.md and train.py, and the configuration with these replacements."""
    text = CONFIG
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "program.md").write_text("do well\n")
    (folder / "train.py").write_text("print(1)\n")
    (folder / "autoresearch.toml").write_text(text)
    return folder / "autoresearch.toml"


def refusal(path: Path, root: Path, *tracked: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        check_files(load(path), path, root, tracked)
    return caught.value


def test_a_complete_project_passes(tmp_path: Path):
    (tmp_path / "data").mkdir()
    path = project(tmp_path, ("data = []", 'data = ["data/"]'), ("context = []", 'context = ["lib/*.py"]'))
    check_files(load(path), path, tmp_path, ["train.py", "lib/a.py"])


def test_a_project_in_a_folder_of_the_repository_passes(tmp_path: Path):
    (tmp_path / "data").mkdir()
    path = project(tmp_path / ".hidden" / "sub", ("data = []", 'data = ["../../data"]'))
    check_files(load(path), path, tmp_path, [".hidden/sub/train.py"])


def test_a_missing_program_md_is_named_with_its_neighbour(tmp_path: Path):
    path = project(tmp_path, ("program.md", "programme.md"))
    error = refusal(path, tmp_path, "train.py")
    assert error.message.endswith(
        'autoresearch.toml:3: `instructions`: there is no file "programme.md"; did you mean "program.md"?'
    )


def test_a_glob_that_matches_nothing_is_named_with_the_nearest_file(tmp_path: Path):
    path = project(tmp_path, ('["train.py"]', '["trian.py"]'))
    error = refusal(path, tmp_path, "train.py", "eval.py")
    assert error.message.endswith(
        'autoresearch.toml:1: `editable`: "trian.py" matches no tracked file; did you mean "train.py"?'
    )


def test_a_file_in_another_folder_is_suggested_first(tmp_path: Path):
    path = project(tmp_path, ('["train.py"]', '["model.py"]'))
    error = refusal(path, tmp_path, "models.py", "src/model.py")
    assert error.message.endswith('did you mean "src/model.py"?')


def test_each_glob_must_match(tmp_path: Path):
    path = project(tmp_path, ('["train.py"]', '["train.py", "lib/*.py"]'), ("context = []", 'context = ["docs"]'))
    error = refusal(path, tmp_path, "train.py")
    assert '`editable`: "lib/*.py" matches no tracked file' in error.message
    assert 'autoresearch.toml:2: `context`: "docs" matches no tracked file' in error.hint


def test_an_untracked_file_is_told_apart_from_a_missing_one(tmp_path: Path):
    path = project(tmp_path)
    error = refusal(path, tmp_path, "other.py")
    assert error.message.endswith('`editable`: "train.py" is there, but git does not track it (git add, git commit)')


def test_a_name_with_wildcards_is_told_how_to_be_written(tmp_path: Path):
    path = project(tmp_path, ('["train.py"]', '["[id].py"]'), ("context = []", 'context = ["do[cs]", "[idd].py"]'))
    (tmp_path / "[id].py").write_text("")
    error = refusal(path, tmp_path, "[id].py", "do[cs]/a.md")
    assert error.message.endswith(
        'autoresearch.toml:1: `editable`: "[id].py" is read as a pattern: the file of that name is written "[[]id].py"'
    )
    assert 'the folder of that name is written "do[[]cs]/"' in error.hint
    assert '"[idd].py" matches no tracked file; did you mean "[[]id].py"?' in error.hint
    right = project(tmp_path, ('["train.py"]', '["[[]id].py"]'), ("context = []", 'context = ["do[[]cs]/"]'))
    check_files(load(right), right, tmp_path, ["[id].py", "do[cs]/a.md"])


def test_a_glob_that_leads_out_of_the_repository_is_refused(tmp_path: Path):
    path = project(tmp_path, ('["train.py"]', '["../train.py"]'))
    assert '1: `editable`: "../train.py" leads out of the repository' in refusal(path, tmp_path, "train.py").message


def test_missing_data_is_named_with_the_nearest_folder(tmp_path: Path):
    (tmp_path / "store" / "data").mkdir(parents=True)
    path = project(tmp_path, ("data = []", 'data = ["store/dataa"]'))
    error = refusal(path, tmp_path, "train.py")
    assert error.message.endswith(
        'autoresearch.toml:7: `[experiment] data`: there is no "store/dataa"; did you mean "store/data"?'
    )


@pytest.mark.parametrize("path", ["../outside", ".git/objects", ".", ".autoresearch/x"])
@pytest.mark.parametrize("key", ["data", "cache", "artifacts"])
def test_a_path_that_may_not_be_used_is_refused(tmp_path: Path, key: str, path: str):
    config = project(tmp_path, ("data = []", f'{key} = ["{path}"]'))
    assert f"7: `[experiment] {key}`: " in refusal(config, tmp_path, "train.py").message


def test_the_nearest_configuration_upwards_is_found(tmp_path: Path):
    outer, inner = project(tmp_path), project(tmp_path / "task")
    deep = tmp_path / "task" / "a" / "b"
    deep.mkdir(parents=True)
    assert find(deep, tmp_path) == inner.resolve()
    assert find(tmp_path, tmp_path) == outer.resolve()


def test_the_search_ends_at_the_repository(tmp_path: Path):
    project(tmp_path)
    inner = tmp_path / "repository" / "src"
    inner.mkdir(parents=True)
    with pytest.raises(ConfigError, match=r"there is no autoresearch\.toml in .*src, nor in a folder above") as caught:
        find(inner, tmp_path / "repository")
    assert caught.value.hint == "ar init"
