"""The files in scope at any commit of a run, read from git's objects; folders that did not change are read once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from autoresearch.core.scope import Scope
from autoresearch.record.objects import LINK, MODULE, TREE, parse_tree
from autoresearch.record.pipes import ObjectReader

Listing = tuple[tuple[str, str], ...]
"""Path and blob id of each file."""


class ScopedFiles:
    """Editable and context files as text; bytes that are not UTF-8 survive the way there and back."""

    def __init__(self, reader: ObjectReader, scope: Scope) -> None:
        self._reader = reader
        self._scope = scope
        # Bounds, not sizes: a run's commits share almost all of their folders.
        self._folder = lru_cache(maxsize=8_192)(self._read_folder)
        self._text = lru_cache(maxsize=1_024)(self._read_text)

    def editable(self, commit: str) -> Mapping[str, str]:
        """Path to text of the files that a proposal may change."""
        return self._select(commit, self._scope.is_editable)

    def context(self, commit: str) -> Mapping[str, str]:
        """Path to text of the files that are only shown."""
        return self._select(commit, lambda path: self._scope.is_context(path) and not self._scope.is_editable(path))

    def _select(self, commit: str, wanted: Callable[[str], bool]) -> Mapping[str, str]:
        tree, _, _ = self._reader.read(f"{commit}^{{tree}}")
        return {path: self._text(blob) for path, blob in self._folder(tree, "") if wanted(path)}

    def _read_folder(self, tree: str, prefix: str) -> Listing:
        found: list[tuple[str, str]] = []
        for entry in parse_tree(self._reader.read(tree)[2]):
            path = f"{prefix}{entry.name}"
            if entry.mode == TREE:
                found.extend(self._folder(entry.id, f"{path}/"))
            elif entry.mode not in (LINK, MODULE) and (self._scope.is_editable(path) or self._scope.is_context(path)):
                found.append((path, entry.id))
        return tuple(found)

    def _read_text(self, blob: str) -> str:
        return self._reader.read(blob)[2].decode("utf-8", "surrogateescape")
