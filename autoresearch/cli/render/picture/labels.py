"""Which names can be written beside their points without one covering another: the most wanted ones first.

All are tilted by the same angle, so in coordinates turned by it they are upright boxes, and boxes are easy. Not in
here: how wide a text is (the caller knows its font), and the writing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Label:
    """A text that begins at `x`, `y`; `y` grows downwards, and all lengths are in the same unit."""

    text: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Room:
    """Where labels may lie."""

    left: float
    top: float
    right: float
    bottom: float


def placed(wanted: Sequence[Label], tilt: float, room: Room) -> list[Label]:
    """Those that fit, in the same order; `tilt` in degrees, positive where the texts rise to the right."""
    angle = math.radians(tilt)
    cos, sin = math.cos(angle), math.sin(angle)
    taken: list[tuple[float, float, float, float]] = []
    fitting = []
    for label in wanted:
        end_x, end_y = label.x + label.width * cos, label.y - label.width * sin
        inside = room.left <= label.x and end_x <= room.right
        if not inside or min(label.y, end_y) < room.top or max(label.y, end_y) > room.bottom:
            continue
        along, across = label.x * cos - label.y * sin, label.x * sin + label.y * cos
        box = (along, across - label.height, along + label.width, across)
        if not any(_meet(box, other) for other in taken):
            taken.append(box)
            fitting.append(label)
    return fitting


def _meet(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
