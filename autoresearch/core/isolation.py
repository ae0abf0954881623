"""How far an experiment is kept from the rest of the machine: the levels, and what each promises and does not.

These words are all that is said about it: at the start of a run, in `ar status`, in the README. How a level is made is
the runtime's to know.
"""

from __future__ import annotations

from enum import StrEnum


class Level(StrEnum):
    """Each promises what those before it do, and more."""

    BASIC = "basic"
    GUARDED = "guarded"
    STRICT = "strict"

    @property
    def promise(self) -> str:
        """What holds, in one line."""
        return _PROMISES[self]

    @property
    def gaps(self) -> str:
        """What is not confined, in half a line."""
        return _GAPS[self]

    @property
    def protects_files(self) -> bool:
        """Can an experiment not change what is outside of its own folders?"""
        return self is not Level.BASIC


_PROMISES = {
    Level.BASIC: "nothing outlives its limit, no secret is in its environment, traces of tampering are found",
    Level.GUARDED: "and it can change no file outside its worktree, temp and cache folders",
    Level.STRICT: "and it cannot read your home folder, change the protected files while it runs, or use the network",
}
_GAPS = {
    Level.BASIC: "not confined: files, network, other processes",
    Level.GUARDED: "not confined: reads, network, sockets, modes and times",
    Level.STRICT: "not confined: reads outside home, what the kernel lets through",
}
