"""Could edited code forge the number? It could where it runs in the process that prints the metric.

Python's imports are followed from the command's script on, as they are written; nothing is run. Other languages, and
imports that are made while a program runs, are not looked at: there nothing is said.
"""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from autoresearch.core.metric import SELF_MEASURED
from autoresearch.core.scope import Scope, inside
from autoresearch.scaffold.choices import Choices
from autoresearch.scaffold.scripts import module_files, scripts

_LARGEST = 1_000_000
_MOST_FILES = 200


def forging(root: Path, tracked: Sequence[str], choices: Choices) -> str:
    """How it could, as `evaluate.py imports solve.py, which may be edited`; empty where nothing shows that.

    `tracked` are git's files, relative to the folder `root` of the configuration.
    """
    if choices.metric in SELF_MEASURED:
        return ""
    if choices.extras.adapter and choices.context:
        return f"{choices.context[0]} runs {', '.join(choices.editable)}, which may be edited"
    known = frozenset(tracked)
    is_editable = Scope(inside(choices.editable)).is_editable
    for script in scripts(choices.command, known):
        if is_editable(script):
            return f"{script} may be edited, and prints {choices.metric} itself"
        for importer, imported in _imports(root, known, script, is_editable):
            if is_editable(imported):
                return f"{importer} imports {imported}, which may be edited"
    return ""


def _imports(root: Path, known: frozenset[str], script: str, stops: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
    """Who imports whom, from a script on; where it stops, nothing further is followed."""
    waiting, seen = [script], {script}
    while waiting and len(seen) < _MOST_FILES:
        path = waiting.pop(0)
        for module in _modules(root / path, path):
            for found in module_files(module, posixpath.dirname(script), known):
                if found not in seen:
                    seen.add(found)
                    yield path, found
                    waiting += [] if stops(found) else [found]


def _modules(file: Path, path: str) -> Iterator[str]:
    """The names of all modules that a file may import; a relative one as from the root, with a dot in front."""
    try:
        tree = ast.parse(file.read_bytes()[:_LARGEST])
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            folders = posixpath.dirname(path).split("/") if posixpath.dirname(path) else []
            near = folders[: len(folders) - node.level + 1]
            start = "." + ".".join(near) if node.level else ""
            module = ".".join(filter(None, (start, node.module))) if start != "." else f".{node.module or ''}"
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)
