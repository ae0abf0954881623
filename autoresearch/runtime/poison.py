"""Lines that must fail, one per programming language, and putting them in place of files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

MARK = "ar canary"
_LINES = {
    f'raise SystemExit("{MARK}")': "py pyw pyx",
    f'throw new Error("{MARK}");': "js mjs cjs jsx ts mts cts tsx",
    f'echo "{MARK}" >&2; exit 97': "sh bash zsh ksh",
    f'#error "{MARK}"': "c h cc cpp cxx hh hpp hxx cu cuh cl",
    f'compile_error!("{MARK}");': "rs",
    f'abort "{MARK}"': "rb",
    f'die "{MARK}";': "pl pm",
    f'error("{MARK}")': "lua jl",
    f'stop("{MARK}")': "r",
    f'raise "{MARK}"': "ex exs",
    f'<?php throw new Error("{MARK}");': "php",
    # Valid in none of these: their compilers refuse the file.
    f"!! {MARK} !!": "go java kt kts scala swift cs zig hs ml nim d f f90 f95 f03 f08 dart v vhd adb ads pas",
}
_BY_SUFFIX = {f".{suffix}": line for line, suffixes in _LINES.items() for suffix in suffixes.split()}


def poison(worktree: Path, paths: Iterable[str]) -> list[str]:
    """Make every file whose language is known fail, and return their paths. The others stay as they are.

    The whole text goes: in front of it the line could be a syntax error, which some programs catch. A first line that
    names the interpreter stays. Never writes through a link.
    """
    return [path for path in paths if _spoil(worktree, worktree / path)]


def _spoil(worktree: Path, file: Path) -> bool:
    line = _BY_SUFFIX.get(file.suffix.lower())
    inside = file.resolve().is_relative_to(worktree.resolve())
    if line is None or file.is_symlink() or not file.is_file() or not inside:
        return False
    first = file.read_bytes().partition(b"\n")[0]
    shebang = first + b"\n" if first.startswith(b"#!") else b""
    file.write_bytes(shebang + line.encode() + b"\n")
    return True
