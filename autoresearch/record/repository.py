"""The user's repository, through git's plumbing: nothing here touches the checkout, the index or the stash.

The only module that knows GitPython. Objects are written in this process by its object database, so that no filter and
no hook runs; refs are moved by `pipes.RefWriter`. What is not here: what the commits mean (`journal`, `runs`).
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from gitdb import IStream, LooseObjectDB

from autoresearch.core import lfs
from autoresearch.core.secrets import GIT_NEEDS, hidden, set_aside
from autoresearch.errors import RecordError, UsageError
from autoresearch.record.objects import Entry, format_commit
from autoresearch.record.pipes import SAFE, ObjectReader, RefChange, RefWriter, objects_of_refs, undisturbed
from autoresearch.record.scratch import Scratch

# Without git on PATH the import itself would fail, with a page of advice for programmers.
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

# The import itself runs git.
with set_aside(os.environ):
    import git
    from git.exc import GitCommandError, InvalidGitRepositoryError, NoSuchPathError

OLDEST_GIT = (2, 38)
QUIET = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_REPLACE_OBJECTS": "1"}
"""git asks nobody, does not refresh the user's index by the way, and takes nothing for something else."""
FALLBACK_IDENT = "ar <ar@localhost>"


@dataclass(frozen=True, slots=True)
class RefRow:
    """A ref and the commit that it points to."""

    ref: str
    commit: str
    tree: str
    parents: tuple[str, ...]
    message: str


class Repository:
    """One repository; `root` is the top folder of the checkout that the person is in."""

    def __init__(self, start: Path) -> None:
        _need_git()
        try:
            self._repo = git.Repo(start, search_parent_directories=True)
        except (InvalidGitRepositoryError, NoSuchPathError) as error:
            raise UsageError(f"{start} is not in a git repository", hint="git init, and a first commit") from error
        _keep_secrets_from(self._repo)
        if self._repo.bare or self._repo.working_tree_dir is None:
            raise UsageError(
                "this repository is bare: it has no files to work on", hint="git worktree add ../work, and start there"
            )
        self.root = Path(self._repo.working_tree_dir)
        self.common_dir = Path(self._repo.common_dir)
        if self.git("rev-parse", "--show-object-format") != "sha1":
            raise UsageError("SHA-256 repositories are not supported", hint="git init --object-format=sha1")
        version = self._repo.git.version_info
        if version < OLDEST_GIT:
            raise UsageError(f"git {'.'.join(map(str, version))} is too old", hint="install git 2.38 or newer")
        self.reader = ObjectReader(self.root)
        self._refs = RefWriter(self.root)
        self.scratch = Scratch()
        self._ident = ""

    def close(self) -> None:
        """End the git processes, and leave nothing half made. Not to be used afterwards."""
        self.reader.close()
        self._refs.close()
        self._repo.close()
        self.scratch.close()

    def git(self, *arguments: str, env: Mapping[str, str] | None = None) -> str:
        """Run one git command. Raises RecordError with its stderr."""
        try:
            command = ["git", *SAFE, *lfs.settings(), *arguments]
            with undisturbed():
                return str(self._repo.git.execute(command, env={**QUIET, **(env or {})}, start_new_session=True))
        except GitCommandError as error:
            said = str(error.stderr).strip().removeprefix("stderr: ").strip("' \n")
            raise RecordError(f"git {arguments[0]} failed: {said}") from error

    def git_status(self, *arguments: str, env: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Run one git command whose exit code is an answer; returns it with the output (stderr when that is empty)."""
        command = ["git", *SAFE, *lfs.settings(), *arguments]
        with undisturbed():
            code, output, errors = self._repo.git.execute(
                command,
                env={**QUIET, **(env or {})},
                with_extended_output=True,
                with_exceptions=False,
                start_new_session=True,
            )
        return int(code), str(output) or str(errors)

    # --- reading

    def resolve(self, name: str) -> str | None:
        """The id of the commit that a name means, None when there is none."""
        if not name or name.startswith("-"):
            return None
        try:
            return self.git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}").split("\n")[
                -1
            ]
        except RecordError:
            return None

    def head(self) -> str:
        """The commit that is checked out. Raises UsageError when there is none yet."""
        commit = self.resolve("HEAD")
        if commit is None:
            raise UsageError("this repository has no commit yet", hint="git add . && git commit -m 'first'")
        return commit

    def branch(self) -> str:
        """The branch that is checked out; `HEAD` when none is."""
        code, name = self.git_status("symbolic-ref", "--quiet", "--short", "HEAD")
        return name if code == 0 else "HEAD"

    def message(self, commit: str) -> str:
        """The commit's whole message."""
        return self.reader.read(commit)[2].partition(b"\n\n")[2].decode(errors="replace")

    def parents(self, commit: str) -> tuple[str, ...]:
        """The ids of a commit's parents, in order."""
        header = self.reader.read(commit)[2].partition(b"\n\n")[0].decode(errors="replace")
        return tuple(re.findall(r"^parent ([0-9a-f]{40})$", header, re.MULTILINE))

    def tree_of(self, commit: str) -> str:
        """The id of a commit's tree."""
        return self.reader.read(f"{commit}^{{tree}}")[0]

    def blob(self, name: str) -> bytes:
        """The content of a blob, by id or by `commit:path`."""
        return self.reader.read(name)[2]

    def files(self, commit: str) -> list[tuple[str, Entry]]:
        """Every file of a commit: path and entry, folders left out."""
        rows = self.git("ls-tree", "-r", "-z", "--full-tree", commit).split("\0")
        parsed = (re.match(r"(\d+) \w+ ([0-9a-f]+)\t(.*)", row, re.DOTALL) for row in rows if row)
        return [(one[3], Entry(one[1], one[3], one[2])) for one in parsed if one]

    def refs(self, *prefixes: str) -> Iterator[RefRow]:
        """All refs below the prefixes, with what they point to, whatever their number."""
        for ref, commit, raw in objects_of_refs(self.root, *prefixes):
            yield _row(ref, commit, raw)

    def row(self, ref: str) -> RefRow | None:
        """One ref by its full name, None when there is none."""
        commit = self.resolve(ref)
        return _row(ref, commit, self.reader.read(commit)[2]) if commit else None

    # --- writing

    def store(self, kind: str, data: bytes) -> str:
        """Write one object; its id. An object that exists is not written again. Raises RecordError."""
        place = self.common_dir / "objects"
        try:
            stream = _objects(place, self.scratch.standing(place)).store(IStream(kind, len(data), BytesIO(data)))
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            hint = "free some space, then: ar run" if full else "make that folder writable, then: ar run"
            raise RecordError(f"{place} cannot be written: {error.strerror or error}", hint=hint) from error
        return str(stream.hexsha.decode())

    def commit(self, tree: str, parents: Sequence[str], message: str, when: datetime) -> str:
        """Write a commit, with the configured identity or a fallback; no hook, no signature."""
        return self.store("commit", format_commit(tree, parents, self.ident, when, message))

    def move(self, *changes: RefChange) -> None:
        """Move refs in one transaction. Raises RecordError; then none has moved."""
        self._refs.move(changes)

    @property
    def ident(self) -> str:
        """`Name <mail>` of the configured user."""
        if not self._ident:
            try:
                self._ident = self.git("var", "GIT_AUTHOR_IDENT").rpartition(">")[0] + ">"
            except RecordError:
                self._ident = FALLBACK_IDENT
        return self._ident


def _objects(place: Path, scratch_folder: Path) -> LooseObjectDB:
    """Loose objects of git's; while one is written it lies in the other folder.

    Not the repository's own database: that one starts a git process for each object.
    """
    database = LooseObjectDB(str(scratch_folder))
    database.db_path = lambda name: str(place / name)
    return database


def _row(ref: str, commit: str, raw: bytes) -> RefRow:
    header, _, text = raw.decode(errors="replace").partition("\n\n")
    tree, *parents = re.findall(r"^(?:tree|parent) ([0-9a-f]{40})$", header, re.MULTILINE) or [""]
    return RefRow(ref, commit, tree, tuple(parents), text)


def current_folder() -> Path:
    """The folder that we are in. Raises UsageError when it was deleted."""
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise UsageError("this folder does not exist any more", hint="cd somewhere else") from error


def _keep_secrets_from(repo: git.Repo) -> None:
    """Others can read what git has in its environment. GitPython gives it all of ours: blank is the least it can be."""
    repo.git.update_environment(**dict.fromkeys(hidden(os.environ) - {GIT_NEEDS}, ""))


def _need_git() -> None:
    if shutil.which("git") is None:
        raise UsageError("git is not installed", hint="install git 2.38 or newer")


def create_repository(folder: Path, message: str) -> None:
    """Make the folder a repository of its own, with its files in a first commit; no hook runs, nothing is signed."""
    _need_git()
    made = git.Repo.init(folder, initial_branch="main")
    _keep_secrets_from(made)
    made.git.execute(["git", *SAFE, "add", "--all"])
    made.close()
    repository = Repository(folder)
    tree = repository.git("write-tree")
    commit = repository.commit(tree, [], f"{message}\n", datetime.now(UTC))
    repository.git("update-ref", "HEAD", commit)
    repository.close()
