"""Which files a proposal may change and which it is shown, by globs; everything else is protected.

    *  ?  [a-z]  [!a-z]    within one name: they never stand for a `/`
    **                     any number of folders
    src                    a name without wildcards: the file, or everything below the folder
    [[]id].py  a[*]b       a wildcard in brackets is itself: files that are called `[id].py` and `a*b`

Globs are relative to the folder of the configuration and match from there, not at any depth; `../` may lead out of
that folder, not out of the repository. Paths are relative to the repository's root, with `/`. Not in here: what is
really there (symlinks and the like are the record's to refuse).
"""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

CONFIG_NAME = "autoresearch.toml"
_WILDCARD = re.compile(r"\*+|\?|\[([!^]?)(\]?[^\]]*)\]")
_SPECIAL_IN_CLASS, _ESCAPED = re.compile(r"[\^\[\]&~|]|-(?=-)"), r"\\\g<0>"
_IGNORED = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_LONGEST_NAME, _LONGEST_PATH = 255, 4000


@dataclass(frozen=True, slots=True)
class Scope:
    """The globs of one configuration; `base` is its folder relative to the root (empty: the root itself).

    Raises ValueError for a glob that can never match.
    """

    editable: tuple[str, ...]
    context: tuple[str, ...] = ()
    base: str = ""
    config_name: str = CONFIG_NAME
    """The configuration's file name in `base`, for whoever gave it another one."""

    def __post_init__(self) -> None:
        _compiled(self.editable, self.base)
        _compiled(self.context, self.base)

    def is_editable(self, path: str) -> bool:
        """May a proposal change, create or delete this file?"""
        return bool(_compiled(self.editable, self.base).fullmatch(_normal(path))) and not self.path_problem(path)

    def is_context(self, path: str) -> bool:
        """Is this file shown, and never changed? A file that is editable is not context too."""
        shown = _compiled(self.context, self.base).fullmatch(_normal(path))
        return bool(shown) and not path_problem(path) and not self.is_editable(path)

    def path_problem(self, path: str) -> str:
        """Why nobody may change this path, whatever the globs say; empty when it is fine."""
        config = _normal(posixpath.join(self.base, self.config_name))
        if _normal(path).casefold() in (config.casefold(), _normal(posixpath.join(self.base, CONFIG_NAME)).casefold()):
            return f'"{path}" is the configuration: it is never changed by a proposal'
        return path_problem(path)


def literal(path: str) -> str:
    """The glob of this one file, whatever it is called."""
    front = "./" if path.startswith("!") else ""
    return front + re.sub(r"[*?\[]", r"[\g<0>]", path)


def inside(globs: Iterable[str]) -> tuple[str, ...]:
    """Those that stay below the folder that they are relative to."""
    return tuple(glob for glob in globs if posixpath.normpath(glob).split("/")[0] != "..")


def misread(glob: str, base: str, tracked: Iterable[str]) -> str:
    """What to write for a tracked file, or a folder of such, that was named as it is called, wildcards and all.

    Or why it cannot be changed. Empty where nothing is called so; `tracked` is relative to the repository's root.
    """
    place = posixpath.normpath(posixpath.join(base, glob))
    found = next((path for path in tracked if path == place or path.startswith(f"{place}/")), "")
    if not found or path_problem(found):
        return path_problem(found) if found else ""
    what, end = ("file", "") if found == place else ("folder", "/")
    return f'"{glob}" is read as a pattern: the {what} of that name is written "{literal(glob.rstrip("/"))}{end}"'


def path_problem(path: str) -> str:
    """Why this is no path of a file in a repository that may be changed; empty when it is fine."""
    shown = ascii(path) if not path.isprintable() else f'"{path}"'
    if not path:
        return "the path is empty"
    if not path.isprintable() and any(unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") for one in path):
        return f"{shown} holds control characters"
    if "\\" in path or path.startswith(("/", "~/")):
        return f"{shown} must be relative to the repository's root, with / between the names"
    names = path.split("/")
    if any(name in ("", ".", "..") for name in names):
        return f'{shown} must be a plain path of a file, without "..", "." or empty names'
    if max(len(name.encode(errors="replace")) for name in names) > _LONGEST_NAME or len(path) > _LONGEST_PATH:
        return f'"{path[:60]}…" is too long for a path'
    if any(map(_is_git, names)):
        return f"{shown} belongs to git: it is never changed by a proposal"
    if names[0].casefold() == ".autoresearch":
        return f"{shown} belongs to ar: it is never changed by a proposal"
    return ""


def _is_git(name: str) -> bool:
    """Every spelling that some file system takes for `.git`: capitals, trailing dots, the short name, joiners."""
    return _IGNORED.sub("", name).split(":")[0].rstrip(". ").casefold() in (".git", "git~1")


def _normal(path: str) -> str:
    return path if path.isascii() else unicodedata.normalize("NFC", path)


@lru_cache(maxsize=64)
def _compiled(globs: tuple[str, ...], base: str) -> re.Pattern[str]:
    try:
        return re.compile("|".join(_translate(glob, base) for glob in globs) or r"(?!)", re.DOTALL)
    except re.error as error:
        raise ValueError(f"{', '.join(globs)}: a [range] in it cannot be: {error}") from error


def _translate(glob: str, base: str) -> str:
    """One glob as a regular expression over whole paths from the root."""
    if not glob.strip() or "\\" in glob or glob.startswith(("/", "~/", "!")):
        raise ValueError(f'"{glob}" is no glob of files below the configuration\'s folder, like "src/**/*.py"')
    names = [re.escape(name) for name in _normal(base).split("/") if name not in ("", ".")]
    plain = False
    for name in filter(None, _normal(glob).split("/")):
        plain = not re.search(r"[*?\[]", name)
        if name == ".." and (not names or names[-1] == "**"):
            raise ValueError(f'"{glob}" leads out of the repository')
        if name == "..":
            names.pop()
        elif name != ".":
            names.append("**" if name == "**" else _translate_name(name))
    if not names:
        return ".+"
    below = "/.+" if glob.endswith("/") else "(?:/.+)?" if plain else ""
    folders = [r"(?:[^/]+/)*" if name == "**" else name + "/" for name in names[:-1]]
    return "".join(folders) + (".+" if names[-1] == "**" else names[-1]) + below


def _translate_name(name: str) -> str:
    out, position = "", 0
    for match in _WILDCARD.finditer(name):
        out += re.escape(name[position : match.start()])
        position = match.end()
        if match[2] is None:
            out += {"*": "[^/]*", "?": "[^/]"}.get(match[0], ".*")
        else:
            out += f"(?!/)[{'^' if match[1] else ''}{_SPECIAL_IN_CLASS.sub(_ESCAPED, match[2])}]"
    return out + re.escape(name[position:])
