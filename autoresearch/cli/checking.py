"""`ar init --check`: a baseline, and what it says about a night of experiments.

It is taken as `ar run` takes it, with everything that the configuration asks of it, and the next `ar run` goes on with
it. Interrupted, or when something fails, there is no baseline: the next `ar run` takes its own.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue

import typer

from autoresearch.cli import build
from autoresearch.cli.canary import try_canary
from autoresearch.cli.choose import choose, task_of
from autoresearch.cli.diagnose import explain
from autoresearch.cli.first_run import first_run
from autoresearch.cli.forecast import forecast
from autoresearch.cli.home import Home
from autoresearch.cli.isolation import isolation_of
from autoresearch.cli.machines import open_machines
from autoresearch.cli.project import Project, open_project
from autoresearch.cli.render.doing import verb
from autoresearch.cli.rules import seeds_of, standards_of, what_decides
from autoresearch.cli.run_options import RunOptions
from autoresearch.cli.signals import signals
from autoresearch.cli.slots import ONE, wanted
from autoresearch.cli.starting import begin_run
from autoresearch.cli.surroundings import refuse_unwritable
from autoresearch.cli.torch_here import torch_note
from autoresearch.config import check_files
from autoresearch.core.budget import Budget, Meter
from autoresearch.core.events import Event, SampleFinished, SampleStarted
from autoresearch.core.experiment import Execution, Measured, Outcome, Passed, Proposal, Unmeasured
from autoresearch.core.isolation import Level
from autoresearch.core.ports import Executor, Journal, Request, Task
from autoresearch.core.quantity import format_duration, format_metric
from autoresearch.core.seeds import Seeds
from autoresearch.errors import ArError, BaselineFailed, ProposalsExhausted
from autoresearch.loop import Loop
from autoresearch.record import snapshot
from autoresearch.record.journal import GitJournal
from autoresearch.record.runs import Run
from autoresearch.record.sealed import make_key
from autoresearch.runtime.gpu_slots import Slots
from autoresearch.runtime.lock import RunLock

SAMPLES, LONG = 3, 600.0
"""Samples to take; one that takes longer than this many seconds is enough."""


def check_command(config: Path | None) -> int:
    """Print what the baseline says. Raises BaselineFailed when there is none."""
    project = open_project(config)
    check_files(project.config, project.config_path, project.repository.root, project.tracked)
    refuse_unwritable(project.repository)
    with RunLock(project.repository.common_dir, "ar init --check"):
        chosen = choose(project, RunOptions(config=config, committed=True))
        seeds, _ = seeds_of(project, chosen.base.commit), standards_of(project.config)
        if project.config.holdout.command:
            make_key()
        typer.echo(chosen.note)
        left_out = snapshot.modified(project.repository, besides=task_of(project).own_files)
        if left_out:
            typer.echo(f"the last commit is measured, without your changes in {', '.join(left_out[:5])}")
        typer.echo(what_decides(project.config, seeds))
        isolation = isolation_of(project.config, None)
        for line in isolation.lines():
            typer.echo(line)
        check = Check(project, begin_run(project, chosen, "", isolation.level), seeds)
        check.go()
        typer.echo(f"next:   {check.next_step()}{' --committed' * bool(left_out)}    goes on from this baseline")
    return 0


class Nobody:
    """The proposer of a run that ends with its baseline."""

    name = "nobody"
    is_free = True

    def propose(self, request: Request) -> Proposal:
        raise ProposalsExhausted(f"nothing is proposed as experiment {request.number}")


class Check:
    """A call of the loop that ends with its baseline, told line by line."""

    def __init__(self, project: Project, run: Run, seeds: Seeds) -> None:
        self.project = project
        self.run = run
        self.seeds = seeds
        self.meter = Meter(Budget(experiments=0), time.monotonic)
        """There is nothing to spend on anything but the baseline."""
        self.stopped = ""
        self.wake: SimpleQueue[None] = SimpleQueue()
        self.loop: Loop | None = None
        self.last: Execution | None = None
        self.files: Mapping[str, str] = {}
        """What may change."""
        self.home = Home(project.layout(run.tag).home)

    def stop(self, why: str, at_once: bool) -> None:
        """Called by a signal between any two instructions of the main thread: takes no lock."""
        self.stopped = why
        self.wake.put(None)
        if self.loop is not None:
            self.loop.stop(why, at_once=at_once)

    def go(self) -> None:
        """Take the baseline where there is none yet, then print the forecast."""
        with signals(self.stop, lambda: None), ExitStack() as closing:
            journal = build.open_journal(self.project, self.run)
            closing.push(lambda _, error, __: journal.close(self.stopped or str(error or "checked"), self.unbilled()))
            history = journal.history()
            if history.baseline is None:
                self.prepare(journal, closing)
            if self.stopped:
                raise typer.Abort
            for line in forecast(history, self.project.config, self.seeds):
                typer.echo(line)
            self.files = journal.files(self.run.opening.base)

    def next_step(self) -> str:
        """What to type for a night."""
        config = self.project.config
        return first_run(self.files, config.proposer.model, markers=config.markers, budget="8h")

    def prepare(self, journal: GitJournal, closing: ExitStack) -> None:
        """The canary and the baseline; the next `ar run` will find them done."""
        level, asked = Level(self.run.opening.isolation), wanted(self.project.config, None)
        machines = open_machines(self.project, self.run, level, asked, on_wait=typer.echo)
        executor = machines.executor
        closing.callback(executor.close)
        files = journal.files(self.run.opening.base)
        for line in filter(None, (*machines.slots.notes, torch_note(self.project, files.values()))):
            typer.echo(line)
        try:
            if self.project.config.experiment.canary:
                try_canary(executor, self.run.opening.base, list(files), self, typer.echo)
            if not self.stopped:
                self.measure(journal, executor, machines.slots)
        except BaselineFailed as error:
            level = Level(self.run.opening.isolation)
            told = explain(error, self.project, executor.withheld, self.project.layout(self.run.tag), level)
            raise BaselineFailed(told.message, hint=f"{self.advice()}{told.hint}", output=error.output) from error

    def measure(self, journal: Journal, executor: Executor, slots: Slots = ONE) -> None:
        """Let the loop take the baseline, with the samples that a forecast needs. Raises BaselineFailed."""
        parts = build.Wiring(Nobody(), executor, journal, self.meter, self.tell)
        loop = build.make_loop(self.project, RunOptions(), parts, self.seeds, slots)
        samples = max(SAMPLES, loop.settings.baseline_samples or SAMPLES)
        self.loop = Loop(loop.parts, replace(loop.settings, baseline_samples=samples))
        try:
            if not self.stopped:
                self.loop.run()
        except ArError as error:
            with suppress(ArError):
                self.loop.abandon(error.message)
            raise

    def tell(self, event: Event) -> None:
        """A line for everything that is run; its end comes when it has ended."""
        self.home(event)
        match event:
            case SampleStarted(_, sample, _, task) if not self.are_several:
                typer.echo(self.title(task, sample), nl=False)
            case SampleFinished(_, sample, execution, task):
                self.last = execution
                # Of several that run at a time the line is whole only now.
                typer.echo(self.title(task, sample) * self.are_several, nl=False)
                typer.echo(_ended(execution, task, self.project.config.metric.name))
                if task is Task.SAMPLE and execution.seconds > LONG:
                    self.take_no_more()
            case _:
                pass

    @property
    def are_several(self) -> bool:
        """Are samples taken side by side?"""
        return self.loop is not None and self.loop.settings.workers > 1

    def title(self, task: Task, sample: int) -> str:
        return f"sample {sample} of {self.wanted}: " if task is Task.SAMPLE else f"{verb(task)}: "

    @property
    def wanted(self) -> int:
        """How many samples there will be if none takes long."""
        samples = (self.loop.settings.baseline_samples if self.loop else None) or SAMPLES
        slots = self.loop.settings.workers if self.loop else 1
        # In all slots at once, so that a round is never broken off.
        return -(-samples // slots) * slots

    def take_no_more(self) -> None:
        """What takes that long is measured once."""
        if self.loop is not None:
            self.loop.judge.settings = replace(self.loop.settings, baseline_samples=1)

    def advice(self) -> str:
        """What helps where the command was too slow."""
        if isinstance(self.last, Unmeasured) and self.last.outcome is Outcome.TIMED_OUT:
            return 'timeout = "3h"    in [experiment] gives it longer; without one, a baseline has 1h\n'
        return ""

    def unbilled(self) -> float:
        """Dollars that the baseline does not carry."""
        return (self.loop.judge.till.unbilled.cost_usd or 0.0) if self.loop else 0.0


def _ended(execution: Execution, task: Task, name: str) -> str:
    took = format_duration(execution.seconds)
    match execution:
        case Measured(value) if task.is_sample:
            return f"{name} {format_metric(value)} in {took}"
        case Measured():
            return took
        case Passed():
            return f"{'passed' if task is Task.CHECKS else 'measured'} in {took}"
        case Unmeasured(outcome):
            return outcome.value
