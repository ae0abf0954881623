"""What the commands import: the help nothing heavy, `status` and `log` no library of a proposer."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.toy import Toy

PROPOSERS = {"litellm", "optuna", "cmaes", "torch", "matplotlib"}
HEAVY = {*PROPOSERS, "pydantic", "git", "gitdb"}


def imported(folder: Path, *arguments: str) -> set[str]:
    """The top-level names of all modules that a call of `ar` imports."""
    command = [sys.executable, "-X", "importtime", "-m", "autoresearch", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-1000:]
    names = re.findall(r"^import time: .*\| +(\S+)$", done.stderr, re.MULTILINE)
    assert "typer" in names
    return {name.partition(".")[0] for name in names}


def test_the_help_imports_nothing_heavy(tmp_path: Path) -> None:
    assert not imported(tmp_path, "--help") & HEAVY


@pytest.mark.parametrize("command", ["init", "run", "status", "log", "revert"])
def test_the_help_of_a_command_imports_no_more_than_typer_itself_does(tmp_path: Path, command: str) -> None:
    assert not imported(tmp_path, command, "--help") & (HEAVY - {"pydantic"})


def test_looking_at_a_run_imports_no_library_of_a_proposer(tmp_path: Path) -> None:
    toy = Toy.make(tmp_path)
    toy.run(-1)
    for arguments in (["status"], ["log"], ["log", "1"], ["log", "--tsv"]):
        assert not imported(toy.root, *arguments) & PROPOSERS
