"""`ar init --check`: the command three times, and what that says about a night of experiments.

The samples are recorded as the baseline of a run, which the next `ar run` goes on with. Ctrl-C records nothing.
"""

from __future__ import annotations

import math
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import fmean, stdev

import typer

from autoresearch.cli import build
from autoresearch.cli.choose import choose
from autoresearch.cli.diagnose import explain
from autoresearch.cli.project import Project, open_project
from autoresearch.cli.run import RunOptions
from autoresearch.cli.session import begin_run
from autoresearch.config import check_files
from autoresearch.core.decision import Side
from autoresearch.core.experiment import Decision, Measured, Outcome, Unmeasured
from autoresearch.core.history import History
from autoresearch.core.ports import Executor
from autoresearch.core.quantity import format_duration, format_metric
from autoresearch.errors import BaselineFailed
from autoresearch.loop import BASELINE
from autoresearch.opened import Open
from autoresearch.orders import Settings, job_for
from autoresearch.record.journal import GitJournal
from autoresearch.runtime.lock import RunLock

SAMPLES, LONG = 3, 600.0
"""Samples to take; one that takes longer than this many seconds is enough."""
NIGHT_HOURS = 8
THRESHOLD, MOST_SAMPLES = 2.2, 6
"""The normal score that proves a gain, and the most samples per side that are taken for it."""


def check_command(config: Path | None) -> int:
    """Print what the samples say. Raises BaselineFailed when one gives no measurement."""
    project = open_project(config)
    check_files(project.config, project.config_path, project.repository.root, project.tracked)
    with RunLock(project.repository.common_dir, "ar init --check"), ExitStack() as closing:
        options = RunOptions(config=config, committed=True)
        chosen = choose(project, options)
        journal = build.open_journal(project, begin_run(project, chosen, ""))
        closing.callback(journal.close, "checked", 0.0)
        if journal.history().baseline is not None:
            typer.echo(f"the baseline of {chosen.tag} is measured already:")
        else:
            executor = build.open_executor(project, chosen.tag, ignore_line)
            closing.callback(executor.close)
            try:
                measure(project, journal, executor)
            except BaselineFailed as error:
                raise explain(error, project, executor.withheld, project.layout("").worktrees) from error
        for line in report(journal.history(), project.config.metric.name):
            typer.echo(line)
    return 0


def ignore_line(_number: int, _line: str) -> None:
    """For who does not show what an experiment prints."""


def measure(project: Project, journal: GitJournal, executor: Executor) -> None:
    """Take the samples and record them as the baseline."""
    limit = project.config.experiment.timeout
    settings = Settings(seed=project.config.experiment.seed, limit=limit, baseline_limit=build.DEFAULT_LIMIT)
    opened = Open(journal.draft(None, journal.base_tree(), BASELINE))
    for number in range(1, SAMPLES + 1):
        began = time.monotonic()
        execution = executor.submit(job_for(opened, Side.CANDIDATE, journal.history(), settings)).result()
        opened.take(execution, number)
        match execution:
            case Measured(value):
                took = format_duration(execution.seconds)
                typer.echo(
                    f"sample {number} of {SAMPLES}: {project.config.metric.name} {format_metric(value)} in {took}"
                )
            case Unmeasured(outcome, reason, _, _, tail):
                journal.finish(opened.draft, opened.result(outcome, Decision.DISCARD, reason))
                raise BaselineFailed(f"sample {number} of the command failed: {reason}", output=tail)
        if time.monotonic() - began > LONG:
            break
    journal.finish(opened.draft, opened.result(Outcome.MEASURED, Decision.KEEP, "the baseline"))


def report(history: History, name: str) -> list[str]:
    """Metric, time, noise, the smallest provable gain, experiments per hour and per night."""
    values = history.values(0)
    seconds = history.seconds / max(1, len(values))
    mean = fmean(values)
    lines = [f"{name}  {format_metric(mean)}", f"time    {format_duration(seconds)} per sample"]
    if len(values) < 2:
        lines.append("noise   not known: one sample was taken")
    elif (noise := stdev(values)) > 1e-9 * abs(mean):
        # Welch-like reach of the rule with the most samples on both sides: z·s·sqrt(1/K + 1/K).
        gain = THRESHOLD * noise * math.sqrt(2 / MOST_SAMPLES)
        lines.append(f"noise   ±{format_metric(noise)} per sample ({_per_cent(noise, mean)})")
        lines.append(f"gain    from about {format_metric(gain)} ({_per_cent(gain, mean)}) on can be told from luck")
    else:
        lines.append("noise   none: the samples agree, every gain is real")
    hourly = 3600 / max(seconds, 0.05)
    lines.append(f"rate    about {hourly:.0f} experiments an hour, {NIGHT_HOURS * hourly:.0f} a night")
    return lines


def _per_cent(value: float, of: float) -> str:
    return f"{100 * value / abs(of):.2g} %" if of else "of a metric that is 0"
