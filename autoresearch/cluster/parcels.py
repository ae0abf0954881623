"""Commits as git bundles, to be carried to machines that have none of the repository.

All that goes out is made in a repository of our own beside the person's, which borrows its objects: theirs gets no ref.
The first bundle, the anchor's, has the whole history; what follows is on top of it. Not here: taking them in (`place`).
"""

from __future__ import annotations

import threading
from pathlib import Path

from autoresearch.cluster.messages import Commits
from autoresearch.runtime.git import common_directory, git
from autoresearch.runtime.tree import remove

LARGEST_THIN = 4 * 2**20
"""Bytes; beyond, and beyond half of the anchor's own, what has been kept since becomes the new anchor."""
_NEXT = "refs/autoresearch/next"


class Parcels:
    """Packs commits of the repository at `root`; `folder` is ours. May be used by any thread."""

    def __init__(self, root: Path, folder: Path, base: str) -> None:
        """`base`: the commit on which everything rests; empty: the first one that is packed. Touches nothing."""
        self._root = root
        self._folder = folder
        self._anchor = base
        self._object_format = ""
        self._shallow = ""
        self._lock = threading.Lock()

    @property
    def anchor_file(self) -> Path:
        """The bundle of the newest anchor; there once something was packed."""
        return self._folder / f"{self._anchor}.bundle"

    @property
    def _repository(self) -> Path:
        return self._folder / "parcels.git"

    def pack(self, commit: str) -> tuple[Commits, Path]:
        """The commit, and the file with its anchor's bundle. Raises RecordError when git refuses (no such commit)."""
        with self._lock:
            # Each time: somebody may have cleared `.autoresearch` away.
            if not (self._repository / "HEAD").exists():
                self._make_repository()
            self._anchor = self._anchor or commit
            if not self.anchor_file.exists():
                self._bundle(self._anchor, self.anchor_file)
            thin = self._thin(commit)
            if len(thin) > max(LARGEST_THIN, self.anchor_file.stat().st_size // 2):
                self._anchor, thin = commit, b""
                self._bundle(commit, self.anchor_file)
            return Commits(commit, self._anchor, thin, self._object_format, self._shallow), self.anchor_file

    def close(self) -> None:
        """Remove everything. Nothing there is fine."""
        remove(self._folder)

    def _thin(self, commit: str) -> bytes:
        if not self._git("rev-list", "--max-count=1", commit, f"^{self._anchor}"):
            return b""
        file = self._folder / "thin.bundle"
        self._bundle(commit, file, f"^{self._anchor}")
        thin = file.read_bytes()
        file.unlink()
        return thin

    def _bundle(self, commit: str, file: Path, *without: str) -> None:
        self._git("update-ref", _NEXT, commit)
        self._git("bundle", "create", "--quiet", str(file), _NEXT, *without)

    def _make_repository(self) -> None:
        remove(self._folder)
        self._folder.mkdir(parents=True)
        common = common_directory(self._root)
        # `extensions.objectFormat` is all that git itself goes by, and older ones have no option that prints it.
        is_sha256 = len(git(["hash-object", "--stdin"], self._root).strip()) > 40
        self._object_format = "sha256" if is_sha256 else "sha1"
        options = ["--quiet", "--bare", "--template=", f"--object-format={self._object_format}"]
        git(["init", *options, str(self._repository)], self._folder)
        (self._repository / "objects" / "info").mkdir(exist_ok=True)
        (self._repository / "objects" / "info" / "alternates").write_text(f"{common / 'objects'}\n")
        shallow = common / "shallow"
        self._shallow = shallow.read_text() if shallow.is_file() else ""
        if self._shallow:
            (self._repository / "shallow").write_text(self._shallow)

    def _git(self, *arguments: str) -> str:
        return git([f"--git-dir={self._repository}", *arguments], self._folder)
