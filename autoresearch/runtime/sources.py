"""Which folders of the user's checkout their Python imports from: the reason why a candidate may not be what is run.

An editable install puts the checkout on `sys.path`, by a `.pth` file or by a finder of setuptools. Asked of the
interpreter itself, in a short-lived process of its own. Not covered: finders of other build tools, and packages that
are installed under another name than their folder's; those are what the canary is for.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TIMEOUT = 30.0
_PYTHON = re.compile(r"(?:python|pypy)[\d.]*$")
# For interpreters as old as 3.6. The last line of the output counts: a sitecustomize may print as well.
_ASK_ROOTS = """
import json, sys
found = {}
for name, module in list(sys.modules.items()):
    if name.startswith("__editable__") and name.endswith("_finder"):
        for package, path in getattr(module, "MAPPING", {}).items():
            found[package] = str(path)
print()
print(json.dumps({"path": sys.path, "prefix": [sys.prefix, sys.base_prefix], "mapping": found}))
"""
_ASK_ORIGINS = """
import importlib.util, json, sys
found = {name: [] for name in sys.argv[1:]}
# As `python -m` and scripts in the folder see it, then as an installed script does.
for folders in (sys.path, [folder for folder in sys.path if folder]):
    sys.path = folders
    for name in found:
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            spec = None
        places = [spec.origin] + list(spec.submodule_search_locations or []) if spec else []
        found[name] += [place for place in places if place and place not in ("built-in", "frozen", "namespace")]
print()
print(json.dumps(found))
"""


def interpreter(command: str | tuple[str, ...], env: Mapping[str, str], cwd: Path) -> str | None:
    """The Python that a command runs: the one it names, else `python` or `python3` on its PATH; None without one.

    `uv run` takes the project's own environment, whatever is activated.
    """
    try:
        words = shlex.split(command) if isinstance(command, str) else list(command)
    except ValueError:
        words = []
    named = [".venv/bin/python"] if words[:2] == ["uv", "run"] else []
    named += [word for word in words if _PYTHON.match(Path(word).name)]
    for word in (*named[:2], "python", "python3"):
        found = str(cwd / word) if "/" in word else shutil.which(word, path=env.get("PATH"))
        if found and os.access(found, os.X_OK):
            return found
    return None


def source_roots(python: str, root: Path, env: Mapping[str, str]) -> list[str]:
    """Folders of the checkout `root` that `python` imports from, relative to it (`.`, `src`), in the order of its path.

    Empty when the interpreter cannot be asked.
    """
    own = {name: value for name, value in env.items() if name != "PYTHONPATH"}
    told = _ask([python, "-c", _ASK_ROOTS], own, root.parent)
    installed = [Path(prefix).resolve() for prefix in told.get("prefix", ())]
    places = [Path(entry) for entry in told.get("path", ()) if entry]
    places += [place for package, path in told.get("mapping", {}).items() for place in _parent_of(package, Path(path))]
    found = []
    for place in (place.resolve() for place in places):
        is_installed = any(place.is_relative_to(prefix) for prefix in installed) or "site-packages" in place.parts
        if place.is_relative_to(root.resolve()) and not is_installed and place.is_dir():
            found.append(place.relative_to(root.resolve()).as_posix())
    return list(dict.fromkeys(found))


def imports_from(python: str, env: Mapping[str, str]) -> list[Path]:
    """Where `python` and everything that it may import lie. Empty when it cannot be asked."""
    told = _ask([python, "-c", _ASK_ROOTS], env, Path("/"))
    places = [*told.get("path", ()), *told.get("prefix", ()), *told.get("mapping", {}).values()]
    found = [Path(place) for place in places if place]
    return list(dict.fromkeys(place for one in found for place in (one, one.resolve()) if place.exists()))


def _parent_of(package: str, path: Path) -> list[Path]:
    """The folder that makes `path` importable as `package`; none where the names differ, for no path can say that."""
    names = package.split(".")
    matches = path.parts[-len(names) :] == tuple(names)
    return [path.parents[len(names) - 1]] if matches and len(path.parents) >= len(names) else []


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A file of the worktree that is imported from another place instead."""

    path: str
    package: str
    place: Path
    root: str
    """The folder that has to stand on `pythonpath`, relative to the repository."""


def imported_elsewhere(
    python: str, worktree: Path, paths: Iterable[str], env: Mapping[str, str], cwd: Path
) -> Elsewhere | None:
    """The first of the Python files `paths` (from the worktree's root) that `python` would import from outside of it.

    None when there is none, or it cannot be found out. Nothing of the packages is run.
    """
    names = list(_importable(paths))
    origins = _ask([python, "-c", _ASK_ORIGINS, *dict.fromkeys(name for _, _, name in names)], env, cwd)
    for path, root, name in names:
        below_root = Path(path).relative_to(root)
        for place in map(Path, origins.get(name, ())):
            # A package's place is its folder or a file in it, a module's the file itself.
            package = place if place.is_dir() else place.parent
            file = package.joinpath(*below_root.parts[1:]) if len(below_root.parts) > 1 else place
            if (
                file.name == Path(path).name
                and file.is_file()
                and not file.resolve().is_relative_to(worktree.resolve())
            ):
                return Elsewhere(path, name, file, root)
    return None


def _importable(paths: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Each way to import a Python file, as (path, source root, top-level name).

    `src/pkg/model.py` may be `src.pkg.model` from `.`, `pkg.model` from `src`, or `model` from `src/pkg`.
    """
    for path in paths:
        parts = Path(path).with_suffix("").parts
        for depth, name in enumerate(parts):
            if Path(path).suffix == ".py" and name.isidentifier() and name != "__init__":
                yield path, Path(*parts[:depth]).as_posix(), name


def _ask(command: list[str], env: Mapping[str, str], cwd: Path) -> dict[str, Any]:
    """The JSON object that a process prints last; empty when it fails or takes over half a minute."""
    try:
        done = subprocess.run(
            command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT, check=True
        )
        told = json.loads(done.stdout.splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return {}
    return told if isinstance(told, dict) else {}
