"""`.autoresearch/`: made at the start, and again when somebody deletes it while a run goes on.

It ignores itself, so that the repository's own ignore files need not be edited, and says what it is. What lies in it
is written by its owners; all paths are in `core.layout`.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from autoresearch.core.events import Event
from autoresearch.runtime.tree import IGNORE_ALL, provide

README = """\
This folder belongs to `ar`. git ignores it, and it may be deleted at any time: every experiment is a commit of the
repository, and `ar log` and `ar status` read them from there. Gone with it are the artefacts of kept experiments, the
experiments' full output, what a model was asked and what it answered, and the caches.

    runs/<tag>/<number>/       output.log, prompt.md, reply.md, feedback.md
    artifacts/<tag>/<number>/  what kept experiments produced
    cache/                     the folders that autoresearch.toml names as `cache`
    worktrees/                 where experiments run; empty between two runs
"""


class Home:
    """A listener: whatever is announced, the folder is there."""

    def __init__(self, path: Path) -> None:
        self._files = {path / ".gitignore": IGNORE_ALL, path / "README.md": README}

    def __call__(self, _: Event) -> None:
        """Nothing depends on these files, so that a full disk is no reason to end the run."""
        with suppress(OSError):
            for file, text in self._files.items():
                provide(file, text)
