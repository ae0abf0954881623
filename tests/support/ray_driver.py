"""Stands for an `ar` that is killed: runs an endless experiment on a cluster. `ray_driver.py ROOT COMMAND ADDRESS`.

It says the id of the process that talks to Ray once the experiment has printed its first line.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from autoresearch.cluster.start import ray_executor
from autoresearch.core.layout import Layout
from autoresearch.core.metric import MetricSpec
from autoresearch.core.ports import Job
from autoresearch.core.scope import Scope
from autoresearch.runtime.settings import ExecutorSettings
from tests.support.clusters import TAG
from tests.support.repositories import git


def main() -> None:
    root, command, address = sys.argv[1:]
    has_begun = threading.Event()
    settings = ExecutorSettings(command, MetricSpec("loss"), TAG, is_editable=Scope(("x.txt",)).is_editable)
    cluster = ray_executor(settings, Layout(Path(root), TAG), address, on_line=lambda *_: has_begun.set())
    job = Job(number=1, commit=git(Path(root), "rev-parse", "HEAD"), sample=1, seed=1, limit=600.0, convention=None)
    future = cluster.executor.submit(job)
    has_begun.wait()
    print(cluster.driver, flush=True)
    future.result()


if __name__ == "__main__":
    main()
