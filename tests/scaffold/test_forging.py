"""Where edited code runs in the process that prints the number."""

from pathlib import Path

import pytest

from autoresearch.config import parse
from autoresearch.core.history import Direction
from autoresearch.scaffold import Choices, forging, template
from autoresearch.scaffold.template import WIDTH

IMPORTS = "imports solve.py, which may be edited"


def found(root: Path, texts: dict[str, str], command: str = "python evaluate.py", **more: object) -> str:
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    choices = Choices(
        command, str(more.get("metric", "loss")), Direction.MIN, tuple(more.get("editable", ("solve.py",)))
    )
    return forging(root, list(texts), choices)


@pytest.mark.parametrize(
    "line",
    ["import solve", "from solve import X", "import os, solve as s", "def f():\n    from solve import X",
     "from . import solve",
     "from .solve import X", "try:\n    import solve\nexcept ImportError: pass"],
)  # fmt: skip
def test_an_evaluator_that_imports_an_editable_file_is_found(tmp_path: Path, line: str):
    assert found(tmp_path, {"evaluate.py": line, "solve.py": ""}) == f"evaluate.py {IMPORTS}"


@pytest.mark.parametrize(
    "line", ["import json", "x = 'import solve'", "# import solve", "import solver", "import (", ""]
)
def test_one_that_does_not_is_none(tmp_path: Path, line: str):
    assert found(tmp_path, {"evaluate.py": line, "solve.py": ""}) == ""


def test_imports_are_followed_through_protected_files_and_packages(tmp_path: Path):
    texts = {
        "bench/run.py": "from app.judge import score",
        "app/__init__.py": "",
        "app/judge.py": "from .core import deep\nfrom . import judge",
        "app/core/__init__.py": "from ..model.net import Net",
        "app/model/net.py": "",
    }
    for command in ("python -u bench/run.py --seed {seed}", "python -m bench.run", "uv run bench/run.py"):
        said = found(tmp_path, texts, command, editable=("app/model/*.py",))
        assert said == "app/core/__init__.py imports app/model/net.py, which may be edited"


def test_sources_in_src_are_found(tmp_path: Path):
    said = found(tmp_path, {"evaluate.py": "import solve", "src/solve.py": ""}, editable=("src/**/*.py",))
    assert said == "evaluate.py imports src/solve.py, which may be edited"


def test_a_script_that_is_edited_itself_prints_what_it_likes(tmp_path: Path):
    assert (
        found(tmp_path, {"solve.py": "print('loss: 1')"}, "python solve.py")
        == "solve.py may be edited, and prints loss itself"
    )


@pytest.mark.parametrize("command", ["make bench", "python 'evaluate.py", "cargo bench", "python -c 'import solve'"])
def test_of_other_commands_nothing_is_said(tmp_path: Path, command: str):
    assert found(tmp_path, {"evaluate.py": "import solve", "solve.py": ""}, command) == ""


def test_the_time_is_measured_outside(tmp_path: Path):
    assert found(tmp_path, {"solve.py": ""}, "python solve.py", metric="ar.seconds") == ""


def test_the_file_says_it_beside_the_key_and_sets_nothing():
    long = "harness/scoring/evaluate.py imports the_solver_package/solving/implementation/core.py, which may be edited"
    choices = Choices("python evaluate.py", "loss", Direction.MIN, ("solve.py",), forging=long)
    text = template(choices)
    assert "edited code could forge the number" in " ".join(text.replace("\n#", "").split())
    assert max(map(len, text.splitlines())) <= WIDTH + 20
    assert parse(text, "x").experiment.evaluate == ""
    assert "forge" not in template(Choices("make", "loss", Direction.MIN, ("solve.py",)))
