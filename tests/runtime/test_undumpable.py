"""What other processes can read of ours: as root, who may read everything, and as an ordinary person."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import autoresearch

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows the environment of a process")

KEY = "Zq9x8Y7w6V5u"
HIDE = """
import os, subprocess, sys
from autoresearch.runtime.undumpable import hide_environment
del os.environ["TAKEN_OUT"]
hide_environment()
child = subprocess.run(["/bin/sh", "-c", "echo $A_KEY"], capture_output=True, text=True)
print(os.environ["A_KEY"], os.environ["NOTES"], repr(child.stdout), flush=True)
sys.stdin.read()
"""
VARIABLES = {"A_KEY": KEY, "NOTES": f"it is {KEY}", "TAKEN_OUT": KEY, "AWS_REGION": "eu", "COLOUR": "red"}


@pytest.fixture
def package() -> Iterator[Path]:
    """A folder with the package, where everybody can read it."""
    with tempfile.TemporaryDirectory(prefix="package-") as folder:
        shutil.copytree(Path(autoresearch.__file__).parent, Path(folder) / "autoresearch")
        Path(folder).chmod(0o755)
        yield Path(folder)


def hidden(package: Path, python: str, **who: Any) -> subprocess.Popen[str]:
    """A process that has hidden its environment and waits for the end of its input."""
    return subprocess.Popen(
        [python, "-c", HIDE],
        cwd=package,
        env=VARIABLES,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **who,
    )


def test_the_environment_that_the_kernel_shows_has_no_secret_any_more(package: Path) -> None:
    with hidden(package, sys.executable) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"{KEY} it is {KEY} '\\n'\n"
        shown = subprocess.run(["cat", f"/proc/{process.pid}/environ"], capture_output=True, check=False)
        if os.getuid() == 0:
            assert b"COLOUR=red" in shown.stdout
            assert b"A_KEY=\0" in shown.stdout
            assert b"AWS_REGION=\0" in shown.stdout
            assert KEY.encode() not in shown.stdout
        else:
            assert b"Permission denied" in shown.stderr
        process.communicate()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_a_process_of_the_same_person_can_read_neither_environment_nor_memory(package: Path) -> None:
    ordinary: dict[str, Any] = {"user": 65534, "group": 65534, "extra_groups": []}
    with hidden(package, "/usr/bin/python3", **ordinary) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(KEY)
        for name in ("environ", "mem", "maps"):
            read = ["head", "-c", "1", f"/proc/{process.pid}/{name}"]
            done = subprocess.run(read, capture_output=True, text=True, check=False, **ordinary)
            assert "Permission denied" in done.stderr
        process.communicate()
