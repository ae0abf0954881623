"""The history that `ar log` looks at: a run of this repository, or somebody else's file; and the changes in it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autoresearch.cli.log_options import Source
from autoresearch.cli.render.text import clean
from autoresearch.cli.view import Record, open_record
from autoresearch.core.experiment import Experiment
from autoresearch.core.final_check import FinalCheck
from autoresearch.core.history import Direction, History
from autoresearch.errors import UsageError
from autoresearch.imports.files import read_history
from autoresearch.record.repository import Repository

AT_ONCE = 500
"""Commits in one call of git."""
AS_PATCH = ("--no-color", "--no-ext-diff", "--no-textconv")


@dataclass(frozen=True, slots=True)
class Browsed:
    """A history, what it is called, and where the rest is. `record` None: read from a file, there is nothing else."""

    history: History
    title: str
    final: FinalCheck | None = None
    record: Record | None = None


def open_browsed(source: Source, *, needed: bool = False) -> Browsed | None:
    """None where there is no run yet. What was left out of a file is said on stderr.

    Raises UsageError; also without a run, where one is `needed`.
    """
    if source.file is not None:
        return _imported(source.file, source)
    if source.direction is not None:
        raise UsageError("--direction is for --import: a run of ours knows its own", hint="ar log")
    record = open_record(source.config, source.tag, needed=needed)
    if record is None:
        return None
    return Browsed(record.history, record.aim.goal or record.run.branch, record.run.final_check, record)


def _imported(path: Path, source: Source) -> Browsed:
    if source.tag is not None or source.config is not None:
        option = "--tag" if source.tag is not None else "--config"
        raise UsageError(f"{option} is for runs of this repository; --import reads a file", hint="give one of them")
    found = read_history(path, None if source.direction is None else Direction(source.direction))
    sys.stderr.writelines(f"note: {path.name}: {note}\n" for note in found.notes)
    return Browsed(found.history, clean(found.name))


def difference(repository: Repository, one: Experiment) -> str:
    """The experiment's change as git shows it; empty for the baseline."""
    if one.parent is None:
        return ""
    return repository.git("diff", *AS_PATCH, f"{one.commit}^", one.commit)


def differences(repository: Repository, experiments: Sequence[Experiment]) -> Mapping[str, str]:
    """The same for many, by commit, with a call of git for hundreds of them."""
    commits = [one.commit for one in experiments if one.parent is not None]
    found: dict[str, str] = {}
    for start in range(0, len(commits), AT_ONCE):
        found |= _differences(repository, commits[start : start + AT_ONCE])
    return found


def _differences(repository: Repository, commits: Sequence[str]) -> Iterator[tuple[str, str]]:
    # No line of a patch begins with a zero byte, so that no change can look like the next commit.
    text = repository.git("show", *AS_PATCH, "--first-parent", "--format=%x00%H", *commits, "--")
    parts = re.split(r"^\0([0-9a-f]{40})$", text, flags=re.MULTILINE)
    return zip(parts[1::2], (part.strip("\n") for part in parts[2::2]), strict=True)
