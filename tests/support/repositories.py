"""Real git repositories for tests, made in a folder of the test's own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

IDENTITY = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}


def git(folder: Path, *arguments: str) -> str:
    """Run git as the user would; its output without the last line end."""
    env = {**os.environ, **IDENTITY, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", *arguments], cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"git {arguments}: {done.stderr}"
    return done.stdout.rstrip("\n")


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write files, making their folders."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def make_repository(folder: Path, files: Mapping[str, str]) -> Path:
    """A repository with one commit of these files."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    write(folder, files)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message=first")
    return folder


def state_of(folder: Path) -> dict[str, str]:
    """Everything of the user's that a run must leave alone, as text."""
    return {
        "head": git(folder, "rev-parse", "HEAD"),
        "branch": git(folder, "rev-parse", "--abbrev-ref", "HEAD"),
        "status": git(folder, "status", "--porcelain", "--ignored=no"),
        "diff": git(folder, "diff", "HEAD"),
        "index": git(folder, "ls-files", "--stage"),
        "stash": git(folder, "stash", "list"),
        "config": (folder / ".git" / "config").read_text() if (folder / ".git" / "config").exists() else "",
    }
