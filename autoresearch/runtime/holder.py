"""Who holds the lock of a repository: what its file says, as far as the kernel agrees.

The file of a holder that was killed stays and may name a process that is another one by now, and an experiment can
write anything there; so it is believed only of a process that holds the lock (Linux: `/proc/locks`), or that lives
where the kernel does not say. What it says of another machine cannot be checked. Taking the lock is `lock`.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

NAME = "autoresearch.lock"
PLAIN = os.O_NOFOLLOW | os.O_NONBLOCK
"""An experiment may have put a link to another file there, or a pipe at which an open would wait for ever."""
_LONGEST = 1 << 16


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock: `what` is the command's name (`ar run`), `since` the local time in ISO 8601.

    Where only the kernel could be asked, `what` is `ar` and the rest empty; `pid` is 0 where nobody knows.
    """

    pid: int
    host: str
    what: str
    tag: str
    since: str
    command: str


def holder(common: Path) -> Holder | None:
    """Who holds the lock now; None when nobody does. Never waits."""
    return named(common) if is_held(common / NAME) or is_held(common) else None


def named(common: Path) -> Holder:
    """What the file says, where it is about a process that holds the lock; else what the kernel says."""
    said, pids = _read(common / NAME), _lockers(common / NAME, common)
    here = socket.gethostname()
    if said and (said.pid in pids if pids else said.host != here or _is_alive(said.pid)):
        return said
    return Holder(min(pids, default=0), here, "ar", "", "", "")


def _read(path: Path) -> Holder | None:
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | PLAIN), "rb") as file:
            said = Holder(**json.loads(file.read(_LONGEST)))
    except (OSError, ValueError, TypeError):
        return None
    return said if isinstance(said.pid, int) else None


def _lockers(*places: Path) -> set[int]:
    """Processes of this machine that hold one of them exclusively; empty where the kernel does not say (proc(5))."""
    inodes, rows = set(), ""
    for place in places:
        with suppress(OSError):
            inodes.add(str(place.lstat().st_ino))
    with suppress(OSError):
        rows = Path("/proc/locks").read_text()
    split = (row.split() for row in rows.splitlines())
    # Not the device: in a container it is not the one that `stat` gives.
    found = {int(one[4]) for one in split if one[1::2][:2] == ["FLOCK", "WRITE"] and one[5].split(":")[-1] in inodes}
    return {pid for pid in found if pid > 0}


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return pid > 0


def is_held(place: Path) -> bool:
    """Is the file or folder locked by somebody? False for what cannot be read, or is a link."""
    try:
        descriptor = os.open(place, os.O_RDONLY | PLAIN)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return isinstance(error, BlockingIOError)
    else:
        return False
    finally:
        os.close(descriptor)
