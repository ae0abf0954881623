"""The worktree that experiments run in: a real one of git's, laid out again for each commit, reused for the whole run.

The user's checkout, index and stash take no part. `data` are links to the user's files, `cache` folders survive the
change of commits, and what `setup` made survives until the next commit; everything else that is untracked goes before
each sample. Not covered here: an experiment that writes to the user's files through its own paths.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from autoresearch.errors import ConfigError, RecordError
from autoresearch.runtime.git import common_directory, git
from autoresearch.runtime.tree import Keep, make_writable, make_writable_here, overlay, remove, sweep, undo_unseen, walk

_STEERING = ("commondir", "config.worktree")
_LISTED = threading.Lock()
"""Git's list of worktrees: one of ours that is being added looks, to another slot, like what a killed git has left."""


class Worktree:
    """One slot's worktree. Only one thread uses it at a time."""

    def __init__(
        self,
        root: Path,
        path: Path,
        stored: Path,
        *,
        sub: str = "",
        data: Sequence[str] = (),
        cache: Sequence[str] = (),
    ) -> None:
        """`root` is the user's checkout, `path` where the worktree shall be, `stored` where caches wait between runs.

        `data` and `cache` are relative to `sub`, the folder of the configuration, itself relative to the root. Raises
        ConfigError for paths that lead out of the repository, and for data that does not exist.
        """
        self.path = path
        self.cwd = path / sub
        self._root = root
        self._stored = stored
        self._data = [inside(sub, name, "data") for name in data]
        self._cache = [inside(sub, name, "cache") for name in cache]
        self._links: list[Path] = []
        self._made = Keep()
        self._admin = Path()
        self._steering: dict[Path, bytes | None] = {}
        self._index: tuple[int, ...] = ()
        self._tree = ""
        self._keeps_caches = True
        for name in self._data:
            if not (root / name).exists():
                raise ConfigError(
                    f"[experiment] data: {root / name} does not exist", hint="create it, or take it out of `data`"
                )

    def create(self, tree: str, *, empty_caches: bool = False) -> None:
        """Add the worktree and lay out a tree, or a commit's. A leftover in its place is removed first.

        `empty_caches`: those that wait stay where they are, and what this worktree's become is not kept. Raises
        RecordError when git refuses, e.g. because there is no such commit.
        """
        with _LISTED:
            remove_leftovers(self._root, self.path.parent, only=self.path)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            git(["worktree", "add", "--detach", "--no-checkout", str(self.path)], self._root)
        self._admin = Path(git(["rev-parse", "--absolute-git-dir"], self.path).removesuffix("\n"))
        self._steering = {file: _content(file) for file in (self.path / ".git", *map(self._admin.joinpath, _STEERING))}
        self._keeps_caches = not empty_caches
        for name in self._cache if self._keeps_caches else ():
            _move(self._stored / name, self.path / name)
        self.lay_out(tree)

    def lay_out(self, tree: str) -> None:
        """The files of a tree (or of a commit), the data, the caches, and nothing else."""
        self._tree = tree
        self._made = Keep()
        self.tidy()

    def point(self, commit: str) -> None:
        """Make `commit`, whose files are there, the one that is checked out; on no branch, and no git is started."""
        head, text = self._admin / "HEAD", f"{commit}\n".encode()
        if _overwritten(head, text):
            return
        # An experiment may have checked out a branch, or put a link there. In one step: others read it.
        fresh = head.with_name("HEAD.new")
        remove(fresh)
        fresh.write_bytes(text)
        fresh.replace(head)

    def remember_setup(self) -> None:
        """What is untracked now was made by `setup`: it stays until the next commit is laid out."""
        ours = {*self._links, *(self.path / name for name in self._cache)}
        made = [path for entry in self._untracked() for path in (entry, *walk(entry))]
        made = [path for path in made if ours.isdisjoint((path, *path.parents))]
        folders = {path for path in made if path.is_dir() and not path.is_symlink()}
        self._made = Keep(folders=folders, files=set(made) - folders)

    def tidy(self) -> None:
        """As the commit has it, plus data, caches and what `setup` made: before every sample."""
        # Gone before git looks: it must never write through one.
        for link in self._links:
            self._unlink(link)
        self._restore_tracked()
        self._sweep()
        for name in self._cache:
            self._ensure_folder(self.path / name)
        self._links = [link for name in self._data for link in overlay(self._root / name, self.path / name)]
        self.cwd.mkdir(parents=True, exist_ok=True)

    def remove(self) -> None:
        """Take the worktree away, after the caches have been put where the next run finds them.

        Where none was created: what a killed run left in its place.
        """
        if self._admin == Path():
            with _LISTED:
                remove_leftovers(self._root, self.path.parent, only=self.path)
            return
        for name in self._cache if self._keeps_caches else ():
            # An experiment can put a link in the way: what it leads to is not ours to move.
            if (self.path / name).resolve() == self.path.resolve() / name:
                _move(self.path / name, self._stored / name)
        remove(self.path)
        with _LISTED:
            _forget(self.path, self._admin)
        self._admin = Path()

    @property
    def linked(self) -> list[Path]:
        """The person's files and folders that are linked in."""
        return [self._root / name for name in self._data]

    def tracked(self) -> list[str]:
        """The files of the commit."""
        return [name for name in self._git("ls-files", "-z").split("\0") if name]

    @property
    def is_there(self) -> bool:
        """False when somebody has deleted it since it was laid out."""
        return (self.path / ".git").exists()

    def _restore_tracked(self) -> None:
        try:
            self._reset()
        except RecordError:
            # Read-only folders, a torn index, a lock of a killed git: all of it can be the experiment's doing.
            make_writable(self.path)
            (self._admin / "index").unlink(missing_ok=True)
            self._reset()

    def _reset(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        self._repair()
        # Not `reset`: that would move the branch that an experiment may have checked out.
        self._git("read-tree", "--reset", "-u", self._tree)
        self._index = _stamp(self._admin / "index")

    def _repair(self) -> None:
        """Git's own files of this worktree: through them an experiment could steer the git that is called here."""
        for file, content in self._steering.items():
            if file.is_symlink() or (file.exists() and not file.is_file()) or _content(file) != content:
                remove(file)
                if content is not None:
                    file.write_bytes(content)
        for name in ("index.lock", "HEAD.lock"):
            (self._admin / name).unlink(missing_ok=True)
        if _stamp(self._admin / "index") != self._index:
            # In one that is not as it was left, files can be marked as ones that git shall not look at.
            remove(self._admin / "index")

    def _sweep(self) -> None:
        caches = {self.path / name for name in self._cache}
        ways = {parent for cache in caches for parent in cache.parents}
        keep = Keep(whole=caches, folders=ways | self._made.folders, files=self._made.files)
        for entry in self._untracked():
            sweep(entry, keep)
        undo_unseen(self.path, caches | self._made.folders)

    def _untracked(self) -> Iterator[Path]:
        """Untracked and ignored entries; a folder without tracked files is one entry."""
        listed = self._git("ls-files", "--others", "--directory", "-z")
        return (self.path / name.rstrip("/") for name in listed.split("\0") if name)

    def _unlink(self, link: Path) -> None:
        """Take a link of ours away, or the one that an experiment has put in its way: never what lies behind that."""
        below = link.relative_to(self.path)
        for step in (self.path / one for one in (*reversed(below.parents), below)):
            if step.is_symlink():
                step.unlink()
                return
            make_writable_here(step)

    def _ensure_folder(self, path: Path) -> None:
        for folder in (*reversed(path.relative_to(self.path).parents[:-1]), path.relative_to(self.path)):
            step = self.path / folder
            if step.is_symlink() or (step.exists() and not step.is_dir()):
                remove(step)
            step.mkdir(exist_ok=True)

    def _git(self, *arguments: str) -> str:
        return git([f"--git-dir={self._admin}", f"--work-tree={self.path}", *arguments], self.path)


def _overwritten(file: Path, text: bytes) -> bool:
    """In place, where there is a text as long: that is one step, too, and no disk is waited for as with a new file."""
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        there = os.fstat(descriptor)
        if not stat.S_ISREG(there.st_mode) or there.st_nlink > 1 or there.st_size != len(text):
            return False
        return os.pwrite(descriptor, text, 0) == len(text)
    finally:
        os.close(descriptor)


def _content(file: Path) -> bytes | None:
    return file.read_bytes() if file.is_file() else None


def _stamp(file: Path) -> tuple[int, ...]:
    """What changes with every writing of a file; empty where there is none."""
    try:
        there = file.lstat()
    except OSError:
        return ()
    return there.st_ino, there.st_size, there.st_mtime_ns, there.st_ctime_ns


def inside(sub: str, name: str, key: str) -> str:
    """`name`, given relative to `sub`, as a path relative to the repository. Raises ConfigError when it leads out."""
    path = os.path.normpath(os.path.join(sub, name))  # noqa: PTH118  (pathlib does not fold `..`)
    if os.path.isabs(path) or path == "." or path.split("/")[0] in ("..", ".git"):  # noqa: PTH117
        raise ConfigError(
            f"[experiment] {key}: {name!r} is not a path inside the repository",
            hint="commands may use absolute paths to files outside as they are",
        )
    return path


def remove_leftovers(root: Path, worktrees: Path, only: Path | None = None) -> None:
    """Remove what a killed run left below `worktrees`, with git's entries for it, and nobody else's worktrees.

    With `only`, just that worktree. Its caches are lost: nobody knows what state they were left in. The lock of the run
    must be held.
    """
    if worktrees.is_symlink():
        # An experiment's doing: what lies behind it is not ours to clear.
        worktrees.unlink()
    ours = worktrees.resolve()
    for admin in sorted((common_directory(root) / "worktrees").glob("*/gitdir")):
        pointed = Path(os.fsdecode(admin.read_bytes()).removesuffix("\n"))
        # git 2.48 and later may write the path relative to the entry.
        place = Path(os.path.normpath(admin.parent / pointed)).parent
        if place.parent.resolve() == ours and only in (None, place):
            _forget(place, admin.parent)
    for admin in (common_directory(root) / "worktrees").glob("[0-9]*"):
        # A git that was killed before it wrote where the worktree is; ours are called by their slot.
        if admin.name.partition("-")[0].isdigit() and not _is_written(admin / "gitdir"):
            _forget(worktrees / admin.name, admin)
    for entry in list(worktrees.iterdir()) if worktrees.is_dir() else ():
        if only in (None, entry):
            remove(entry)


def _is_written(file: Path) -> bool:
    return file.exists() and file.stat().st_size > 0


def _forget(place: Path, admin: Path) -> None:
    remove(place)
    remove(admin)
    if admin.parent.is_dir() and not any(admin.parent.iterdir()):
        admin.parent.rmdir()


def _move(source: Path, target: Path) -> None:
    if source.is_dir():
        remove(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        source.rename(target)
