"""How Python projects are probably run: training and measuring scripts, pytest."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import PurePosixPath

from autoresearch.core.history import Direction
from autoresearch.core.scope import literal
from autoresearch.scaffold.suggestion import SECONDS, Kind, Suggestion, Which
from autoresearch.scaffold.survey import FEW_FILES, Survey, is_source

_MODULE = r"^[ \t]*(?:from\s+([\w.]+)\s+import|import\s+([\w.]+))"
_MEASURING = ("train.py", "bench.py", "benchmark.py", "measure.py", "score.py")
_RUNNING = ("evaluate.py", "eval.py", "experiment.py", "run.py", "main.py", "solve.py", "solver.py", "fit.py")
_JUDGES = re.compile(r"(prepare|data|dataset|eval|evaluate|evaluation|metric|measure|score|bench|benchmark|test)s?")
"""Names of modules that measure or hold the data: shown to the proposer, not changed."""
_TEST = re.compile(r"(^|/)(test_\w+|\w+_test)\.py$")


def script(survey: Survey, which: Which) -> Iterator[Suggestion]:
    """A script that measures, and one that runs, by their usual names."""
    python = python_command(survey, which)
    for kind, names in ((Kind.MEASURES, _MEASURING), (Kind.RUNS, _RUNNING)):
        path = survey.first(*names)
        if path is None:
            continue
        editable, context = around(survey, path)
        seed = " --seed {seed}" if any(survey.search(r"""add_argument\(\s*["']--seed["']""", [path])) else ""
        reads = (path, *context, *survey.sources("Python"))
        shown = tuple(map(literal, context))
        yield Suggestion(kind, f"{python} {shlex.quote(path)}{seed}", f"{path} is there", editable, shown, reads)


def around(survey: Survey, path: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Of a script and what it imports: globs of what may change, and the files that it is judged by."""
    editable, context = _imported(survey, path)
    if _JUDGES.fullmatch(PurePosixPath(path).stem):
        context = (path, *context)
    else:
        editable = (literal(path), *editable)
    return editable or survey.all_sources(but=path), context


def pytest(survey: Survey, which: Which) -> Iterator[Suggestion]:
    """The tests, whose duration is a metric at least."""
    tests = [path for path in survey.tracked if _TEST.search(path)]
    if tests and survey.sources("Python"):
        command = f"{python_command(survey, which)} -m pytest -q"
        editable = survey.all_sources()
        yield Suggestion(Kind.TESTS, command, f"{tests[0]} is there", editable, metric=SECONDS, direction=Direction.MIN)


UV_ENVIRONMENT = ".venv"
"""What `uv run` runs in."""


def is_uv(command: str) -> bool:
    """Is it run by uv, in the environment of the project?"""
    return command.split()[:2] == ["uv", "run"]


def python_command(survey: Survey, which: Which) -> str:
    """What runs a script in the environment that the folder has."""
    if "uv.lock" in survey.tracked and which("uv"):
        return "uv run"
    if "poetry.lock" in survey.tracked and which("poetry"):
        return "poetry run python"
    for folder in (".venv", "venv"):
        if (survey.root / folder / "bin" / "python").exists():
            return f"{folder}/bin/python"
    return "python" if which("python") else "python3"


def _imported(survey: Survey, script: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a script imports from the repository, and what that imports: what may change, and what it is judged by."""
    editable: dict[str, None] = {}
    context: dict[str, None] = {}
    waiting, seen = [script], {script}
    while waiting:
        path = waiting.pop(0)
        for module in _modules(survey, path):
            if f"{module}.py" in seen or module in seen:
                continue
            seen |= {f"{module}.py", module}
            if f"{module}.py" not in survey.tracked:
                changed, shown = _package(survey, module)
            elif _JUDGES.fullmatch(PurePosixPath(module).name):
                changed, shown = (), (f"{module}.py",)
            else:
                changed, shown = (literal(f"{module}.py"),), ()
                waiting.append(f"{module}.py")
            editable |= dict.fromkeys(changed)
            context |= dict.fromkeys(shown)
    return tuple(editable), tuple(context)


def _modules(survey: Survey, path: str) -> Iterator[str]:
    """The modules (paths without `.py`) and packages of the repository that a file imports."""
    for hit in survey.search(_MODULE, [path]):
        name = (hit.match[1] or hit.match[2]).split(".")[0]
        for folder in (PurePosixPath(path).parent, PurePosixPath(), PurePosixPath("src")):
            if name and (f"{folder / name}.py" in survey.tracked or survey.holds(str(folder / name))):
                yield str(folder / name)


def _package(survey: Survey, folder: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The code of a package, less its tests and what measures or holds the data; and the latter."""
    inside = [path for path in survey.tracked if path.startswith(f"{folder}/") and path.endswith(".py")]
    judging = [path for path in inside if any(map(_JUDGES.fullmatch, _names_below(path, folder)))]
    changed = [path for path in inside if path not in judging and is_source(path)]
    shown = tuple(path for path in judging if not _TEST.search(path))[:FEW_FILES]
    if _JUDGES.fullmatch(PurePosixPath(folder).name):
        return (), tuple(inside)[:FEW_FILES]
    return (f"{literal(folder)}/**/*.py",) if changed == inside else survey.globs("Python", changed), shown


def _names_below(path: str, folder: str) -> list[str]:
    return list(PurePosixPath(path).relative_to(folder).with_suffix("").parts)
