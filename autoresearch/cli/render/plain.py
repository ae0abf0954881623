"""`ar run` into a file or a pipe: one line per fact, no colours, nothing that is overwritten.

    run autoresearch/nov23 from 5d1f0e2, isolation basic
    #4 proposed LR 0.003 → 0.0021
    #4 sample 1 val_bpb 3.2041 in 12 s
    #4 keep 3.2041 (−0.40 %) 12 s  LR 0.003 → 0.0021
    #5 discard crashed 3 s  DEPTH 2 → 16: exit code 1

Not in here: what experiments print, which is in their output.log.
"""

from __future__ import annotations

from typing import TextIO

from autoresearch.cli.render.columns import metric_text
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
from autoresearch.core.experiment import Execution, Experiment, Measured, Outcome, Passed, Unmeasured
from autoresearch.core.quantity import format_change, format_duration, format_metric


class PlainLines:
    """A listener that prints to `stream`; each line is flushed, so that `tail -f` follows."""

    def __init__(self, view: RunView, stream: TextIO) -> None:
        self._metric_name = clean(view.metric_name)
        self._print = Lines(stream)

    def __call__(self, event: Event) -> None:
        match event:
            case RunStarted():
                self._print(_started(event))
            case Proposed(number, title):
                self._print(f"#{number} proposed {clean(title)}")
            case SampleFinished(number, sample, execution):
                self._print(f"#{number} sample {sample} {self._sampled(execution)}")
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

    def _sampled(self, execution: Execution) -> str:
        took = format_duration(execution.seconds)
        match execution:
            case Passed():
                return f"passed in {took}"
            case Measured():
                return f"{self._metric_name} {format_metric(execution.value)} in {took}"
            case Unmeasured():
                said = execution.reason.startswith(execution.outcome.value)
                outcome = "" if said else f"{execution.outcome.value} after {took}: "
                return f"{outcome}{clean(execution.reason)}"


def _started(event: RunStarted) -> str:
    line = f"run {event.branch} from {event.base[:7]}, isolation {event.isolation}"
    return f"{line}, {event.resumed} experiments so far" if event.resumed else line


def finished_line(experiment: Experiment, against: float | None) -> str:
    """`#4 keep 3.2041 (−0.40 %) 12 s  LR 0.003 → 0.0021`; without a measurement the outcome stands for the number."""
    result = _result(experiment, against)
    line = f"#{experiment.number} {experiment.decision.value} {result} {format_duration(experiment.seconds)}"
    line = f"{line}  {clean(experiment.title)}"
    return f"{line}: {clean(experiment.reason)}" if experiment.outcome is not Outcome.MEASURED else line


def _result(experiment: Experiment, against: float | None) -> str:
    metric = experiment.metric
    outcome = "" if experiment.outcome is Outcome.MEASURED else experiment.outcome.value
    if metric is None:
        return outcome or "not measured"
    change = f" ({format_change(metric, against)})" if against is not None else ""
    return f"{outcome} {metric_text(metric, experiment.values)}{change}".lstrip()
