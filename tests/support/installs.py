"""Virtual environments with something in them, without an installer: what `pip install -e .` leaves behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.repositories import write

# As setuptools writes it: asked after the path, so that PYTHONPATH can win over it.
FINDER = """
import sys
from importlib.machinery import PathFinder
MAPPING = {mapping!r}
class Finder:
    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        if fullname in MAPPING:
            return PathFinder.find_spec(fullname, [MAPPING[fullname].rpartition("/")[0]])
def install():
    sys.meta_path.append(Finder)
"""


class Venv:
    """A real virtual environment without pip."""

    def __init__(self, folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        self.bin = folder / "bin"
        self.python = str(self.bin / "python")
        self.site_packages = next((folder / "lib").glob("python*")) / "site-packages"

    def install(self, files: dict[str, str]) -> None:
        """Make these files the only ones that are installed."""
        for path in self.site_packages.glob("*.*"):
            path.unlink()
        write(self.site_packages, files)

    def install_path(self, folder: Path) -> None:
        """As most build tools install a package that can be edited."""
        self.install({"_pkg.pth": f"{folder}\n"})

    def install_finder(self, mapping: dict[str, str]) -> None:
        """As setuptools does where a path would not do."""
        name = "__editable___pkg_1_0_finder"
        self.install({f"{name}.py": FINDER.format(mapping=mapping), "pkg.pth": f"import {name}; {name}.install()\n"})
