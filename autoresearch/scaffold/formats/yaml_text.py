"""One text out of a YAML file, in the forms in which people write long ones. Anything else is taken for none."""

from __future__ import annotations

import re
from textwrap import dedent

_ESCAPES = {"n": "\n", "t": "\t"}


def text_of(key: str, text: str) -> str:
    """What stands behind `key:` at any depth: a block (`|`, `>`), or quoted; empty where there is neither."""
    found = re.search(rf"^([ \t]*){re.escape(key)}:[ \t]*(.*)$", text, re.MULTILINE)
    if found is None:
        return ""
    indent, first, rest = len(found[1]), found[2], text[found.end() + 1 :]
    if re.match(r"[|>][-+\d]*[ \t]*(#.*)?$", first):
        return _block(indent, rest)
    return _quoted(f"{first}\n{rest}")


def _block(indent: int, rest: str) -> str:
    lines = []
    for line in rest.split("\n"):
        if line.strip() and len(line) - len(line.lstrip()) <= indent:
            break
        lines.append(line)
    return dedent("\n".join(lines)).strip()


def _quoted(text: str) -> str:
    """Its lines without their indentation."""
    if found := re.match(r"'((?:[^']|'')*)'", text):
        plain = found[1].replace("''", "'")
    elif found := re.match(r'"((?:[^"\\]|\\.)*)"', text, re.DOTALL):
        plain = re.sub(r"\\(.)", lambda one: _ESCAPES.get(one[1], one[1]), found[1], flags=re.DOTALL)
    else:
        return ""
    return "\n".join(line.strip() for line in plain.split("\n")).strip()
