"""Two git processes that live as long as the run: one that reads objects, one that moves refs.

Each is started when first needed, in a session of its own so that Ctrl-C in the terminal cannot end it in the middle
of a transaction, and ends by itself when our end of its pipe closes, also when `ar` is killed. And one that is read
while it still prints: a history of ten thousand experiments.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from autoresearch.errors import RecordError

SAFE = (
    *("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "gc.auto=0"),
    *("-c", "commit.gpgSign=false", "-c", "maintenance.auto=false", "-c", "core.quotePath=false"),
)
"""What every call of git gets: nothing of the user's runs because we look or write."""

ZERO = "0" * 40
CHUNK = 1 << 16
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
                    self._arguments, stdin=pipe, stdout=pipe, stderr=self._said, start_new_session=True
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


def fields(root: Path, *command: str) -> Iterator[str]:
    """What a git command prints, field by field (each ends with a NUL), while git still works on the rest.

    Raises RecordError with git's words when the command fails.
    """
    arguments, pipe, nothing = ["git", *SAFE, "-C", str(root), *command], subprocess.PIPE, subprocess.DEVNULL
    with tempfile.TemporaryFile() as errors:
        with undisturbed():
            git = subprocess.Popen(arguments, stdin=nothing, stdout=pipe, stderr=errors, start_new_session=True)
        with git:
            yield from _fields(git)
        said = _text(errors)
    if git.returncode:
        raise RecordError(f"git {command[0]} failed: {said}")


def _fields(git: subprocess.Popen[bytes]) -> Iterator[str]:
    rest = b""
    if git.stdout is None:
        raise RecordError("git could not be started with pipes")
    while chunk := os.read(git.stdout.fileno(), CHUNK):
        *whole, rest = (rest + chunk).split(b"\0")
        yield from (field.decode(errors="replace") for field in whole)


def _text(said: IO[bytes]) -> str:
    said.seek(0)
    return said.read().decode(errors="replace").strip()
