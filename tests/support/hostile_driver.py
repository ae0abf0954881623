"""Holds an executor in a process of its own: orders come as JSON lines on stdin, answers go to stdout.

Standard library and the package only, so that it runs as another user with the system's Python. Its arguments: the
folder of the package, the repository.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

sys.path.insert(0, sys.argv[1])

from autoresearch.core.experiment import Execution, Measured, Unmeasured
from autoresearch.core.isolation import Level
from autoresearch.core.layout import Layout
from autoresearch.core.metric import MetricSpec
from autoresearch.core.ports import Job
from autoresearch.errors import ArError
from autoresearch.runtime.executor import LocalExecutor
from autoresearch.runtime.settings import ExecutorSettings
from autoresearch.runtime.undumpable import hide_environment

_speaking = threading.Lock()


def say(**what: Any) -> None:
    with _speaking:
        print(json.dumps(what), flush=True)


def opened(options: dict[str, Any]) -> LocalExecutor:
    editable = set(options.pop("editable"))
    options = {name: tuple(value) if isinstance(value, list) else value for name, value in options.items()}
    options["isolation"] = Level(options["isolation"])
    settings = ExecutorSettings(metric=MetricSpec("loss"), tag="t", is_editable=editable.__contains__, **options)
    return LocalExecutor(
        settings, Layout(Path(sys.argv[2]), "t"), on_line=lambda number, line: say(number=number, line=line)
    )


def answer(future: Future[Execution]) -> None:
    # Not getrusage: its peak begins with that of the process that we were forked from.
    peak = (
        next(int(row.split()[1]) for row in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in row) / 1024
    )
    if error := future.exception():
        say(error=error.message if isinstance(error, ArError) else repr(error))
        return
    done = future.result()
    assert isinstance(done, Measured | Unmeasured)
    outcome, reason = ("measured", "") if isinstance(done, Measured) else (done.outcome.value, done.reason)
    value = done.value if isinstance(done, Measured) else None
    say(outcome=outcome, reason=reason, value=value, tail=done.tail, seconds=done.seconds, peak_mb=peak)


def main() -> None:
    hide_environment()
    executor: LocalExecutor | None = None
    for order in map(json.loads, sys.stdin):
        match order.pop("order"):
            case "open":
                if executor:
                    executor.close()
                executor = opened(order)
                say(open=os.getpid())
            case "sample" if executor:
                executor.submit(Job(seed=7, convention=None, **order)).add_done_callback(answer)
            case "stop" if executor:
                executor.stop(at_once=order["at_once"])
    if executor:
        executor.close()


if __name__ == "__main__":
    main()
