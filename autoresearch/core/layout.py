"""Where things lie below `.autoresearch/`: paths only, nothing is created or read here.

    .autoresearch/
      .gitignore                 `*`: the folder ignores itself
      worktrees/<slot>           where experiments run
      cache/<slot>/<path>        `cache` folders between two calls of `ar run`
      runs/<tag>/live.json       what the running loop does now
      runs/<tag>/<number>/       prompt.md, reply.md, feedback.md, output.log
      artifacts/<tag>/<number>/  what kept experiments produced

Everything in it may be deleted at any time; the record is in git.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = ".autoresearch"


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one run; `root` is the repository's top folder."""

    root: Path
    tag: str

    @property
    def home(self) -> Path:
        return self.root / FOLDER

    @property
    def worktrees(self) -> Path:
        return self.home / "worktrees"

    def worktree(self, slot: int) -> Path:
        return self.worktrees / str(slot)

    def cache(self, slot: int) -> Path:
        return self.home / "cache" / str(slot)

    @property
    def live(self) -> Path:
        return self.home / "runs" / self.tag / "live.json"

    def experiment(self, number: int) -> Path:
        return self.home / "runs" / self.tag / f"{number:04d}"

    def output(self, number: int) -> Path:
        return self.experiment(number) / "output.log"

    def artifacts(self, number: int) -> Path:
        return self.home / "artifacts" / self.tag / f"{number:04d}"
