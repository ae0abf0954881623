"""Writing single values and keys as TOML, on one line. Reading is `tomllib`'s work."""

from __future__ import annotations

from collections.abc import Mapping

import tomli_w


def toml_value(value: object) -> str:
    """A text, number, truth value, or a list or table of these, escaped as it must be.

    Raises TypeError for what TOML cannot hold.
    """
    if isinstance(value, Mapping):
        inside = ", ".join(f"{toml_key(key)} = {toml_value(one)}" for key, one in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    return tomli_w.dumps({"x": value}).removeprefix("x = ").rstrip("\n")


def toml_key(key: str) -> str:
    """A key, in quotes where it needs them."""
    return tomli_w.dumps({key: 0}).removesuffix(" = 0\n")
