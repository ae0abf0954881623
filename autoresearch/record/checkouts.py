"""Where branches are checked out: moving one of those would change somebody's files under their feet.

Git does not answer while the entry of any worktree is half made: for some microseconds while another slot's is being
added, and for ever where a git was killed in the middle of that. What is not here: removing worktrees (the runtime's).
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from autoresearch.core.layout import FOLDER
from autoresearch.errors import RecordError
from autoresearch.record.repository import Repository
from autoresearch.record.state import is_rebasing

TRIES = 3
"""One takes git milliseconds: what is half made for so long will stay so."""


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
    """Git minds an empty file, and not a missing one. Only in entries of ours, which are removed later."""
    for common in entries.glob("[0-9]*/commondir"):
        with suppress(OSError):
            ours = f"/{FOLDER}/worktrees/" in common.with_name("gitdir").read_text(errors="replace")
            if ours and not common.stat().st_size:
                common.unlink()
