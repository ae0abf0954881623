"""Folders for what is half made, inside git's own: an object that is being written, a copy of the index.

A killed `ar` leaves its folder, and the next `ar run` removes it: anywhere else it would lie for ever, for neither git
nor the system would know whose it is.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

PREFIX = "ar-scratch-"


class Scratch:
    """The folders of one process; safe to use from several threads."""

    def __init__(self) -> None:
        self._open: set[Path] = set()
        self._is_closed = False
        self._standing: dict[Path, Path] = {}
        self._kept = ExitStack()
        self._lock = threading.Lock()

    @contextmanager
    def folder(self, place: Path) -> Iterator[Path]:
        """A new one in `place`, gone afterwards. Raises OSError where it cannot be made, and once all is closed."""
        with (
            tempfile.TemporaryDirectory(prefix=PREFIX, dir=place, ignore_cleanup_errors=True) as name,
            _opened(Path(name)) as held,
        ):
            folder = Path(name)
            # Where folders cannot be locked (some network file systems), nobody can remove a dead one either.
            with suppress(OSError):
                fcntl.flock(held, fcntl.LOCK_EX)
            self._open.add(folder)
            if self._is_closed:
                raise OSError(errno.ESHUTDOWN, "the record is closed")
            yield folder
            self._open.discard(folder)

    def standing(self, place: Path) -> Path:
        """One that stays until `close`, for what is made by the thousand. Raises what `folder` raises."""
        with self._lock:
            folder = self._standing.get(place)
            if folder is None or not folder.is_dir():
                folder = self._standing[place] = self._kept.enter_context(self.folder(place))
            return folder

    def close(self) -> None:
        """Remove them all: the process ends without waiting for a thread that still uses one."""
        self._is_closed = True
        self._kept.close()
        for folder in list(self._open):
            shutil.rmtree(folder, ignore_errors=True)


def remove_dead(place: Path) -> None:
    """Remove the folders of those who were killed: the kernel has freed their locks."""
    for folder in place.glob(f"{PREFIX}*"):
        with suppress(OSError), _opened(folder) as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # A git that outlived its `ar` for a moment may still write into it: then it goes the next time.
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
