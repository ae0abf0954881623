"""GPU memory after an experiment, with a program of that name that tells what a test wants."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoresearch.runtime.gpu_memory import GpuMemory

TELLS = """\
#!/bin/sh
# The first line of the file is told, and goes, as long as there is another one.
read -r line < "{told}"
[ "$(wc -l < "{told}")" -gt 1 ] && sed -i 1d "{told}"
echo "$line" | tr ';' '\\n'
"""


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """What the program tells, call by call; the last line again and again."""
    program, told = tmp_path / "bin" / "nvidia-smi", tmp_path / "told"
    program.parent.mkdir()
    program.write_text(TELLS.format(told=told))
    program.chmod(0o755)
    return told


def memory(told: Path, *lines: str) -> GpuMemory:
    told.write_text("".join(f"{line}\n" for line in lines))
    return GpuMemory(f"{told.parent / 'bin'}:/usr/bin:/bin")


def test_memory_that_is_given_back_late_is_waited_for(told: Path) -> None:
    held = memory(told, "0, 400;1, 12", "0, 9000;1, 12", "0, 410;1, 12")
    assert held.still_held() == ""
    assert told.read_text() == "0, 410;1, 12\n"


def test_memory_that_stays_is_told_by_gpu(told: Path) -> None:
    held = memory(told, "0, 400;1, 12", "0, 400;1, 2060")
    assert held.still_held(patience=0.0) == "GPU 1 still holds 2 GiB more than before"


@pytest.mark.parametrize("nonsense", ["N/A", "0, [Not Supported]", ""])
def test_a_program_that_does_not_know_is_not_asked_again(told: Path, nonsense: str) -> None:
    assert memory(told, nonsense, "0, 9000").still_held(patience=0.0) == ""
    assert told.read_text() == "0, 9000\n"


def test_without_the_program_there_is_nothing_to_wait_for(tmp_path: Path) -> None:
    assert GpuMemory(str(tmp_path)).still_held() == ""
