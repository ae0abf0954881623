"""Finding the configuration, and comparing what it names with what is there.

Not in here: reading it (`config.load`), and asking git which files are tracked (the caller hands them in).
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from autoresearch.config.lines import Lines
from autoresearch.config.load import read
from autoresearch.config.model import Config
from autoresearch.config.problems import Problem, config_error
from autoresearch.core.scope import CONFIG_NAME, Scope, literal, misread, path_problem
from autoresearch.errors import ConfigError

_PROGRAMS = (".py", ".sh", ".js", ".mjs", ".ts", ".rb", ".pl", ".R", ".jl", ".lua", ".php")
"""Ends of the names of files that an interpreter runs."""
_COMPARED = 2000
"""So many tracked names are searched for a similar one: comparing a hundred thousand would take seconds."""


def find(start: Path, stop: Path) -> Path:
    """The nearest `autoresearch.toml` from the folder `start` upwards, `stop` being the last folder looked at.

    Raises ConfigError when there is none.
    """
    start, stop = start.resolve(), stop.resolve()
    for folder in (start, *start.parents):
        if (folder / CONFIG_NAME).is_file():
            return folder / CONFIG_NAME
        if folder == stop:
            break
    above = "" if start == stop else f", nor in a folder above it up to {stop}"
    raise ConfigError(f"there is no {CONFIG_NAME} in {start}{above}", hint="ar init")


def check_files(config: Config, path: Path, root: Path, tracked: Sequence[str]) -> None:
    """Is everything there that the configuration in the file `path` names?

    `root` is the repository's top folder, `tracked` git's files relative to it, with `/`. Raises ConfigError that
    names each missing file, each glob without a file and each path that may not be used.
    """
    folder = path.parent.resolve().relative_to(root.resolve()).as_posix()
    base = "" if folder == "." else folder
    found = [
        *_instructions(config, path.parent),
        *_globs("editable", config.editable, base, root, tracked),
        *_globs("context", config.context, base, root, tracked),
        *_paths(config, base, root),
        *_evaluation(config, base, tracked),
    ]
    if found:
        lines = Lines(read(path))
        hints = {"instructions": _brought_back(config.instructions, base, tracked)}
        raise config_error(
            path, [Problem(lines.line(tuple(key.split("."))) or 0, text, hints.get(key, "")) for key, text in found]
        )


def _instructions(config: Config, folder: Path) -> Iterator[tuple[str, str]]:
    if not (folder / config.instructions).is_file():
        near = _near(config.instructions, (one.name for one in folder.glob("*.*") if one.suffix in (".md", ".txt")))
        yield "instructions", f'`instructions`: there is no file "{config.instructions}"{near}'


def _brought_back(name: str, base: str, tracked: Sequence[str]) -> str:
    """What to type for a file that is gone: git has it, or one line is enough for a new one."""
    quoted = shlex.quote(name)
    if posixpath.normpath(posixpath.join(base, name)) in tracked:
        return f"git restore {quoted}    brings it back"
    return f"echo 'what to try, what to leave alone' > {quoted}    a line is enough"


def _globs(key: str, globs: Sequence[str], base: str, root: Path, tracked: Sequence[str]) -> Iterator[tuple[str, str]]:
    for glob in globs:
        try:
            matches = Scope((glob,), base=base).is_editable
        except ValueError as error:
            yield key, f"`{key}`: {error}"
            continue
        if any(map(matches, tracked)):
            continue
        if problem := misread(glob, base, tracked):
            yield key, f"`{key}`: {problem}"
        elif (root / base / glob).exists():
            yield key, f'`{key}`: "{glob}" is there, but git does not track it (git add, git commit)'
        else:
            names = (literal(posixpath.relpath(name, base or ".")) for name in tracked)
            yield key, f'`{key}`: "{glob}" matches no tracked file{_near(glob, names)}'


def _paths(config: Config, base: str, root: Path) -> Iterator[tuple[str, str]]:
    for name in ("data", "cache", "artifacts"):
        for given in getattr(config.experiment, name):
            place = posixpath.normpath(posixpath.join(base, given))
            if problem := path_problem(place) or _glob_problem(name, given, base):
                yield f"experiment.{name}", f"`[experiment] {name}`: {problem}"
            elif name == "data" and not (root / place).exists():
                parent = root / posixpath.dirname(place)
                siblings = [one.name for one in parent.iterdir()] if parent.is_dir() else []
                inside = [posixpath.join(posixpath.dirname(given.rstrip("/")), one) for one in siblings]
                near = _made_by(given) or _near(given, inside)
                yield "experiment.data", f'`[experiment] data`: there is no "{given}"{near}'


def _made_by(path: str) -> str:
    """What makes it, as far as that is known."""
    return ": uv sync makes it" if path == ".venv" else ""


def _glob_problem(key: str, given: str, base: str) -> str:
    """Of the lists of paths, only `artifacts` may hold globs."""
    try:
        Scope((given,) if key == "artifacts" else (), base=base)
    except ValueError as error:
        return str(error)
    return ""


def _evaluation(config: Config, base: str, tracked: Sequence[str]) -> Iterator[tuple[str, str]]:
    given = config.experiment.evaluate
    if given and not config.experiment.artifacts:
        yield (
            "experiment.evaluate",
            "`[experiment] evaluate` has nothing to measure: name what the command makes in `artifacts`",
        )
    words = given.split() if isinstance(given, str) else given
    named = {posixpath.normpath(word.strip("'\"")) for word in words}
    for name in filter(lambda one: posixpath.normpath(one) in named, config.experiment.artifacts):
        is_program = posixpath.splitext(name)[1] in _PROGRAMS
        if is_program and posixpath.normpath(posixpath.join(base, name)) in tracked and name not in config.editable:
            text = f'`[experiment] artifacts`: "{name}" is what `evaluate` runs; it would be replaced by what is made'
            yield "experiment.artifacts", text


def _near(name: str, candidates: Iterable[str]) -> str:
    """The most similar name, as a question; a file of the same name in another folder comes first."""
    known = list(candidates)
    moved = [one for one in known if posixpath.basename(one) == posixpath.basename(name)]
    near = moved[:1] or get_close_matches(name, known[:_COMPARED], n=1)
    return f'; did you mean "{near[0]}"?' if near else ""
