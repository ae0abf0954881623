"""What one execution prints, in one piece of a file into which several print at the same time.

As long as it is alone it writes into the file itself, which can be read meanwhile. When another one begins, both write
beside it (`output-1.log`, `output-2.log`), and what each wrote is added to the file when it ends: the pieces stand in
the order in which they ended. What a killed `ar` left beside the file is added when the next one begins.
"""

from __future__ import annotations

import os
import shutil
import threading
from contextlib import suppress
from io import FileIO
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

_TOGETHER = threading.Lock()
_WRITING: dict[Path, list[Transcript]] = {}
"""By their file; only one `ar` at a time writes into it."""


class Transcript:
    """Used by one thread."""

    def __init__(self, path: Path) -> None:
        """Raises OSError where nothing can be written."""
        self._path = path
        self._lock = threading.Lock()
        self._part: Path | None = None
        self._start = 0
        with _TOGETHER:
            path.parent.mkdir(parents=True, exist_ok=True)
            others = _WRITING.get(path, [])
            for other in others:
                other._step_aside()
            if others:
                self._part, self._file = _beside(path)
            else:
                for left in sorted(path.parent.glob(_named(path, "[0-9]*"))):
                    _add(left, path)
                self._file = FileIO(path, "a+")
                self._start = self._file.seek(0, os.SEEK_END)
            _WRITING[path] = [*others, self]

    def write(self, data: bytes) -> None:
        """Raises OSError when the disk is full."""
        with self._lock:
            self._file.write(data)

    def close(self) -> None:
        """Raises OSError when the disk is full; what was written stays beside the file then."""
        with _TOGETHER:
            self._file.close()
            if others := [one for one in _WRITING.pop(self._path) if one is not self]:
                _WRITING[self._path] = others
            if self._part is not None:
                _add(self._part, self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _step_aside(self) -> None:
        """Nothing is lost when `ar` is killed meanwhile: what is there twice can be read all the same."""
        if self._part is not None:
            return
        with self._lock:
            self._file.seek(self._start)
            self._part, beside = _beside(self._path, self._file.read())
            self._file.truncate(self._start)
            self._file.close()
            self._file = beside


def _named(path: Path, which: object) -> str:
    return f"{path.stem}-{which}{path.suffix}"


def _beside(path: Path, content: bytes = b"") -> tuple[Path, FileIO]:
    part = next(part for number in count(1) if not (part := path.with_name(_named(path, number))).exists())
    part.write_bytes(content)
    return part, FileIO(part, "a")


def _add(part: Path, path: Path) -> None:
    """A piece that was cut off gets the end of its last line. Somebody may have cleared everything away."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError), part.open("rb") as source, path.open("ab") as target:
        shutil.copyfileobj(source, target)
        if source.tell() and os.pread(source.fileno(), 1, source.tell() - 1) != b"\n":
            target.write(b"\n")
    part.unlink(missing_ok=True)
