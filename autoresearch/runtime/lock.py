"""One `ar run` at a time per repository: a lock in the git common directory, which linked worktrees share.

The kernel frees it when its holder dies, however it dies. The file only says who holds it; it is removed at the end.
"""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import socket
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from autoresearch.errors import LockHeld, RecordError

NAME = "autoresearch.lock"
_ATTEMPTS = 10
_PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock: `what` is the command's name (`ar run`), `since` the local time in ISO 8601."""

    pid: int
    host: str
    what: str
    tag: str
    since: str
    command: str


class RunLock:
    """`with RunLock(common_directory, "ar run", tag=…):` holds the lock; raises LockHeld when somebody else does."""

    def __init__(self, common: Path, what: str, *, tag: str = "") -> None:
        self._path = common / NAME
        self._what = what
        self._tag = tag
        self._descriptor = -1

    def __enter__(self) -> Self:
        for _ in range(_ATTEMPTS):
            if self._take():
                self._write_holder()
                return self
            # `ar status` holds it for the moment in which it looks.
            time.sleep(_PAUSE)
        raise _held(_read(self._path))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = -1

    def _take(self) -> bool:
        descriptor = _open(self._path, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        # Between opening and locking, the holder before us may have removed the file: then we hold nothing.
        if not self._path.exists() or not os.path.samestat(os.fstat(descriptor), self._path.stat()):
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def _write_holder(self) -> None:
        since = datetime.now(UTC).astimezone().isoformat(timespec="seconds")
        holder = Holder(os.getpid(), socket.gethostname(), self._what, self._tag, since, shlex.join(sys.argv))
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, json.dumps(asdict(holder)).encode(), 0)


def holder(common: Path) -> Holder | None:
    """Who holds the lock now; None when nobody does. Never waits."""
    path = common / NAME
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(path) or Holder(0, "", "ar run", "", "", "")
    else:
        return None
    finally:
        os.close(descriptor)


def _open(path: Path, flags: int) -> int:
    """A descriptor that children do not inherit. Raises RecordError where the folder cannot be written."""
    try:
        return os.open(path, flags, 0o644)
    except OSError as error:
        raise RecordError(f"cannot write {path}: {error.strerror}") from error


def _read(path: Path) -> Holder | None:
    try:
        return Holder(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _held(by: Holder | None) -> LockHeld:
    if by is None:
        return LockHeld("another `ar run` works on this repository", hint="see what it does: ar status")
    run = f" on run {by.tag}" if by.tag else ""
    return LockHeld(
        f"`{by.what}` works on this repository already{run}: process {by.pid} on {by.host}, since {by.since}",
        hint=f"see what it does: ar status    end it: kill {by.pid}",
    )
