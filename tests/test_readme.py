"""The README is true: its table of keys is the code's, and every command in it runs."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import tomli_w

from autoresearch.config import parse, reference_table
from tests.support.chat_server import ChatServer, nudge
from tests.support.repositories import git, make_repository

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = [block.strip().splitlines() for block in re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)]
COMMANDS = [line for block in BLOCKS for line in block]
TRAIN = """\
import os, random

random.seed(int(os.environ["AR_SEED"]))
LEARNING_RATE = 0.5
print(f"val_loss: {(LEARNING_RATE - 0.3) ** 2 + 1 + random.gauss(0, 1e-4)}")
"""
FILES = {"train.py": TRAIN, "README.md": "a toy\n"}


def test_the_table_of_keys_is_the_codes() -> None:
    table = README.partition("<!-- keys: begin -->\n")[2].partition("\n<!-- keys: end -->")[0]
    assert table.strip() == reference_table().strip()


def test_the_example_configuration_loads_alone_and_with_each_of_the_shorter_ones() -> None:
    blocks = [tomllib.loads(one) for one in re.findall(r"^```toml\n(.*?)^```", README, re.MULTILINE | re.DOTALL)]
    [example] = [one for one in blocks if "editable" in one]
    for more in blocks:
        tables = {name: {**example.get(name, {}), **keys} for name, keys in more.items() if isinstance(keys, dict)}
        assert parse(tomli_w.dumps({**example, **more, **tables}), "autoresearch.toml").metric.name == "val_loss"


def test_every_file_in_the_tree_is_there() -> None:
    tree = re.search(r"^autoresearch/\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert tree is not None
    inside, _, beside = tree[1].partition("configs/ ")
    names = re.findall(r"(?:^  |: opened|; )?([\w]+\.py|^  [\w]+/)", inside, re.MULTILINE)
    missing = [name for name in map(str.strip, names) if not list((ROOT / "autoresearch").rglob(name.rstrip("/")))]
    assert names
    assert missing == []
    assert beside


@pytest.mark.parametrize("command", [line for line in COMMANDS if line.startswith("make ")])
def test_what_is_to_be_made_is_in_the_makefile(command: str) -> None:
    done = subprocess.run(
        ["make", "--dry-run", command.split()[1]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


class Reader:
    """Somebody who types what the README says, in a repository of their own; the model is a server on this machine."""

    def __init__(self, folder: Path, server: ChatServer) -> None:
        self.folder = make_repository(folder / "repository", FILES)
        self.env = {
            "HOME": str(folder),
            "PATH": f"{_shim(folder)}{os.pathsep}{os.environ['PATH']}",
            "OPENAI_API_BASE": server.base_url,
            "OPENAI_BASE_URL": server.base_url,
            "LANG": "C.UTF-8",
        }

    def types(self, line: str) -> None:
        name, _, value = line.removeprefix("export ").partition("=")
        if line.startswith("export "):
            self.env[name] = value
            return
        # What takes hours in earnest takes three experiments here; the tag is of the day.
        line = re.sub(r"--budget \d+[mh]\b", "--budget 3x", line).replace("50x", "3x").replace("TAG", self.tag())
        done = subprocess.run(
            ["sh", "-c", line], cwd=self.folder, env=self.env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"

    def tag(self) -> str:
        branches = git(self.folder, "branch", "--list", "autoresearch/*", "--format=%(refname:short)").splitlines()
        return branches[-1].removeprefix("autoresearch/") if branches else ""


def _shim(folder: Path) -> Path:
    """`ar` as an installation would put it on PATH."""
    place = folder / "bin"
    place.mkdir(parents=True)
    shim = place / "ar"
    shim.write_text(f'#!/bin/sh\n# autoresearch\nexec {shlex.quote(sys.executable)} -m autoresearch "$@"\n')
    shim.chmod(0o755)
    return place


@pytest.mark.thorough
def test_every_other_command_runs_in_the_order_in_which_it_stands(tmp_path: Path) -> None:
    with ChatServer(replies=nudge) as server:
        reader = Reader(tmp_path, server)
        for line in COMMANDS:
            if not line.startswith(("make ", "git clone ", "pip install ")):
                reader.types(line)
        assert server.requests
    assert (reader.folder / "results.tsv").read_text().startswith("commit\tval_loss\t")


def test_the_installation_ships_the_ready_tasks(tmp_path: Path) -> None:
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "--no-build-isolation",
            "-w",
            str(tmp_path),
            ".",
        ],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    wheel = next(tmp_path.glob("*.whl"))
    listing = subprocess.run(
        [sys.executable, "-m", "zipfile", "-l", str(wheel)], capture_output=True, text=True, check=True
    )
    for name in ("configs/gpt/autoresearch.toml", "configs/gpt/train.py", "py.typed", "runtime/supervisor.py"):
        assert f"autoresearch/{name}" in listing.stdout
