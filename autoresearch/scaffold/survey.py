"""What lies in the folder: the tracked files, and the text of those that may say how the project is run.

Only reads. What follows from it is decided in `scaffold.commands`, `scaffold.metrics` and `scaffold.detect`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from autoresearch.core.scope import literal, path_problem

MOST_FILES = 300
FEW_FILES = 6
MOST_BYTES = 200_000
"""Per file: what says how to run a project stands in its first lines, and generated code is longer."""

SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "Python": (".py",),
    "Rust": (".rs",),
    "Go": (".go",),
    "JavaScript": (".js", ".mjs", ".ts", ".jsx", ".tsx"),
    "C or C++": (".c", ".cc", ".cpp", ".cxx", ".h", ".hpp", ".cu"),
    "Java": (".java", ".kt"),
    "Julia": (".jl",),
    "R": (".R", ".r"),
    "shell": (".sh",),
}
_OTHERS = ("Makefile", "makefile", "package.json", "Cargo.toml", "go.mod", "CMakeLists.txt", "pyproject.toml")
_NOT_SOURCE = re.compile(
    r"(^|/)(tests?|__tests__|testing|spec|fixtures|bench(es|marks?)?|eval(s|uation)?|docs?|examples?|third_party|vendor"
    r"|node_modules)/"
)
_CHECKS = re.compile(
    r"^(test|bench|eval|prepare|conftest|noxfile|setup\.py|build\.rs)"
    r"|^(metrics?|scor(e|er|es|ing)|measure|measurement|judge|grade|grader|grading)\."
    r"|(_test|_tests|\.test|_bench|\.spec|\.config|[a-z]Tests?)\.\w+$",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Hit:
    """Where a pattern was found; `line` counts from 1."""

    path: str
    line: int
    match: re.Match[str]


@dataclass(frozen=True, slots=True)
class Survey:
    """A folder, as far as `ar init` looks at it. Paths are relative to `root`, with `/`."""

    root: Path
    tracked: tuple[str, ...]
    texts: Mapping[str, str]

    def search(self, pattern: str, paths: Sequence[str] | None = None) -> Iterator[Hit]:
        """Every match, file by file (those nearest to the root first); `^` and `$` are the ends of a line."""
        compiled = re.compile(pattern, re.MULTILINE)
        for path in self.texts if paths is None else paths:
            text = self.texts.get(path, "")
            for match in compiled.finditer(text):
                yield Hit(path, text.count("\n", 0, match.end()) + 1, match)

    def text(self, path: str) -> str:
        """Of any file, tracked or not, relative to the root; empty where there is none that can be read."""
        known = self.texts.get(path)
        return (_text(self.root / path) or "") if known is None else known

    def first(self, *names: str) -> str | None:
        """The tracked file with the first of these names that there is, nearest to the root."""
        for name in names:
            for path in sorted(self.texts, key=_depth):
                if PurePosixPath(path).name == name and _depth(path) <= 2:
                    return path
        return None

    def holds(self, folder: str) -> bool:
        """Is anything below this folder tracked?"""
        return any(path.startswith(f"{folder}/") for path in self.tracked)

    @property
    def language(self) -> str | None:
        """The language of most code files."""
        counts = {name: sum(path.endswith(ends) for path in self.tracked) for name, ends in SUFFIXES.items()}
        best = max(counts, key=lambda name: counts[name])
        return best if counts[best] else None

    def sources(self, language: str) -> list[str]:
        """The files of a language that are neither tests nor benchmarks nor other people's."""
        return [path for path in self.tracked if path.endswith(SUFFIXES[language]) and is_source(path)]

    def all_sources(self, but: str = "") -> tuple[str, ...]:
        """The code of the main language: file by file while they are few, else by folder where no test is in it."""
        language = self.language
        if language is None:
            return ()
        return self.globs(language, [path for path in self.sources(language) if path != but])

    def globs(self, language: str, files: Sequence[str]) -> tuple[str, ...]:
        """These files of a language and no other that is there: one by one while they are few, else by folder.

        Less those that nobody may change, whatever the globs say.
        """
        files = [path for path in files if not path_problem(path)]
        if len(files) <= FEW_FILES:
            return tuple(map(literal, files))
        others = [path for path in self.tracked if path.endswith(SUFFIXES[language]) and path not in files]
        return tuple(dict.fromkeys(_widest_glob(path, others) for path in files))


def look(root: Path, tracked: Sequence[str]) -> Survey:
    """Read what is there. Files that cannot be read as text count as not there."""
    wanted = [path for path in tracked if path.endswith(_ENDS) or PurePosixPath(path).name in _OTHERS]
    wanted = [path for path in wanted if not path_problem(path)]
    wanted.sort(key=lambda path: (_depth(path), path))
    texts = {path: text for path in wanted[:MOST_FILES] if (text := _text(root / path)) is not None}
    return Survey(root, tuple(tracked), texts)


def is_source(path: str) -> bool:
    """Not a test, a benchmark, an example or vendored code."""
    return not _NOT_SOURCE.search(path) and not _CHECKS.search(PurePosixPath(path).name)


_ENDS = tuple(end for ends in SUFFIXES.values() for end in ends)


def _widest_glob(path: str, others: Sequence[str]) -> str:
    """The files of the same kind in the uppermost folder that holds none of the others; else the file alone."""
    file = PurePosixPath(path)
    for folder in reversed(file.parents):
        if folder.parts and not any(other.startswith(f"{folder}/") for other in others):
            return f"{literal(str(folder))}/**/*{file.suffix}"
    beside = [other for other in others if "/" not in other]
    return literal(path) if "/" in path or beside else f"*{file.suffix}"


def _depth(path: str) -> int:
    return path.count("/")


def _text(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES).decode("utf-8", errors="ignore")
    except OSError:
        return None
