"""What a level of isolation denied, as far as the output of a failed command shows it, and the setting that allows it.

Words for errors are those of the system, in the languages that we know, and their numbers. Where the person could not
write either, and where a setting would open too much, none is suggested.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autoresearch.core.isolation import Level
from autoresearch.runtime.bubblewrap import hidden_folders

_DENIED = re.compile(
    r"permission ?denied|read-only file ?system|access (?:is )?denied|\bEACCES\b|\bEROFS\b|\bEPERM\b|errno (?:13|30)\b"
    r"|os error (?:13|30)\b|keine berechtigung|nur lesbar|permission non accordée|lecture seul|permiso denegado"
    r"|s[oó]lo lectura|permesso negato|sola lettura|permissão negada|somente leitura|отказано в доступе"
    r"|только для чтения|权限不够|拒绝访问|只读文件系统|許可がありません|読み込み専用",
    re.IGNORECASE,
)
_UNREACHABLE = re.compile(
    r"network is (?:unreachable|down)|name resolution|name or service not known|could not resolve|no such host"
    r"|failed to resolve|failed to establish a new connection|\bENETUNREACH\b|\bEAI_AGAIN\b|\bENOTFOUND\b|getaddrinfo"
    r"|netzwerk ist nicht erreichbar|namensauflösung|dienst ist nicht bekannt|réseau n.est pas accessible"
    r"|nom ou service inconnu|red es inaccesible|nombre o servicio desconocido",
    re.IGNORECASE,
)
_MISSING = re.compile(
    r"no such file|not found|does not exist|cannot (?:open|find|access)|\bENOENT\b|nicht gefunden|aucun fichier"
    r"|no existe|nessun file|нет такого файла|没有那个文件",
    re.IGNORECASE,
)
_QUOTED_PATH = re.compile(r"""['"‘“`«](/[^'"’”`»\n]{1,400})['"’”`»]""")
_BARE_PATH = re.compile(r"(?<![\w.:/])(/[^\s'\"‘’“”`«»:;,()<>|]+)")
_TEMPORARY = tuple(map(Path, ("/tmp", "/var/tmp")))
_SYSTEM = tuple(
    map(Path, ("/etc", "/usr", "/bin", "/sbin", "/lib", "/lib64", "/boot", "/sys", "/proc", "/dev", "/run"))
)


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a command was run, and how."""

    level: Level
    root: Path
    """The repository's top folder."""
    worktrees: Path
    """Below which it may write."""


def denials(output: str, setting: Setting) -> list[str]:
    """Lines for the person; none where the output shows nothing of the kind, or the level denies nothing."""
    if not setting.level.protects_files:
        return []
    lines = output.splitlines()
    found = [hint for line in lines if _DENIED.search(line) for path in _paths(line) for hint in _write(path, setting)]
    if setting.level is Level.STRICT:
        if any(map(_UNREACHABLE.search, lines)):
            found.append("network = true    in [experiment]: strict has no network without it")
        missing = [path for line in lines if _MISSING.search(line) for path in _paths(line)]
        found += [hint for path in missing for hint in _hidden(path, setting)]
    return list(dict.fromkeys(found))


def _paths(line: str) -> Iterator[Path]:
    found = _QUOTED_PATH.findall(line) or _BARE_PATH.findall(line)
    return (Path(os.path.normpath(text)) for text in found)


def _write(path: Path, setting: Setting) -> Iterator[str]:
    """A folder that the command would have to be given."""
    if path.is_relative_to(setting.worktrees) or any(map(path.is_relative_to, _SYSTEM)):
        return
    folder = next(one for one in path.parents if one.is_dir())
    if not os.access(folder, os.W_OK):
        return
    if folder in _TEMPORARY:
        yield f"{path}: an experiment has temporary files below $TMPDIR, and nowhere else"
    elif not setting.root.is_relative_to(folder) and not folder.is_relative_to(setting.root):
        yield f'write_paths = ["{folder}"]    in [experiment] lets experiments write there'
    elif folder.is_relative_to(setting.root):
        yield f"{path} is in your checkout: let the command write to a relative path, in the experiment's own worktree"
    elif path.parent != folder:
        new = folder / path.relative_to(folder).parts[0]
        yield f'mkdir "{new}"; then write_paths = ["{new}"]    in [experiment] lets experiments write there'
    else:
        yield f"{path}: {folder} also holds the repository, so it cannot be opened: let the command write elsewhere"


def _hidden(path: Path, setting: Setting) -> Iterator[str]:
    """What exists, and is not to be seen at this level."""
    over = next((place for place in hidden_folders() if path.is_relative_to(place)), None)
    if over is None or not path.exists() or path.is_relative_to(setting.worktrees):
        return
    if path.is_relative_to(setting.root):
        top = path.relative_to(setting.root).parts[0]
        yield f'{path} is in your checkout: name it by a relative path, with data = ["{top}"] where it is not tracked'
    else:
        yield f"{path} exists, but strict hides everything below {over} that the experiment was not given"
        yield "put what it needs into the repository, as data = [...]; or: ar run --isolation guarded"
