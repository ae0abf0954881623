"""The lines at the bottom of the terminal that are drawn again and again; everything above them is printed once.

Between two frames the cursor waits at the region's upper left corner. A terminal that is made narrower or wider may
fold and unfold what stands below the cursor as it likes: the next frame starts at the right place and clears the rest.
(With the cursor at the end one would have to guess by how many rows a terminal folded the old frame.)
"""

from __future__ import annotations

from collections.abc import Sequence

from autoresearch.cli.render.terminal import HIDE_CURSOR, Terminal

WRAP_OFF, WRAP_ON = "\x1b[?7l", "\x1b[?7h"
ERASE_LINE, ERASE_RIGHT, ERASE_REST = "\x1b[2K", "\x1b[K", "\x1b[J"


class Region:
    """Draws frames. Lines must be shorter than the terminal is wide, and fewer than it is high."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._last: tuple[int, tuple[int, int], list[str]] | None = None

    def draw(self, above: Sequence[str], lines: Sequence[str], size: tuple[int, int]) -> None:
        """Print `above`, for good, and the region below it. Nothing is written when nothing changed."""
        frame = (self._terminal.times_taken, size, list(lines))
        if not above and frame == self._last:
            return
        self._last = frame
        # folded, not cut, where the terminal has just become narrower and has not told us yet. The line is erased first
        # as well: blanks left over from a longer one would be folded later
        printed = "".join(f"{ERASE_LINE}{line}{ERASE_RIGHT}\r\n" for line in above)
        drawn = f"{ERASE_RIGHT}\r\n".join(lines) + ERASE_REST
        # cut at the edge, not folded: the way back up to the first line must be as long as there are lines
        self._terminal.write(f"{HIDE_CURSOR}\r{printed}{WRAP_OFF}{drawn}\r{up(lines)}{WRAP_ON}")


def up(lines: Sequence[str]) -> str:
    """From the last line to the first one."""
    return f"\x1b[{len(lines) - 1}A" if len(lines) > 1 else ""
