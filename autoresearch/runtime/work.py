"""What is run of an experiment, task by task, in one bench: samples, checks, the holdout.

Each is a command in a worktree that was laid out for it. What it means for the experiment is decided elsewhere; so is
when it runs, and on which thread (`executor`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from autoresearch.core.experiment import Execution, Measured, Outcome, Passed, Unmeasured
from autoresearch.core.layout import Layout
from autoresearch.core.metric import MetricReader
from autoresearch.core.ports import Job, Task
from autoresearch.errors import RunError
from autoresearch.runtime.artifacts import Artifacts
from autoresearch.runtime.bench import Bench
from autoresearch.runtime.feedback import FeedbackReader
from autoresearch.runtime.metrics_file import MetricsFile
from autoresearch.runtime.outcome import failure, judge
from autoresearch.runtime.output import OutputLog


class Work:
    """Only the slot's own thread calls it, one task at a time."""

    def __init__(self, bench: Bench, layout: Layout, artifacts: Artifacts, on_line: Callable[[int, str], None]) -> None:
        self._bench = bench
        self._settings = bench.settings
        self._layout = layout
        self._artifacts = artifacts
        self._on_line = on_line
        self._ready = ""

    def forget(self) -> None:
        """The worktree is not as it was left."""
        self._ready = ""

    def do(self, job: Job) -> Execution:
        """Lay out the commit and run what the job's task says."""
        unfit = self._prepare(job)
        if unfit is not None:
            return unfit
        match job.task:
            case Task.SAMPLE | Task.INCUMBENT | Task.FRESH | Task.WARM_UP:
                execution: Execution = self._sample(job)
            case Task.CHECKS:
                execution = self._check(job)
            case Task.HOLDOUT | Task.INCUMBENT_HOLDOUT:
                execution = self._hold_out(job)
        if job.task is Task.FRESH:
            self.forget()
        if isinstance(execution, Unmeasured) and not self._bench.worktree.is_there:
            self.forget()
            return _deleted(execution, job)
        return execution

    def _sample(self, job: Job) -> Measured | Unmeasured:
        settings, cwd = self._settings, self._bench.worktree.cwd
        reader = MetricReader(settings.metric)
        metrics_file = MetricsFile(cwd / settings.metrics_file) if settings.metrics_file else None
        feedback = FeedbackReader(cwd / settings.feedback if settings.feedback else None)

        def on_line(line: str) -> None:
            reader.feed(line)
            feedback.feed(line)

        with self._log(job, f"{_called(job)} (seed {job.seed})") as log:
            done = self._bench.run(
                settings.command, job, log, limit=job.limit, on_line=on_line, show=lambda line: self._show(job, line)
            )
        execution = judge(done, reader, job, metrics_file.text() if metrics_file else None)
        if isinstance(execution, Measured) and job.task is not Task.WARM_UP:
            self._artifacts.stage(job.number, self._bench.worktree.path)
        return replace(execution, feedback=feedback.text())

    def _check(self, job: Job) -> Passed | Unmeasured:
        """All checks, in their order, up to the first that fails or hangs."""
        seconds, tail = 0.0, ""
        for command in self._settings.checks:
            with self._log(job, f"check: {command}") as log:
                done = self._bench.run(command, job, log, limit=job.limit, show=lambda line: self._show(job, line))
            seconds, tail = seconds + done.seconds, done.tail
            failed = failure(done, job.limit)
            if failed is not None and failed.outcome is Outcome.INTERRUPTED:
                return replace(failed, seconds=seconds)
            if failed is not None:
                reason = f"check `{command}`: {failed.reason}"
                return replace(failed, outcome=Outcome.CHECKS_FAILED, reason=reason, seconds=seconds)
        return Passed(seconds, tail)

    def _hold_out(self, job: Job) -> Measured | Unmeasured:
        """Its output is kept nowhere, and no failure says more than that it was one: later experiments could read it.

        The baseline's is the exception: with a failure there the run ends, and the person has to see why.
        """
        holdout = self._settings.holdout
        if holdout is None:
            raise RunError("there is no holdout")
        if not self._artifacts.place(job.number, self._bench.worktree.cwd):
            # Cleared away, or of a run on another machine: made once more, and used where they were made.
            made = self._sample(job)
            if isinstance(made, Unmeasured):
                return made
        reader = MetricReader(holdout.metric)
        with tempfile.TemporaryDirectory(prefix="ar-holdout-") as folder:
            with OutputLog(Path(folder) / "output.log", "holdout") as log:
                # Nobody shall find it, also when we are killed.
                (Path(folder) / "output.log").unlink()
                done = self._bench.run(holdout.command, job, log, limit=job.limit, on_line=reader.feed)
            execution = judge(done, reader, job, None)
        self._bench.worktree.tidy()
        if isinstance(execution, Measured):
            return Measured(execution.value, execution.seconds)
        if execution.outcome is Outcome.INTERRUPTED:
            return replace(execution, measures={}, tail="")
        # The reason is recorded: nothing of it may have been printed.
        said = execution.reason.partition(";")[0].partition(": ")[0]
        if execution.outcome is Outcome.NO_METRIC and not said.endswith("was not printed"):
            said = execution.outcome.value
        tail = execution.tail if job.task is Task.HOLDOUT and job.number == 0 else ""
        return Unmeasured(Outcome.CHECKS_FAILED, f"the holdout failed: {said}", execution.seconds, {}, tail)

    def _prepare(self, job: Job) -> Unmeasured | None:
        """Lay out the commit, and once per commit run `setup`. Returns why there is nothing to run in."""
        worktree, fresh = self._bench.worktree, job.task is Task.FRESH
        if job.commit == self._ready and not fresh:
            worktree.tidy()
            return None
        self.forget()
        self._bench.lay_out(job.commit, fresh=fresh)
        if self._settings.setup:
            unfit = self._set_up(job)
            if unfit is not None:
                return unfit
            worktree.remember_setup()
            worktree.tidy()
        self._ready = job.commit
        return None

    def _set_up(self, job: Job) -> Unmeasured | None:
        limit = max(job.limit, self._settings.setup_limit)
        with self._log(job, "setup") as log:
            done = self._bench.run(self._settings.setup, job, log, limit=limit, show=lambda line: self._show(job, line))
        failed = failure(done, limit)
        if failed is None or failed.outcome is Outcome.INTERRUPTED:
            return failed
        if not self._bench.worktree.is_there:
            return _deleted(failed, job)
        return Unmeasured(Outcome.CRASHED, f"setup failed: {failed.reason}", failed.seconds, {}, failed.tail)

    def _log(self, job: Job, header: str) -> OutputLog:
        return OutputLog(self._layout.output(job.number), header)

    def _show(self, job: Job, line: str) -> None:
        self._on_line(job.number, line)


def _called(job: Job) -> str:
    match job.task:
        case Task.WARM_UP:
            return "warm-up"
        case Task.FRESH:
            return f"sample {job.sample}, in a fresh worktree"
        case _:
            return f"sample {job.sample}"


def _deleted(execution: Unmeasured, job: Job) -> Unmeasured:
    """Somebody cleared `.autoresearch` away: whatever came of that says nothing about the candidate.

    A run cannot go on without its baseline, so that one has failed.
    """
    outcome = Outcome.INTERRUPTED if job.number else Outcome.CRASHED
    return replace(execution, outcome=outcome, reason="the worktree was deleted")
