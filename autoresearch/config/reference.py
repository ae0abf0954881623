"""The keys as data: for the README's table and for the file that `ar init` writes. All of it is read off `Config`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from types import NoneType
from typing import Annotated, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from autoresearch.config.fields import Later, Shown, Table
from autoresearch.config.model import Config
from autoresearch.config.toml import toml_value


@dataclass(frozen=True, slots=True)
class KeyDoc:
    """One key. `table` is empty for the keys above the first table."""

    table: str
    key: str
    type_text: str
    """Words that fit after "must be"."""
    default_text: str
    """As TOML; empty where a value must be given, or where the default is none."""
    example_text: str
    """As TOML: the default where it can be written, else a likely value."""
    doc: str
    """One line, with the unit."""
    required: bool
    available: bool
    """False: belongs to a later version, and is refused until then."""

    @property
    def name(self) -> str:
        """As people call it: `[metric] name`."""
        return f"[{self.table}] {self.key}" if self.table else self.key


@cache
def reference() -> tuple[KeyDoc, ...]:
    """Every key, in the order of the file."""
    return tuple(_documented("", Config))


def reference_table() -> str:
    """A Markdown table of every key, for the README."""
    rows = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for doc in reference():
        default = "required" if doc.required else f"`{doc.default_text}`" if doc.default_text else "–"
        meaning = doc.doc if doc.available else f"*later:* {doc.doc}"
        cells = (f"`{doc.name}`", doc.type_text, default, meaning)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def _documented(table: str, model: type[Table], *, available: bool = True) -> Iterator[KeyDoc]:
    for key, field in model.model_fields.items():
        works = available and not any(isinstance(one, Later) and not one.values for one in field.metadata)
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Table):
            yield from _documented(key, inner, available=works)
        elif key == "constraints":
            yield from _free_keys(key, field, available=works)
        else:
            yield _document(table, key, field, available=works)


def _free_keys(table: str, field: FieldInfo, *, available: bool) -> Iterator[KeyDoc]:
    """A table whose keys the person chooses is shown by its example."""
    for key, value in (field.examples or [{}])[0].items():
        text = _shown(get_args(field.annotation)[1]).text
        doc = field.description or ""
        yield KeyDoc(table, key, text, "", toml_value(value), doc, required=False, available=available)


def _document(table: str, key: str, field: FieldInfo, *, available: bool) -> KeyDoc:
    later = [value for one in field.metadata if isinstance(one, Later) for value in one.values]
    shown = _shown(field.annotation, field.metadata, leave_out=later)
    default = "" if field.is_required() or field.default is None else shown.write(field.default)
    return KeyDoc(
        table=table,
        key=key,
        type_text=shown.text,
        default_text=default,
        example_text=toml_value(field.examples[0]) if field.examples else default,
        doc="; later: ".join(filter(None, (field.description, ", ".join(map(str, later))))),
        required=field.is_required(),
        available=available,
    )


def _shown(annotation: object, metadata: Sequence[object] = (), leave_out: Sequence[object] = ()) -> Shown:
    """The words for a type; those of its parts, joined by "or", where it has none of its own."""
    own = next((one for one in metadata if isinstance(one, Shown)), None)
    if own is not None:
        return own
    parts = [part for part in get_args(annotation) if part is not NoneType and part not in leave_out]
    if get_origin(annotation) is Annotated:
        return _shown(parts[0], parts[1:])
    if get_origin(annotation) is Literal:
        return Shown(_either([f'"{part}"' for part in parts]))
    shown = [_shown(part) for part in parts]
    return Shown(_either([one.text for one in shown]), shown[0].write)


def _either(texts: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(texts[:-1]), texts[-1])))
