"""A home with a repository in it, and hostile experiments that are run there by somebody: root, or an ordinary user.

The executor lives in a process of its own (`hostile_driver`): to be that user, to be killed, and to be measured. What
must be true afterwards is not here.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import autoresearch
from autoresearch.core.isolation import Level
from autoresearch.runtime import landlock
from tests.support.beside import secret_of_this_worker

PATIENCE = 40.0
NOBODY = 65534
SECRET = secret_of_this_worker("Zq9x8Y7w6V5u4T")
SYSTEM_PYTHON = "/usr/bin/python3"
DRIVER = Path(__file__).with_name("hostile_driver.py")
FILES = {
    "train.py": "print('loss: 1')\n",
    "judge.py": "print('loss: 1')\n",
    "lib/deep/rules.json": '{"limit": 1}\n',
    "lib/util.py": "X = 1\n",
    ".gitignore": "data\n.autoresearch\n__pycache__\n",
}


@dataclass(frozen=True)
class Who:
    """Who runs the experiments: root, and an ordinary user; where the tests are not run by root, just that user."""

    name: str
    uid: int

    @property
    def options(self) -> dict[str, Any]:
        """For subprocess."""
        return {} if self.uid == os.getuid() else {"user": self.uid, "group": self.uid, "extra_groups": []}


def everybody() -> list[Who]:
    if os.getuid() != 0:
        return [Who("user", os.getuid())]
    return [Who("root", 0), Who("user", NOBODY)]


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition; only the failure has a deadline."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def needs(level: Level) -> None:
    """Skip what the machine cannot do; bubblewrap can always be had where everything is tested."""
    if level is Level.GUARDED and landlock.abi() < landlock.OLDEST_ABI:
        pytest.skip("the kernel has no Landlock that is new enough")
    if level is Level.STRICT and shutil.which("bwrap") is None:
        assert not os.environ.get("CI"), "bubblewrap is missing: apt-get install bubblewrap"
        pytest.skip("bubblewrap is not installed")


@dataclass(frozen=True)
class Done:
    """What became of a sample."""

    outcome: str
    reason: str
    value: float | None
    tail: str
    seconds: float
    peak_mb: float
    """Of the process that holds the executor, up to then."""


class Lab:
    """A home, its repository, and the process that holds an executor there."""

    def __init__(self, base: Path, who: Who) -> None:
        self.base = base
        self.who = who
        self.home = base / "home"
        self.root = self.home / "my répo"
        self.outside = base / "outside"
        self.worktree = self.root / ".autoresearch" / "worktrees" / "0"
        self.lines: list[str] = []
        self.number = 0
        self._driver: subprocess.Popen[str] | None = None
        for folder in (self.home, self.root, self.outside):
            folder.mkdir(mode=0o755)
        (self.home / "secret").write_text(SECRET)
        (self.outside / "precious").write_text("precious")
        self._copy_package()
        self._own(self.home, self.root, self.outside, self.home / "secret", self.outside / "precious")
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit(FILES)
        self.write({"data/corpus": "text", ".autoresearch/runs/t/0000/reply.md": "ours"})

    def _copy_package(self) -> None:
        folder = Path(autoresearch.__file__).parent
        shutil.copytree(folder, self.base / "package" / "autoresearch", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(DRIVER, self.base / "package")

    @property
    def python(self) -> str:
        """One that this user may start."""
        if self.who.uid == os.getuid():
            return sys.executable
        if not os.access(SYSTEM_PYTHON, os.X_OK):
            pytest.skip(f"there is no {SYSTEM_PYTHON} for an ordinary user")
        return SYSTEM_PYTHON

    def _own(self, *paths: Path) -> None:
        for path in paths if self.who.options else ():
            os.chown(path, self.who.uid, self.who.uid, follow_symlinks=False)

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.root / name
            for folder in reversed(path.relative_to(self.root).parents):
                (self.root / folder).mkdir(exist_ok=True)
                self._own(self.root / folder)
            path.write_text(text)
            self._own(path)

    def git(self, *arguments: str) -> str:
        names = {f"GIT_{one}_{what}": "ada@x.org" for one in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        env = {**os.environ, **names, "HOME": str(self.home)}
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, env=env, capture_output=True, text=True, check=True, **self.who.options
        )
        return done.stdout.strip()

    def commit(self, files: Mapping[str, str]) -> str:
        self.write(files)
        self.git("add", "--force", "--", *files)
        self.git("commit", "--quiet", "--allow-empty", "--message=next")
        return self.git("rev-parse", "HEAD")

    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
        if self.who.options:
            kept["PATH"] = "/usr/local/bin:/usr/bin:/bin"
        return kept | {"HOME": str(self.home), "DEMO_API_KEY": SECRET, "NOTES": f"it is {SECRET}"}

    def open(self, level: Level, command: str = "", **options: Any) -> None:
        """A new executor; the process that holds it is started where there is none."""
        needs(level)
        if self._driver is None:
            self._driver = subprocess.Popen(
                [self.python, str(self.base / "package" / DRIVER.name), str(self.base / "package"), str(self.root)],
                cwd="/",
                env=self.environment(),
                text=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                **self.who.options,
            )
        settings = {"editable": ["train.py"], "data": ["data"], "stop_grace": 0.2, "pythonpath": [], **options}
        self._tell(order="open", isolation=level.value, command=command or f"{self.python} train.py", **settings)
        assert "open" in self._hear()

    def start(self, code: str = "", *, limit: float = 30.0, commit: str = "") -> None:
        """Begin a sample of the repository with `code` in its train.py."""
        self.number += 1
        self.lines.clear()
        commit = commit or self.commit({"train.py": code})
        self._tell(order="sample", commit=commit, number=self.number, sample=1, limit=limit)

    def run(self, code: str = "", *, limit: float = 30.0, commit: str = "") -> Done:
        self.start(code, limit=limit, commit=commit)
        return self.result()

    def stop(self, *, at_once: bool) -> None:
        self._tell(order="stop", at_once=at_once)

    def result(self) -> Done:
        """The end of the sample. Raises RuntimeError with the words of an error."""
        while "line" in (heard := self._hear()):
            self.lines.append(heard["line"])
        if "error" in heard:
            raise RuntimeError(heard["error"])
        return Done(**heard)

    def kill(self) -> None:
        """SIGKILL for the process that holds the executor."""
        assert self._driver
        self._driver.kill()
        self._end()

    def close(self) -> None:
        if self._driver:
            assert self._driver.stdin
            with suppress(BrokenPipeError):
                self._driver.stdin.close()
            self._end()

    def _end(self) -> None:
        assert self._driver
        with self._driver:
            for _ in self._driver.stdout or ():
                pass
        self._driver = None

    def _tell(self, **order: Any) -> None:
        assert self._driver
        assert self._driver.stdin
        self._driver.stdin.write(json.dumps(order) + "\n")
        self._driver.stdin.flush()

    def _hear(self) -> dict[str, Any]:
        assert self._driver
        assert self._driver.stdout
        line = self._driver.stdout.readline()
        assert line, "the process that holds the executor has ended"
        heard: dict[str, Any] = json.loads(line)
        return heard


@contextmanager
def lab_of(who: Who) -> Iterator[Lab]:
    """A lab that everybody can reach; pytest's own folders are root's alone."""
    with tempfile.TemporaryDirectory(prefix="lab-", ignore_cleanup_errors=True) as folder:
        base = Path(folder).resolve()
        base.chmod(0o755)
        lab = Lab(base, who)
        try:
            yield lab
        finally:
            lab.close()


def is_free(path: Path) -> bool:
    """Does no process hold the lock of this file, and no child that inherited it?"""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
