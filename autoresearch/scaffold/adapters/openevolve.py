"""Runs an OpenEvolve evaluator on a program, as it is, and prints what it returns as `name: value` lines.

    python ar_openevolve.py evaluator.py initial_program.py [FEATURE ...]

`ar init` has written this file. It needs Python 3.8 and no package. The score is `combined_score`, else the mean of all
numbers but the named features; it is printed under that name. Text that comes with it is printed as `FEEDBACK` lines.
What evaluator and program print goes to stderr, so that none of it is taken for the score. An evaluator that raises,
and one that reports an error instead of a score, end this with exit code 1.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import math
import os
import sys
import traceback
import types
from pathlib import Path
from typing import Any, Callable, NoReturn, TextIO  # noqa: UP035  (Python 3.8 has no other)

SCORE = "combined_score"
LONGEST = 4000
"""Characters of one text that are shown; its end counts."""


class EvaluationResult:
    """What evaluators return that import it from OpenEvolve, where that is not installed."""

    def __init__(self, metrics: dict[str, Any], artifacts: dict[str, Any] | None = None) -> None:
        self.metrics = metrics
        self.artifacts = artifacts or {}

    @classmethod
    def from_dict(cls, metrics: dict[str, Any]) -> EvaluationResult:
        """The metrics alone."""
        return cls(metrics)

    def to_dict(self) -> dict[str, Any]:
        """The metrics alone."""
        return self.metrics


def main(words: list[str]) -> None:
    """Ends the process, whatever happens: a thread of a program that hangs would hold it."""
    if len(words) < 2:
        sys.exit("usage: python ar_openevolve.py evaluator.py initial_program.py [FEATURE ...]")
    evaluator, program = (Path(word).absolute() for word in words[:2])
    printed = own_stdout()
    try:
        report(printed, evaluator, evaluated(evaluator, program), words[2:])
    except SystemExit as error:
        fail(f"{evaluator.name} or {program.name} ended the process: {error}")
    except BaseException:  # noqa: BLE001  (also what is no Exception ends with its traceback, and at once)
        flush_stdout()
        traceback.print_exc()
        leave(sys.stderr, 1)


def evaluated(evaluator: Path, program: Path) -> Any:  # noqa: ANN401
    """What `evaluate` returns, be it a coroutine or not; raises what it raises."""
    result = load(evaluator)(str(program))
    # Not `asyncio.run`: that waits for the threads of its loop, also for one that hangs.
    return asyncio.new_event_loop().run_until_complete(result) if asyncio.iscoroutine(result) else result


def report(printed: TextIO, evaluator: Path, result: Any, features: list[str]) -> NoReturn:  # noqa: ANN401
    """Prints the numbers and words of a result, and ends the process."""
    metrics = result if isinstance(result, dict) else getattr(result, "metrics", None)
    if not isinstance(metrics, dict):
        fail(f"{evaluator.name}: evaluate() returned {type(result).__name__}, not a dict of metrics")
    say(printed, getattr(result, "artifacts", None) or {})
    score = score_of(metrics, features)
    reported = metrics.get("error")
    if metrics.get("timeout") is True or (isinstance(reported, str) and reported and not (score or 0) > 0):
        fail(f"{evaluator.name} reports: {reported or 'a timeout'}")
    if score is None:
        fail(f"{evaluator.name}: evaluate() returned no number")
    for name, value in metrics.items():
        number = number_of(value)
        if number is not None and name != SCORE:
            printed.write(f"{plain(str(name))}: {number!r}\n")
    printed.write(f"{SCORE}: {score!r}\n")
    leave(printed)


def own_stdout() -> TextIO:
    """Stdout for this script alone; for everybody else, child processes too, it is stderr from now on."""
    sys.stdout.flush()
    own = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace")
    os.dup2(2, 1)
    return own


def load(evaluator: Path) -> Callable[[str], Any]:
    """The function `evaluate`, with the evaluator's folder in front of all others.

    This script may be a link into another checkout, whose modules must not be imported.
    """
    sys.path[0] = str(evaluator.parent)
    if importlib.util.find_spec("openevolve") is None:
        stand_in()
    spec = importlib.util.spec_from_file_location("evaluation_module", evaluator)
    if spec is None or spec.loader is None:
        fail(f"{evaluator} is no Python file")
    evaluation = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = evaluation
    spec.loader.exec_module(evaluation)
    evaluate: Callable[[str], Any] = evaluation.evaluate
    return evaluate


def stand_in() -> None:
    """The one class of OpenEvolve that evaluators import."""
    package, module = types.ModuleType("openevolve"), types.ModuleType("openevolve.evaluation_result")
    package.__path__ = []
    for one in (package, module):
        one.EvaluationResult = EvaluationResult  # type: ignore[attr-defined]
        sys.modules[one.__name__] = one


def score_of(metrics: dict[str, Any], features: list[str]) -> float | None:
    """The combined score, else the mean of the numbers that are no features, else that of all; None without any."""
    try:
        return float(metrics[SCORE])
    except (KeyError, TypeError, ValueError):
        numbers = {str(name): number_of(value) for name, value in metrics.items()}
    known = {name: number for name, number in numbers.items() if number is not None and not math.isnan(number)}
    counted = [number for name, number in known.items() if name not in features] or list(known.values())
    return sum(counted) / len(counted) if counted else None


def number_of(value: object) -> float | None:
    """Also of numpy's numbers; text is none."""
    if isinstance(value, (str, bytes)):
        return None
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None


def say(printed: TextIO, artifacts: dict[str, Any]) -> None:
    """Words about the program, for whoever changes it."""
    for name, content in artifacts.items():
        text = content.decode(errors="replace") if isinstance(content, bytes) else str(content)
        lines = text[-LONGEST:].splitlines() or [""]
        printed.write(f"FEEDBACK {plain(str(name))}: {lines[0]}\n")
        printed.writelines(f"FEEDBACK   {line}\n" for line in lines[1:])
    # Also where an error is all that follows.
    printed.flush()


def plain(name: str) -> str:
    """A name that `ar` can read."""
    return "".join(one if one.isalnum() or one in "_./-@" else "_" for one in name)


def fail(reason: str) -> NoReturn:
    """Ends with exit code 1."""
    flush_stdout()
    sys.stderr.write(reason + "\n")
    leave(sys.stderr, 1)


def leave(printed: TextIO, code: int = 0) -> NoReturn:
    """At once, without waiting for threads."""
    printed.flush()
    flush_stdout()
    sys.stderr.flush()
    os._exit(code)


def flush_stdout() -> None:
    """What evaluator and program have printed, before the last word; they may have closed it."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
