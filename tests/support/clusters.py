"""A repository, and what a cluster needs to run its commits."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from autoresearch.cluster.messages import Commits, Order
from autoresearch.cluster.parcels import Parcels
from autoresearch.core.layout import Layout
from autoresearch.core.metric import MetricSpec
from autoresearch.core.ports import Job
from autoresearch.core.scope import Scope
from autoresearch.runtime.settings import ExecutorSettings
from autoresearch.runtime.tree import IGNORE_ALL, provide
from tests.support.repositories import git, make_repository, write

PATIENCE = 60.0
TAG = "nov23"


class Lab:
    """A checkout with one editable file, `x.txt`, that holds the metric."""

    def __init__(self, root: Path) -> None:
        self.root = make_repository(root, {"x.txt": "1.5\n"})
        self.base = self.head
        self.layout = Layout(self.root, TAG)
        self.shown: list[tuple[int, str]] = []

    @property
    def head(self) -> str:
        return git(self.root, "rev-parse", "HEAD")

    def commit(self, files: Mapping[str, str]) -> str:
        write(self.root, files)
        git(self.root, "add", "--force", *files)
        git(self.root, "commit", "--quiet", "--message=next")
        return self.head

    def settings(self, command: str, **options: Any) -> ExecutorSettings:
        options.setdefault("base", self.base)
        options.setdefault("is_editable", Scope(("x.txt",)).is_editable)
        options.setdefault("stop_grace", 5.0)
        return ExecutorSettings(command, MetricSpec("loss"), TAG, **options)

    def job(self, number: int = 0, **options: Any) -> Job:
        values = {"commit": self.head, "sample": 1, "seed": 7, "limit": 60.0, "convention": None, **options}
        return Job(number=number, **values)

    def show(self, number: int, line: str) -> None:
        self.shown.append((number, line))

    def output(self, number: int = 0) -> str:
        return self.layout.output(number).read_text()

    def parcels(self) -> Parcels:
        provide(self.layout.home / ".gitignore", IGNORE_ALL)
        return Parcels(self.root, self.layout.home / "cluster" / "commits", self.base)

    def order(self, settings: ExecutorSettings, work: Any, commits: Commits, **options: Any) -> Order:
        return Order("test" + str(os.getpid()), str(self.root), settings, commits, work, **options)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def processes(of: Callable[[Path], bool]) -> list[int]:
    """The processes whose folder in /proc passes."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if of(folder):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def running(words: str) -> list[int]:
    """The processes that were started with just these words."""
    return processes(lambda folder: (folder / "cmdline").read_bytes().split(b"\0")[:-1] == words.encode().split())


def in_session(session: int) -> list[int]:
    """The processes of a session that are not only waiting to be collected."""

    def is_in(folder: Path) -> bool:
        state, _, _, found = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
        return int(found) == session and state != "Z"

    return processes(is_in)
