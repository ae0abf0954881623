"""The first hour in somebody's messy repository ends in a running loop, or in a message that says what to do."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cli import EVALUATE, Cli, config, improvements, patches, solve, toy
from tests.support.repositories import git, make_repository, state_of, write


@pytest.fixture
def ar(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "home")


@pytest.fixture
def changes(tmp_path: Path) -> str:
    return str(improvements(tmp_path / "patches"))


TRACKED = """\
import os
from pathlib import Path
from solve import X

offset = float(Path("data/train/offset.txt").read_text())
if not os.environ.get("WANDB_API_KEY"):
    raise SystemExit("wandb: no API key configured, please log in")
print("score:", X + offset)
"""


def test_ignored_data_and_a_withheld_key_are_found_out_step_by_step(ar: Cli, tmp_path: Path, changes: str) -> None:
    code = {"solve.py": solve(), "evaluate.py": TRACKED, ".gitignore": "data/\n__pycache__/\n"}
    repository = make_repository(tmp_path / "repo", code)
    write(repository, {"data/train/offset.txt": "10\n", "autoresearch.toml": config(), "program.md": "Lower it.\n"})
    before = state_of(repository)
    secret = {"WANDB_API_KEY": "wandb-of-a-test", "OPENAI_API_KEY": "sk-of-a-test"}

    no_data = ar(repository, "run", "--tag", "t", "--replay", changes, **secret)
    assert no_data.code == 1
    assert "No such file or directory: 'data/train/offset.txt'" in no_data.error
    assert 'data = ["data"]' in no_data.hints
    write(repository, {"autoresearch.toml": config(experiment='canary = false\ndata = ["data"]')})
    no_key = ar(repository, "run", "--replay", changes, **secret)
    assert "wandb: no API key configured" in no_key.error
    assert "withheld from the experiment: OPENAI_API_KEY, WANDB_API_KEY" in no_key.hints
    assert 'pass_env = ["' in no_key.hints
    assert "wandb-of-a-test" not in no_key.err

    write(repository, {"autoresearch.toml": config(experiment='data = ["data"]\npass_env = ["WANDB_*"]')})
    done = ar(repository, "run", "--replay", changes, "--json", **secret)
    assert [one["metric"] for one in done.named("experiment-finished")] == [13.0, 12.0, 12.0, None]
    assert state_of(repository) == before
    assert (repository / "data" / "train" / "offset.txt").read_text() == "10\n"


UV = """\
#!/bin/sh
# What uv does, as far as these tests need it: runs a script in .venv, or in a new environment with nothing in it.
[ -x .venv/bin/python ] && exec .venv/bin/python "$2"
exec {python} -S "$2"
"""


def test_what_uv_installed_is_there_for_the_experiments(ar: Cli, tmp_path: Path, changes: str) -> None:
    write(tmp_path, {"bin/uv": UV.replace("{python}", sys.executable)})
    (tmp_path / "bin" / "uv").chmod(0o755)
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    evaluate, ignored = f"import pydantic\n{EVALUATE}", ".venv/\n__pycache__/\n"
    code = {"solve.py": solve(), "evaluate.py": evaluate, "uv.lock": "", ".gitignore": ignored}
    repository = make_repository(tmp_path / "repo", code)

    told = ar(repository, "init", "--yes", "--command", "uv run evaluate.py", "--metric", "score", PATH=path)
    assert "  awaits    .venv: uv sync makes it" in told.out
    early = ar(repository, "run", PATH=path)
    assert early.error.endswith('`[experiment] data`: there is no ".venv": uv sync makes it')

    write(repository, {".venv/bin/python": f'#!/bin/sh\nexec {sys.executable} "$@"\n'})
    (repository / ".venv" / "bin" / "python").chmod(0o755)
    done = ar(repository, "run", "--replay", changes, "--json", PATH=path)
    assert done.code == 0, done.err

    text = (repository / "autoresearch.toml").read_text()
    write(repository, {"autoresearch.toml": re.sub(r'data = \["\.venv"\]', "data = []", text)})
    without = ar(repository, "run", "--new", "--replay", changes, PATH=path)
    assert "No module named 'pydantic'" in without.error
    assert 'data = [".venv"]' in without.hints


PACKAGE = {
    "src/shapes/__init__.py": "",
    "src/shapes/model.py": "from shapes.size import SIZE\n\nLOSS = abs(SIZE - 8)\n",
    "src/shapes/size.py": "SIZE = 2\n",
    "bench.py": 'from shapes.model import LOSS\n\nprint("score:", LOSS)\n',
    "program.md": "Lower it.\n",
    ".gitignore": ".venv/\n__pycache__/\n",
}
FINDER = """\
import importlib.util, sys

class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "shapes":
            return importlib.util.spec_from_file_location(name, {source!r} + "/shapes/__init__.py")

sys.meta_path.append(Finder)
"""


def installed(folder: Path) -> tuple[Path, Path]:
    """A repository with a package in `src`, and the site-packages of its environment, in which nothing is installed."""
    text = config(".venv/bin/python bench.py", editable=("src/**/*.py",), experiment="data = ['.venv']")
    repository = make_repository(folder, {**PACKAGE, "autoresearch.toml": text})
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(repository / ".venv")], check=True)
    [site] = (repository / ".venv").glob("lib/python*/site-packages")
    return repository, site


def bigger(folder: Path) -> str:
    """A patch that raises SIZE from 2 to 5."""
    return str(patches(folder, ("src/shapes/size.py", "SIZE = 2\n", "SIZE = 5\n")))


def test_of_a_package_that_is_installed_editable_the_candidate_is_measured(ar: Cli, tmp_path: Path) -> None:
    repository, site = installed(tmp_path / "repo")
    (site / "__editable__.shapes-1.0.pth").write_text(f"{repository / 'src'}\n")
    done = ar(repository, "run", "--replay", bigger(tmp_path / "p"))
    assert (done.code, done.err) == (0, "")
    assert "#1 keep 3 (−50.0 %)" in done.out
    text = (repository / "autoresearch.toml").read_text()
    write(repository, {"autoresearch.toml": text.replace("data = ['.venv']", "")})
    without = ar(repository, "run", "--new", "--replay", bigger(tmp_path / "p"))
    assert "command not found: .venv/bin/python" in without.error
    assert 'data = [".venv"]' in without.hints


def test_a_package_that_is_found_in_a_way_of_its_own_is_named_by_the_canary(ar: Cli, tmp_path: Path) -> None:
    repository, site = installed(tmp_path / "repo")
    (site / "own_finder.py").write_text(FINDER.format(source=str(repository / "src")))
    (site / "own.pth").write_text("import own_finder\n")
    done = ar(repository, "run", "--tag", "t", "--replay", bigger(tmp_path / "p"))
    assert done.code == 2
    assert done.error.startswith("src/shapes/")
    assert f"is not what runs: the package shapes is imported from {repository}/src/shapes/" in done.error
    assert 'pythonpath = ["src"]' in done.hints
    text = (repository / "autoresearch.toml").read_text()
    write(repository, {"autoresearch.toml": text.replace("[experiment]\n", '[experiment]\npythonpath = ["src"]\n')})
    again = ar(repository, "run", "--replay", bigger(tmp_path / "p"))
    assert (again.code, again.err) == (0, "")
    assert "going on with t" in again.out
    assert "#1 keep 3 (−50.0 %)" in again.out


def test_a_submodule_that_is_needed_is_data(ar: Cli, tmp_path: Path, changes: str) -> None:
    library = make_repository(tmp_path / "lib", {"table/one.txt": "7\n"})
    evaluate = "from solve import X\n\nprint('score:', X + float(open('lib/table/one.txt').read()))\n"
    repository = toy(tmp_path / "repo", {"evaluate.py": evaluate})
    git(repository, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library), "lib")
    git(repository, "commit", "--quiet", "--message=a submodule")
    before = state_of(repository)
    done = ar(repository, "run", "--tag", "t", "--replay", changes, "--budget", "1x")
    assert (done.code, 'data = ["lib"]' in done.hints) == (1, True)
    write(repository, {"autoresearch.toml": config(experiment='canary = false\ndata = ["lib"]')})
    again = ar(repository, "run", "--replay", changes, "--budget", "1x", "--json")
    assert [one["metric"] for one in again.named("experiment-finished")] == [10.0, 9.0]
    git(repository, "checkout", "--quiet", "autoresearch.toml")
    assert state_of(repository) == before
    commit = git(library, "rev-parse", "HEAD")
    assert git(repository, "ls-tree", "autoresearch/t", "lib") == f"160000 commit {commit}\tlib"


SCRIPT = """\
import json, os, sys
from pathlib import Path
from solve import X

seed, number, sample, tag = sys.argv[1:]
told = [os.environ[f"AR_{name}"] for name in ("SEED", "EXPERIMENT", "SAMPLE", "TAG")]
assert told == [seed, number, sample, tag]
calls = Path("build/calls.txt")
calls.write_text((calls.read_text() if calls.exists() else "") + "x")
Path("out").mkdir()
Path("out/best.txt").write_text(f"model of {number}")
print("calls:", len(calls.read_text()))
print("seed:", seed)
print("made:", len(Path("made-by-setup.txt").read_text()))
print("score:", X)
"""


def test_setup_cache_artifacts_and_placeholders_work(ar: Cli, tmp_path: Path, changes: str) -> None:
    command = (
        'LETTER=z && test "${LETTER}" = z && test "$(echo a b | awk \'{print $2}\')" = b && '
        f"'{sys.executable}' -S evaluate.py {{seed}} {{experiment}} {{sample}} {{tag}}"
    )
    keys = "setup = \"printf set > made-by-setup.txt\"\ncache = ['build']\nartifacts = ['out/best.txt']\nseed = 3"
    repository = toy(tmp_path / "repo", {"evaluate.py": SCRIPT}, command=command, experiment=f"canary = false\n{keys}")
    before = state_of(repository)
    done = ar(repository, "run", "--tag", "t", "--replay", changes)
    assert (done.code, done.err) == (0, "")
    rows = [json.loads(line) for line in ar(repository, "log", "--json", "--reverse").out.splitlines()]
    measured = [one for one in rows if one["metric"] is not None]
    assert [(one["metric"], one["measures"]["calls"], one["measures"]["made"]) for one in measured] == [
        (3.0, 2, 3),  # the mean of three samples, which were calls 1, 2 and 3
        (2.0, 4, 3),
        (2.0, 5, 3),
    ]
    assert len({one["measures"]["seed"] for one in measured}) == 3
    kept = {path.parent.parent.name: path.read_text() for path in repository.glob(".autoresearch/artifacts/t/*/out/*")}
    assert kept == {"0000": "model of 0", "0001": "model of 1"}
    assert state_of(repository) == before
    again = ar(repository, "run", "--replay", str(patches(tmp_path / "q", ("solve.py", solve(x=2.0), solve(x=1.5)))))
    assert "#4 keep 1.5 " in again.out
    assert json.loads(ar(repository, "log", "4", "--json").out)["measures"]["calls"] == 6
