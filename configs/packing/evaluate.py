"""The fixed half of the task: is packing.csv a packing of the unit square, and what is the sum of its radii?

Each line is one circle, `x,y,radius`, in sides of the square. Valid is what overlaps by no more than TOLERANCE, neither
with another circle nor with the outside. The file is read as numbers and nothing else; this runs in a checkout where no
edited code is. Not covered: how the packing was found.
"""

import math
import sys
from itertools import combinations
from pathlib import Path

CIRCLES = 26
TOLERANCE = 1e-12
LARGEST_FILE = 10_000  # bytes
Circle = tuple[float, float, float]


def read(path: Path) -> list[Circle]:
    """The circles as (x, y, radius); ends the program with what is wrong when they cannot be read."""
    if not path.is_file():
        sys.exit(f"{path} is missing: solver.py writes it")
    if path.stat().st_size > LARGEST_FILE:
        sys.exit(f"{path} is too large: {CIRCLES} lines of x,y,radius are expected")
    circles = []
    for number, line in enumerate(path.read_text(encoding="ascii", errors="replace").splitlines(), 1):
        try:
            x, y, radius = map(float, line.split(","))
        except ValueError:
            sys.exit(f"{path}, line {number}: expected x,y,radius, found {line[:60]!r}")
        circles.append((x, y, radius))
    return circles


def problem(circles: list[Circle]) -> str | None:
    """What makes it no valid packing, in words; None when it is one."""
    if len(circles) != CIRCLES:
        return f"{len(circles)} circles, expected {CIRCLES}"
    for number, (x, y, radius) in enumerate(circles, 1):
        if not (math.isfinite(x) and math.isfinite(y) and math.isfinite(radius)) or radius < 0:
            return f"circle {number} is none: {x}, {y}, {radius}"
        outside = radius - min(x, 1 - x, y, 1 - y)
        if outside > TOLERANCE:
            return f"circle {number} is outside of the square by {outside:.3g}"
    for (i, (x1, y1, r1)), (j, (x2, y2, r2)) in combinations(enumerate(circles, 1), 2):
        overlap = r1 + r2 - math.hypot(x1 - x2, y1 - y2)
        if overlap > TOLERANCE:
            return f"circles {i} and {j} overlap by {overlap:.3g}"
    return None


def main() -> None:
    circles = read(Path("packing.csv"))
    if wrong := problem(circles):
        sys.exit(f"no valid packing: {wrong}")
    radii = [radius for _, _, radius in circles]
    print(f"smallest_radius: {min(radii):.6f}")
    print(f"sum_of_radii: {math.fsum(radii):.12f}")


if __name__ == "__main__":
    main()
