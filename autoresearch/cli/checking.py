"""`ar init --check`: the command three times, and what that says about a night of experiments.

The samples are recorded as the baseline of a run, which the next `ar run` goes on with. Interrupted, or when a sample
fails, there is no baseline: the next `ar run` takes its own.
"""

from __future__ import annotations

import time
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

import typer

from autoresearch.cli import build
from autoresearch.cli.choose import choose, task_of
from autoresearch.cli.diagnose import explain
from autoresearch.cli.forecast import forecast
from autoresearch.cli.project import Project, open_project
from autoresearch.cli.run import RunOptions
from autoresearch.cli.session import begin_run
from autoresearch.cli.signals import signals
from autoresearch.config import check_files
from autoresearch.core.experiment import Decision, Execution, Measured, Outcome, Unmeasured
from autoresearch.core.metric import Convention
from autoresearch.core.ports import Executor, Task
from autoresearch.core.quantity import format_duration, format_metric
from autoresearch.errors import BaselineFailed, ConfigError
from autoresearch.judging import BASELINE
from autoresearch.opened import Open
from autoresearch.orders import Settings, job_for
from autoresearch.record import snapshot
from autoresearch.record.journal import GitJournal
from autoresearch.record.runs import Run
from autoresearch.runtime.canary import Unproved, Unused, Used
from autoresearch.runtime.executor import LocalExecutor
from autoresearch.runtime.lock import RunLock

T = TypeVar("T")
SAMPLES, LONG = 3, 600.0
"""Samples to take; one that takes longer than this many seconds is enough."""


@dataclass
class Waiting:
    """Waits for one thing at a time, and passes Ctrl-C on to it."""

    stopped: str = ""
    at_once: bool = False
    wake: SimpleQueue[None] = field(default_factory=SimpleQueue)

    def stop(self, why: str, at_once: bool) -> None:
        """Called by a signal between any two instructions of the main thread: takes no lock."""
        self.stopped, self.at_once = why, at_once
        self.wake.put(None)

    def for_result(self, executor: Executor, future: Future[T]) -> T:
        """The result; once somebody said stop, it comes soon."""
        future.add_done_callback(lambda _: self.wake.put(None))
        while not future.done():
            if self.stopped:
                executor.stop(at_once=self.at_once)
            self.wake.get()
        return future.result()


def check_command(config: Path | None) -> int:
    """Print what the samples say. Raises BaselineFailed when one gives no measurement."""
    project = open_project(config)
    check_files(project.config, project.config_path, project.repository.root, project.tracked)
    waiting = Waiting()
    with RunLock(project.repository.common_dir, "ar init --check"), signals(waiting.stop, lambda: None):
        chosen = choose(project, RunOptions(config=config, committed=True))
        typer.echo(chosen.note)
        left_out = snapshot.modified(project.repository, besides=task_of(project).own_files)
        if left_out:
            typer.echo(f"the last commit is measured, without your changes in {', '.join(left_out[:5])}")
        run = begin_run(project, chosen, "")
        journal = build.open_journal(project, run)
        with ExitStack() as closing:
            closing.push(lambda _, error, __: journal.close(waiting.stopped or str(error or "checked"), 0.0))
            each = None if journal.history().baseline else Check(project, run, journal, waiting).take(closing)
            if waiting.stopped:
                raise typer.Abort
            for line in forecast(journal.history(), project.config, each):
                typer.echo(line)
            typer.echo(f"next:   ar run --budget 8h{' --committed' * bool(left_out)}    goes on from this baseline")
    return 0


def ignore_line(_number: int, _line: str) -> None:
    """For who does not show what an experiment prints."""


class Check:
    """The canary and the samples of a baseline that was not measured yet."""

    def __init__(self, project: Project, run: Run, journal: GitJournal, waiting: Waiting) -> None:
        self.project = project
        self.call = run
        self.journal = journal
        self.waiting = waiting

    def take(self, closing: ExitStack) -> float | None:
        """Record the samples; the seconds that one experiment takes, None when interrupted."""
        executor = build.open_executor(self.project, self.call.tag, ignore_line)
        closing.callback(executor.close)
        try:
            if self.project.config.experiment.canary:
                self.try_canary(executor)
            return None if self.waiting.stopped else self.measure(executor)
        except BaselineFailed as error:
            told = explain(error, self.project, executor.withheld, self.project.layout(self.call.tag))
            hint = "\n".join(filter(None, (error.hint, told.hint)))
            raise BaselineFailed(told.message, hint=hint, output=told.output) from error

    def try_canary(self, executor: LocalExecutor) -> None:
        """As `ar run` does before a baseline: it will find this one, and not look again."""
        typer.echo("checking that the command uses the editable files …")
        base = self.call.opening.base
        match self.waiting.for_result(executor, executor.canary(base, list(self.journal.files(base)))):
            case Unused(message, hint):
                raise ConfigError(message, hint=hint)
            case Unproved(reason) if not self.waiting.stopped:
                typer.echo(f"not proved: {reason}")
            case Unproved() | Used():
                pass

    def measure(self, executor: Executor) -> float | None:
        """Take the samples and record them as the baseline."""
        journal, each = self.journal, 0.0
        opened = Open(journal.draft(None, journal.base_tree(), BASELINE))
        for number in range(1, SAMPLES + 1):
            began = time.monotonic()
            execution = self.sample(executor, opened, number)
            # The first one has the setup in it, as every experiment will.
            each = each or time.monotonic() - began
            if self.waiting.stopped:
                journal.finish(opened.draft, opened.result(Outcome.INTERRUPTED, Decision.DISCARD, self.waiting.stopped))
                return None
            if isinstance(execution, Unmeasured):
                journal.finish(opened.draft, opened.result(execution.outcome, Decision.DISCARD, execution.reason))
                raise _failed(number, execution)
            if execution.seconds > LONG:
                break
        journal.finish(opened.draft, opened.result(Outcome.MEASURED, Decision.KEEP, "the baseline"))
        return each

    def sample(self, executor: Executor, opened: Open, number: int) -> Execution:
        """Take one sample and say what came of it."""
        config = self.project.config
        settings = Settings(config.experiment.seed, config.experiment.timeout, build.DEFAULT_LIMIT)
        job = job_for(opened, Task.SAMPLE, self.journal.history(), settings)
        job = replace(job, convention=Convention.of_flags(opened.flags)) if number > 1 else job
        typer.echo(f"sample {number} of {SAMPLES}: ", nl=False)
        execution = self.waiting.for_result(executor, executor.submit(job))
        opened.take(Task.SAMPLE, execution, number)
        match execution:
            case Measured(value, seconds):
                typer.echo(f"{config.metric.name} {format_metric(value)} in {format_duration(seconds)}")
            case Unmeasured(outcome):
                typer.echo(outcome.value)
        return execution


def _failed(number: int, execution: Unmeasured) -> BaselineFailed:
    timed_out = execution.outcome is Outcome.TIMED_OUT
    hint = 'timeout = "3h"    in [experiment] gives it longer; without one, a baseline has 1h' if timed_out else ""
    return BaselineFailed(f"sample {number} failed: {execution.reason}", hint=hint, output=execution.tail)
