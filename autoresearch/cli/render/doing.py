"""What is run of an experiment, in words that the live screen, the plain lines and `ar status` share.

Not in here: how long it has been going on, and what came of it.
"""

from __future__ import annotations

from autoresearch.core.history import History
from autoresearch.core.ports import Task

_WORDS = {
    Task.CHECKS: "checks",
    Task.HOLDOUT: "holdout",
    Task.INCUMBENT_HOLDOUT: "holdout",
    Task.WARM_UP: "warming up",
}


def verb(task: Task) -> str:
    """`sampling`, `checks`, `holdout`, `warming up`."""
    return _WORDS.get(task, "sampling")


def particulars(task: Task, number: int, sample: int, history: History) -> str:
    """What makes it more than the first sample of a candidate: `sample 2`, `the incumbent again`; often empty."""
    if reason := special(task, number, history):
        return reason
    return f"sample {sample}" if task is Task.SAMPLE and sample > 1 else ""


def special(task: Task, number: int, history: History) -> str:
    """Why it is not an ordinary sample, in words; empty when it is."""
    match task:
        case Task.INCUMBENT | Task.INCUMBENT_HOLDOUT:
            return "the incumbent again"
        case Task.FRESH:
            return "in a fresh worktree"
        case Task.SAMPLE if _is_kept(number, history):
            # What is decided is only sampled again when everything is.
            return "the final check"
        case Task.SAMPLE | Task.CHECKS | Task.HOLDOUT | Task.WARM_UP:
            return ""


def _is_kept(number: int, history: History) -> bool:
    one = history.get(number)
    return one is not None and one.is_kept
