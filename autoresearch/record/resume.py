"""Going on with the newest run, or starting a new one: the choice, and its reason in words."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from os.path import normpath
from pathlib import Path

from autoresearch.config import Config, parse
from autoresearch.core.scope import Scope
from autoresearch.core.secrets import NO_SECRETS, Secrets
from autoresearch.errors import ConfigError
from autoresearch.record import snapshot
from autoresearch.record.repository import Repository
from autoresearch.record.runs import Run


class Uncommitted(StrEnum):
    """What to do with modified tracked files."""

    SNAPSHOT = "snapshot"
    COMMITTED = "committed"


@dataclass(frozen=True, slots=True)
class Base:
    """Where a run starts. `snapshot_of` is empty unless the base is a snapshot on top of that commit."""

    commit: str
    tree: str
    snapshot_of: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """What is measured now: the configuration, and where its files lie."""

    config: Config
    """As the record would have it: without secrets."""
    config_name: str
    scope: Scope
    own_files: frozenset[str]
    """Repository-relative paths of the configuration and the instructions: read from disk, never part of the code."""
    secrets: Secrets = NO_SECRETS


def here(repository: Repository, uncommitted: Uncommitted | None) -> Base:
    """The base that a new run would have now."""
    head = repository.head()
    if uncommitted is not Uncommitted.SNAPSHOT:
        return Base(head, repository.tree_of(head))
    commit = snapshot.take(repository, datetime.now(UTC))
    return Base(commit, repository.tree_of(commit), head)


def on_snapshot(repository: Repository, run: Run, task: Task) -> bool:
    """Is the run's base a snapshot of exactly what lies here uncommitted?"""
    if not run.opening.snapshot_of or run.opening.snapshot_of != repository.head():
        return False
    tree = snapshot.tracked_tree(repository)
    return not set(_names(repository, run.opening.base_tree, tree)) - task.own_files


def obstacle(repository: Repository, run: Run, task: Task, *, ignore_head: bool = False) -> str:
    """Why the run cannot be continued from here; empty when it can.

    `ignore_head` leaves out where HEAD is: the checkout is a snapshot that the run was made from.
    """
    return (
        _gone(repository, run) or other_task(run, task) or ("" if ignore_head else _other_code(repository, run, task))
    )


def _gone(repository: Repository, run: Run) -> str:
    """Was the branch deleted? One that was never made, because its first call died, is no obstacle."""
    is_new = not run.why and not repository.parents(run.commit)
    return "" if is_new or repository.resolve(run.branch_ref) else f"{run.branch} is gone"


def other_task(run: Run, task: Task) -> str:
    """How what is measured has changed since the run; empty when it has not."""
    try:
        before = parse(task.secrets.redact(run.opening.config_text), run.opening.config_path)
    except ConfigError:
        return f"the configuration of {run.tag} was written for another version of ar"
    now = task.config
    pairs = {
        "command": (before.experiment.command, now.experiment.command),
        "evaluate": (before.experiment.evaluate, now.experiment.evaluate),
        "metric": (before.metric.name, now.metric.name),
        "direction": (before.metric.direction, now.metric.direction),
        "pattern": (before.metric.pattern, now.metric.pattern),
        "editable": (before.editable, now.editable),
        "holdout": (before.holdout, now.holdout),
    }
    changed = [name for name, (old, new) in pairs.items() if old != new]
    return f"{' and '.join(changed)} changed since {run.tag}" if changed else ""


def _other_code(repository: Repository, run: Run, task: Task) -> str:
    head, base, tip = repository.head(), run.opening.base, repository.resolve(run.branch_ref)
    if head == base or repository.tree_of(head) == run.opening.base_tree:
        return ""
    if not _is_ancestor(repository, base, head):
        return f"HEAD is not on top of {run.tag}'s base {base[:10]}"
    if tip is not None and _is_ancestor(repository, head, tip):
        return ""
    folder = Path(task.config_name).parent
    experiment = task.config.experiment
    commands = (experiment.command, experiment.evaluate, task.config.holdout.command)
    named = {normpath(folder / word) for command in commands for word in words(command)}
    for path in _names(repository, base, head):
        if path in task.own_files:
            continue
        if task.scope.is_editable(path) or task.scope.is_context(path) or path in named:
            return f"{path} changed since {run.tag}'s base {base[:10]}"
    return ""


def words(command: str | tuple[str, ...]) -> Sequence[str]:
    """The words of a command: one of them may be a file."""
    if not isinstance(command, str):
        return command
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()


def _is_ancestor(repository: Repository, older: str, newer: str) -> bool:
    return repository.git_status("merge-base", "--is-ancestor", older, newer)[0] == 0


def _names(repository: Repository, old: str, new: str) -> list[str]:
    rows = repository.git("diff-tree", "-r", "-z", "--name-only", "--no-renames", old, new).split("\0")
    return [row for row in rows if row]
