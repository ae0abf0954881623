"""What is read out of a YAML file, in the forms in which people write it: a long text, and the members of a mapping.

Anything else is taken for none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from textwrap import dedent

_ESCAPES = {"n": "\n", "t": "\t"}
_COMMENT = re.compile(r"(?:^|(?<=[ \t]))#[^\n]*", re.MULTILINE)
_MEMBER = re.compile(r"""(\s*)["']?([\w-]+)["']?[ \t]*:(.*)""", re.DOTALL)


def members(text: str) -> Mapping[str, str]:
    """What stands behind each key of a mapping, be it written in lines or in braces; what is nested stays unread."""
    plain = _COMMENT.sub("", text.replace("\r\n", "\n"))
    if plain.lstrip().startswith("{"):
        found = (_MEMBER.match(part) for part in _between_braces(plain.lstrip()))
        return {member[2]: member[3] for member in found if member}
    return {key: "\n".join(lines) for key, lines in _in_lines(plain)}


def _between_braces(text: str) -> Iterator[str]:
    """The parts between the commas of the outermost braces; the text begins with one."""
    depth, start = 0, 1
    for sign in re.finditer(r"[][{},]", text):
        depth += {"{": 1, "[": 1, ",": 0}.get(sign[0], -1)
        if depth == 0 or (depth == 1 and sign[0] == ","):
            yield text[start : sign.start()]
            start = sign.end()
        if depth == 0:
            return


def _in_lines(text: str) -> list[tuple[str, list[str]]]:
    """Each key that stands as far to the left as the first line does, with all that follows up to the next one."""
    lines = [line for line in text.split("\n") if line.strip()]
    indent = len(lines[0]) - len(lines[0].lstrip()) if lines else 0
    found: list[tuple[str, list[str]]] = []
    for line in lines:
        member = _MEMBER.match(line)
        if member and len(member[1]) == indent:
            found.append((member[2], [member[3]]))
        elif found:
            found[-1][1].append(line)
    return found


def text_of(key: str, text: str) -> str:
    """What stands behind `key:` at any depth: a block (`|`, `>`), or quoted; empty where there is neither."""
    text = text.replace("\r\n", "\n")
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
