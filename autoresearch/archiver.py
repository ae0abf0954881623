"""`ar` is also the name of the system's archiver; calls that are meant for it are handed over.

In an activated environment ours stands first on PATH and would break C builds. This module imports only `os` and
`sys`, for it runs before everything else. Not in here: the path of an experiment, on which our `ar` never stands.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

OURS = frozenset({"init", "run", "status", "log", "revert"})
OPERATIONS = frozenset("dmpqrstx")
MODIFIERS = frozenset("abcDfilNoOPsSTuUvV")
LONG_OPTIONS = ("--plugin", "--thin", "--target", "--output")
OUR_MARK = b"autoresearch"
"""Stands in every launcher script that pip writes for us."""


def is_archiver_call(arguments: Sequence[str]) -> bool:
    """Do these arguments (without the program's name) mean the archiver?"""
    if not arguments or arguments[0] in OURS:
        return False
    first, more = arguments[0], len(arguments) > 1
    if first == "-M" or (first.startswith("@") and len(first) > 1):
        return True
    if first.startswith("--"):
        return first.partition("=")[0] in LONG_OPTIONS
    letters = first.removeprefix("-")
    return more and letters[:1] in OPERATIONS and letters != "" and MODIFIERS.issuperset(letters[1:])


def next_archiver(path: str) -> str | None:
    """The first `ar` on the search path that is not ours."""
    for folder in path.split(os.pathsep):
        candidate = os.path.join(folder or os.curdir, "ar")
        if os.access(candidate, os.X_OK) and os.path.isfile(candidate) and not _is_ours(candidate):
            return os.path.abspath(candidate)
    return None


def _is_ours(program: str) -> bool:
    try:
        with open(program, "rb") as file:
            return OUR_MARK in file.read(4_096)
    except OSError:
        # It may be run but not read; a launcher of ours can be read.
        return False


def hand_over(arguments: Sequence[str]) -> None:
    """Become the archiver when that is meant; else return. Exits with 127 when the machine has none."""
    if not is_archiver_call(arguments):
        return
    program = next_archiver(os.environ.get("PATH", os.defpath))
    if program is None:
        sys.stderr.write("error: this looks like a call of the archiver, but PATH has no `ar` besides autoresearch\n")
        sys.stderr.write("hint: install binutils, or call the archiver by its full path\n")
        sys.exit(127)
    os.execv(program, ["ar", *arguments])
