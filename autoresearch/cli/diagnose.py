"""Why a baseline may have failed: what `ar` did differently from the person's own shell, or the key that is wrong.

Only what the output points to is named. What is not here: errors of the experiment's own, which its output explains.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from autoresearch.cli.denied import Setting, denials
from autoresearch.cli.project import Project
from autoresearch.core.isolation import Level
from autoresearch.core.layout import Layout
from autoresearch.errors import BaselineFailed
from autoresearch.record.resume import words
from autoresearch.runtime.evaluation import CHANGED
from autoresearch.scaffold import pick_metric
from autoresearch.scaffold.python import UV_ENVIRONMENT, is_uv

FAILED, NUMBERS, NO_NUMBER = "the baseline failed: ", "; numbers that were: ", "; no named number was"
COMPARED = 2000
"""So many tracked names are searched for a similar one."""
FILE = re.compile(r"/|\.[A-Za-z]\w*$")
SECRET_TALK = re.compile(r"api.?key|token|credential|unauthori[sz]ed|\b401\b|login|log in|authenticat", re.IGNORECASE)
MISSING_TALK = re.compile(r"no such file|not found|does not exist|cannot (?:open|find|access)|ENOENT", re.IGNORECASE)
QUOTED = re.compile(r"""['"‘“`]([^'"’”`\n]{1,300})['"’”`]|((?:[\w.@-]+/)*[\w.@-]+)""")


def explain(
    error: BaselineFailed, project: Project, withheld: Sequence[str], layout: Layout, level: Level = Level.BASIC
) -> BaselineFailed:
    """The same error with hints: what was withheld or denied, what is not in a worktree, how to look further."""
    output, setting = error.output, Setting(level, layout.root, layout.worktrees)
    hints = [error.hint, *_unprinted(error.message, project), *_not_there(error, project)]
    hints += [*_withheld(output, withheld), *_untracked(output, project, layout.worktrees)]
    hints += [*denials(output, setting), *_written(error.message, project)]
    look = "the whole output: ar log 0 --output    " if _printed_something(layout.output(0)) else ""
    hints.append(f"{look}the command's limits and files: autoresearch.toml")
    return BaselineFailed(error.message, hint="\n".join(filter(None, hints)), output=error.output)


def _unprinted(message: str, project: Project) -> Iterator[str]:
    """The likeliest of the numbers that were printed; where none was, how one is."""
    name = project.config.metric.name
    printed = message.removeprefix(f'{FAILED}"{name}" was not printed')
    if printed.startswith(NUMBERS):
        numbers = [one for one in printed.removeprefix(NUMBERS).split(", ") if one != "…"]
        yield f"name = {_quote(pick_metric([(one, 0.0, 1) for one in numbers])[0].name)}    in [metric]"
    elif printed == NO_NUMBER:
        yield f'print("{name}:", value)    in what it runs, or: pattern = "..." in [metric]'


def _not_there(error: BaselineFailed, project: Project) -> Iterator[str]:
    """The program, or the script, that the command names and that is nowhere."""
    program, *others = words(project.config.experiment.command)
    lines = [line for line in error.output.splitlines() if MISSING_TALK.search(line)]
    missed = [word for word in others if any(_is_named(word, line) for line in lines)]
    if error.message == f"{FAILED}command not found: {program}":
        missed = [program]
    for word in missed[:1]:
        if not (project.config_path.parent / word).exists():
            tracked = [posixpath.relpath(name, project.base or ".") for name in project.tracked[:COMPARED]]
            near = get_close_matches(word, tracked, n=1)
            asked = f"; did you mean {near[0]}?" if near else ""
            yield f'command = "..."    in [experiment]: there is no {word}{asked}'


def _is_named(word: str, line: str) -> bool:
    """Is it the name of a file, and a path there or the end of one?"""
    path = re.escape(word.removeprefix("./"))
    return bool(FILE.search(word) and re.search(rf"""(?<![\w.-]){path}(?![\w./-])""", line))


def _printed_something(path: Path) -> bool:
    """Is there more in the file than the headers that `ar` writes itself?"""
    try:
        with path.open("rb") as file:
            return any(not line.startswith(b"--- ") for line in file)
    except FileNotFoundError:
        return False


def _withheld(output: str, withheld: Sequence[str]) -> Iterator[str]:
    named = [name for name in withheld if name in output] or (list(withheld) if SECRET_TALK.search(output) else [])
    if named:
        yield f"withheld from the experiment: {', '.join(named)}"
        yield f"pass_env = [{', '.join(_quote(name) for name in named)}]    in [experiment] passes them on"


def _written(message: str, project: Project) -> Iterator[str]:
    """What the command itself writes although it is protected: its own output, that somebody once committed."""
    words = message.partition(CHANGED)[2].split(", ")
    names = {name for word in words if (name := word.partition(" (")[0]) in project.tracked}
    names = {name for name in names if not project.scope.is_editable(name)}
    if names:
        here = ", ".join(_quote(posixpath.relpath(name, project.base or ".")) for name in sorted(names))
        yield f"git tracks it and no change may touch it, yet the command writes it: {here}"
        yield f"artifacts = [{here}]    in [experiment], if the command makes it (cache = [...] for a folder)"
        yield f"git rm --cached {' '.join(map(shlex.quote, sorted(names)))}    if git need not track it; then commit"


def _untracked(output: str, project: Project, worktrees: Path) -> Iterator[str]:
    """Paths that the output misses, and that lie in the person's checkout without being tracked."""
    lines = [line for line in output.splitlines() if MISSING_TALK.search(line)]
    folder = project.config_path.parent
    missed = [*_paths(lines, worktrees), *([UV_ENVIRONMENT] if _runs_uv(project) else [])]
    found = dict.fromkeys(top for path in missed if (top := _untracked_top(project, folder, path)))
    if found:
        names = ", ".join(_quote(name) for name in found)
        yield f"not tracked by git, so not in the worktree of the experiment: {names}"
        yield f"data = [{names}]    in [experiment] links them there, read-only"


def _runs_uv(project: Project) -> bool:
    """By uv, which finds nothing that is installed without the project's environment, and does not say so."""
    experiment = project.config.experiment
    return isinstance(experiment.command, str) and is_uv(experiment.command) and UV_ENVIRONMENT not in experiment.data


def _paths(lines: Iterable[str], worktrees: Path) -> Iterator[str]:
    for line in lines:
        for quoted, bare in QUOTED.findall(line):
            text = str(quoted or bare)
            # worktrees/<slot>/rest
            below = text.partition(f"{worktrees}/")[2].partition("/")[2] if str(worktrees) in text else text
            if below and not below.startswith("/"):
                yield below


def _untracked_top(project: Project, folder: Path, path: str) -> str:
    """The uppermost untracked part of a path that exists here; empty when there is none."""
    parts = Path(path).parts
    if ".." in parts:
        return ""
    tracked = project.tracked
    for length in range(1, len(parts) + 1):
        name = "/".join(parts[:length])
        if not (folder / name).exists():
            return ""
        whole = (folder / name).relative_to(project.repository.root).as_posix()
        # Of a submodule git tracks the commit, as if it were a file.
        is_submodule = whole in tracked and (folder / name).is_dir()
        if is_submodule or (whole not in tracked and not any(one.startswith(f"{whole}/") for one in tracked)):
            return name
    return ""


def _quote(text: str) -> str:
    return f'"{text}"'
