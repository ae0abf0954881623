"""What git knows about a repository and a run has to know first: operations in progress, and what a worktree lacks.

Nothing is written, and nothing is refused here: what it means for the person is said in `cli.surroundings`. Not seen: a
cherry-pick or revert of one commit in a repository whose refs are a reftable.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autoresearch.record.objects import MODULE
from autoresearch.record.repository import Repository


@dataclass(frozen=True, slots=True)
class Operation:
    """Something that git waits for the person to end; `ways` are the commands that do."""

    name: str
    ways: tuple[str, ...]


def _ended_by(command: str, name: str = "") -> Operation:
    return Operation(name or command, (f"git {command} --continue", f"git {command} --abort"))


_MARKS = {
    "rebase-merge": _ended_by("rebase"),
    "rebase-apply/applying": _ended_by("am", "git am"),
    "rebase-apply": _ended_by("rebase"),
    "MERGE_HEAD": _ended_by("merge"),
    "CHERRY_PICK_HEAD": _ended_by("cherry-pick"),
    "REVERT_HEAD": _ended_by("revert"),
    "BISECT_LOG": Operation("bisect", ("git bisect reset",)),
}
"""Files of a checkout's git folder. A rebase stands first: it leaves the marks of what it is made of, too."""
_SERIES = {"pick": "CHERRY_PICK_HEAD", "revert": "REVERT_HEAD"}
_REBASED = ("rebase-merge/head-name", "rebase-apply/head-name", "rebase-merge/update-refs")


def git_folder(place: Path) -> Path:
    """The git folder of a checkout: `.git` itself, or what the file of that name points to."""
    pointer = place / ".git"
    if not pointer.is_file():
        return pointer
    return place / pointer.read_text(encoding="utf-8", errors="surrogateescape").removeprefix("gitdir: ").rstrip("\n")


def in_progress(place: Path) -> Operation | None:
    """What goes on in the checkout `place`; None: nothing."""
    folder = git_folder(place)
    for mark, operation in _MARKS.items():
        if (folder / mark).exists():
            return operation
    # Between two commits of a series there is no other mark.
    todo = folder / "sequencer" / "todo"
    first = todo.read_text(errors="replace").partition(" ")[0] if todo.is_file() else ""
    return _MARKS[_SERIES[first]] if first in _SERIES else None


def is_rebasing(place: Path, branch_ref: str) -> bool:
    """Will a rebase in the checkout `place` move that branch when it ends? Until then HEAD is detached there."""
    files = (git_folder(place) / name for name in _REBASED)
    return any(branch_ref in file.read_text(errors="replace").splitlines() for file in files if file.is_file())


def conflicts(repository: Repository) -> list[str]:
    """Tracked files with conflicts that nobody has resolved, relative to the root."""
    rows = repository.git("ls-files", "--unmerged", "-z", "--full-name", ":/").split("\0")
    return list(dict.fromkeys(row.partition("\t")[2] for row in rows if row))


def submodules(repository: Repository) -> list[str]:
    """Paths at which the index has a commit of another repository, relative to the root."""
    rows = repository.git("ls-files", "--stage", "-z", "--full-name", ":/").split("\0")
    return [row.partition("\t")[2] for row in rows if row.startswith(MODULE)]


def lfs_files(repository: Repository) -> list[str]:
    """Tracked files whose content git has only a pointer to, relative to the root."""
    rows = repository.git("ls-files", "-z", "--full-name", ":(top,attr:filter=lfs)").split("\0")
    return [row for row in rows if row]


def objects_elsewhere(repository: Repository) -> int:
    """So many objects of the last commit are still with the remote that this clone is a part of."""
    if repository.git_status("config", "--get-regexp", r"^remote\..*\.promisor$", "true")[0] != 0:
        return 0
    listing = ("rev-list", "--objects", "--missing=print", "--no-object-names", "--max-count=1", "HEAD")
    return sum(row.startswith("?") for row in repository.git(*listing).splitlines())
