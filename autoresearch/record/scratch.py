"""Folders for what is half made, inside git's own: an object that is being written, a copy of the index.

A killed `ar` leaves its folder, and the next `ar run` removes it: anywhere else it would lie for ever, for neither git
nor the system would know whose it is.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "ar-scratch-"


@contextmanager
def scratch(place: Path) -> Iterator[Path]:
    """A new folder in `place`, gone afterwards. Raises OSError where it cannot be made."""
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=place) as folder, _opened(Path(folder)) as held:
        # Where folders cannot be locked (some network file systems), nobody can remove a dead one either.
        with suppress(OSError):
            fcntl.flock(held, fcntl.LOCK_EX)
        yield Path(folder)


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
