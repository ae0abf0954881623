"""Files in the folders of a run, where experiments can write, too: read and written only when they are plain ones.

An experiment may have put a pipe in their place, which never ends, or a link, which leads to what it did not say.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

LONGEST = 4
"""Bytes of a character, at most."""


def read_plain(path: Path, most: int | None = None) -> str:
    """The text of a file, or of its first bytes. Raises OSError, also for what is no plain file."""
    with _opened(path) as file:
        return _text(file.read(-1 if most is None else most))


def read_end(path: Path, length: int) -> str:
    """The last characters of a file, whatever its size. Raises OSError, also for what is no plain file."""
    with _opened(path) as file:
        # The first character may have lost its beginning.
        file.seek(max(0, os.fstat(file.fileno()).st_size - LONGEST * (length + 1)))
        return _text(file.read(LONGEST * (length + 1)))[-length:]


def write_plain(path: Path, text: str) -> None:
    """In the place of whatever is there, and never through it. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o666), "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)


def _opened(path: Path) -> BinaryIO:
    """To open a pipe waits for its other end, so that nothing is waited for until it is known what was opened."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise _not_plain(path) from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _not_plain(path)
    return os.fdopen(descriptor, "rb")


def _not_plain(path: Path) -> OSError:
    return OSError(errno.EINVAL, "it is no plain file", str(path))


def _text(content: bytes) -> str:
    """Lines may end in any way."""
    return content.decode("utf-8", errors="replace").replace("\r\n", "\n").replace("\r", "\n")
