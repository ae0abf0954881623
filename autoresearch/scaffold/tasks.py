"""The ready tasks that come with `ar`, and a copy of one to work on.

They lie in `configs/`, one folder each: beside the package in a source checkout, inside it once it is installed. Not
in here: making a repository of the copy.
"""

from __future__ import annotations

import shutil
import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path

from autoresearch.core.scope import CONFIG_NAME
from autoresearch.errors import UsageError

_LEFT_OUT = shutil.ignore_patterns(
    "__pycache__", "*.pyc", ".*_cache", ".autoresearch", ".git", ".venv", "results", "results.tsv", "run.log"
)


@dataclass(frozen=True, slots=True)
class Task:
    """A ready task; the summary is the goal of its configuration."""

    name: str
    summary: str
    folder: Path


def tasks(source: Path | None = None) -> list[Task]:
    """Every task, by name; `source` is the folder that holds them (default: the one that came with `ar`)."""
    source = source or _shipped()
    folders = sorted(path.parent for path in source.glob(f"*/{CONFIG_NAME}"))
    return [Task(folder.name, _goal(folder / CONFIG_NAME), folder) for folder in folders]


def copy_task(name: str, into: Path, source: Path | None = None) -> Task:
    """Copy a task into a folder that is new, or empty but for its `.git`.

    Raises UsageError: with nothing written, for an unknown name or a folder that holds something; with what could be
    copied, when the disk fails half-way.
    """
    task = _named(name, tasks(source))
    if into.exists() and not into.is_dir():
        raise UsageError(f"{into} is a file: a task is copied into a folder")
    if into.is_dir() and any(path.name != ".git" for path in into.iterdir()):
        raise UsageError(f"{into} is not empty; nothing was written", hint=f"ar init --from {name} NEW_FOLDER")
    try:
        shutil.copytree(task.folder, into, ignore=_LEFT_OUT, dirs_exist_ok=True)
    except OSError as error:
        raise UsageError(f"the task cannot be copied into {into}: {error}") from error
    return task


def _named(name: str, known: list[Task]) -> Task:
    for task in known:
        if task.name == name:
            return task
    names = [task.name for task in known]
    near = get_close_matches(name, names, n=1)
    advice = f'; did you mean "{near[0]}"?' if near else ""
    raise UsageError(f'there is no task "{name}"{advice}', hint=f"ar init --list    shows them: {', '.join(names)}")


def _shipped() -> Path:
    package = Path(str(files("autoresearch")))
    inside = package / "configs"
    return inside if inside.is_dir() else package.parent / "configs"


def _goal(path: Path) -> str:
    try:
        return str(tomllib.loads(path.read_text(encoding="utf-8")).get("goal", ""))
    except (OSError, ValueError):
        return ""
