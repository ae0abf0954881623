"""What a finished command means for the experiment: exit status, output and metric become an execution's result.

No I/O. Whether the number is an improvement is not decided here.
"""

from __future__ import annotations

import re
import signal

from autoresearch.core.experiment import Measured, Outcome, Unmeasured
from autoresearch.core.metric import MetricReader, NoReading, Reading
from autoresearch.core.ports import Job
from autoresearch.runtime.command import Finished, NotStarted, Why
from autoresearch.runtime.text import last_error, plain

SKIPPED = 125
NOT_FOUND = 127
SHELL_SIGNAL = 128
_NO_MEMORY = re.compile(
    r"\bMemoryError\b|(CUDA|HIP|MPS).{0,40}out of memory|OutOfMemoryError|std::bad_alloc", re.DOTALL
)
_NOT_FOUND = re.compile(r"(?:^|: |/)([^\s:]+): (?:command )?not found")


def judge(
    done: Finished | NotStarted,
    reader: MetricReader,
    job: Job,
    metrics_json: str | None,
    measured: Finished | None = None,
) -> Measured | Unmeasured:
    """The result of one sample. `metrics_json` is the metrics file's text, None where none is configured.

    `measured`: the command whose time and memory count, where another one printed the metric.
    """
    failed = failure(done, job.limit)
    if failed is not None:
        return failed
    if isinstance(done, NotStarted):
        raise TypeError("a command that never started has failed")
    used = measured or done
    own = {"ar.seconds": used.seconds, "ar.peak_rss_mb": used.peak_rss_mb}
    match reader.read(job.convention, metrics_json, own):
        case Reading(value, measures, convention):
            flags = () if job.convention else convention.flags
            return Measured(value, done.seconds, measures, flags, plain(done.tail))
        case NoReading(reason, _, measures):
            misplaced = reader.spec.name in done.stderr_tail
            reason += " (it is on stderr: only stdout is read)" if misplaced else ""
            return Unmeasured(Outcome.NO_METRIC, reason, done.seconds, measures, plain(done.tail))


def failure(done: Finished | NotStarted, limit: float) -> Unmeasured | None:
    """Why a command did not end well; None when it did. `limit` is what it was given, in seconds."""
    if isinstance(done, NotStarted):
        return Unmeasured(Outcome.CRASHED, done.reason, 0.0)
    outcome, reason = _fate(done, limit)
    return None if outcome is Outcome.MEASURED else Unmeasured(outcome, reason, done.seconds, {}, plain(done.tail))


def _fate(done: Finished, limit: float) -> tuple[Outcome, str]:
    match done.why:
        case Why.TIMED_OUT:
            return Outcome.TIMED_OUT, f"timed out after {limit:g} s"
        case Why.STOPPED | Why.KILLED:
            return Outcome.INTERRUPTED, "stopped"
        case Why.OVER:
            return Outcome.OUT_OF_MEMORY if done.ran_out_of_memory else Outcome.OVER_LIMITS, done.over
        case Why.LOST:
            return Outcome.CRASHED, "its supervisor was killed, by the experiment itself or by somebody else"
        case Why.ENDED:
            return _ending(done)


def _ending(done: Finished) -> tuple[Outcome, str]:
    error = last_error(done.stderr_tail) or last_error(done.stdout_tail)
    said = f": {error}" if error else ""
    killed_by = done.signal if done.signal is not None else (done.exit_code or 0) - SHELL_SIGNAL
    if done.exit_code == 0:
        return Outcome.MEASURED, ""
    if done.exit_code == SKIPPED:
        return Outcome.SKIPPED, f"exit code {SKIPPED}{said}"
    if killed_by == signal.SIGKILL:
        return Outcome.OUT_OF_MEMORY, "killed with SIGKILL, as the system does when memory runs out"
    if _NO_MEMORY.search(done.stderr_tail):
        return Outcome.OUT_OF_MEMORY, f"out of memory{said}"
    if done.exit_code == NOT_FOUND and (missing := _NOT_FOUND.search(error)):
        return Outcome.CRASHED, f"command not found: {missing[1]}"
    if killed_by in set(signal.Signals):
        return Outcome.CRASHED, f"killed with {signal.Signals(killed_by).name}{said}"
    return Outcome.CRASHED, f"exit code {done.exit_code}{said}"
