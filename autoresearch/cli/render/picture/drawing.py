"""`ar log --plot FILE`: the picture by matplotlib, as PNG or SVG. The only module that knows matplotlib.

Nothing of the machine shows in it: no settings of the user's, no window, no clock. Texts are texts, whatever letters
are in them: a title may hold dollar signs, and matplotlib would take what is between two of them for a formula.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len

from autoresearch.cli.render.picture.labels import Label, Room, placed
from autoresearch.cli.render.picture.model import Kind, Picture, Point
from autoresearch.cli.render.text import fit
from autoresearch.core.history import Direction
from autoresearch.core.quantity import format_metric
from autoresearch.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE, DOTS_PER_INCH = (14.0, 7.5), 130
SETTINGS = {"svg.fonttype": "none", "svg.hashsalt": "ar", "path.simplify": False}
GREEN, DARK, GREY, RED, VIOLET = "#2a9d5c", "#14532d", "#8a8f98", "#c0392b", "#6d4fc2"
FONT, LONGEST_NAME, LONGEST_TITLE, TILT = 8.0, 45, 120, 30.0
WIDE = 0.58
"""How wide a letter is on average, as a part of the font's size."""
POINTS_PER_INCH = 72
FEW = 60
"""Up to so many experiments dots are large."""


def save(picture: Picture, path: Path) -> None:
    """Draw it into the file; its ending says how. Raises UsageError without matplotlib, OSError as writing does."""
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError(
            f"a picture in a file needs matplotlib ({error})",
            hint="pip install 'autoresearch-loop[plot]'\nin the terminal: ar log --plot",
        ) from error
    with mpl.rc_context(), warnings.catch_warnings():
        # A letter that the font does not have becomes a box; that is all there is to say.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        mpl.rcdefaults()
        mpl.rcParams.update(SETTINGS)
        figure = Figure(figsize=SIZE, dpi=DOTS_PER_INCH)
        _draw(figure, picture)
        metadata = {"Date": None} if path.suffix.lower() == ".svg" else {}
        figure.savefig(path, bbox_inches="tight", pad_inches=0.15, metadata=metadata)


def _draw(figure: Figure, picture: Picture) -> None:
    if picture.holdout:
        main, below = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
        _draw_holdout(below, picture)
    else:
        main = below = figure.subplots()
    figure.subplots_adjust(left=0.08, right=0.97, top=0.9, bottom=0.12, hspace=0.08)
    _set_axes(main, picture)
    _draw_stairs(main, picture)
    _draw_rest(main, picture)
    _draw_kept(main, picture)
    _draw_names(main, picture)
    below.set_xlabel("experiment")
    title = f"{fit(picture.title, LONGEST_TITLE)}\n{picture.headline}" if picture.title else picture.headline
    main.set_title(title, loc="left", fontsize=12, parse_math=False)
    handles, names = main.get_legend_handles_labels()
    # Below everything: within the axes it would lie on experiments.
    figure.legend(handles, names, loc="lower center", ncols=len(names), fontsize=9, frameon=False)


def _set_axes(axes: Axes, picture: Picture) -> None:
    from matplotlib.ticker import MaxNLocator

    span, last = picture.values, max(picture.last, 1)
    floor = span.low - (0.06 * (span.high - span.low) if picture.rail else 0.0)
    axes.set_ylim(floor, span.high)
    axes.set_xlim(-0.015 * last, 1.015 * last)
    axes.set_ylabel(picture.axis_name, parse_math=False)
    _set_style(axes)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))


def _set_style(axes: Axes) -> None:
    """Numbers in full, a faint grid, no frame."""
    axes.ticklabel_format(axis="y", useOffset=False)
    axes.grid(visible=True, alpha=0.25, linewidth=0.6)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _draw_stairs(axes: Axes, picture: Picture) -> None:
    steps = picture.stairs
    if not steps:
        return
    numbers = [*(step.number for step in steps), picture.last]
    best = [*(step.value for step in steps), steps[-1].value]
    axes.step(numbers, best, where="post", color=GREEN, linewidth=2, alpha=0.8, zorder=4, label="running best")
    if noise := picture.noise:
        low, high = ([value + sign * noise for value in best] for sign in (-1, 1))
        words = f"±{format_metric(float(f'{noise:.2g}'))}: noise of one sample"
        axes.fill_between(numbers, low, high, step="post", color=GREEN, alpha=0.13, linewidth=0, zorder=1, label=words)


def _draw_rest(axes: Axes, picture: Picture) -> None:
    """Discarded ones: faint, each in its place, or at the edge; and the rail."""
    span, size = picture.values, 26 if len(picture.points) <= FEW else 10
    inside = [point for point in picture.of(Kind.DISCARDED) if span.holds(point.value or 0.0)]
    faint: dict[str, Any] = {"color": GREY, "linewidths": 0, "alpha": 0.55, "zorder": 3}
    _scatter(axes, inside, s=size, label="discarded", **faint)
    for edge in picture.beyond:
        marker, end = ("^", span.high) if edge.sign == "▲" else ("v", span.low)
        there = [Point(point.number, point.kind, point.name, end) for point in edge.points]
        words = f"{len(there)} {edge.word}, beyond the edge"
        _scatter(axes, there, s=18, marker=marker, clip_on=False, label=words, **faint)
    _draw_rail(axes, picture, span.low - 0.03 * (span.high - span.low))


def _draw_rail(axes: Axes, picture: Picture, height: float) -> None:
    styles: dict[Kind, dict[str, Any]] = {
        Kind.FAILED: {"color": RED, "marker": "x", "linewidths": 1},
        Kind.STOPPED: {"color": GREY, "marker": "_", "linewidths": 1.2},
        Kind.KEPT: {"color": GREEN, "edgecolors": "black", "linewidths": 0.5},
        Kind.REVERTED: {"facecolors": "white", "edgecolors": GREEN},
    }
    for kind, style in styles.items():
        there = [Point(one.number, kind, one.name, height) for one in picture.rail if one.kind is kind]
        words = f"{len(there)} {kind.value}" + (", without a number" if kind in (Kind.KEPT, Kind.REVERTED) else "")
        _scatter(axes, there, s=24, zorder=3, label=words, **style)


def _scatter(axes: Axes, points: Sequence[Point], **style: Any) -> None:  # noqa: ANN401
    if points:
        axes.scatter(*_places(points), **style)


def _places(points: Sequence[Point]) -> tuple[list[float], list[float]]:
    """Their numbers and their values."""
    known = [(float(point.number), point.value) for point in points if point.value is not None]
    return [number for number, _ in known], [value for _, value in known]


def _draw_kept(axes: Axes, picture: Picture) -> None:
    size = 52 if len(picture.points) <= FEW else 34
    reverted = picture.of(Kind.REVERTED)
    _scatter(axes, reverted, s=size, facecolors="white", edgecolors=GREEN, zorder=5, label=Kind.REVERTED.value)
    kept = picture.of(Kind.KEPT)
    _draw_errors(axes, kept, GREEN)
    _scatter(axes, kept, s=size, color=GREEN, edgecolors="black", linewidths=0.5, zorder=6, label="kept")


def _draw_errors(axes: Axes, points: Sequence[Point], color: str) -> None:
    sure = [point for point in points if point.error]
    numbers, values, errors = ([getattr(one, name) for one in sure] for name in ("number", "value", "error"))
    if sure:
        words = "standard error"
        axes.errorbar(
            numbers, values, errors, fmt="none", ecolor=color, elinewidth=1.2, capsize=3, zorder=5, label=words
        )


def _draw_names(axes: Axes, picture: Picture) -> None:
    """Tilted away from the stairs; a name that would cover another one is left out, the best one's last."""
    tilt = TILT if picture.direction is Direction.MIN else -TILT
    scale = axes.figure.dpi / POINTS_PER_INCH
    box = axes.bbox
    # Wider than the axes: the best one is often the last, and the picture is made as wide as it needs to be.
    room = Room(box.x0, -box.y1, box.x1 + LONGEST_NAME * WIDE * FONT * scale, -box.y0)
    wanted = []
    for point in picture.named():
        x, y = axes.transData.transform((float(point.number), point.value or 0.0))
        text = fit(point.name, LONGEST_NAME)
        width = cell_len(text) * WIDE * FONT * scale
        wanted.append(Label(text, x + 5 * scale, -y - (5 if tilt > 0 else -9) * scale, width, 1.25 * FONT * scale))
    # Not a path effect: with one, texts in an SVG are no longer texts.
    behind = {"facecolor": "white", "alpha": 0.6, "linewidth": 0, "pad": 0.3}
    for label in placed(wanted, tilt, room):
        x, y = axes.transData.inverted().transform((label.x, -label.y))
        style: dict[str, Any] = {"rotation": tilt, "rotation_mode": "anchor", "ha": "left", "va": "baseline"}
        style |= {"color": DARK, "fontsize": FONT, "zorder": 5.5, "bbox": behind}
        axes.text(x, y, label.text, parse_math=False, **style)


def _draw_holdout(axes: Axes, picture: Picture) -> None:
    points, span = picture.holdout, picture.holdout_values
    if span is not None:
        axes.set_ylim(span.low, span.high)
    axes.plot(*_places(points), color=VIOLET, linewidth=1, alpha=0.6)
    _draw_errors(axes, points, VIOLET)
    _scatter(axes, points, s=24, color=VIOLET, marker="D", zorder=3)
    axes.set_ylabel("holdout")
    _set_style(axes)
