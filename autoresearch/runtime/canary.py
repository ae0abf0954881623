"""The canary: does the command run the worktree's files at all?

With an editable install it may measure the user's checkout instead, for ever and silently. So all editable source
files are made to fail at once, and the command is expected to fail. Proved is only that *some* of them are used; files
that are data (JSON, YAML) are not looked at.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from autoresearch.core.experiment import Measured, Outcome, Unmeasured
from autoresearch.core.metric import SELF_MEASURED, MetricReader, Reading
from autoresearch.core.ports import Job
from autoresearch.runtime.bench import Bench
from autoresearch.runtime.command import Finished, NotStarted, Why
from autoresearch.runtime.metrics_file import MetricsFile
from autoresearch.runtime.outcome import failure, judge
from autoresearch.runtime.output import OutputLog
from autoresearch.runtime.poison import MARK, poison
from autoresearch.runtime.sources import imported_elsewhere, interpreter

LIMIT = 60.0
"""Seconds that the setup and the command may take, each."""


@dataclass(frozen=True, slots=True)
class Used:
    """The command failed, as it must: it uses the editable files."""


@dataclass(frozen=True, slots=True)
class Unused:
    """The command measured something all the same: no candidate would ever be tried. What is wrong, what to do."""

    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Unproved:
    """Neither, and why."""

    reason: str


CanaryResult = Used | Unused | Unproved


Evaluate = Callable[[Job, Finished, OutputLog], Measured | Unmeasured]


def try_canary(
    bench: Bench, commit: str, editable: Sequence[str], log_path: Path, evaluate: Evaluate | None = None
) -> CanaryResult:
    """Make the editable files (paths from the repository's root) fail, and run setup and command.

    `evaluate` measures what the command made, where it does not measure that itself.

    Leaves the worktree spoilt: it must be laid out again. Raises what `Bench` raises.
    """
    bench.lay_out(commit)
    bench.worktree.point(commit)
    spoilt = poison(bench.worktree.path, editable)
    if not spoilt:
        return Unproved("no editable file is in a programming language that ar knows")
    log_path.unlink(missing_ok=True)
    job = Job(number=0, commit=commit, sample=0, seed=0, limit=LIMIT, convention=None)
    if bench.settings.setup:
        with OutputLog(log_path, "setup, with every editable file made to fail") as log:
            failed = failure(bench.run(bench.settings.setup, job, log, limit=LIMIT), LIMIT)
        if failed is not None:
            return _of_failure(failed, "the setup")
    return _run_command(bench, job, spoilt, log_path, evaluate)


def _run_command(bench: Bench, job: Job, spoilt: list[str], log_path: Path, evaluate: Evaluate | None) -> CanaryResult:
    reader, marked = MetricReader(bench.settings.metric), _Marked()
    name = bench.settings.metrics_file
    metrics_file = MetricsFile(bench.worktree.cwd / name) if name else None

    def on_line(line: str) -> None:
        reader.feed(line)
        marked.look(line)

    with OutputLog(log_path, "command, with every editable file made to fail") as log:
        done = bench.run(bench.settings.command, job, log, limit=LIMIT, on_line=on_line)
        if isinstance(done, NotStarted):
            return Unproved(done.reason)
        marked.look(done.stderr_tail)
        if marked.seen:
            return Used()
        text = metrics_file.text() if metrics_file else None
        execution = evaluate(job, done, log) if evaluate else judge(done, reader, job, text)
    marked.look(execution.tail)
    if marked.seen:
        return Used()
    if isinstance(execution, Measured) or (not evaluate and _measured_before_the_limit(done, reader)):
        return _unused(bench, spoilt)
    return _of_failure(execution, "the command")


@dataclass(slots=True)
class _Marked:
    """Whether the line that fails was seen failing: some programs catch that and print a metric nevertheless."""

    seen: bool = False

    def look(self, text: str) -> None:
        self.seen = self.seen or MARK in text


def _measured_before_the_limit(done: Finished, reader: MetricReader) -> bool:
    timed_out = done.why is Why.TIMED_OUT and reader.spec.name not in SELF_MEASURED
    return timed_out and isinstance(reader.read(None), Reading)


def _of_failure(failed: Unmeasured, what: str) -> CanaryResult:
    match failed.outcome:
        case Outcome.TIMED_OUT:
            return Unproved(f"{what} did not end within {LIMIT:.0f} s")
        case Outcome.INTERRUPTED:
            return Unproved("stopped")
        case Outcome.NO_METRIC:
            return Unproved(f"{what} ended well, but printed no metric: {failed.reason}")
        case _:
            return Used()


def _unused(bench: Bench, spoilt: list[str]) -> Unused:
    """Name what is used instead, as far as that can be found out."""
    settings, worktree, variables = bench.settings, bench.worktree, bench.variables()
    python = interpreter(settings.command, variables, worktree.cwd)
    found = imported_elsewhere(python, worktree.path, spoilt, variables, worktree.cwd) if python else None
    if found is not None:
        folder = os.path.relpath(worktree.path / found.root, worktree.cwd)
        return Unused(
            f"{found.path} is not what runs: the package {found.package} is imported from {found.place}",
            hint=f'[experiment] pythonpath = ["{folder}"]',
        )
    words = settings.command if isinstance(settings.command, str) else " ".join(settings.command)
    if str(bench.layout.root) in words:
        hint = f"the command names {bench.layout.root}: use paths relative to autoresearch.toml"
    else:
        hint = "set `editable` to what the command runs; if it is right as it is: [experiment] canary = false"
    shown = ", ".join(spoilt[:3]) + (f" and {len(spoilt) - 3} more" if len(spoilt) > 3 else "")
    return Unused(f"the command measures the same without {shown}: it does not use the editable files", hint)
