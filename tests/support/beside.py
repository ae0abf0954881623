"""Tests run beside each other, as one user: what one looks for must not be found in the processes of another."""

from __future__ import annotations

import os


def secret_of_this_worker(text: str) -> str:
    """A secret that no process of the other worker has in its environment."""
    return text + os.environ.get("PYTEST_XDIST_WORKER", "")
