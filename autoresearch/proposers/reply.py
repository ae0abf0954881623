"""Reading a model's reply: title, hypothesis and edits, or exactly what is wrong with it.

    Title: one line                     everything else is prose; a code fence around a block, or around the text of
    Hypothesis: one or two sentences    both its halves, does not matter. An empty SEARCH creates the file.
    Expected: what the metric does      `Delete: path` removes one.

    path/of/the/file.py
    <<<<<<< SEARCH
    lines as they are
    =======
    lines as they shall be
    >>>>>>> REPLACE

One bad block spoils the whole reply: a change that is applied by half is another change. What is not checked here:
whether a path may be edited and whether the SEARCH text occurs in the file; that takes the files.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from autoresearch.core.edit import Create, Delete, Edit, Refusal, Replace
from autoresearch.proposers.blocks import FENCE, Block, is_fenced, split
from autoresearch.proposers.text import one_line

TITLE_LIMIT = 72
PROSE_LIMIT = 1000
"""Of a hypothesis and of an expectation, in characters."""
ENOUGH = 20 * PROSE_LIMIT
"""So much of one is collected: some of it may be escapes, which do not count."""

_PATH_LIMIT = 500
_HEADER = re.compile(r"[\s>*_#-]*(title|hypothesis|expected)[*_ \t]*:[*_ \t]*(.*)", re.IGNORECASE)
_DELETE = re.compile(r"[\s>*_-]*delete[*_ \t]*:(.+)", re.IGNORECASE)
_LABEL = re.compile(r"(?:file|filename|path)[*_ \t]*:", re.IGNORECASE)
_PATH_LIKE = re.compile(r"[^:*?\"<>|`]*(/[^:*?\"<>|`]*|\.\w{1,12})")
_THOUGHTS = re.compile(r"\s*<think>.*?</think>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ParsedReply:
    """A reply that can be read. Title and hypothesis are single lines without control characters."""

    title: str
    hypothesis: str
    expected: str
    edits: tuple[Edit, ...]


def parse(text: str, editable_paths: Sequence[str]) -> ParsedReply | Refusal:
    """Read a reply. `editable_paths` are the existing files that may be edited; with only one its path is optional."""
    parts = split(_cleaned(text).split("\n"))
    if isinstance(parts, Refusal):
        return parts
    edits: list[Edit] = []
    for part in parts:
        edit = _edit(part, edits[-1].path if edits else None, editable_paths)
        if isinstance(edit, Refusal):
            return Refusal(f"edit {len(edits) + 1}: {edit.reason}")
        if edit is not None and not edit.path.isprintable() and edit.path not in editable_paths:
            return Refusal(f"edit {len(edits) + 1}: the path {edit.path!a} holds characters that cannot be seen")
        if edit is not None:
            edits.append(edit)
    if not edits:
        return Refusal("no edit was found: at least one SEARCH/REPLACE block or a line `Delete: path` is needed")
    return _described([part for part in parts if isinstance(part, str)], tuple(edits), editable_paths)


def _cleaned(text: str) -> str:
    """Line ends as in files, no lone surrogates (JSON can hold them, UTF-8 cannot), no thinking aloud before it."""
    text = text.encode("utf-8", "replace").decode("utf-8").lstrip("\ufeff").replace("\r\n", "\n")
    return _THOUGHTS.sub("", text, count=1) if text.lstrip().startswith("<think>") else text


def _edit(part: str | Block, last_path: str | None, editable: Sequence[str]) -> Edit | Refusal | None:
    if isinstance(part, str):
        return _deletion(part, editable)
    path = _path(part.above, editable)
    if not any(line.strip() for line in part.search):
        return _creation(path, part.replacement)
    path = path or (editable[0] if len(editable) == 1 else last_path)
    if path is None:
        return Refusal(f"it names no file: put the path alone on the line above it ({', '.join(editable[:20])})")
    return Replace(_known(path, editable), _lines(part.search), _lines(part.replacement))


def _deletion(line: str, editable: Sequence[str]) -> Delete | Refusal | None:
    found = _DELETE.fullmatch(line)
    if found is None:
        return None
    path = _path(found[1], editable)
    return Delete(path) if path else Refusal(f"Delete: {one_line(found[1], 200)} does not name a file")


def _creation(path: str | None, text: list[str]) -> Create | Refusal:
    if path is None:
        return Refusal("an empty SEARCH creates a file: put its path alone on the line above the block")
    is_wrapped = is_fenced(text) and not path.endswith(".md")
    return Create(path, _lines(text[1:-1] if is_wrapped else text))


def _lines(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _known(path: str, editable: Sequence[str]) -> str:
    """The editable file that a shortened path means, when only one can be meant."""
    meant = [one for one in editable if one.endswith(f"/{path}")]
    return meant[0] if path not in editable and len(meant) == 1 else path


def _path(line: str, editable: Sequence[str]) -> str | None:
    """The path that stands alone on the line, in whatever decoration; None when the line is something else."""
    if line.strip() in editable:
        return line.strip()
    if len(line) > _PATH_LIMIT:
        return None
    bare = line.strip().lstrip("#").strip(" \t*")
    label = _LABEL.match(bare)
    bare = (bare[label.end() :] if label else bare).strip(" \t*:")
    is_quoted = len(bare) > 2 and bare[0] == bare[-1] and bare[0] in "`'\""
    path = (bare[1:-1] if is_quoted else bare).strip().removeprefix("./")
    if path in editable:
        return path
    is_path = label is not None or _PATH_LIKE.fullmatch(path) is not None
    is_one_word = not re.search(r"\s", path)
    return path if path and is_path and (is_one_word or is_quoted or label) else None


def _described(prose: list[str], edits: tuple[Edit, ...], editable: Sequence[str]) -> ParsedReply:
    """Add title, hypothesis and expectation; what the model left out is taken from its first words."""
    named: dict[str, str] = {}
    other: list[str] = []
    label = ""
    for line in prose:
        header = _HEADER.fullmatch(line)
        if header:
            label = header[1].lower() if header[1].lower() not in named else ""
            if label:
                named[label] = header[2]
        elif not line.strip() or FENCE.match(line) or _path(line, editable) or _DELETE.fullmatch(line):
            label = ""
        elif label and len(named[label]) < ENOUGH:
            named[label] += f" {line[:ENOUGH]}"
        elif not label:
            other.append(line)
    first = one_line(other[0], PROSE_LIMIT) if other else ""
    said = first or one_line(f"{type(edits[0]).__name__} {edits[0].path}", PROSE_LIMIT)
    title = one_line(named.get("title", "").strip("* "), TITLE_LIMIT) or one_line(said, TITLE_LIMIT)
    hypothesis = one_line(named.get("hypothesis", ""), PROSE_LIMIT) or said
    return ParsedReply(title, hypothesis, one_line(named.get("expected", ""), PROSE_LIMIT), edits)
