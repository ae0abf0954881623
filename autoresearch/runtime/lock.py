"""One `ar run` at a time per repository: a lock in the git common directory, which linked worktrees share.

The kernel frees it when its holder dies, however it dies. The file only says who holds it; it is removed at the end,
and who removes it earlier frees nothing, for the directory is locked as well. Not covered: a file system that passes
no locks on to other machines; there, two of them can work at once. Who holds it is found out in `holder`.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shlex
import socket
import stat
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from autoresearch.errors import LockHeld, RecordError
from autoresearch.runtime.holder import NAME, PLAIN, Holder, holder, is_held, named

_ATTEMPTS = 10
_PAUSE = 0.05


class RunLock:
    """`with RunLock(common_directory, "ar run", tag=…):` holds the lock.

    Raises LockHeld when somebody else does, and RecordError where no lock can be had, with nothing changed.
    """

    def __init__(self, common: Path, what: str, *, tag: str = "") -> None:
        self._common = common
        self._path = common / NAME
        self._what = what
        self._tag = tag
        self._descriptor = -1
        self._held = ExitStack()

    def __enter__(self) -> Self:
        for _ in range(_ATTEMPTS):
            if self._take():
                self._write_holder()
                return self
            # `ar status` holds it for the moment in which it looks.
            time.sleep(_PAUSE)
        raise _refusal(named(self._common))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_in_place(self._descriptor):
            self._path.unlink(missing_ok=True)
        self._held.close()

    def _take(self) -> bool:
        with ExitStack() as closing:
            folder = _open_folder(self._common)
            closing.callback(os.close, folder)
            # On NFS a folder cannot be locked; the file can.
            with suppress(OSError):
                if not _lock(folder):
                    return False
            file = _open(self._path)
            closing.callback(os.close, file)
            try:
                is_ours = _lock(file)
            except OSError as error:
                hint = "this file system has no locks: work in a clone on a local disk"
                raise RecordError(f"{self._path} cannot be locked: {error.strerror}", hint=hint) from error
            # Between opening and locking, the holder before us may have removed the file: then we hold nothing.
            if is_ours and self._is_in_place(file):
                self._descriptor = file
                self._held = closing.pop_all()
                return True
        return False

    def _is_in_place(self, descriptor: int) -> bool:
        with suppress(OSError):
            return os.path.samestat(os.fstat(descriptor), self._path.lstat())
        return False

    def _write_holder(self) -> None:
        since = datetime.now(UTC).astimezone().isoformat(timespec="seconds")
        holder = Holder(os.getpid(), socket.gethostname(), self._what, self._tag, since, shlex.join(sys.argv))
        # On a full disk it says nothing, and is a lock all the same.
        with suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, json.dumps(asdict(holder)).encode(), 0)


def _lock(descriptor: int) -> bool:
    """False when somebody else has it. Raises OSError where there are no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _open_folder(common: Path) -> int:
    try:
        return os.open(common, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise RecordError(f"{common} cannot be opened: {error.strerror}") from error


def _open(path: Path) -> int:
    """A descriptor of the file that children do not inherit. Raises RecordError where there can be none."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | PLAIN, 0o644)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM) and is_held(path):
            # By another user, whose file we may not write.
            raise _refusal(named(path.parent)) from error
        raise _unusable(path, error.strerror or str(error)) from error
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
        os.close(descriptor)
        raise _unusable(path, "it is no file of its own")
    return descriptor


def _unusable(path: Path, why: str) -> RecordError:
    there = path.is_symlink() or path.exists()
    remove = "rm -r" if path.is_dir() and not path.is_symlink() else "rm"
    hint = f"nobody holds it, so it may go: {remove} {shlex.quote(str(path))}" if there else ""
    return RecordError(f"cannot write the lock {path}: {why}", hint=hint)


def _refusal(by: Holder) -> LockHeld:
    run = f" on run {by.tag}" if by.tag else ""
    process = f": process {by.pid} on {by.host}" if by.pid else ""
    since = f", since {by.since}" if by.since else ""
    there = f" (on {by.host})" if by.host != socket.gethostname() else ""
    end = f"    end it: kill {by.pid}{there}" if by.pid else ""
    what = f"`{by.what}`" if by.what != "ar" else "another `ar`"
    return LockHeld(
        f"{what} works on this repository already{run}{process}{since}", hint=f"see what it does: ar status{end}"
    )


__all__ = ["NAME", "Holder", "RunLock", "holder"]
