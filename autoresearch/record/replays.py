"""Where replayed changes come from: numbers of experiments, a git range, or a folder of patches."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

from autoresearch.core.edit import Conflict, Delete, Edit, Refusal, Write
from autoresearch.core.history import History
from autoresearch.core.replay import Replay
from autoresearch.errors import RecordError, UsageError
from autoresearch.record.merge import apply_patch, difference, merge
from autoresearch.record.repository import Repository

NUMBERS = re.compile(r"\d+(,\d+)*")


def find_replays(repository: Repository, source: str, histories: Callable[[int], History]) -> list[Replay]:
    """The changes that `source` names, oldest first.

    `histories` gives the history that has an experiment of that number. Raises UsageError for a source that is none of
    the three kinds or names something that does not exist.
    """
    if NUMBERS.fullmatch(source):
        return [_of_experiment(repository, histories(int(number)), int(number)) for number in source.split(",")]
    if Path(source).is_dir():
        return _of_folder(repository, Path(source))
    return _of_range(repository, source)


def _of_experiment(repository: Repository, history: History, number: int) -> Replay:
    experiment = history.get(number)
    if experiment is None or experiment.parent is None:
        raise UsageError(f"there is no change of experiment {number} to replay", hint="ar log --all lists them")
    why = f"Replay of experiment {number}: {experiment.hypothesis}"
    return Replay(experiment.title, why, partial(_commit_onto, repository, experiment.commit))


def _of_range(repository: Repository, source: str) -> list[Replay]:
    # A single commit is itself, not all that lies behind it.
    walk = [] if ".." in source else ["--no-walk"]
    try:
        commits = repository.git("rev-list", "--reverse", "--no-merges", *walk, source, "--").split()
    except RecordError as error:
        raise UsageError(
            f"--replay {source}: neither experiment numbers, a git range nor a folder of patches",
            hint="--replay 12,17,31   --replay main..topic   --replay patches/",
        ) from error
    if not commits:
        raise UsageError(f"--replay {source}: the range holds no commit")
    return [_of_commit(repository, commit) for commit in commits]


def _of_commit(repository: Repository, commit: str) -> Replay:
    subject = repository.message(commit).partition("\n")[0]
    return Replay(subject, f"Replay of commit {commit[:12]}.", partial(_commit_onto, repository, commit))


def _of_folder(repository: Repository, folder: Path) -> list[Replay]:
    patches = sorted(path for path in folder.iterdir() if path.suffix in (".patch", ".diff"))
    if not patches:
        raise UsageError(f"--replay {folder}: no *.patch or *.diff in it")
    return [_of_patch(repository, patch) for patch in patches]


def _of_patch(repository: Repository, patch: Path) -> Replay:
    head = patch.read_text(encoding="utf-8", errors="replace")[:4_000]
    subject = re.search(r"^Subject: (?:\[PATCH[^]]*\] )?(.+)$", head, re.MULTILINE)
    title = subject[1] if subject else patch.stem
    return Replay(title, f"Replay of {patch.name}.", partial(_patch_onto, repository, patch))


def _commit_onto(repository: Repository, commit: str, onto: str) -> tuple[Edit, ...]:
    parents = repository.parents(commit)
    if not parents:
        return (Conflict(".", f"commit {commit[:12]} has no parent, so it is no change"),)
    base, ours, theirs = (repository.tree_of(one) for one in (parents[0], onto, commit))
    return _edits(repository, ours, merge(repository, base=base, ours=ours, theirs=theirs))


def _patch_onto(repository: Repository, patch: Path, onto: str) -> tuple[Edit, ...]:
    tree = repository.tree_of(onto)
    return _edits(repository, tree, apply_patch(repository, tree, patch))


def _edits(repository: Repository, old: str, new: str | Refusal) -> tuple[Edit, ...]:
    if isinstance(new, Refusal):
        return (Conflict(".", new.reason),)
    changes = difference(repository, old, new).items()
    return tuple(Delete(path) if text is None else Write(path, text) for path, text in changes)
