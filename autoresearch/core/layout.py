"""Where things lie below `.autoresearch/`: paths only, nothing is created or read here.

    .autoresearch/
      .gitignore                 `*`: the folder ignores itself
      worktrees/<slot>, -next    where experiments run, in turn, and <slot>-evaluate where they are evaluated
      cache/<slot>/<path>        `cache` folders between two calls of `ar run`
      cache/tools, /evaluate     what tools of experiments cache, instead of in the person's home
      tampered/<tag>/<number>/   what an experiment put in the place of git's settings and hooks
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

    def worktree(self, slot: int, *, is_second: bool = False) -> Path:
        """A slot has two, so that one can be laid out while a sample runs in the other."""
        return self.worktrees / (f"{slot}-next" if is_second else str(slot))

    def evaluation(self, slot: int) -> Path:
        """The worktree in which a slot's artefacts are evaluated."""
        return self.worktrees / f"{slot}-evaluate"

    def cache(self, slot: int) -> Path:
        return self.home / "cache" / str(slot)

    @property
    def tool_caches(self) -> Path:
        return self.home / "cache" / "tools"

    def tampered(self, number: int) -> Path:
        return self.home / "tampered" / self.tag / f"{number:04d}"

    @property
    def live(self) -> Path:
        return self.home / "runs" / self.tag / "live.json"

    def experiment(self, number: int) -> Path:
        return self.home / "runs" / self.tag / f"{number:04d}"

    def output(self, number: int) -> Path:
        return self.experiment(number) / "output.log"

    def artifacts(self, number: int) -> Path:
        return self.home / "artifacts" / self.tag / f"{number:04d}"
