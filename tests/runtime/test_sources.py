"""Which folders of the checkout an interpreter imports from, asked of real virtual environments."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from autoresearch.runtime.sources import imported_elsewhere, interpreter, source_roots
from tests.support.installs import Venv
from tests.support.repositories import write


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("check out").resolve()
    write(root, {"src/pkg/__init__.py": "", "src/pkg/model.py": "", "lib/other/__init__.py": "", "tool.py": ""})
    return root


@pytest.fixture(scope="module")
def venv(checkout: Path) -> Venv:
    return Venv(checkout / ".venv")


def roots(venv: Venv, root: Path) -> Sequence[str]:
    return source_roots(venv.python, root, os.environ | {"PYTHONPATH": str(root / "lib")})


def test_nothing_is_installed(checkout: Path, venv: Venv) -> None:
    venv.install({})
    assert roots(venv, checkout) == []


def test_path_files_are_found(checkout: Path, venv: Venv) -> None:
    venv.install({"_pkg.pth": f"{checkout}/src\n/usr/lib\n", "flat.pth": f"{checkout}\n{checkout}/missing\n"})
    assert roots(venv, checkout) == ["src", "."]


def test_finders_of_setuptools_are_found(checkout: Path, venv: Venv) -> None:
    venv.install_finder(
        {
            "pkg": f"{checkout}/src/pkg",
            "tool": f"{checkout}/tool",
            "renamed": f"{checkout}/lib/other",
            "away": "/opt/away",
            "space.name": f"{checkout}/lib/space/name",
        }
    )
    assert roots(venv, checkout) == ["src", ".", "lib"]


def test_an_interpreter_that_cannot_be_asked_knows_nothing(checkout: Path) -> None:
    assert source_roots("/bin/false", checkout, os.environ) == []
    assert source_roots("/no/such/python", checkout, os.environ) == []


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("python train.py", "bin/python"),
        ("FAST=1 .venv/bin/python3.11 -m pkg | tail", ".venv/bin/python3.11"),
        (("bench", "--all"), "bin/python"),
        ("uv run python train.py", ".venv/bin/python"),
        ("echo 'unbalanced", "bin/python"),
    ],
)
def test_the_interpreter_of_a_command_is_found(tmp_path: Path, command: str | tuple[str, ...], expected: str) -> None:
    for name in ("bin/python", ".venv/bin/python", ".venv/bin/python3.11"):
        write(tmp_path, {name: "#!/bin/sh\n"})
        (tmp_path / name).chmod(0o755)
    assert interpreter(command, {"PATH": str(tmp_path / "bin")}, tmp_path) == str(tmp_path / expected)
    assert interpreter("make bench", {"PATH": str(tmp_path)}, tmp_path) is None


def test_a_package_that_is_imported_from_elsewhere_is_named(checkout: Path, venv: Venv, tmp_path: Path) -> None:
    write(tmp_path, {"src/pkg/__init__.py": "", "src/pkg/model.py": "", "train.py": ""})
    venv.install_path(checkout / "src")
    paths = ["train.py", "src/pkg/model.py"]
    found = imported_elsewhere(venv.python, tmp_path, paths, os.environ, tmp_path)
    assert found is not None
    assert (found.path, found.package, found.root) == ("src/pkg/model.py", "pkg", "src")
    assert found.place == checkout / "src" / "pkg" / "model.py"
    env = os.environ | {"PYTHONPATH": str(tmp_path / "src")}
    assert imported_elsewhere(venv.python, tmp_path, paths, env, tmp_path) is None
