"""Uncommitted work: seeing it, and making a commit of it without touching checkout, index or branch."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from autoresearch.record.repository import Repository


def modified(repository: Repository, *, besides: Collection[str]) -> list[str]:
    """Tracked files that differ from HEAD, in the index or in the checkout; `besides` are not counted."""
    rows = repository.git("status", "--porcelain=v1", "-z", "-uno", "--ignore-submodules=all", "--no-renames")
    return [row[3:] for row in rows.split("\0") if row and row[3:] not in besides]


def tracked_tree(repository: Repository) -> str:
    """The tree of the tracked files as they are on disk. The user's index is copied, never written."""
    index = Path(repository.git("rev-parse", "--path-format=absolute", "--git-path", "index"))
    with repository.scratch.folder(repository.common_dir) as folder:
        copy = folder / "index"
        if index.exists():
            shutil.copyfile(index, copy)
        env = {"GIT_INDEX_FILE": str(copy)}
        repository.git("-C", str(repository.root), "add", "--update", ":/", env=env)
        return repository.git("write-tree", env=env)


def take(repository: Repository, when: datetime) -> str:
    """A commit of the tracked files as they are, on top of HEAD; no ref points to it yet."""
    text = "autoresearch: snapshot of uncommitted work\n"
    return repository.commit(tracked_tree(repository), [repository.head()], text, when)


def refusal_to_move(repository: Repository, place: Path, old: str, new: str) -> str:
    """Why `move_checkout` would fail, in git's words; empty when it would not. `new` may be a tree."""
    code, said = repository.git_status("-C", str(place), "read-tree", "-n", "-m", "-u", old, new)
    return "" if code == 0 else said.strip().removeprefix("error: ").partition("\n")[0]


def move_checkout(repository: Repository, place: Path, old: str, new: str) -> None:
    """Bring a clean checkout of a branch that was moved from `old` to `new` along, as `git revert` would have."""
    repository.git("-C", str(place), "read-tree", "-m", "-u", old, new)
