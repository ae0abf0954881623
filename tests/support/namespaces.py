"""Namespaces of the kernel for tests: file systems that are full or read-only, and processes that cannot be seen."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


def needs_root() -> None:
    """Skip a test that has to become another user."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")


def isolated(*options: str) -> list[str]:
    """The beginning of a command that runs in namespaces of its own, as root there; skips where there are none."""
    start = ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--mount", *options]
    if sys.platform != "linux" or subprocess.run([*start, "true"], capture_output=True, check=False).returncode:
        pytest.skip("the kernel gives us no namespaces")
    return start
