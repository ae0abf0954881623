"""`ar` as people start it: a process of its own, in a folder, with an environment that holds nothing of this machine's.

And `toy`, a repository with a task that takes milliseconds: two constants in solve.py, a score printed by evaluate.py.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import unified_diff
from pathlib import Path
from typing import Any

from tests.support.repositories import git, make_repository, write

PYTHON = f"{shlex.quote(sys.executable)} -S"
"""In a command: an interpreter that starts in milliseconds."""
GAP = "\n# Far enough apart that a change of one is no conflict with a change of the other.\n" * 3
EVALUATE = 'from solve import X, Y\n\nprint(f"score: {(X - 1) ** 2 + (Y + 0.5) ** 2}")\n'
LIMIT = 90.0
"""Seconds after which a call of `ar` is a failure of the test: far more than any takes."""


def solve(x: float = 3.0, y: float = -2.0) -> str:
    """The text of solve.py; the score is 6.25 as it stands, 0 with x = 1 and y = -0.5."""
    return f"X = {x}\n{GAP}\nY = {y}\n"


@dataclass(frozen=True)
class Done:
    """A call of `ar` that has ended."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """The lines of `--json`; strict: NaN is no JSON."""
        return [json.loads(line, parse_constant=_refuse) for line in self.out.splitlines()]

    def named(self, name: str) -> list[dict[str, Any]]:
        """The events of that name, in order."""
        return [event for event in self.events if event["event"] == name]

    @property
    def error(self) -> str:
        """What follows `error: `; there must be exactly one such line, and no traceback of ours."""
        assert "\nTraceback" not in f"\n{self.err}", self.err
        [line] = [line for line in self.err.splitlines() if line.startswith("error: ")]
        return line.removeprefix("error: ")

    @property
    def hints(self) -> str:
        """All that follows `hint: `, a line each."""
        return "\n".join(line.removeprefix("hint: ") for line in self.err.splitlines() if line.startswith("hint: "))


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON")


@dataclass(frozen=True)
class Cli:
    """Calls `ar`. No keys, no settings of git, no terminal; `home` is a folder of the test's own."""

    home: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, folder: Path, *arguments: str, **variables: str) -> Done:
        """`ar` with these arguments in this folder, to its end."""
        return finish(self.start(folder, *arguments, **variables))

    def start(self, folder: Path, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Begin a call and do not wait for it."""
        self.home.mkdir(parents=True, exist_ok=True)
        return subprocess.Popen(
            [sys.executable, "-m", "autoresearch", *arguments],
            cwd=folder,
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    @property
    def environment(self) -> dict[str, str]:
        """All variables that `ar` gets."""
        plain = {"PATH": os.environ["PATH"], "HOME": str(self.home), "LC_ALL": "C.UTF-8", "GIT_CONFIG_NOSYSTEM": "1"}
        return {**plain, **self.variables}


def finish(process: subprocess.Popen[str]) -> Done:
    """Wait for its end."""
    with process:
        try:
            out, err = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return Done(process.returncode, out, err)


def config(
    command: str = f"{PYTHON} evaluate.py",
    *,
    top: str = "",
    experiment: str = "canary = false",
    rest: str = "",
    editable: Sequence[str] = ("solve.py",),
) -> str:
    """The text of autoresearch.toml: `top`, `experiment` and `rest` are lines for these places."""
    return (
        f"goal = 'a low score'\neditable = {json.dumps(editable)}\n{top}\n"
        f"[experiment]\ncommand = {json.dumps(command)}\n{experiment}\n"
        f"[metric]\nname = 'score'\ndirection = 'min'\nseed = 'not random'\n{rest}\n"
    )


def toy(folder: Path, files: Mapping[str, str] | None = None, **settings: Any) -> Path:
    """A repository with the task committed; `files` are added or replaced, `settings` are those of `config`."""
    own = {"solve.py": solve(), "evaluate.py": EVALUATE, "program.md": "Find the lowest score.\n"}
    return make_repository(folder, {**own, "autoresearch.toml": config(**settings), **(files or {})})


def patches(folder: Path, *changes: tuple[str, str, str]) -> Path:
    """A folder of patches for `--replay`: each change is a file's path, its text before and after."""
    for number, (path, before, after) in enumerate(changes, 1):
        lines = unified_diff(before.splitlines(True), after.splitlines(True), f"a/{path}", f"b/{path}")
        write(folder, {f"{number:02}.patch": "".join(lines)})
    return folder


def improvements(folder: Path) -> Path:
    """Three patches for the toy: two that are better (3.25, with both 1.25), and one that conflicts with the first."""
    texts = (solve(x=2.0), solve(y=-1.0), solve(x=1.5))
    return patches(folder, *(("solve.py", solve(), text) for text in texts))


def refs(folder: Path) -> str:
    """Every ref of the repository: what must be the same when nothing may have changed."""
    return git(folder, "for-each-ref")
