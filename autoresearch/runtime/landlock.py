"""Landlock: this process, and everything that it starts, can change the content of files only below given places.

The kernel's own interface (linux/landlock.h, `man 7 landlock`), for there is no maintained package of it. Covered:
writing, truncating, creating, removing, renaming and linking; from ABI 6 on also signals to processes outside, and
their abstract sockets; of what root may do without any file, what takes a capability. Not covered: reading; modes,
owners and times of files; limits and priorities of other processes; the network; services reached through a socket.
"""

from __future__ import annotations

import ctypes
import os
import sys

OLDEST_ABI = 3
"""Before it (Linux 6.2), files outside could still be truncated, so nothing could be promised."""
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION, _PATH_BENEATH = 1, 1
_NO_NEW_PRIVS = 38
_WRITE_FILE, _TRUNCATE = 1 << 1, 1 << 14
_CHANGES = _WRITE_FILE | _TRUNCATE | sum(1 << bit for bit in range(4, 14))
"""All rights of ABI 3 that change something: also remove, make (of any kind), and refer, which is link and rename."""
_ALLOWED = _CHANGES & ~(1 << 6 | 1 << 11)
"""Inside, everything but making device nodes: root could write to a disk through one."""
_ABSTRACT_SOCKETS, _SIGNALS = 1, 2
_SCOPED_SINCE = 6
_DROP_CAPABILITY, _CAPABILITIES = 24, 64
_LIBC = ctypes.CDLL(None, use_errno=True)
_ROOT_KEEPS = frozenset({*range(9), 10, 13, 14, 18, 23})
"""Owners, permissions and ids of files and processes, ports, memory locks, chroot, priorities (linux/capability.h)."""


class _Ruleset(ctypes.Structure):
    _fields_ = (("changes", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Rule(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("changes", ctypes.c_uint64), ("folder", ctypes.c_int32))


def abi() -> int:
    """The version of the kernel's Landlock; 0 where there is none, or it is switched off."""
    return max(0, _call(_CREATE_RULESET, None, 0, _VERSION)) if sys.platform == "linux" else 0


def prepare(writable: list[bytes]) -> int:
    """A descriptor of the rule that only these files and folders may be changed. What does not exist is left out.

    Raises OSError where the kernel refuses.
    """
    scoped = _ABSTRACT_SOCKETS | _SIGNALS if abi() >= _SCOPED_SINCE else 0
    attributes = _Ruleset(_CHANGES, 0, scoped)
    size = ctypes.sizeof(attributes) if scoped else ctypes.sizeof(ctypes.c_uint64)
    ruleset = _checked(_call(_CREATE_RULESET, ctypes.byref(attributes), size, 0))
    for path in writable:
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        rule = _Rule(_ALLOWED if os.path.isdir(path) else _WRITE_FILE | _TRUNCATE, place)  # noqa: PTH112
        _checked(_call(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0))
        os.close(place)
    return ruleset


def enforce(ruleset: int) -> None:
    """From here on the rule holds for this thread, and for all that it starts. Raises OSError.

    What root starts is kept from what needs no file, too: modules, clocks, devices, immutable files.
    """
    for capability in range(_CAPABILITIES) if os.geteuid() == 0 else ():
        if capability not in _ROOT_KEEPS:
            _LIBC.prctl(_DROP_CAPABILITY, capability, 0, 0, 0)
    _checked(_LIBC.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0))
    _checked(_call(_RESTRICT_SELF, ruleset, 0))


def _call(number: int, *arguments: object) -> int:
    call = _LIBC.syscall
    call.restype = ctypes.c_long
    return int(call(ctypes.c_long(number), *arguments))


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
