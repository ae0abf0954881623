"""What a comment such as `# tune: 1e-4..1e-1 log` asks for, and which value on its line it means.

In any text file, whatever its language: the comment may start with `#`, `//`, `--`, `;` or `%`, and the value stands in
`name = value`, `name: value`, `"name": value,`, `--flag value` or `#define NAME value`.

    # tune: 1e-4..1e-1 log      a range, in equal factors; without `log` in equal differences
    # tune: 16,32,64            some numbers
    # tune: gelu,relu           some words
    # tune:                     a sensible range
    # tune: off   # no tune     leave it alone

Any other text after `tune:` is taken for prose. What is not here: which lines of a Python file are code (`constants`).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import Enum

from autoresearch.proposers.ranges import Domain, Interval, Scale, Value, options

NUMBER = r"[-+]?(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][-+]?\d+)?"
COMMENT = re.compile(r"(?:#|//|--|;|%)[ \t]*(?:no[ -]?tune\b|tune:(?P<text>.*))", re.IGNORECASE)
RANGE = re.compile(rf"({NUMBER})\s*\.\.\s*({NUMBER})(\s+log)?\b", re.IGNORECASE)
NEXT_COMMENT = re.compile(r"\s(?:#|//|--|;|%)|\*/|-->")
DISABLED = re.compile(r"\s*(?:#(?!define\b)|//|;|%|--(?:\s|$))")  # the line itself is commented out
VALUE = rf"""(?P<number>(?<![\w.]){NUMBER}(?![\d.]|[xXbBoO][\da-fA-F]))|(?P<quote>["'])(?P<text>[^"'\\]*)(?P=quote)|(?P<word>[A-Za-z_][\w./-]*)"""
NAMED = (
    re.compile(rf"(?P<name>[\w.-]+)[\"']?[^=<>!:+*/-]*(?:::?[^=]*?)?(?<![=<>!])[:?]?=(?!=)\s*(?:{VALUE})"),
    re.compile(rf"(?P<name>[\w.-]+)[\"']?\s*:\s*(?:{VALUE})"),
    re.compile(rf"--(?P<name>[\w-]+)[\"']?[\s,]+(?:{VALUE})"),
    re.compile(rf"#\s*define\s+(?P<name>\w+)\s+(?:{VALUE})"),
)


class Wish(Enum):
    """What a comment says about the value on its line, where it names neither range nor options."""

    DEFAULT = "a sensible range"
    OFF = "leave it alone"
    PROSE = "not understood"
