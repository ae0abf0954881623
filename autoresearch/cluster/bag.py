"""Files of a folder as bytes, and back: artefacts on their way between machines. Plain files only."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path, PurePosixPath

from autoresearch.runtime.tree import walk

LARGEST = 512 * 2**20
"""Bytes that artefacts of one experiment may have together; they are in the memory of three processes at a time."""


def size_of(folder: Path) -> int:
    """Bytes of what `pack` would take."""
    return sum(file.stat().st_size for file in _files(folder))


def pack(folder: Path) -> bytes:
    """Everything below `folder`, by its relative path, with its permissions."""
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w") as bag:
        for file in _files(folder):
            bag.add(file, file.relative_to(folder).as_posix(), recursive=False)
    return memory.getvalue()


def unpack(content: bytes, folder: Path) -> None:
    """Write what was packed below `folder`, which must be empty or not there. Raises OSError when the disk is full."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(content)) as bag:
        for member in bag:
            path, data = PurePosixPath(member.name), bag.extractfile(member)
            if data is None or path.is_absolute() or ".." in path.parts:
                continue
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data.read())
            file.chmod(0o600 | (member.mode & 0o777))
            os.utime(file, (member.mtime, member.mtime))


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in walk(folder) if file.is_file() and not file.is_symlink())
