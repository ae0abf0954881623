"""Where branches are checked out: moving one of those would change somebody's files under their feet.

Git does not answer while the entry of any worktree is half made: for some microseconds while another slot's is being
added, and for ever where a git was killed in the middle of that. What is not here: removing worktrees (the runtime's).
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from autoresearch.core.layout import FOLDER
from autoresearch.errors import RecordError
from autoresearch.record.repository import Repository
from autoresearch.record.state import is_rebasing

TRIES = 3
"""One takes git milliseconds, and each finds what was half made at the last one whole."""
COMMON = b"../..\n"
"""What git writes into `commondir`, in every entry."""


def checked_out_at(repository: Repository, branch_ref: str) -> Path | None:
    """The checkout in which a branch is checked out, None when there is none. Raises RecordError."""
    place = ""
    for row in _worktrees(repository):
        if row.startswith("worktree "):
            place = row.removeprefix("worktree ")
        elif row == f"branch {branch_ref}" or (row == "detached" and is_rebasing(Path(place), branch_ref)):
            return Path(place)
    return None


def _worktrees(repository: Repository) -> list[str]:
    for _ in range(TRIES):
        with suppress(RecordError):
            return _listed(repository)
        _mend(repository.common_dir / "worktrees")
    return _listed(repository)


def _listed(repository: Repository) -> list[str]:
    return repository.git("worktree", "list", "--porcelain", "-z").split("\0")


def _mend(entries: Path) -> None:
    """Git minds an empty file. Only in entries of ours, which are removed later.

    It gets what git itself would write there, at the same place: one that lives may be about to do just that.
    """
    for common in entries.glob("[0-9]*/commondir"):
        with suppress(OSError):
            ours = f"/{FOLDER}/worktrees/" in common.with_name("gitdir").read_text(errors="replace")
            if ours and not common.stat().st_size:
                _write_over(common, COMMON)


def _write_over(file: Path, content: bytes) -> None:
    """Neither made nor cut here. Raises OSError."""
    descriptor = os.open(file, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        os.pwrite(descriptor, content, 0)
    finally:
        os.close(descriptor)
