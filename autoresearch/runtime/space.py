"""Room on the disk: no sample starts when there is little, and one that uses up what is left is ended.

A full disk loses more than an experiment: the person's editor, and the record.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from autoresearch.errors import RunError

PATIENCE = 600.0
"""Seconds that somebody has to make room."""
LOOK_EVERY = 5.0
_GIB = 2**30
_LEAST, _SHARE, _MOST = 2 * _GIB, 0.05, 20 * _GIB


def needed(folder: Path) -> int:
    """Bytes that must be free so that a sample starts: 5 % of the disk, at least 2 GiB and at most 20."""
    return max(_LEAST, min(int(_SHARE * shutil.disk_usage(folder).total), _MOST))


def floor(folder: Path) -> int:
    """Bytes that must stay free while one runs."""
    return needed(folder) // 2


def lacking(folders: Iterable[Path]) -> str:
    """Which disk has too little room, in words; empty when all have enough."""
    for folder in folders:
        free, least = shutil.disk_usage(folder).free, needed(folder)
        if free < least:
            return f"{least / _GIB:.3g} GiB must be free, and {free / _GIB:.3g} GiB are, of {folder}"
    return ""


def await_room(
    folders: Iterable[Path],
    tell: Callable[[str], None],
    is_stopped: Callable[[], bool],
    patience: float = PATIENCE,
    warn: Callable[[str], None] = lambda _: None,
) -> None:
    """Return when there is room, or it is not wanted any more. Raises RunError when nobody makes any.

    `warn` is told once that there is none, `tell` at every look.

    The one place that looks again and again: nothing tells when a disk has room.
    """
    places = tuple(folders)
    until = time.monotonic() + patience
    if lack := lacking(places):
        warn(f"waiting for room on the disk: {lack}")
    while (lack := lacking(places)) and not is_stopped():
        if time.monotonic() >= until:
            raise RunError(f"too little room on the disk: {lack}", hint="make room, then: ar run")
        tell(f"waiting for room on the disk: {lack}")
        time.sleep(min(LOOK_EVERY, max(0.0, until - time.monotonic())))
