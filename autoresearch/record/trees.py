"""A tree with some files changed, made in the object database: no checkout, no index, no filter.

What is not here: commits and refs (`repository`), and which files may be changed at all (the scope's).
"""

from __future__ import annotations

from autoresearch.core.edit import Change, Refusal
from autoresearch.record.objects import FILE, LINK, MODULE, TREE, Entry, format_tree, parse_tree
from autoresearch.record.repository import Repository


def changed_tree(repository: Repository, tree: str, change: Change) -> str | Refusal:
    """The id of `tree` (empty: nothing) with the files of `change` in it; every blob is written as it is."""
    # An id that is empty would be written into a commit, which git can never read.
    return _changed(repository, tree, change) or Refusal("no file would be left")


def _changed(repository: Repository, tree: str, change: Change) -> str | Refusal:
    """The same for any folder; empty when no file is left in it."""
    folders: dict[str, dict[str, str | None]] = {}
    files: dict[str, str | None] = {}
    for path, text in change.files.items():
        folder, slash, rest = path.partition("/")
        if slash:
            folders.setdefault(folder, {})[rest] = text
        else:
            files[path] = text
    entries = {one.name: one for one in parse_tree(repository.reader.read(tree)[2])} if tree else {}
    for name, content in folders.items():
        refusal = _put_folder(repository, entries, name, Change(content))
        if refusal:
            return refusal
    for name, text in files.items():
        refusal = _put_file(repository, entries, name, text)
        if refusal:
            return refusal
    return repository.store("tree", format_tree(entries.values())) if entries else ""


def _put_folder(repository: Repository, entries: dict[str, Entry], name: str, change: Change) -> Refusal | None:
    present = entries.get(name)
    if present and present.mode != TREE:
        kind = {LINK: "a symbolic link", MODULE: "a submodule"}.get(present.mode, "a file")
        return Refusal(f"{name} is {kind}, so no file below it can be changed")
    below = _changed(repository, present.id if present else "", change)
    if isinstance(below, Refusal):
        return below
    entries.pop(name, None)
    if below:
        entries[name] = Entry(TREE, name, below)
    return None


def _put_file(repository: Repository, entries: dict[str, Entry], name: str, text: str | None) -> Refusal | None:
    present = entries.get(name)
    if present and present.mode in (LINK, MODULE, TREE):
        kind = {LINK: "a symbolic link", MODULE: "a submodule", TREE: "a folder"}[present.mode]
        return Refusal(f"{name} is {kind}, not a file that may be changed")
    if text is None:
        entries.pop(name, None)
    else:
        blob = repository.store("blob", text.encode("utf-8", "surrogateescape"))
        entries[name] = Entry(present.mode if present else FILE, name, blob)
    return None
