"""Text of models and experiments made harmless: one line, no terminal escapes, no control characters, a limit."""

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


def _shown(char: str) -> str:
    """Direction marks and zero-width characters could make a line read as another one."""
    category = unicodedata.category(char)
    return " " if category == "Cc" else "" if category in _INVISIBLE else char


def fenced(text: str, language: str = "") -> str:
    """The exact text in a code fence longer than any in it."""
    fence = "`" * max([3, *(len(run) + 1 for run in _FENCE_RUN.findall(text))])
    end = "" if text.endswith("\n") or not text else "\n"
    return f"{fence}{language}\n{text}{end}{fence}"
