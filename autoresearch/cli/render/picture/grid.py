"""A field of character cells that is drawn into, later things over earlier ones, and becomes lines of text.

Where there are more experiments than columns, small dots share a cell: a Braille letter has two by four of them.
"""

from __future__ import annotations

from rich.cells import cell_len
from rich.text import Text

DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""Of a Braille letter: the bit of the dot in column 0 and 1, from top to bottom."""
BRAILLE = 0x2800
ACROSS, DOWN = 2, 4
BLANK = (" ", "")


class Grid:
    """`width` by `height` cells, all blank; row 0 is at the top. What lies outside is not drawn."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._cells = [[BLANK] * width for _ in range(height)]
        self._dots: dict[tuple[int, int], int] = {}

    def put(self, row: int, column: int, letter: str, style: str) -> None:
        """A letter that is one cell wide."""
        if 0 <= row < self.height and 0 <= column < self.width:
            self._cells[row][column] = (letter, style)

    def dot(self, x: int, y: int, style: str) -> None:
        """One of the small dots: `x` below twice the width, `y` below four times the height."""
        at = (y // DOWN, x // ACROSS)
        self._dots[at] = self._dots.get(at, 0) | DOTS[x % ACROSS][y % DOWN]
        self.put(*at, chr(BRAILLE + self._dots[at]), style)

    def is_blank(self, row: int, column: int, *, besides: str = "") -> bool:
        """Nothing is there, or nothing but one of the letters `besides`."""
        if not (0 <= row < self.height and 0 <= column < self.width):
            return False
        letter = self._cells[row][column][0]
        return letter == " " or letter in besides

    def write(self, row: int, column: int, text: str, style: str) -> None:
        """Text whose letters are one cell wide each."""
        for offset, letter in enumerate(text):
            self.put(row, column + offset, letter, style)

    def lines(self) -> list[Text]:
        """Each as wide as the grid."""
        lines = []
        for cells in self._cells:
            line = Text()
            for letter, style in cells:
                line.append(letter, style=style)
            lines.append(line)
        return lines


def is_narrow(text: str) -> bool:
    """Is every letter of it one cell wide?"""
    return cell_len(text) == len(text)
