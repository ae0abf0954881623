"""Finding the constants of one text, by short name, for tests of the tuner's parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from autoresearch.proposers.constants import Constant, find, rewrite
from autoresearch.proposers.ranges import Interval, Value


def in_python(text: str) -> dict[str, Constant]:
    return {one.short: one for one in find({"train.py": text})}


def in_text(text: str, path: str = "settings.conf") -> dict[str, Constant]:
    return {one.short: one for one in find({path: text})}


def interval(constant: Constant) -> Interval:
    assert isinstance(constant.domain, Interval)
    return constant.domain


def rewritten(files: Mapping[str, str], **new: Value) -> dict[str, str]:
    """The changed files, given values by short name; a name that is no constant is an error."""
    constants = {one.short: one for one in find(files)}
    return rewrite(files, {constants[name]: value for name, value in new.items()})


def changed(path: str, text: str, **new: Value) -> str:
    return rewritten({path: text}, **new)[path]


def every_value(constant: Constant) -> Iterator[Value]:
    """A sample of all that it may be, ends included."""
    yield from (constant.domain.at(step / 20) for step in range(-2, 23))
