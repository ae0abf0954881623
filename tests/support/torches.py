"""A Python whose torch is a text of ours."""

from __future__ import annotations

import sys
from pathlib import Path

TWO_GPUS = """
class _Device:
    name, total_memory = "H200", 139 * 2**30
class cuda:
    is_available = staticmethod(lambda: True)
    device_count = staticmethod(lambda: 2)
    get_device_properties = staticmethod(lambda number: _Device)
"""


def python_with_torch(folder: Path, torch: str) -> str:
    """The path of an interpreter in `folder`. It takes one option before its script."""
    folder.mkdir(exist_ok=True)
    (folder / "torch.py").write_text(torch)
    path = folder / "python"
    path.write_text(
        f"#!{sys.executable}\nimport runpy, sys\nsys.path[:0] = ['', {str(folder)!r}]\n"
        "print('a line of somebody else')\nrunpy.run_path(sys.argv[2], run_name='__main__')\n"
    )
    path.chmod(0o755)
    return str(path)
