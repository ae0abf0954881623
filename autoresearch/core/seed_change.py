"""Does a change alter nothing but a random seed? Pure.

A lucky seed looks like a gain, so such changes need not run. What does not count, beside a seed: comments, white space
where it means nothing, and what seeding needs, such as imports. Whether there is one seed or five is no such change:
five are an average. What is not here: notebooks, new and deleted files (never only a seed), and what happens to such a
change (the gate's).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from autoresearch.core.edit import Change
from autoresearch.core.seed_names import names_a_seed
from autoresearch.core.seed_python import read_python
from autoresearch.core.seed_text import GONE, Reading, without_seeds

__all__ = ["names_a_seed", "only_the_seed"]

_PYTHON = frozenset({".py", ".pyi", ".pyw"})
_HASH = frozenset(
    ".py .pyi .pyw .toml .yaml .yml .sh .bash .zsh .fish .mk .r .jl .cfg .conf .ini .env .properties .rb .pl".split()
)
_HASH_NAMES = frozenset({"makefile", "dockerfile", ".env"})
_SLASHES = frozenset(
    ".c .h .cc .cpp .cxx .hpp .cu .cuh .rs .go .java .js .mjs .ts .kt .scala .swift .cs .jsonc".split()
)
_FREE = _SLASHES | {".json", ".toml", ".sh", ".bash", ".zsh", ".r", ".jl", ".env", ".properties"}
"""Where the white space that a line begins with means nothing."""
_SPACES = re.compile(r"[ \t]+")
_ONLY_A_SEED = re.compile(
    rf"(?:(?:export|ENV|ARG|const|let|var|val|static|int|long|unsigned|auto)[ \t]+){{0,3}}"
    rf"[\"']?[\w.-]{{1,160}}{GONE}[;,]?|\\"
)


def only_the_seed(before: Mapping[str, str], change: Change) -> bool:
    """True when at least one random seed is other than before, or set elsewhere, and nothing else is.

    `before` is the text of every editable file by path. Never raises, whatever the texts are.
    """
    altered = False
    for path, new in change.files.items():
        old = before.get(path)
        if old is None or new is None:
            return False
        was, now = _readings(path, old, new)
        if was.rest != now.rest:
            return False
        altered = altered or was.plain != now.plain
    return altered


def _readings(path: str, old: str, new: str) -> tuple[Reading, Reading]:
    """Both in the same way: as Python where both are."""
    if PurePosixPath(path).suffix.lower() in _PYTHON:
        was = read_python(old)
        now = read_python(new) if was else None
        if was and now:
            return was, now
    return _read_text(path, old), _read_text(path, new)


def _read_text(path: str, text: str) -> Reading:
    suffix, name = PurePosixPath(path).suffix.lower(), PurePosixPath(path).name.lower()
    code = text.replace(GONE, " ")
    if suffix in _HASH or name in _HASH_NAMES:
        code = _without_comments(code, "#")
    elif suffix in _SLASHES:
        code = _without_comments(code, "//")
    lines = [_SPACES.sub(" ", line.rstrip()) for line in without_seeds(code).splitlines()]
    lines = [line for line in lines if line and not _ONLY_A_SEED.fullmatch(line.strip())]
    if suffix in _FREE:
        lines = [line.strip() for line in lines]
    if suffix == ".json":
        lines = [line.rstrip(",") for line in lines]  # the last entry has none
    return Reading("".join(code.split()), "\n".join(lines))


def _without_comments(text: str, mark: str) -> str:
    return "\n".join(_without_comment(line, mark) for line in text.splitlines())


def _without_comment(line: str, mark: str) -> str:
    """Without its comment where there is no doubt: behind a quote, the mark may be in a text."""
    if line.lstrip().startswith(mark):
        return line if line.startswith("#!") else ""
    code, space, _ = line.partition(f" {mark}")
    return code if space and not {'"', "'"}.intersection(code) else line
