"""Which files of Python a command runs, by its words and by the modules that it names. Nothing is run."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Collection, Iterator
from itertools import pairwise

_FOLDERS = ("", "src")


def named(command: str, known: Collection[str]) -> list[str]:
    """The files of `known` (relative paths) that a command names as they are called."""
    return [name for name in map(posixpath.normpath, _words(command)) if name in known]


def scripts(command: str, known: Collection[str]) -> list[str]:
    """The files of Python that a command runs."""
    modules = [after for word, after in pairwise(_words(command)) if word == "-m"]
    started = [(module, f"{module}.__main__") for module in modules]
    run = [file for names in started for name in names for file in module_files(name, "", known)]
    return [*(name for name in named(command, known) if name.endswith(".py")), *run]


def module_files(module: str, beside: str, known: Collection[str]) -> Iterator[str]:
    """The tracked files that a module may be: looked for beside the script and where sources usually are."""
    folders = [""] if module.startswith(".") else dict.fromkeys((beside, *_FOLDERS))
    path = module.strip(".").replace(".", "/")
    for folder in folders:
        for name in (f"{path}.py", f"{path}/__init__.py"):
            if (found := posixpath.join(folder, name)) in known:
                yield found


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return []
