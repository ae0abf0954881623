"""The level `strict`: a command line of bubblewrap, which starts a command in file systems and namespaces of its own.

The system is there, read-only; home and temp folders are empty and vanish; what the command needs from them is shown
again, read-only; only the worktree, its temp and its cache folder can be written, and in the worktree not the protected
files. Not covered: the kernel itself, and what is readable outside of home (as root also what only root may read).
"""

from __future__ import annotations

import glob
import os
import pwd
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

PROGRAM = "bwrap"
MOST_MOUNTS = 160
"""bubblewrap's time grows with the square of their number: 200 take 75 ms, 1,000 one and a half seconds."""
_DEVICES = ("/dev/nvidia*", "/dev/dri", "/dev/kfd")
_NAMES_OF_HOSTS = "/run/systemd/resolve"
_OF_ROOT = ("/etc/shadow", "/etc/gshadow", "/etc/sudoers")
_INSTALLED = ("bin", "lib", "lib64", "libexec", "include", "pyvenv.cfg")
"""Of a folder whose `bin` is on PATH, what programs need; next to it may lie what they keep secret."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What is to be seen in it. Everything that does not exist is left out."""

    worktree: Path
    cwd: Path
    temp: Path
    """Stands for /tmp, and under its own name too."""
    writable: tuple[Path, ...]
    readable: tuple[Path, ...]
    """Of what is hidden with home and temp folders, what is shown all the same."""
    network: bool
    protected: tuple[str, ...] = ()
    """Files of the worktree that cannot be written, relative to it."""
    changing: tuple[str, ...] = ()
    """Files and folders of the worktree that must stay writable: what may be edited, and what the command makes."""


def wrapper(sandbox: Sandbox) -> tuple[str, ...]:
    """The words that stand before the command's own."""
    hidden = [option for place in hidden_folders() for option in ("--tmpfs", place)]
    shown = [option for path in _worth_showing(sandbox.readable) for option in _bind("--ro-bind", path)]
    open_to_it = [option for path in (sandbox.worktree, *sandbox.writable) for option in _bind("--bind", path)]
    return (
        PROGRAM,
        *("--die-with-parent", "--unshare-user-try", "--unshare-pid", "--unshare-ipc", "--unshare-uts"),
        *(() if sandbox.network else ("--unshare-net",)),
        *("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"),
        *_devices(),
        *hidden,
        *("--ro-bind-try", _NAMES_OF_HOSTS, _NAMES_OF_HOSTS),
        *("--bind", str(sandbox.temp), "/tmp"),  # its own
        *_bind("--bind", sandbox.temp),
        *shown,
        *open_to_it,
        *_protect(sandbox),
        *(_as_root() if os.geteuid() == 0 else ()),
        *("--chdir", str(sandbox.cwd), "--"),
    )


def hidden_folders() -> list[str]:
    """Where people and programs keep what is nobody else's business."""
    homes = [os.environ.get("HOME", ""), *_home_of_user(), "/home", "/root", "/tmp", "/var/tmp", "/run"]
    real = dict.fromkeys(os.path.realpath(home) for home in homes if home.startswith("/"))
    return [place for place in sorted(real) if place != "/" and os.path.isdir(place)]  # noqa: PTH112


def programs(path: str) -> tuple[Path, ...]:
    """What must be seen so that the programs on a search path can run."""
    wanted: dict[Path, None] = {}
    for folder in [Path(entry) for entry in path.split(os.pathsep) if entry.startswith("/")]:
        for place in dict.fromkeys((folder, folder.resolve())):
            wanted |= dict.fromkeys((place, *_beside(place)))
    return tuple(wanted)


def _beside(folder: Path) -> Iterator[Path]:
    """What belongs to the programs of a folder that is on the search path."""
    if folder.name == "bin":
        yield from (folder.parent / name for name in _INSTALLED)
    if folder.parts[-2:] == (".cargo", "bin"):
        yield folder.parents[1] / ".rustup"


def _home_of_user() -> list[str]:
    try:
        return [pwd.getpwuid(os.getuid()).pw_dir]
    except KeyError:
        return []


def _bind(option: str, path: Path) -> tuple[str, str, str]:
    return option, str(path), str(path)


def _worth_showing(paths: Iterable[Path]) -> Iterator[Path]:
    """Of what may be read, what would be hidden, outer folders first: they would cover what was shown before them."""
    hidden = [Path(place) for place in hidden_folders()]
    for path in sorted(set(paths)):
        if path not in hidden and any(map(path.is_relative_to, hidden)) and os.access(path, os.R_OK):
            yield path


def _devices() -> list[str]:
    found = [node for pattern in _DEVICES for node in sorted(glob.glob(pattern))]  # noqa: PTH207
    return [option for node in found for option in ("--dev-bind-try", node, node)]


def _as_root() -> tuple[str, ...]:
    """Without a user namespace root inside is root outside, and could write the kernel's settings."""
    blank = [option for file in _OF_ROOT if Path(file).exists() for option in ("--ro-bind", os.devnull, file)]
    return ("--unshare-user", "--cap-drop", "ALL", "--ro-bind", "/proc/sys", "/proc/sys", *blank)


def _protect(sandbox: Sandbox) -> Iterator[str]:
    for place in cover(sandbox.protected, sandbox.changing):
        yield from _bind("--ro-bind-try" if place.is_closed else "--bind-try", sandbox.worktree / place.path)


@dataclass(frozen=True, slots=True)
class Place:
    """A mount over a part of the worktree: `is_closed` can not be written; others only cannot be moved away."""

    path: str
    is_closed: bool


def cover(protected: Sequence[str], changing: Sequence[str]) -> list[Place]:
    """The mounts that make files unwritable, outer ones first: each file, and each folder on the way to it, so that the
    folder cannot be replaced by another. Too many files: whole folders in which nothing has to change.
    """
    folders = {parent for file in protected for parent in _parents(file)}
    if len(protected) + len(folders) <= MOST_MOUNTS:
        return [
            *(Place(one, is_closed=False) for one in sorted(folders)),
            *(Place(one, is_closed=True) for one in protected),
        ]
    open_folders = {parent for path in changing for parent in (*_parents(path), path)}
    closed = {folder for folder in folders if folder not in open_folders}
    tops = {folder for folder in closed if closed.isdisjoint(_parents(folder))}
    alone = [file for file in protected if closed.isdisjoint(_parents(file))]
    ways = {folder for folder in folders if folder not in closed}
    return [
        *(Place(one, is_closed=False) for one in sorted(ways)),
        *(Place(one, is_closed=True) for one in sorted(tops)),
        *(Place(one, is_closed=True) for one in alone),
    ]


def _parents(path: str) -> list[str]:
    return [str(parent) for parent in PurePosixPath(path).parents if str(parent) != "."]
