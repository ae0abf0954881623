"""Asking torch about devices, without torch in this process."""

from __future__ import annotations

import sys
from pathlib import Path

from autoresearch.runtime.device import Device, DeviceKind, devices

FAKE_TORCH = """
class _Device:
    name, total_memory = "H200", 139 * 2**30
class cuda:
    is_available = staticmethod(lambda: True)
    device_count = staticmethod(lambda: 2)
    get_device_properties = staticmethod(lambda number: _Device)
"""


def interpreter(folder: Path, torch: str) -> str:
    """A Python whose torch is the given text."""
    (folder / "torch.py").write_text(torch)
    path = folder / "python"
    path.write_text(
        f"#!{sys.executable}\nimport runpy, sys\nsys.path.insert(0, {str(folder)!r})\n"
        "print('a line of somebody else')\nrunpy.run_path(sys.argv[2], run_name='__main__')\n"
    )
    path.chmod(0o755)
    return str(path)


def test_every_device_is_listed(tmp_path: Path) -> None:
    before = "torch" in sys.modules
    found = devices(interpreter(tmp_path, FAKE_TORCH))
    assert found == (Device(DeviceKind.CUDA, "H200", 139 * 1024),) * 2
    assert ("torch" in sys.modules) is before


def test_without_torch_or_python_there_are_none(tmp_path: Path) -> None:
    assert devices(interpreter(tmp_path, "raise ImportError('no torch')")) == ()
    assert devices(str(tmp_path / "missing")) == ()


def test_a_torch_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    assert devices(interpreter(tmp_path, "import time; time.sleep(600)"), timeout=0.5) == ()
