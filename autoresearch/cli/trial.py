"""Running a command once, in a worktree, to see which numbers it prints. Nothing is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from autoresearch.core.experiment import Unmeasured
from autoresearch.core.layout import Layout
from autoresearch.core.metric import MetricSpec
from autoresearch.core.ports import Job
from autoresearch.core.printed import Candidate, candidates
from autoresearch.core.quantity import format_duration
from autoresearch.record.repository import Repository
from autoresearch.runtime.bench import ExecutorSettings
from autoresearch.runtime.executor import LocalExecutor

TAG = "trial"
LIMIT = 3600.0
"""Seconds; Ctrl-C ends it before."""


def printed_numbers(folder: Path, command: str, data: Sequence[str]) -> list[Candidate]:
    """Every number that the command prints, with its name; none when it fails, which is said."""
    repository = Repository(folder)
    layout = Layout(repository.root, TAG)
    sub = folder.resolve().relative_to(repository.root.resolve()).as_posix()
    settings = ExecutorSettings(
        command=command, metric=MetricSpec("ar.seconds"), tag=TAG, sub="" if sub == "." else sub, data=tuple(data)
    )
    typer.echo("running it … (Ctrl-C ends it)")
    executor = LocalExecutor(settings, layout)
    try:
        job = Job(number=0, commit=repository.head(), sample=1, seed=0, limit=LIMIT, convention=None)
        execution = executor.submit(job).result()
    finally:
        executor.close()
        repository.close()
    if isinstance(execution, Unmeasured):
        typer.echo(f"it failed: {execution.reason}\n{execution.tail}")
        return []
    typer.echo(f"it took {format_duration(execution.seconds)}")
    return candidates(layout.output(0).read_text(encoding="utf-8", errors="replace").splitlines())
