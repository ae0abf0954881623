"""`ar run` into a file or a pipe: one line per fact, no colours, nothing that is overwritten.

    run autoresearch/nov23 from 5d1f0e2, isolation basic
    #4 proposed LR 0.003 → 0.0021
    #4 sample 1 val_bpb 3.2041 in 12 s
    #4 sample 2 (in a fresh worktree) val_bpb 3.2043 in 13 s
    #4 checks passed in 3 s
    #4 keep 3.2042 ±0.00014 (−0.40 %) 28 s  LR 0.003 → 0.0021
    #5 discard crashed 3 s  DEPTH 2 → 16: exit code 1

Not in here: what experiments print, which is in their output.log.
"""

from __future__ import annotations

from typing import TextIO

from autoresearch.cli.render.columns import metric_text
from autoresearch.cli.render.doing import special
from autoresearch.cli.render.text import Lines, clean
from autoresearch.cli.render.view import RunView
from autoresearch.core.events import (
    Event,
    ExperimentFinished,
    OutputLine,
    Proposed,
    Proposing,
    RunFinished,
    RunStarted,
    SampleFinished,
    SampleStarted,
    Warned,
)
from autoresearch.core.experiment import (
    SIMPLER,
    SUSPICIOUS,
    Execution,
    Experiment,
    Measured,
    Outcome,
    Passed,
    Unmeasured,
)
from autoresearch.core.ports import Task
from autoresearch.core.quantity import format_change, format_duration, format_metric


class PlainLines:
    """A listener that prints to `stream`; each line is flushed, so that `tail -f` follows."""

    def __init__(self, view: RunView, stream: TextIO) -> None:
        self._metric_name = clean(view.metric_name)
        self._history = view.history
        self._print = Lines(stream)

    def __call__(self, event: Event) -> None:
        match event:
            case RunStarted():
                self._print(_started(event))
            case Proposed(number, title):
                self._print(f"#{number} proposed {clean(title)}")
            case SampleFinished():
                self._print(self._ended(event))
            case ExperimentFinished(experiment, against):
                self._print(finished_line(experiment, against))
            case Warned(message):
                self._print(f"warning: {clean(message)}")
            case RunFinished():
                best = "" if event.best is None else f", best {self._metric_name} {format_metric(event.best)}"
                ended = "stopped" if event.exit_code else "done"
                self._print(f"{ended}: {clean(event.why)}{best}, {event.kept} kept, {event.discarded} discarded")
            case Proposing() | SampleStarted() | OutputLine():
                pass

    def _ended(self, event: SampleFinished) -> str:
        """`#4 sample 1 val_bpb 3.2041 in 12 s`, `#4 checks passed in 3 s`."""
        number, task = event.number, event.task
        if task.is_sample:
            why = special(task, number, self._history)
            return f"#{number} sample {event.sample} {f'({why}) ' if why else ''}{self._said(event.execution)}"
        if isinstance(event.execution, Unmeasured):
            return f"#{number} {_failed(event.execution)}"
        passed = "checks passed" if task is Task.CHECKS else "warmed up"
        done = "holdout measured" if task.is_holdout else passed
        return f"#{number} {done} in {format_duration(event.execution.seconds)}"

    def _said(self, execution: Execution) -> str:
        took = format_duration(execution.seconds)
        match execution:
            case Passed():
                return f"passed in {took}"
            case Measured():
                return f"{self._metric_name} {format_metric(execution.value)} in {took}"
            case Unmeasured():
                return _failed(execution)


def _failed(execution: Unmeasured) -> str:
    outcome = execution.outcome.value
    said = "" if execution.reason.startswith(outcome) else f"{outcome} after {format_duration(execution.seconds)}: "
    return said + clean(execution.reason)


def _started(event: RunStarted) -> str:
    line = f"run {event.branch} from {event.base[:7]}, isolation {event.isolation}"
    return f"{line}, {event.resumed} experiments so far" if event.resumed else line


def finished_line(experiment: Experiment, against: float | None) -> str:
    """`#4 keep 3.2041 (−0.40 %) 12 s  LR 0.003 → 0.0021`; without a measurement the outcome stands for the number."""
    result = _result(experiment, against)
    sort = next((f" ({flag})" for flag in (SUSPICIOUS, SIMPLER) if experiment.is_kept and flag in experiment.flags), "")
    line = f"#{experiment.number} {experiment.decision.value}{sort} {result} {format_duration(experiment.seconds)}"
    line = f"{line}  {clean(experiment.title)}"
    return f"{line}: {clean(experiment.reason)}" if experiment.outcome is not Outcome.MEASURED else line


def _result(experiment: Experiment, against: float | None) -> str:
    metric = experiment.metric
    outcome = "" if experiment.outcome is Outcome.MEASURED else experiment.outcome.value
    if metric is None:
        return outcome or "not measured"
    change = f" ({format_change(metric, against)})" if against is not None else ""
    return f"{outcome} {metric_text(metric, experiment.values)}{change}".lstrip()
