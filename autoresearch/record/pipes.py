"""Two git processes that live as long as the run: one that reads objects, one that moves refs.

Each is started when first needed, in a session of its own so that Ctrl-C in the terminal cannot end it in the middle
of a transaction, and ends by itself when our end of its pipe closes, also when `ar` is killed. And one that is read
while it still prints: a history of ten thousand experiments.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator, Sequence
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
        self._lock = threading.Lock()

    def _start(self) -> tuple[IO[bytes], IO[bytes]]:
        if self._process is None or self._process.poll() is not None:
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(
                self._arguments, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
            )
        if self._process.stdin is None or self._process.stdout is None:
            raise RecordError("git could not be started with pipes")
        return self._process.stdin, self._process.stdout

    def _failure(self) -> str:
        """What the process said when it died."""
        if self._process is None or self._process.stderr is None:
            return ""
        text = self._process.stderr.read().decode(errors="replace").strip()
        self.close()
        return text.removeprefix("fatal: ")

    def close(self) -> None:
        """End the process, if it runs."""
        process, self._process = self._process, None
        if process is None:
            return
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()
        process.wait()


class ObjectReader(GitPipe):
    """`git cat-file --batch`: any object by its id or name."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, "cat-file", "--batch")

    def read(self, name: str) -> tuple[str, str, bytes]:
        """Id, kind and content. Raises RecordError when there is no such object."""
        with self._lock:
            stdin, stdout = self._start()
            stdin.write(name.encode() + b"\n")
            stdin.flush()
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
            stdin.write(("\n".join(["start", *lines, "commit"]) + "\n").encode())
            try:
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
    arguments, pipe = ["git", *SAFE, "-C", str(root), *command], subprocess.PIPE
    rest = b""
    with subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, start_new_session=True) as git:
        if git.stdout is None or git.stderr is None:
            raise RecordError("git could not be started with pipes")
        while chunk := os.read(git.stdout.fileno(), CHUNK):
            *whole, rest = (rest + chunk).split(b"\0")
            yield from (field.decode(errors="replace") for field in whole)
        said = git.stderr.read().decode(errors="replace").strip()
    if git.returncode:
        raise RecordError(f"git {command[0]} failed: {said}")
