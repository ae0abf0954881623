"""What is run of an experiment, task by task, in one bench: samples, checks, the holdout.

Each is a command in a worktree that was laid out for it. What it means for the experiment is decided elsewhere; so is
when it runs, and on which thread (`executor`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from autoresearch.core.experiment import Execution, Measured, Outcome, Passed, Unmeasured
from autoresearch.core.layout import Layout
from autoresearch.core.metric import MetricReader
from autoresearch.core.ports import Job, Task
from autoresearch.errors import RunError, SampleLost
from autoresearch.runtime.artifacts import Artifacts
from autoresearch.runtime.bench import Bench
from autoresearch.runtime.canary import CanaryResult, try_canary
from autoresearch.runtime.command import Finished, NotStarted
from autoresearch.runtime.evaluation import Evaluation, merged, metrics_file, tampered
from autoresearch.runtime.feedback import FeedbackReader
from autoresearch.runtime.gpu_memory import GpuMemory
from autoresearch.runtime.outcome import failure, judge
from autoresearch.runtime.output import OutputLog
from autoresearch.runtime.shared_guard import SharedGuard
from autoresearch.runtime.transcript import Transcript

_BY_FORCE = (Outcome.TIMED_OUT, Outcome.OUT_OF_MEMORY, Outcome.OVER_LIMITS, Outcome.CRASHED)


class Work:
    """Only the slot's own thread calls it, one task at a time."""

    def __init__(
        self,
        bench: Bench,
        evaluation: Evaluation | None,
        layout: Layout,
        artifacts: Artifacts,
        shared: SharedGuard,
        gpus: Callable[[], GpuMemory],
        on_line: Callable[[int, str], None],
    ) -> None:
        """`evaluation`: measures artefacts, where the command does not do that itself.

        `shared`: of all slots. `gpus`: the slot's.
        """
        self._bench = bench
        self._evaluation = evaluation
        self._settings = bench.settings
        self._layout = layout
        self._artifacts = artifacts
        self._shared = shared
        self._on_line = on_line
        self._ready = ""
        """The tree that is laid out."""
        self._is_clean = False
        """Nothing was run there since."""
        self._is_traced = False
        self._gpus = gpus
        self._transcript: Transcript | None = None
        """Of the present job, once there is something to write."""

    def forget(self) -> None:
        """The worktree is not as it was left."""
        self._ready, self._is_clean, self._is_traced = "", False, False

    def prepare(self, tree: str) -> None:
        """Everything that can be done before it is known when the sample is taken. Raises what `Bench` raises."""
        if tree != self._ready or not self._is_clean:
            self.forget()
            self._bench.lay_out(tree)
            self._ready, self._is_clean = tree, True
        if self._settings.isolation.protects_files:
            # Nobody but the sample can change what is traced.
            self._bench.guard.before()
            self._is_traced = True
        self._bench.stand_by()

    def do(self, job: Job) -> Execution:
        """Lay out the commit and run what the job's task says; what was tampered with counts for nothing."""
        try:
            return self._do(job)
        finally:
            transcript, self._transcript = self._transcript, None
            if transcript is not None:
                transcript.close()

    def _do(self, job: Job) -> Execution:
        self._bench.await_room(lambda line: self._show(job, line))
        self._shared.look()
        is_new = self._lay_out(job)
        found: list[str] = []
        with self._shared.watch(self._layout.tampered(job.number)) as stay:
            unfit = self._set_up(job) if is_new and self._settings.setup else None
            if unfit is None:
                self._ready = job.tree or job.commit
                execution, found = self._guarded(job)
        if unfit is not None:
            return tampered(unfit, stay.found)
        is_there = self._bench.worktree.is_there
        if job.task is Task.FRESH or not is_there:
            self.forget()
        # Only now: whatever is wrong with a GPU, nothing that the sample has changed may stay.
        execution = self._wait_for_gpus(execution, is_fair=not (found or stay.found))
        if not is_there and (isinstance(execution, Unmeasured) or not self._bench.worktree.path.exists()):
            execution, found = _deleted(execution, job), []
        return tampered(execution, [*found, *stay.found])

    def _guarded(self, job: Job) -> tuple[Execution, list[str]]:
        """What came of the command, and what it has changed in its worktree, in words."""
        self._bench.worktree.point(job.commit)
        self._gpus()
        if not self._is_traced:
            self._bench.guard.before()
        self._is_clean = self._is_traced = False
        execution = self._run(job)
        return execution, self._bench.guard.after()

    def canary(self, commit: str, editable: Sequence[str], log: Path) -> CanaryResult:
        """Does the command use these files of the worktree? It is spoilt afterwards."""
        self.forget()
        return try_canary(self._bench, commit, editable, log, self._evaluation.measure if self._evaluation else None)

    def _wait_for_gpus(self, execution: Execution, *, is_fair: bool) -> Execution:
        """What was ended by force may leave memory behind that the next sample needs.

        Raises SampleLost where the GPU is to blame; not for a sample that was not fair, which is not to be taken again.
        """
        if not isinstance(execution, Unmeasured) or execution.outcome not in _BY_FORCE:
            return execution
        held = self._gpus().still_held()
        if is_fair and (lost := self._gpus().lost()):
            raise SampleLost(lost.reason, hint="free it, then: ar run", slot_is_gone=lost.for_good)
        return replace(execution, reason=f"{execution.reason}; {held}") if held else execution

    def _run(self, job: Job) -> Execution:
        match job.task:
            case Task.SAMPLE | Task.INCUMBENT | Task.FRESH | Task.WARM_UP:
                return self._sample(job)
            case Task.CHECKS:
                return self._check(job)
            case Task.HOLDOUT | Task.INCUMBENT_HOLDOUT:
                return self._hold_out(job)

    def _sample(self, job: Job) -> Measured | Unmeasured:
        settings, cwd = self._settings, self._bench.worktree.cwd
        feedback = FeedbackReader(cwd / settings.feedback if settings.feedback else None)
        reader = MetricReader(settings.metric)

        def on_line(line: str) -> None:
            reader.feed(line)
            feedback.feed(line)

        metrics = metrics_file(settings, cwd)
        done = self._command(job, on_line)
        if self._evaluation is None:
            execution = judge(done, reader, job, metrics.text() if metrics else None)
        else:
            with self._log(job, f"evaluate, {_called(job)}") as log:
                execution = self._evaluation.measure(job, done, log, lambda line: self._show(job, line))
            printed = reader.read(job.convention).measures
            execution = replace(execution, measures=merged(job, settings.metric, printed, execution.measures))
        if isinstance(execution, Measured) and job.task not in (Task.WARM_UP, Task.INCUMBENT):
            self._artifacts.stage(job.number, self._bench.worktree.path)
        return replace(execution, feedback=execution.feedback or feedback.text())

    def _command(self, job: Job, on_line: Callable[[str], None]) -> Finished | NotStarted:
        with self._log(job, f"{_called(job)} (seed {job.seed})") as log:
            show = partial(self._show, job)
            return self._bench.run(self._settings.command, job, log, limit=job.limit, on_line=on_line, show=show)

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
        bench = self._evaluation.laid_out() if self._evaluation else self._bench
        if not self._artifacts.place(job.number, bench.worktree.path):
            # Cleared away, or of a run on another machine: made once more.
            made = self._sample(job)
            if isinstance(made, Unmeasured):
                return made
            if self._evaluation is not None:
                self._evaluation.laid_out()
                self._artifacts.place(job.number, bench.worktree.path)
        reader = MetricReader(holdout.metric)
        with OutputLog(None, "holdout") as log:
            done = bench.run(holdout.command, job, log, limit=job.limit, on_line=reader.feed)
        execution = judge(done, reader, job, None)
        bench.worktree.tidy()
        bench.scratch.clear()
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

    def _lay_out(self, job: Job) -> bool:
        """The commit, unless it is there already. Returns whether it is new here, and must be set up."""
        worktree, fresh = self._bench.worktree, job.task is Task.FRESH
        # What was laid out ahead may have been cleared away since.
        if (job.tree or job.commit) == self._ready and not fresh and worktree.is_there:
            if not self._is_clean:
                worktree.tidy()
            return False
        self.forget()
        self._bench.lay_out(job.tree or job.commit, fresh=fresh)
        worktree.point(job.commit)
        return True

    def _set_up(self, job: Job) -> Unmeasured | None:
        """Once per commit. Returns why there is nothing to run in."""
        limit = max(job.limit, self._settings.setup_limit)
        with self._log(job, "setup") as log:
            done = self._bench.run(self._settings.setup, job, log, limit=limit, show=lambda line: self._show(job, line))
        failed = failure(done, limit)
        if failed is None:
            self._bench.worktree.remember_setup()
            self._bench.worktree.tidy()
            return None
        if failed.outcome is Outcome.INTERRUPTED:
            return failed
        if not self._bench.worktree.is_there:
            return _deleted(failed, job)
        return Unmeasured(Outcome.CRASHED, f"setup failed: {failed.reason}", failed.seconds, {}, failed.tail)

    def _log(self, job: Job, header: str) -> OutputLog:
        if self._transcript is None:
            self._transcript = Transcript(self._layout.output(job.number))
        return OutputLog(self._transcript, self._bench.secrets.redact(header))

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


def _deleted(execution: Execution, job: Job) -> Unmeasured:
    """Somebody cleared `.autoresearch` away: whatever came of that says nothing about the candidate, also not a number,
    for nobody can look any more whether it was tampered with.

    A run cannot go on without its baseline, so that one has failed.
    """
    outcome = Outcome.INTERRUPTED if job.number else Outcome.CRASHED
    return Unmeasured(outcome, "the worktree was deleted", execution.seconds, {}, execution.tail)
