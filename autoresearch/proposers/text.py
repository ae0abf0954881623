"""Text of models and experiments made harmless: no terminal escapes, no control characters, a limit, a fence."""

from __future__ import annotations

import re
import unicodedata

_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)|\x1b.", re.DOTALL)
_FENCE_RUN = re.compile(r"`{3,}")
_INVISIBLE = ("Cf", "Cs", "Co", "Cn")


def one_line(text: str, limit: int) -> str:
    """All of it on one line of at most `limit` characters (an ellipsis ends a cut one), safe to print anywhere."""
    text = _ESCAPES.sub("", text[: 20 * limit])
    visible = "".join(_shown(char) for char in text)
    line = " ".join(visible.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def clean(text: str) -> str:
    """The text with its lines and their indentation, safe to print anywhere; empty when there is nothing to see."""
    lines = (_ESCAPES.sub("", line).expandtabs(4) for line in text.splitlines())
    return "\n".join("".join(map(_shown, line)).rstrip() for line in lines).strip("\n")


def tail(text: str, room: int) -> str:
    """The end of a text that fits in `room` bytes, with its lines and tabs; escapes and control characters left out."""
    lines = _ESCAPES.sub("", text[-4 * room :]).splitlines()
    shown = "\n".join("\t".join("".join(map(_shown, part)) for part in line.split("\t")) for line in lines)
    return shown.strip("\n").encode()[-room:].decode(errors="ignore")


def end_of(text: str, room: int) -> str:
    """The last whole lines of a text that fit in `room` bytes; of a last line that does not, its beginning."""
    lines = text.split("\n")
    start, size = len(lines), -1
    while start and (size := size + 1 + len(lines[start - 1].encode())) <= room:
        start -= 1
    return "\n".join(lines[start:]) or lines[-1].encode()[: max(0, room)].decode(errors="ignore")


def _shown(char: str) -> str:
    """Direction marks and zero-width characters could make a line read as another one."""
    category = unicodedata.category(char)
    return " " if category == "Cc" else "" if category in _INVISIBLE else char


def fenced(text: str, language: str = "") -> str:
    """The exact text in a code fence longer than any in it."""
    fence = "`" * max([3, *(len(run) + 1 for run in _FENCE_RUN.findall(text))])
    end = "" if text.endswith("\n") or not text else "\n"
    return f"{fence}{language}\n{text}{end}{fence}"
