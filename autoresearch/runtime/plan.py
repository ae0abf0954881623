"""What a supervisor is told: the command, where and with what it runs, and its limits.

Read and written by both sides, `process` and `supervisor`; so it is light, and its texts are bytes: a supervisor may
have another idea of how file names are encoded. It travels through the pipe, never through arguments or the
environment, where every process of the machine could read it.
"""

from __future__ import annotations

import marshal
import os

LENGTH = 4


class Plan:
    """All times are in seconds, all sizes in bytes; a size or count of 0 is no limit."""

    def __init__(
        self,
        command: list[bytes],
        cwd: bytes,
        env: dict[bytes, bytes],
        limit: float,
        grace: float,
        writable: list[bytes] | None = None,
        memory: int = 0,
        processes: int = 0,
        disk: dict[bytes, int] | None = None,
    ) -> None:
        """`writable`: the only places whose content may be changed, None for no such rule. `disk`: how much must stay
        free on the file systems of some folders.
        """
        self.command = command
        self.cwd = cwd
        self.env = env
        self.limit = limit
        self.grace = grace
        self.writable = writable
        self.memory = memory
        self.processes = processes
        self.disk = disk or {}

    def to_bytes(self) -> bytes:
        """As it travels: its length, then its fields."""
        data = marshal.dumps(self.__dict__)
        return len(data).to_bytes(LENGTH, "big") + data


def read_plan(descriptor: int) -> Plan | None:
    """What comes through a pipe; None when the other side went away before it was complete."""
    length = _read(descriptor, LENGTH)
    data = _read(descriptor, int.from_bytes(length, "big")) if len(length) == LENGTH else b""
    return Plan(**marshal.loads(data)) if data else None


def _read(descriptor: int, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = os.read(descriptor, size - len(data))
        if not piece:
            return b""
        data += piece
    return data
