"""Leaves the random seeds out of Python's expressions: arguments, defaults, dictionaries, commands. Pure.

What is not here: statements (`seed_python`), and what a seed's value looks like (`seed_values`).
"""

from __future__ import annotations

import ast

from autoresearch.core.seed_names import names_a_seed
from autoresearch.core.seed_text import names_an_option, without_option, without_seeds
from autoresearch.core.seed_values import (
    blank,
    blanked,
    is_argument,
    is_number,
    is_seed,
    is_seeding,
    is_setter,
    name_of,
    without_default,
)


class Expressions(ast.NodeTransformer):
    """Changes the tree in place, leaves first. The names of its methods are the parser's."""

    def visit_NamedExpr(self, node: ast.NamedExpr) -> ast.NamedExpr:
        self.generic_visit(node)
        node.value = _default(node.target.id, node.value)
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.comprehension:
        self.generic_visit(node)
        node.iter = blank_loop(node.target, node.iter)
        return node

    def visit_arguments(self, node: ast.arguments) -> ast.arguments:
        self.generic_visit(node)
        positional = [*node.posonlyargs, *node.args]
        named = positional[len(positional) - len(node.defaults) :]
        node.defaults = [_default(one.arg, value) for one, value in zip(named, node.defaults, strict=True)]
        pairs = zip(node.kwonlyargs, node.kw_defaults, strict=True)
        node.kw_defaults = [value and _default(one.arg, value) for one, value in pairs]
        return node

    def visit_Dict(self, node: ast.Dict) -> ast.Dict:
        self.generic_visit(node)
        pairs = zip(node.keys, node.values, strict=True)
        entries = [(key, _entry(_text(key), value)) for key, value in pairs]
        node.keys = [key for key, value in entries if value]
        node.values = [value for _, value in entries if value]
        return node

    def visit_keyword(self, node: ast.keyword) -> ast.keyword | None:
        self.generic_visit(node)
        value = _entry(node.arg or "", node.value)
        node.value = value or node.value
        return node if value else None

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if _declares(node):
            without_default(node)
        for place, key in enumerate(node.args[:-1], 1):
            if names_a_seed(_text(key)) and is_number(node.args[place]):
                node.args[place] = blank()
        if is_seeding(node) and all(map(is_argument, node.args)):
            node.args = []
            return _unseeded(node)
        return node

    def visit_List(self, node: ast.List) -> ast.List:
        node.elts = self._without_options(node.elts)
        return node

    def visit_Tuple(self, node: ast.Tuple) -> ast.Tuple:
        node.elts = self._without_options(node.elts)
        return node

    def _without_options(self, elements: list[ast.expr]) -> list[ast.expr]:
        """Of a command given as a list: without `"--seed", "1"` and `"--seed=1"`."""
        kept: list[ast.expr] = []
        for element in elements:
            old, new = _text(element), self.visit(element)
            if kept and names_an_option(_text(kept[-1])) and is_argument(new):
                kept.pop()
            elif _text(new) or not old:
                kept.append(new)
        return kept

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        """A text may hold a command or a configuration."""
        if not isinstance(node.value, str):
            return node
        return ast.Constant(value=without_seeds(node.value), kind=node.kind)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        """`f"… --seed {seed}"` and `"… --seed 1"` become the same."""
        parts: list[ast.expr] = []
        for part in node.values:
            new, before = self.visit(part), _text(parts[-1]) if parts else ""
            is_seeds = isinstance(new, ast.FormattedValue) and is_seed(new.value)
            shorter = without_option(before) if is_seeds else None
            if shorter is not None:
                parts[-1] = ast.Constant(value=shorter)
            elif parts and isinstance(parts[-1], ast.Constant) and isinstance(new, ast.Constant):
                parts[-1] = ast.Constant(value=before + _text(new))
            else:
                parts.append(new)
        node.values = parts
        return parts[0] if len(parts) == 1 and isinstance(parts[0], ast.Constant) else node


def blank_loop(target: ast.expr, iterable: ast.expr) -> ast.expr:
    """`for seed in (1, 2, 3)`: what is gone through."""
    return _default(name_of(target), iterable) if isinstance(iterable, ast.Call | ast.List | ast.Tuple) else iterable


def _entry(name: str, value: ast.expr) -> ast.expr | None:
    return blanked(value) if names_a_seed(name) else value


def _default(name: str, value: ast.expr) -> ast.expr:
    return _entry(name, value) or blank()


def _text(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _declares(call: ast.Call) -> bool:
    """`add_argument("-s", "--seed", …)`, `Option(1, "--seed")`, `add_argument("-s", dest="seed", …)`"""
    if any(names_an_option(_text(one)) for one in call.args):
        return True
    return any(one.arg == "dest" and names_a_seed(_text(one.value)) for one in call.keywords)


def _unseeded(call: ast.Call) -> ast.expr:
    """Of `Generator().manual_seed(1)` the generator; any other seeding call as it is."""
    match call:
        case ast.Call(func=ast.Attribute(value=ast.Call() as made), keywords=[]) if is_setter(call):
            return made
        case _:
            return call
