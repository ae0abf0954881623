"""Asking torch about devices, without torch in this process."""

from __future__ import annotations

import sys
from pathlib import Path

from autoresearch.runtime.device import Device, DeviceKind, devices
from tests.support.torches import TWO_GPUS, python_with_torch


def test_every_device_is_listed(tmp_path: Path) -> None:
    before = "torch" in sys.modules
    found = devices(python_with_torch(tmp_path, TWO_GPUS))
    assert found == (Device(DeviceKind.CUDA, "H200", 139 * 1024),) * 2
    assert ("torch" in sys.modules) is before


def test_a_torch_for_the_processor_alone_has_no_devices(tmp_path: Path) -> None:
    torch = "class cuda:\n    is_available = staticmethod(lambda: False)\nclass backends:\n    mps = cuda\n"
    assert devices(python_with_torch(tmp_path, torch)) == ()


def test_without_torch_or_python_nothing_is_known(tmp_path: Path) -> None:
    assert devices(python_with_torch(tmp_path, "raise ImportError('no torch')")) is None
    assert devices(str(tmp_path / "missing")) is None


def test_a_torch_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    assert devices(python_with_torch(tmp_path, "import time; time.sleep(600)"), timeout=0.5) is None
