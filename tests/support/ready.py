"""A ready task as people get it: copied by `ar init --from`, run through the command line, read from its events."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from difflib import unified_diff
from pathlib import Path
from typing import Any

from tests.support.cli import Cli, Done
from tests.support.repositories import git

TASKS = Path(__file__).parents[2] / "configs"
BIN = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
"""PATH, where `python` is the one that has numpy and coverage.py."""

ONE_SAMPLE = {"autoresearch.toml": [("\n[metric]\n", '\n[decision]\nrule = "keep-if-better"\n\n[metric]\n')]}
"""For gains so large that one sample tells them: how busy the machine is then decides nothing."""


class Ready:
    """A copy of a task, a repository of its own. `smaller` are texts and what stands for them, to save seconds."""

    def __init__(self, folder: Path, name: str, smaller: dict[str, list[tuple[str, str]]] | None = None) -> None:
        self.ar = Cli(folder / "home", {"PATH": BIN})
        self.root = folder / name
        done = self.ar(folder, "init", "--from", name, str(self.root))
        assert done.code == 0, done.err
        assert git(self.root, "status", "--porcelain", "--ignored") == ""
        for path, pairs in (smaller or {}).items():
            for old, new in pairs:
                substitute(self.root / path, old, new)
        if smaller:
            self.commit("smaller")

    def commit(self, title: str) -> None:
        """Commit what was changed."""
        git(self.root, "commit", "--quiet", "--all", f"--message={title}")

    def python(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Python in the task's folder, as a person would call it."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.root,
            env={"PATH": BIN, **variables},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def number(self, name: str, *arguments: str, **variables: str) -> float:
        """A number that a script prints; it must succeed."""
        done = self.python(*arguments, **variables)
        assert done.returncode == 0, done.stderr
        [value] = [line.partition(": ")[2] for line in done.stdout.splitlines() if line.startswith(f"{name}: ")]
        return float(value)

    def edit(self, path: str, change: Callable[[str], str]) -> None:
        """Write the committed text of a file, changed; what an earlier call has done to it is undone."""
        (self.root / path).write_text(change(git(self.root, "show", f"HEAD:{path}") + "\n"))

    def run(self, *arguments: str) -> list[dict[str, Any]]:
        """The experiments of a call of `ar run`, the baseline first; it must end well."""
        done = self.ar(self.root, "run", "--json", "--tag", "t", *arguments)
        assert done.code == 0, done.err
        return done.named("experiment-finished")

    def replay(self, *edits: tuple[str, Callable[[str], str]]) -> list[dict[str, Any]]:
        """The experiments of trying each of these changes (a path, and what is made of its text)."""
        folder = self.root.parent / "patches"
        folder.mkdir()
        for number, (path, change) in enumerate(edits, 1):
            before = (self.root / path).read_text()
            after = change(before)
            assert after != before
            lines = unified_diff(before.splitlines(True), after.splitlines(True), f"a/{path}", f"b/{path}")
            (folder / f"{number:02}.patch").write_text("".join(lines))
        return self.run("--replay", str(folder))

    def ask(self, base_url: str, budget: str) -> Done:
        """`ar run` with the model behind that address, one experiment after the other."""
        with (self.root / "autoresearch.toml").open("a") as file:
            model = f'model = "openai/stub"\napi_base = "{base_url}"\nprice_in = "1usd"\nprice_out = "2usd"\n'
            file.write(f"\n[proposer]\n{model}\n[run]\nlookahead = 0\n")
        self.commit("a model")
        return self.ar(self.root, "run", "--json", "--tag", "t", "--budget", budget)


def substitute(path: Path, old: str, new: str) -> None:
    """Replace what must be there exactly once."""
    text = path.read_text()
    assert text.count(old) == 1, f"{path} has {text.count(old)} times {old!r}"
    path.write_text(text.replace(old, new))


def swap(*pairs: tuple[str, str]) -> Callable[[str], str]:
    """A change for `Ready.replay`: the texts on the left, each there once, become those on the right."""

    def change(text: str) -> str:
        for old, new in pairs:
            assert text.count(old) == 1, f"{text.count(old)} times {old!r}"
            text = text.replace(old, new)
        return text

    return change


def reply(title: str, path: str, *pairs: tuple[str, str]) -> str:
    """What a model answers that wants the texts on the left to become those on the right."""
    lines = ((old.removesuffix("\n"), new.removesuffix("\n")) for old, new in pairs)
    blocks = (f"{path}\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n" for old, new in lines)
    return f"Title: {title}\nHypothesis: because {title}\nExpected: better\n\n" + "\n".join(blocks)
