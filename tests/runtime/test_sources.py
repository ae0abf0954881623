"""Which folders of the checkout an interpreter imports from, asked of real virtual environments."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from autoresearch.runtime.sources import imported_elsewhere, interpreter, source_roots
from tests.support.repositories import write

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


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with a virtual environment of its own inside."""
    root = tmp_path_factory.mktemp("check out").resolve()
    command = [sys.executable, "-m", "venv", "--without-pip", str(root / ".venv")]
    subprocess.run(command, check=True)
    write(root, {"src/pkg/__init__.py": "", "src/pkg/model.py": "", "lib/other/__init__.py": "", "tool.py": ""})
    return root


def site_packages(root: Path) -> Path:
    return next((root / ".venv" / "lib").glob("python*")) / "site-packages"


def python_of(root: Path) -> str:
    return str(root / ".venv" / "bin" / "python")


def install(root: Path, files: dict[str, str]) -> None:
    """Make these files the only ones that were installed."""
    for path in site_packages(root).iterdir():
        if path.is_file():
            path.unlink()
    write(site_packages(root), files)


def roots(root: Path) -> Sequence[str]:
    return source_roots(python_of(root), root, os.environ | {"PYTHONPATH": str(root / "lib")})


def test_nothing_is_installed(checkout: Path) -> None:
    install(checkout, {})
    assert roots(checkout) == []


def test_path_files_are_found(checkout: Path) -> None:
    install(checkout, {"_pkg.pth": f"{checkout}/src\n/usr/lib\n", "flat.pth": f"{checkout}\n{checkout}/missing\n"})
    assert roots(checkout) == ["src", "."]


def test_finders_of_setuptools_are_found(checkout: Path) -> None:
    name = "__editable___pkg_0_1_finder"
    mapping = {
        "pkg": f"{checkout}/src/pkg",
        "tool": f"{checkout}/tool",
        "renamed": f"{checkout}/lib/other",
        "away": "/opt/away",
        "space.name": f"{checkout}/lib/space/name",
    }
    finder = FINDER.format(mapping=mapping)
    install(checkout, {f"{name}.py": finder, "pkg.pth": f"import {name}; {name}.install()\n"})
    assert roots(checkout) == ["src", ".", "lib"]


def test_an_interpreter_that_cannot_be_asked_knows_nothing(checkout: Path) -> None:
    assert source_roots("/bin/false", checkout, os.environ) == []
    assert source_roots("/no/such/python", checkout, os.environ) == []


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("python train.py", "bin/python"),
        ("FAST=1 .venv/bin/python3.11 -m pkg | tail", ".venv/bin/python3.11"),
        (("bench", "--all"), "bin/python"),
        ("echo 'unbalanced", "bin/python"),
    ],
)
def test_the_interpreter_of_a_command_is_found(tmp_path: Path, command: str | tuple[str, ...], expected: str) -> None:
    for name in ("bin/python", ".venv/bin/python3.11"):
        write(tmp_path, {name: "#!/bin/sh\n"})
        (tmp_path / name).chmod(0o755)
    assert interpreter(command, {"PATH": str(tmp_path / "bin")}, tmp_path) == str(tmp_path / expected)
    assert interpreter("make bench", {"PATH": str(tmp_path)}, tmp_path) is None


def test_a_package_that_is_imported_from_elsewhere_is_named(checkout: Path, tmp_path: Path) -> None:
    write(tmp_path, {"src/pkg/__init__.py": "", "src/pkg/model.py": "", "train.py": ""})
    install(checkout, {"_pkg.pth": f"{checkout}/src\n"})
    paths = ["train.py", "src/pkg/model.py"]
    found = imported_elsewhere(python_of(checkout), tmp_path, paths, os.environ, tmp_path)
    assert found is not None
    assert (found.path, found.package, found.root) == ("src/pkg/model.py", "pkg", "src")
    assert found.place == checkout / "src" / "pkg" / "model.py"
    env = os.environ | {"PYTHONPATH": str(tmp_path / "src")}
    assert imported_elsewhere(python_of(checkout), tmp_path, paths, env, tmp_path) is None
