"""Going on with the newest run, or starting a new one: the choice, and its reason in words."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from os.path import normpath
from pathlib import Path

from autoresearch.config import Config, parse
from autoresearch.core.scope import Scope
from autoresearch.core.secrets import MASK, NO_SECRETS, Secrets
from autoresearch.errors import ConfigError
from autoresearch.record import snapshot
from autoresearch.record.recorded import has_baseline
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
    # A person who mends what kept the baseline from being measured goes on: there is nothing to compare with yet.
    changed = other_task(run, task) if has_baseline(repository, run) else ""
    return _gone(repository, run) or changed or ("" if ignore_head else _other_code(repository, run, task))


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
    then, now = _of_the_number(before), _of_the_number(task.config)
    changed = [name for name in now if not _is_same(then[name], now[name])]
    return f"{' and '.join(changed)} changed since {run.tag}" if changed else ""


def _of_the_number(config: Config) -> Mapping[str, object]:
    """What is run, with what, on what, and which number is read: with another one of these it means something else.

    All other keys may change within a run: limits, permissions and budgets; what decides (a seed draws the same number
    again); who proposes, and what is shown there; and what is done with the results.
    """
    experiment, metric = config.experiment, config.metric
    return {
        "command": experiment.command,
        "setup": experiment.setup,
        "evaluate": experiment.evaluate,
        # Without `evaluate` they are only kept.
        "artifacts": experiment.artifacts if experiment.evaluate else (),
        "env": experiment.env,
        # What only looks secret may be a setting.
        "pass_env": experiment.pass_env,
        "data": experiment.data,
        # What is found there takes no time to make.
        "cache": experiment.cache,
        "pythonpath": experiment.pythonpath,
        "gpus": experiment.gpus,
        # Ray gives it other variables.
        "executor": config.executor.kind,
        "metric": metric.name,
        "direction": metric.direction,
        "pattern": metric.pattern,
        "metrics_file": metric.metrics_file,
        # Then nothing runs beside it.
        "timing": metric.timing,
        # What may be edited may be what prints the number.
        "editable": config.editable,
        "markers": config.markers,
        "holdout": config.holdout.model_dump(),
    }


def _is_same(then: object, now: object) -> bool:
    """Is it the same value? In the record a secret is masked: it may be any, also one that nothing tells any more."""
    match then, now:
        case str(), str() if MASK in then:
            return re.fullmatch(".+".join(map(re.escape, then.split(MASK))), now, re.DOTALL) is not None
        case Mapping(), Mapping():
            return then.keys() == now.keys() and all(_is_same(then[name], now[name]) for name in then)
        case tuple(), tuple():
            return len(then) == len(now) and all(map(_is_same, then, now))
    return then == now


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
