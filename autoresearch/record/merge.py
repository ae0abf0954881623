"""Putting a change on top of other files than it was made for: three-way, in git's objects, no checkout involved."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from autoresearch.core.edit import Refusal
from autoresearch.errors import RecordError
from autoresearch.record.repository import Repository


def merge(repository: Repository, *, base: str, ours: str, theirs: str) -> str | Refusal:
    """The tree that has both the change `base`→`ours` and the change `base`→`theirs`, or the files in conflict.

    All three are tree ids. git 2.39 merges only commits and has no way to name the base, so each tree gets a commit
    that no ref will ever point to.
    """
    now = datetime.now(UTC)
    root = repository.commit(base, [], "autoresearch: base of a merge\n", now)
    sides = [repository.commit(tree, [root], "autoresearch: side of a merge\n", now) for tree in (ours, theirs)]
    code, output = repository.git_status("merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", *sides)
    rows = [row for row in output.split("\0") if row]
    # Exit code 1 also means "no such object"; only a conflict prints a tree first.
    if code not in (0, 1) or not rows or len(rows[0]) != len(ours):
        raise RecordError(f"git merge-tree failed with exit code {code}: {output.strip()}")
    return rows[0] if code == 0 else Refusal(f"conflict in {', '.join(rows[1:])}")


def apply_patch(repository: Repository, tree: str, patch: Path) -> str | Refusal:
    """The tree with a patch file applied, three-way where its blobs are known."""
    with repository.scratch.folder(repository.common_dir) as folder:
        env = {"GIT_INDEX_FILE": str(folder / "index")}
        repository.git("read-tree", tree, env=env)
        code, output = repository.git_status("apply", "--cached", "--3way", str(patch.resolve()), env=env)
        if code != 0:
            return Refusal(f"{patch.name} does not apply: {_complaint(output) or f'git apply ended with {code}'}")
        return repository.git("write-tree", env=env)


def _complaint(output: str) -> str:
    """What `git apply` objects to, in one line: its last words, or the files with conflicts that it lists."""
    lines = output.strip().splitlines()
    conflicts = [line.removeprefix("U ") for line in lines if line.startswith("U ")]
    return f"conflict in {', '.join(conflicts)}" if conflicts else "".join(lines[-1:]).removeprefix("error: ")


def difference(repository: Repository, old: str, new: str) -> Mapping[str, str | None]:
    """Files that differ between two trees or commits: path to the new text, None where it is gone."""
    rows = repository.git("diff-tree", "-r", "-z", "--no-renames", old, new).split("\0")
    changed: dict[str, str | None] = {}
    for facts, path in zip(rows[::2], rows[1::2], strict=False):
        _, _, _, blob, status = facts.split()
        gone = status == "D"
        changed[path] = None if gone else repository.blob(blob).decode("utf-8", "surrogateescape")
    return changed
