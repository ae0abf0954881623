"""Runs a ShinkaEvolve evaluator on a program, as it is, and prints its score as `name: value` lines.

    python ar_shinka.py evaluate.py initial.py

`ar init` has written this file. It needs Python 3.8 and no package. The evaluator writes `metrics.json` and
`correct.json` into a folder of its own; printed are `combined_score` and the public numbers, and its text feedback as
`FEEDBACK` lines. Private numbers stay private. What evaluator and program print goes to stderr. An evaluator that fails
and a program that is not correct end this with exit code 1.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SCORE = "combined_score"
LONGEST = 4000
"""Characters of the feedback that are shown; its end counts."""


def main(words: list[str]) -> str | None:
    """What is wrong, if anything is."""
    if len(words) != 2:
        return "usage: python ar_shinka.py evaluate.py initial.py"
    evaluator, program = words
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Feedback may hold half a letter, which no encoding knows.
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, evaluator, "--program_path", str(Path(program).absolute()), "--results_dir", folder]
        done = subprocess.run(command, stdout=sys.stderr, check=False)
        if done.returncode:
            return f"{evaluator} ended with exit code {done.returncode}"
        metrics, correct = (read(Path(folder) / name) for name in ("metrics.json", "correct.json"))
    if metrics is None or correct is None:
        return f"{evaluator} has not written metrics.json and correct.json"
    say(metrics.get("text_feedback"))
    if correct.get("correct") is not True:
        return f"the program is not correct: {correct.get('error') or 'no reason was given'}"
    if number_of(metrics.get(SCORE)) is None:
        return f"there is no number {SCORE} in metrics.json"
    public = metrics.get("public")
    for name, value in (public if isinstance(public, dict) else {}).items():
        number = number_of(value)
        if number is not None and name != SCORE:
            sys.stdout.write(f"{plain(name)}: {number!r}\n")
    sys.stdout.write(f"{SCORE}: {number_of(metrics[SCORE])!r}\n")
    return None


def read(path: Path) -> dict[str, Any] | None:
    """None where there is no such JSON object."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"), parse_int=whole)
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def whole(digits: str) -> int | None:
    """None where there are more digits than Python reads."""
    try:
        return int(digits)
    except ValueError:
        return None


def number_of(value: object) -> float | None:
    """Text is no number, nor is what is too large for one."""
    try:
        return float(value) if isinstance(value, (int, float)) else None
    except OverflowError:
        return None


def say(feedback: object) -> None:
    """Words about the program, for whoever changes it; some evaluators give a list of them."""
    texts = feedback if isinstance(feedback, list) else [feedback] if feedback else []
    for line in "\n".join(map(str, texts))[-LONGEST:].splitlines():
        sys.stdout.write(f"FEEDBACK {line}\n")


def plain(name: str) -> str:
    """A name that `ar` can read."""
    return "".join(one if one.isalnum() or one in "_./-@" else "_" for one in name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
