"""A Python file without its random seeds, to compare two versions of it. Pure.

Comments, formatting, docstrings and the imports that seeding needs do not count. What is not here: seeds in expressions
(`seed_expressions`); seeds passed by position to functions of the file's own.
"""

# ruff: noqa: N802 (the methods have the names of the parser's nodes)

from __future__ import annotations

import ast
import warnings

from autoresearch.core.seed_expressions import Expressions, blank_loop
from autoresearch.core.seed_names import makes_a_generator, names_a_seed, sets_a_seed
from autoresearch.core.seed_text import Reading
from autoresearch.core.seed_values import blank, blanked, is_seed, is_setter, name_of

_MODULES = frozenset(
    {
        *((name, None) for name in "random os sys time secrets hashlib zlib numpy torch jax".split()),
        ("numpy", "np"),
        ("tensorflow", "tf"),
    }
)
"""Imports, with their usual names, that come and go with a seeding call."""


def read_python(text: str) -> Reading | None:
    """None when it is no Python, or nested too deeply to be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text.removeprefix("\ufeff"))
        _Plain().visit(tree)
        return Reading(ast.dump(tree), ast.dump(_Statements().visit(tree)))
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
        return None


class _Plain(ast.NodeTransformer):
    """Leaves out what changes nothing by itself: docstrings, and imports for seeding."""

    def visit(self, node: ast.AST) -> ast.AST | None:
        return node if isinstance(node, ast.expr) else super().visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        return None if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str) else node

    def visit_Import(self, node: ast.Import) -> ast.Import | None:
        node.names = [one for one in node.names if (one.name, one.asname) not in _MODULES]
        return node if node.names else None

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom | None:
        node.names = [one for one in node.names if one.asname or not _is_for_seeds(one.name)]
        return node if node.names else None


def _is_for_seeds(name: str) -> bool:
    return sets_a_seed(name) or makes_a_generator(name) or names_a_seed(name)


class _Statements(Expressions):
    """Leaves out seeds, and statements that are about nothing else. The tree is changed in place, leaves first."""

    def visit_Assign(self, node: ast.Assign) -> ast.Assign | None:
        self.generic_visit(node)
        names = [name_of(target) for target in node.targets]
        if names == ["_"] and _is_bare_setter(node.value):
            return None
        if all(map(names_a_seed, names)):
            value = blanked(node.value)
            node.value = value or node.value
            return node if value else None
        for target in node.targets:
            if isinstance(target, ast.Tuple | ast.List) and isinstance(node.value, ast.Tuple | ast.List):
                _blank_pairs(target.elts, node.value.elts)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AnnAssign | None:
        self.generic_visit(node)
        if node.value is not None and names_a_seed(name_of(node.target)):
            node.value = blanked(node.value)
            return node if node.value else None
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AugAssign | None:
        self.generic_visit(node)
        return None if names_a_seed(name_of(node.target)) and is_seed(node.value) else node

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        self.generic_visit(node)
        return None if _is_bare_setter(node.value) else node

    def visit_If(self, node: ast.If) -> ast.If | None:
        """One that only seeded, as on a GPU, goes with what it held."""
        self.generic_visit(node)
        return node if node.body or node.orelse else None

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef | None:
        self.generic_visit(node)
        return None if not node.body and sets_a_seed(node.name) else node

    def visit_For(self, node: ast.For) -> ast.For:
        self.generic_visit(node)
        node.iter = blank_loop(node.target, node.iter)
        return node


def _is_bare_setter(value: ast.expr) -> bool:
    """A seeding call that had nothing but seeds in it."""
    return isinstance(value, ast.Call) and not value.args and not value.keywords and is_setter(value)


def _blank_pairs(targets: list[ast.expr], values: list[ast.expr]) -> None:
    """`seed, rate = 1, 0.1`"""
    if len(targets) == len(values) and not any(isinstance(one, ast.Starred) for one in [*targets, *values]):
        for place, target in enumerate(targets):
            if names_a_seed(name_of(target)):
                values[place] = blanked(values[place]) or blank()
