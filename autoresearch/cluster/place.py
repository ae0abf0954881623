"""A folder on a node with a repository of its own, held by one process at a time, and found again by the next.

    <temp folder>/ar-<user>-ray-<run>/<number>/lock
                                              /repository     the commits, and `.autoresearch` with the worktrees

The kernel frees the lock when its holder dies, however it dies. Everything here may be deleted between two samples.
"""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from autoresearch.cluster.messages import Commits
from autoresearch.core.layout import Layout
from autoresearch.errors import RecordError, RunError
from autoresearch.runtime.git import git
from autoresearch.runtime.scratch import Scratch
from autoresearch.runtime.tree import remove

_SHALLOW = Path(".git", "shallow")


def folder_of(run: str) -> Path:
    """Where a run's places are on this node."""
    return Path(tempfile.gettempdir()).resolve() / f"ar-{os.getuid()}-ray-{run}"


class Place:
    """One such folder. Only one thread uses it at a time."""

    def __init__(self, folder: Path) -> None:
        """Takes the lock. Raises BlockingIOError when somebody else has it."""
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.root = folder / "repository"
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise

    @property
    def is_there(self) -> bool:
        """Is the lock that is held still the one that the next process would try to take?"""
        with suppress(OSError):
            return os.path.samestat(os.fstat(self._lock), (self.folder / "lock").lstat())
        return False

    def close(self) -> None:
        """Give the lock back."""
        os.close(self._lock)

    def take_in(self, commits: Commits, anchor: Callable[[], bytes]) -> None:
        """Have the commit here. `anchor` fetches the whole bundle, which is large: only where it is needed.

        Raises RunError when it does not come in, also not into an empty repository.
        """
        try:
            self._take_in(commits, anchor)
        except RecordError:
            # Half deleted, or of a process that was killed in the middle: nothing here is worth keeping.
            remove(self.root)
            try:
                self._take_in(commits, anchor)
            except RecordError as error:
                raise RunError(
                    f"commit {commits.commit[:12]} cannot be taken in: {error.message}",
                    hint="is the temp folder full there? and is its git as new as the one here?",
                ) from error

    def _take_in(self, commits: Commits, anchor: Callable[[], bytes]) -> None:
        if not (self.root / ".git").is_dir():
            self.root.mkdir(exist_ok=True)
            git(["init", "--quiet", "--template=", f"--object-format={commits.object_format}", "."], self.root)
        if self._has(commits.commit):
            return
        if not self._has(commits.anchor):
            (self.root / _SHALLOW).write_text(commits.shallow)
            if not commits.shallow:
                (self.root / _SHALLOW).unlink()
            self._unbundle(anchor())
            # Worktrees are added from here, and no `git gc` of an experiment's takes it for rubbish.
            git(["update-ref", "--no-deref", "HEAD", commits.anchor], self.root)
        if commits.thin:
            self._unbundle(commits.thin)
        if not self._has(commits.commit):
            raise RecordError(f"the bundle has no {commits.commit}")

    def _has(self, commit: str) -> bool:
        with suppress(RecordError):
            git(["cat-file", "-e", f"{commit}^{{tree}}"], self.root)
            return True
        return False

    def _unbundle(self, bundle: bytes) -> None:
        file = self.folder / "bundle"
        file.write_bytes(bundle)
        try:
            git(["bundle", "unbundle", str(file)], self.root)
        finally:
            file.unlink()


def take_place(run: str) -> Place:
    """The first that nobody holds. Raises RunError where the folder is not ours."""
    base = folder_of(run)
    with _in_words(base):
        base.mkdir(mode=0o700, exist_ok=True)
        found = base.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise RunError(f"{base} belongs to somebody else")
        for number in count():
            with suppress(BlockingIOError):
                return Place(base / str(number))
    raise AssertionError("there is always one more")


@contextmanager
def _in_words(base: Path) -> Iterator[None]:
    try:
        yield
    except BlockingIOError:
        raise
    except OSError as error:
        raise RunError(f"cannot work in {base}: {error.strerror or error}") from error


def clear(run: str, tag: str) -> None:
    """Remove everything of a run from this node. Nothing of it may be running."""
    base = folder_of(run)
    for folder in base.iterdir() if base.is_dir() and not base.is_symlink() else ():
        layout = Layout(folder / "repository", tag)
        for worktree in (layout.worktree(0), layout.worktree(0, is_second=True), layout.evaluation(0)):
            Scratch(worktree).remove()
    remove(base)
