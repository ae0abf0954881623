"""What is kept of experiments that run side by side."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from autoresearch.core.layout import Layout
from autoresearch.runtime.artifacts import Artifacts


def test_copies_of_samples_that_end_together_are_those_of_one_of_them(tmp_path: Path) -> None:
    artifacts, together = Artifacts(Layout(tmp_path, "nov23"), ("out/*",), ""), Barrier(3)
    worktrees = [tmp_path / f"worktree {number}" for number in range(3)]
    for number, worktree in enumerate(worktrees):
        (worktree / "out").mkdir(parents=True)
        for name in "abcdefgh":
            (worktree / "out" / name).write_text(f"of {number}\n" * (1000 * number + 1))

    def stage(worktree: Path) -> None:
        together.wait()
        artifacts.stage(0, worktree)

    for _ in range(10):
        with ThreadPoolExecutor(3) as slots:
            for done in [slots.submit(stage, worktree) for worktree in worktrees]:
                done.result()
        artifacts.keep(0)
        kept = [path.read_text() for path in sorted((Layout(tmp_path, "nov23").artifacts(0) / "out").iterdir())]
        assert len(kept) == 8
        assert len(set(kept)) == 1
