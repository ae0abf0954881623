"""Two git processes that live as long as the run: one that reads objects, one that moves refs.

Each is started when first needed, in a session of its own so that Ctrl-C in the terminal cannot end it in the middle
of a transaction, and ends by itself when our end of its pipe closes, also when `ar` is killed. And a pair
that is read while it still prints: a history of ten thousand experiments.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from autoresearch.core.secrets import harmless
from autoresearch.errors import RecordError

SAFE = (
    *("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "gc.auto=0"),
    *("-c", "commit.gpgSign=false", "-c", "maintenance.auto=false", "-c", "core.quotePath=false"),
)
"""What every call of git gets: nothing of the user's runs because we look or write."""

ZERO = "0" * 40
CHUNK = 1 << 16
ROW = "%(objectname) %(objectsize) %(rest)"
OURS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def undisturbed() -> Iterator[None]:
    """A process that is started inside never gets the Ctrl-C that is meant for `ar`.

    A session of its own alone does not save it: it is in ours for the first moment of its life.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, OURS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@dataclass(frozen=True, slots=True)
class RefChange:
    """Move `ref` from `old` (ZERO: it must not exist) to `new`."""

    ref: str
    new: str
    old: str


class GitPipe:
    """A git command that is spoken to line by line; safe to use from several threads, one at a time."""

    def __init__(self, root: Path, *command: str) -> None:
        self._arguments = ["git", *SAFE, "-C", str(root), *command]
        self._process: subprocess.Popen[bytes] | None = None
        self._said: IO[bytes] | None = None
        self._lock = threading.Lock()

    def _start(self) -> tuple[IO[bytes], IO[bytes]]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            pipe = subprocess.PIPE
            # A file: a pipe that nobody empties stops a git that warns a lot.
            self._said = tempfile.TemporaryFile()  # noqa: SIM115
            with undisturbed():
                self._process = subprocess.Popen(
                    self._arguments,
                    env=harmless(os.environ) | {"GIT_NO_REPLACE_OBJECTS": "1"},
                    stdin=pipe,
                    stdout=pipe,
                    stderr=self._said,
                    start_new_session=True,
                )
        if self._process.stdin is None or self._process.stdout is None:
            raise RecordError("git could not be started with pipes")
        return self._process.stdin, self._process.stdout

    def _failure(self) -> str:
        """What the process said when it died."""
        said, self._said = self._said, None
        self.close()
        if said is None:
            return ""
        with said:
            return _text(said).removeprefix("fatal: ")

    def close(self) -> None:
        """End the process, if it runs."""
        process, self._process = self._process, None
        if process is not None:
            for stream in (process.stdin, process.stdout):
                # What was not sent yet goes to nobody when the process is dead.
                with suppress(BrokenPipeError):
                    if stream is not None:
                        stream.close()
            process.wait()
        said, self._said = self._said, None
        if said is not None:
            said.close()


class ObjectReader(GitPipe):
    """`git cat-file --batch`: any object by its id or name."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, "cat-file", "--batch")

    def read(self, name: str) -> tuple[str, str, bytes]:
        """Id, kind and content. Raises RecordError when there is no such object."""
        with self._lock:
            stdin, stdout = self._start()
            try:
                stdin.write(name.encode() + b"\n")
                stdin.flush()
            except BrokenPipeError as error:
                raise RecordError(f"git cat-file ended: {self._failure()}") from error
            header = stdout.readline().decode().split()
            if len(header) != 3:
                raise RecordError(f"git has no object {name}" if header else f"git cat-file ended: {self._failure()}")
            data = stdout.read(int(header[2]))
            stdout.read(1)
            return header[0], header[1], data


class RefWriter(GitPipe):
    """`git update-ref --stdin`: several refs move together or not at all."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, "update-ref", "--stdin")

    def move(self, changes: Sequence[RefChange]) -> None:
        """One transaction. Raises RecordError with git's words; then no ref has moved."""
        lines = [f"update {one.ref} {one.new} {one.old}" for one in changes]
        with self._lock:
            stdin, stdout = self._start()
            try:
                stdin.write(("\n".join(["start", *lines, "commit"]) + "\n").encode())
                stdin.flush()
            except BrokenPipeError as error:
                raise RecordError(f"git could not move the refs: {self._failure()}") from error
            answers = [stdout.readline().decode().strip() for _ in range(2)]
            if answers != ["start: ok", "commit: ok"]:
                raise RecordError(f"git could not move the refs: {self._failure()}")


def objects_of_refs(root: Path, *prefixes: str) -> Iterator[tuple[str, str, bytes]]:
    """Full name, object id and object of every ref below the prefixes, sorted by name.

    One git process lists them, a second one prints the objects, and we read while both still work: `for-each-ref` alone
    prints nothing before it has read everything. Raises RecordError with git's words when one of them fails.
    """
    with tempfile.TemporaryFile() as said, ExitStack() as pipes:
        listing = _reading(root, said, "for-each-ref", "--format=%(objectname) %(refname)", *prefixes)
        pipes.enter_context(listing)
        git = _reading(root, said, "cat-file", "--buffer", f"--batch={ROW}", stdin=listing.stdout)
        pipes.enter_context(git)
        if git.stdout is None or listing.stdout is None:
            raise RecordError("git could not be started with pipes")
        listing.stdout.close()
        while header := git.stdout.readline().decode().split():
            if len(header) != 3:
                raise RecordError(f"git has no object {header[0]}, and a ref names it", hint="see it: git fsck")
            commit, size, ref = header
            yield ref, commit, git.stdout.read(int(size) + 1)[:-1]
        for one in (listing, git):
            if one.wait():
                raise RecordError(f"git failed: {_text(said)}")


def _reading(root: Path, said: IO[bytes], *command: str, stdin: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
    arguments, pipe = ["git", *SAFE, "-C", str(root), *command], subprocess.PIPE
    with undisturbed():
        return subprocess.Popen(
            arguments,
            env=harmless(os.environ) | {"GIT_NO_REPLACE_OBJECTS": "1"},
            stdin=stdin or subprocess.DEVNULL,
            stdout=pipe,
            stderr=said,
            bufsize=CHUNK,
            start_new_session=True,
        )


def _text(said: IO[bytes]) -> str:
    said.seek(0)
    return said.read().decode(errors="replace").strip()
