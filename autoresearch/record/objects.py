"""git's own formats in memory: tree entries, and a commit's bytes. No repository, no process.

Formats: `git help cat-file`, and the "tree" and "commit" objects of the Git Book, chapter 10.2.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

FILE, LINK, TREE, MODULE = "100644", "120000", "40000", "160000"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a tree: `mode` in octal without leading zeros, `name` one path component."""

    mode: str
    name: str
    id: str


def parse_tree(data: bytes) -> list[Entry]:
    """The entries of a tree object of a SHA-1 repository."""
    entries, at = [], 0
    while at < len(data):
        space, zero = data.index(b" ", at), data.index(b"\0", at)
        entries.append(
            Entry(data[at:space].decode(), os.fsdecode(data[space + 1 : zero]), data[zero + 1 : zero + 21].hex())
        )
        at = zero + 21
    return entries


def format_tree(entries: Iterable[Entry]) -> bytes:
    """The tree object; git wants folders sorted as if their names ended with a slash."""
    rows = [(os.fsencode(one.name) + (b"/" if one.mode == TREE else b""), one) for one in entries]
    rows.sort(key=lambda row: row[0])
    return b"".join(b"%s %s\0%s" % (one.mode.encode(), os.fsencode(one.name), bytes.fromhex(one.id)) for _, one in rows)


def format_commit(tree: str, parents: Sequence[str], ident: str, when: datetime, message: str) -> bytes:
    """A commit object; `ident` is `Name <mail>`, used for author and committer alike."""
    stamp = f"{ident} {int(when.timestamp())} {when.strftime('%z') or '+0000'}"
    lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents), f"author {stamp}", f"committer {stamp}"]
    return ("\n".join(lines) + "\n\n" + message).encode("utf-8", "replace")
