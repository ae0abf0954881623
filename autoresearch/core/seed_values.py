"""Which expressions of Python are the value of a random seed. Pure.

A seed may be computed: from other numbers, the environment, the clock, a hash. What is not here: where such expressions
stand (`seed_python`), other languages (`seed_text`).
"""

from __future__ import annotations

import ast
import re

from autoresearch.core.seed_names import makes_a_generator, names_a_seed, sets_a_seed

_NUMERAL = re.compile(r"\s*[-+]?\d{1,40}\s*")
_LONGEST_RANGE = 2**31
_PARTS = (
    ast.Constant, ast.Name, ast.Attribute, ast.Subscript, ast.Slice, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.IfExp,
    ast.Compare, ast.Call, ast.keyword, ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context,
)  # fmt: skip
_FUNCTIONS = frozenset(
    "int str abs hash id len sum max min pow ord get getenv getattr pop setdefault next time time_ns monotonic_ns "
    "perf_counter_ns now timestamp getpid get_rank randint randrange getrandbits randbits randbelow token_bytes "
    "urandom integers from_bytes crc32 adler32 md5 sha1 sha256 sha512 blake2b digest hexdigest encode item uint32 "
    "int32 uint64 int64 fold_in spawn generate_state".split()
)
_DECLARATIONS = frozenset("field attrib option argument parameter param flag setting".split())


def name_of(node: ast.expr) -> str:
    """The last part of a dotted name, a key in brackets; empty for anything else."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
        case ast.Call(func=function):
            return name_of(function)
        case _:
            return ""


def owner_of(function: ast.expr) -> str:
    """What stands before the last dot."""
    return name_of(function.value) if isinstance(function, ast.Attribute) else ""


def is_setter(call: ast.expr) -> bool:
    """A call that seeds what is there already."""
    return isinstance(call, ast.Call) and sets_a_seed(name_of(call.func), owner_of(call.func))


def is_seeding(call: ast.Call) -> bool:
    """A call whose arguments are seeds."""
    return is_setter(call) or makes_a_generator(name_of(call.func), owner_of(call.func))


def is_number(node: ast.expr) -> bool:
    """A seed written out, as a number or as a text with one."""
    match node:
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=inner):
            return is_number(inner)
        case ast.Constant(value=str(text)):
            return _NUMERAL.fullmatch(text) is not None
        case ast.Constant(value=value):
            return value is None or (_is_whole(value) and not isinstance(value, bool))
        case _:
            return False


def is_seed(node: ast.expr) -> bool:
    """One seed, written out or computed: nothing in it can be anything but a number for a generator."""
    if isinstance(node, ast.Constant):
        return is_number(node)
    return all(isinstance(part, _PARTS) and _may_be_in_a_seed(part) for part in ast.walk(node))


def _may_be_in_a_seed(part: ast.AST) -> bool:
    match part:
        case ast.Constant(value=value):
            return isinstance(value, str) or value is None or _is_whole(value)
        case ast.Call(func=function):
            name = name_of(function)
            return name in _FUNCTIONS or names_a_seed(name) or is_seeding(part)
        case _:
            return True


def _is_whole(value: object) -> bool:
    return isinstance(value, int) or (isinstance(value, float) and value.is_integer())


def is_argument(node: ast.expr) -> bool:
    """What a seeding call may be given: a seed, any text, several seeds."""
    match node:
        case ast.Constant(value=str() | bytes()):
            return True
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            return all(map(is_argument, elements))
        case _:
            return is_seed(node)


def blank() -> ast.expr:
    """Stands for a seed; no program can hold it."""
    return ast.Name(id="0", ctx=ast.Load())


def blanked(value: ast.expr) -> ast.expr | None:
    """The value of a seed's name without its seeds: of several their number stays. None when nothing is left."""
    match value:
        case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
            value.elts = [blank() if is_seed(one) else one for one in elements]
        case ast.Call(func=ast.Name(id="range"), args=arguments, keywords=[]):
            _blank_range(value, arguments)
        case ast.Call() if name_of(value.func).lower() in _DECLARATIONS:
            without_default(value)
        case _:
            return None if is_seed(value) else value
    return value


def _blank_range(call: ast.Call, arguments: list[ast.expr]) -> None:
    """Only its length stays, where that is known."""
    ends = [one.value for one in arguments if isinstance(one, ast.Constant) and isinstance(one.value, int)]
    sane = len(ends) == len(arguments) and 1 <= len(ends) <= 3 and all(abs(one) < _LONGEST_RANGE for one in ends)
    if sane and ends[2:] != [0]:
        call.args = [ast.Constant(value=len(range(*ends)))]


def without_default(call: ast.Call) -> None:
    """Of a declaration such as `add_argument("--seed", default=1)`, `Option(1, "--seed")` or `field(default=1)`."""
    call.keywords = [one for one in call.keywords if one.arg != "default" or not is_seed(one.value)]
    if call.args and is_number(call.args[0]):
        del call.args[0]
