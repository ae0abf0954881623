"""What an experiment printed, made fit for people: no escapes, no control characters.

Only for display and messages; `output.log` holds the bytes as they came.
"""

from __future__ import annotations

import re

_ESCAPE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours, cursor
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # titles, links
    r"|\x1b[ -/]*[0-~]?"
)
# The last two ranges turn the reading direction round, which can make a line say something else than it is.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_ERROR_LINE = re.compile(r"[A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt|Warning|Failure)\b")


def plain(text: str) -> str:
    """The text without escape sequences and control characters; tabs and line ends stay."""
    return _CONTROL.sub("", _ESCAPE.sub("", text))


def last_error(text: str) -> str:
    """The line that says what went wrong: a traceback's last, else the last that is not empty; at most 300 characters.

    The last line alone will not do: trackers and launchers print theirs after the traceback.
    """
    lines = [line.strip() for line in plain(text.replace("\r", "\n")).splitlines() if line.strip()]
    if "Traceback (most recent call last):" in lines:
        start = len(lines) - lines[::-1].index("Traceback (most recent call last):")
        named = [line for line in lines[start:] if _ERROR_LINE.match(line)]
        lines = named[:1] or lines
    return lines[-1][:300] if lines else ""
