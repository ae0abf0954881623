"""The temp folder of one slot, emptied before each command and removed at the end.

Its path is short, for sockets have room for a hundred characters, and always the same for a worktree, so that what a
killed run left is found by the next.
"""

from __future__ import annotations

import os
import tempfile
from hashlib import blake2b
from pathlib import Path

from autoresearch.errors import RunError
from autoresearch.runtime.tree import remove


class Scratch:
    """Belongs to the worktree at a path; only its thread uses it."""

    def __init__(self, worktree: Path) -> None:
        name = blake2b(os.fsencode(worktree), digest_size=5).hexdigest()
        self.path = Path(tempfile.gettempdir()).resolve() / f"ar-{os.getuid()}-{name}"

    def clear(self) -> None:
        """There, ours alone, and empty. Raises RunError."""
        self.remove()
        try:
            # Fails where somebody else was quicker: /tmp is everybody's.
            self.path.mkdir(mode=0o700)
        except OSError as error:
            raise RunError(f"cannot make the folder {self.path}: {error.strerror or error}") from error

    def remove(self) -> None:
        """Nothing there is fine."""
        remove(self.path)
