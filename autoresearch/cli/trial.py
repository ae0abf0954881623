"""Running a command once, in a worktree, to see which numbers it prints. Nothing is recorded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

import typer

from autoresearch.cli.place import Place
from autoresearch.core.experiment import Measured, Unmeasured
from autoresearch.core.layout import Layout
from autoresearch.core.metric import MetricSpec
from autoresearch.core.ports import Job
from autoresearch.core.quantity import format_duration
from autoresearch.errors import ArError, LockHeld
from autoresearch.runtime.confinement import choose
from autoresearch.runtime.executor import LocalExecutor
from autoresearch.runtime.lock import RunLock
from autoresearch.runtime.settings import ExecutorSettings
from autoresearch.runtime.tree import remove

FOLDER = "_init"
"""Below `.autoresearch/runs/`; no run can have this name."""
LIMIT = 3600.0
"""Seconds; Ctrl-C ends it before."""
LINES_SHOWN = 15
_METRIC = re.compile(r"^METRIC[ \t]+([\w.µ]+)=", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Trial:
    """What is run: the answers so far, relative to the folder of the configuration."""

    command: str
    setup: str = ""
    data: tuple[str, ...] = ()
    cache: tuple[str, ...] = ()
    pass_env: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Printed:
    """The numbers that the command printed, by name, and the seconds that it took."""

    numbers: Mapping[str, float]
    seconds: float
    named: tuple[str, ...] = ()
    """Those of lines `METRIC name=value`, in their order."""


def try_once(place: Place, trial: Trial) -> Printed | None:
    """Run it on the files of the last commit; None when it failed or could not be run, which is said."""
    layout = Layout(place.repository.root, FOLDER)
    settings = ExecutorSettings(
        command=trial.command,
        metric=MetricSpec("ar.seconds"),
        tag=FOLDER,
        setup=trial.setup,
        sub=place.base,
        pass_env=trial.pass_env,
        data=trial.data,
        cache=trial.cache,
    )
    typer.echo("running it on the files of the last commit … (Ctrl-C ends it)")
    try:
        with RunLock(place.repository.common_dir, "ar init"):
            return _run(place, layout, settings)
    except LockHeld as error:
        typer.echo(f"not run: {error.message}")
        return None


def leave_nothing(place: Place) -> None:
    """Remove what trials left in a folder that was not there before; unless a run has begun in it meanwhile."""
    runs = place.home / "runs"
    with suppress(ArError), RunLock(place.repository.common_dir, "ar init"):
        if {path.name for path in runs.glob("*")} <= {FOLDER}:
            remove(place.home)


def _run(place: Place, layout: Layout, settings: ExecutorSettings) -> Printed | None:
    executor = LocalExecutor(replace(settings, isolation=choose(None)[0]), layout)
    try:
        job = Job(number=0, commit=place.repository.head(), sample=1, seed=0, limit=LIMIT, convention=None)
        execution = executor.submit(job).result()
    finally:
        executor.close()
    if isinstance(execution, Measured):
        typer.echo(f"it took {format_duration(execution.seconds)}")
        found = _METRIC.findall(layout.output(0).read_text(encoding="utf-8", errors="replace"))
        named = tuple(name for name in dict.fromkeys(found) if name in execution.measures)
        return Printed(execution.measures, execution.seconds, named)
    if not isinstance(execution, Unmeasured):
        raise TypeError("a sample gives a number, or says why there is none")
    for line in execution.tail.rstrip().splitlines()[-LINES_SHOWN:]:
        typer.echo(f"  | {line}")
    typer.echo(f"it failed: {execution.reason}")
    typer.echo(f"the whole output: {layout.output(0).relative_to(layout.root)}")
    return None
