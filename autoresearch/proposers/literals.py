"""The number literals of upper-case assignments at module level of a Python file, with their exact places. Pure.

What is not here: other languages, and what a comment says about a value (`annotations`).
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeGuard

from autoresearch.proposers.annotations import MAX_EXPONENT, NUMBER, Literal

CONSTANT_NAME = re.compile(r"_*[A-Z][A-Z0-9_]*")
BYTE_ORDER_MARK = "\ufeff"


class Code:
    """A parsed Python file: its constants, and which places are inside strings."""

    def __init__(self, module: ast.Module, places: _Places) -> None:
        self._module = module
        self._places = places
        self.literals = tuple(literal for statement in module.body for literal in _assigned(statement, places))

    @cached_property
    def _strings(self) -> list[tuple[int, int]]:
        # walking the whole tree takes longer than all the rest, and few files need it
        return [self._places.span(node) for node in ast.walk(self._module) if _is_string(node)]

    def is_string(self, place: int) -> bool:
        """Does that character of the file belong to a string?"""
        return any(start <= place < end for start, end in self._strings)


def read_python(text: str, starts: Sequence[int]) -> Code | None:
    """`starts` are the places where lines begin. None when it is not valid Python."""
    mark = text.startswith(BYTE_ORDER_MARK)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Code(ast.parse(text[mark:]), _Places(text, starts))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


@dataclass(frozen=True, slots=True)
class _Places:
    """Turns the parser's lines and UTF-8 columns into characters from the file's beginning."""

    text: str
    starts: Sequence[int]

    def span(self, node: ast.expr) -> tuple[int, int]:
        return self._place(node.lineno, node.col_offset), self._place(node.end_lineno or 1, node.end_col_offset or 0)

    def _place(self, line: int, column: int) -> int:
        start = self.starts[line - 1]
        if line == 1 and self.text.startswith(BYTE_ORDER_MARK):
            start += 1
        encoded = self.text[start : start + column].encode()[:column]
        return start + len(encoded.decode(errors="ignore"))


def _is_string(node: ast.AST) -> TypeGuard[ast.expr]:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _assigned(statement: ast.stmt, places: _Places) -> Iterator[Literal]:
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            pass
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            pass
        case _:
            return
    if not CONSTANT_NAME.fullmatch(name):
        return
    if isinstance(value, ast.Tuple | ast.List):
        for index, element in enumerate(value.elts):
            yield from _literal(name, element, index, places)
    else:
        yield from _literal(name, value, None, places)


def _literal(name: str, node: ast.expr, index: int | None, places: _Places) -> Iterator[Literal]:
    """At most one. A string has no place here: only a comment can say which others would do."""
    base = None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        base, exponent = _whole(node.left), _whole(node.right)
        if base < 2 or not 1 <= exponent <= MAX_EXPONENT:
            return
        node = node.right
    start, end = places.span(node)
    literal = Literal(name, start, end, places.text[start:end], index, base)
    if re.fullmatch(NUMBER, literal.text):
        yield literal


def _whole(node: ast.expr) -> int:
    """The value of an integer literal; 0 for anything else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, int) else 0
