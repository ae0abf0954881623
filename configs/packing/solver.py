"""The editable half of the task: looks for a packing and writes it to packing.csv.

Many random starts are improved side by side by gradient descent (Adam) on radii and centres at once, with a penalty
for overlaps that grows on the way; the best one is shrunk until nothing overlaps. The amount of work is fixed, not the
time, so a result depends on the seed and the settings and on nothing else. Whether it is valid, evaluate.py says.
"""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CIRCLES = 26  # tune: off
GRADIENTS = 60_000  # gradients in all: steps times starts  # tune: off
MARGIN = 1e-13  # left between circles for rounding  # tune: off

# Search
STEPS = 300  # steps of each start; more steps, fewer starts  # tune: 100..10000 log
RATE = 0.02  # length of a first step, in sides of the square  # tune: 0.001..0.1 log
LAST_RATE = 1.0  # length of the last step, in first steps  # tune: 0.001..1.0 log
MOMENTUM = 0.9  # averaging factor of the gradient  # tune: 0.5..0.99
SMOOTHING = 0.99  # averaging factor of its square  # tune: 0.9..0.9999

# Penalty for overlaps: its factor grows from the first to the last value
FIRST_PENALTY = 50.0  # tune: 1..1000 log
LAST_PENALTY = 100.0  # tune: 10..1000000 log

# Start
FIRST_RADIUS = 0.05  # tune: 0.01..0.15
BORDER = 0.0  # centres start at least this far from the sides  # tune: 0.0..0.1


def penalised(x: Array, y: Array, r: Array, penalty: float) -> Array:
    """Gradients [3, starts, circles] of minus the sum of radii plus the penalty for overlaps of [starts, circles]."""
    dx, dy = x[:, :, None] - x[:, None, :], y[:, :, None] - y[:, None, :]
    distance = np.sqrt(dx * dx + dy * dy) + 1e-12
    overlap = np.maximum(r[:, :, None] + r[:, None, :] - distance, 0.0)
    overlap[:, range(CIRCLES), range(CIRCLES)] = 0.0
    pull = overlap / distance
    left, right = np.maximum(r - x, 0.0), np.maximum(r + x - 1, 0.0)
    below, above = np.maximum(r - y, 0.0), np.maximum(r + y - 1, 0.0)
    along_x = right - left - (pull * dx).sum(axis=2)
    along_y = above - below - (pull * dy).sum(axis=2)
    along_r = overlap.sum(axis=2) + left + right + below + above + np.minimum(r, 0.0)
    return np.stack([along_x, along_y, along_r]) * (2 * penalty) - np.array([0.0, 0.0, 1.0])[:, None, None]


def search(rng: np.random.Generator) -> Array:
    """Improve all starts; return x, y and r of them, [3, starts, circles]."""
    starts = max(1, GRADIENTS // STEPS)
    state = rng.uniform(BORDER, 1 - BORDER, (3, starts, CIRCLES))
    state[2] = FIRST_RADIUS
    mean, square = np.zeros_like(state), np.zeros_like(state)
    for step in range(1, STEPS + 1):
        done = step / STEPS
        gradient = penalised(*state, FIRST_PENALTY * (LAST_PENALTY / FIRST_PENALTY) ** done)
        mean += (1 - MOMENTUM) * (gradient - mean)
        square += (1 - SMOOTHING) * (gradient**2 - square)
        unbiased = mean / (1 - MOMENTUM**step), square / (1 - SMOOTHING**step)
        state -= RATE * LAST_RATE**done * unbiased[0] / (np.sqrt(unbiased[1]) + 1e-12)
    return state


def shrunk(x: Array, y: Array, r: Array) -> Array:
    """Radii [starts, circles] that fit: where circles overlap, all of that start are made smaller by one factor."""
    x, y, r = np.clip(x, 0.0, 1.0), np.clip(y, 0.0, 1.0), np.maximum(r, 0.0)
    distance = np.hypot(x[:, :, None] - x[:, None, :], y[:, :, None] - y[:, None, :])
    distance[:, range(CIRCLES), range(CIRCLES)] = np.inf
    to_wall = np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y))
    with np.errstate(divide="ignore", invalid="ignore"):
        by_circle = np.nanmin(distance / (r[:, :, None] + r[:, None, :]), axis=(1, 2))
        by_wall = np.nanmin(to_wall / r, axis=1)
    return np.maximum(r * np.minimum(np.minimum(by_circle, by_wall), 1.0)[:, None] - MARGIN, 0.0)


def main() -> None:
    rng = np.random.default_rng(int(os.environ.get("AR_SEED") or 0))
    x, y, r = search(rng)
    r = shrunk(x, y, r)
    best = int(np.argmax(r.sum(axis=1)))
    print(f"{len(r)} starts of {STEPS} steps; median {np.median(r.sum(axis=1)):.4f}, best {r[best].sum():.4f}")
    rows = zip(x[best].tolist(), y[best].tolist(), r[best].tolist(), strict=True)
    Path("packing.csv").write_text("".join(f"{a!r},{b!r},{c!r}\n" for a, b, c in rows), encoding="ascii")


if __name__ == "__main__":
    main()
