"""The picture of a run: what is in it, where it lies, and the three drawings of it."""

from __future__ import annotations

import math
import random
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pytest

from autoresearch.cli.render.picture.drawing import save
from autoresearch.cli.render.picture.labels import Label, Room, placed
from autoresearch.cli.render.picture.model import Kind, Picture, Step, picture
from autoresearch.cli.render.picture.page import LINES_SHOWN, page
from autoresearch.cli.render.picture.scale import ticks
from autoresearch.cli.render.picture.span import Span
from autoresearch.cli.render.picture.svg import svg
from autoresearch.cli.render.picture.terminal import drawn
from autoresearch.core.experiment import Decision, Outcome, Sample
from autoresearch.core.history import Direction, History
from tests.support.experiments import experiment

KEEP = Decision.KEEP
HOSTILE = '</title><script>alert(1)</script> $x^2$ & \x1b[31m"red" 漢字 🎉'


def story(direction: Direction = Direction.MIN) -> History:
    """Two gains, one of them taken back; a plain loss, a terrible one, a crash, and one that was stopped."""
    sign = 1 if direction is Direction.MIN else -1
    repeats = (Sample(10.0 * sign, 1), Sample(10.2 * sign, 2), Sample(9.8 * sign, 3))
    return History(
        direction,
        [
            experiment(0, 10.0 * sign, samples=repeats),
            experiment(1, 9.0 * sign, decision=KEEP, parent=0, title="the first gain"),
            experiment(2, 9.5 * sign, parent=1),
            experiment(3, 8.0 * sign, decision=KEEP, parent=1, title="the second gain"),
            experiment(4, parent=3),
            experiment(5, 900.0 * sign, parent=3),
            experiment(6, 9.0 * sign, decision=KEEP, parent=3, title="Revert #3", reverts=(3,)),
            experiment(7, parent=6, outcome=Outcome.INTERRUPTED),
            experiment(8, 8.5 * sign, decision=KEEP, parent=6, title="the third gain"),
        ],
    )


def long(count: int, direction: Direction = Direction.MIN) -> History:
    """As a search goes: many losses, fewer and fewer gains, some failures; seeded."""
    rng, sign, best, parent = random.Random(count), direction.cost(1.0), 3.0, 0
    history = History(direction, [experiment(0, 3.0 * sign)])
    for number in range(1, count):
        if rng.random() < 0.1:
            history.add(experiment(number, parent=parent))
        elif rng.random() < 10 / (number + 20):
            best -= rng.expovariate(number)
            history.add(experiment(number, best * sign, decision=KEEP, parent=parent, title=f"a gain of #{number}"))
            parent = number
        else:
            history.add(experiment(number, (best + rng.expovariate(20)) * sign, parent=parent))
    return history


def shown(history: History) -> Picture:
    found = picture(history, "a low loss")
    assert found is not None
    return found


def test_every_experiment_is_a_point_of_its_kind() -> None:
    points = shown(story()).points
    assert [point.number for point in points] == list(range(9))
    assert [point.kind for point in points] == [
        Kind.KEPT,
        Kind.KEPT,
        Kind.DISCARDED,
        Kind.REVERTED,
        Kind.FAILED,
        Kind.DISCARDED,
        Kind.KEPT,
        Kind.STOPPED,
        Kind.KEPT,
    ]
    assert [point.value for point in points] == [10.0, 9.0, 9.5, 8.0, None, 900.0, 9.0, None, 8.5]


def test_the_stairs_are_the_running_best_and_go_back_with_what_is_taken_back() -> None:
    assert shown(story()).stairs == (Step(0, 10.0), Step(1, 9.0), Step(3, 8.0), Step(6, 9.0), Step(8, 8.5))
    assert shown(story(Direction.MAX)).stairs == (
        Step(0, -10.0),
        Step(1, -9.0),
        Step(3, -8.0),
        Step(6, -9.0),
        Step(8, -8.5),
    )


def unmeasured() -> History:
    """Two gains; the second is taken back without a measurement, and that return taken back in turn."""
    back = {"outcome": Outcome.SKIPPED, "decision": KEEP}
    return History(
        Direction.MIN,
        [
            experiment(0, 10.0),
            experiment(1, 9.0, decision=KEEP, parent=0),
            experiment(2, 8.0, decision=KEEP, parent=1),
            experiment(3, parent=2, title="Revert #2", reverts=(2,), **back),
            experiment(4, parent=3),
        ],
    )


def test_a_return_without_a_number_takes_the_stairs_back_and_is_kept(tmp_path: Path) -> None:
    history = unmeasured()
    drawing = shown(history)
    assert drawing.stairs == (Step(0, 10.0), Step(1, 9.0), Step(2, 8.0), Step(3, 9.0))
    assert [point.kind for point in drawing.points] == [
        Kind.KEPT,
        Kind.KEPT,
        Kind.REVERTED,
        Kind.KEPT,
        Kind.FAILED,
    ]
    assert [point.number for point in drawing.rail] == [3, 4]
    lines = [line.plain for line in drawn(drawing, 60, 23)]
    assert (lines[-4].count("●"), lines[-4].count("×"), "stopped" in lines[-1]) == (1, 1, False)
    save(drawing, tmp_path / "p.svg")
    words = "".join(ET.fromstring((tmp_path / "p.svg").read_text()).itertext())
    assert "1 kept, without a number" in words
    assert "stopped" not in words
    assert not re.search(r'class="stopped"|</b> stopped', html(history))
    history.add(
        experiment(5, parent=3, title="Revert #3", reverts=(3,), outcome=Outcome.SKIPPED, decision=KEEP),
    )
    assert shown(history).stairs[-1] == Step(5, 8.0)
    assert shown(history).points[3].kind is Kind.REVERTED


def test_who_goes_back_over_a_return_takes_back_what_it_took_back_too() -> None:
    history = unmeasured()
    history.add(
        experiment(5, parent=3, title="Back to #1", reverts=(2, 3), outcome=Outcome.SKIPPED, decision=KEEP),
    )
    assert shown(history).stairs[-1] == Step(3, 9.0)


@pytest.mark.parametrize("direction", Direction)
def test_without_reverts_the_stairs_are_the_cumulative_best_of_what_was_kept(direction: Direction) -> None:
    history = long(300, direction)
    expected, best = [], math.inf
    for one in history.kept:
        value = history.metric(one.number)
        assert value is not None
        if direction.cost(value) < best:
            best = direction.cost(value)
            expected.append(Step(one.number, value))
    assert list(shown(history).stairs) == expected
    assert len(expected) > 10


def test_error_bars_and_the_noise_are_of_the_samples() -> None:
    drawing = shown(story())
    assert drawing.noise == pytest.approx(0.2)
    assert [point.error for point in drawing.points][:2] == [pytest.approx(0.2 / math.sqrt(3)), None]


@pytest.mark.parametrize("direction", Direction)
def test_the_axis_shows_what_was_kept_and_leaves_a_terrible_value_at_the_edge(direction: Direction) -> None:
    drawing = shown(story(direction))
    kept = [point.value for kind in (Kind.KEPT, Kind.REVERTED) for point in drawing.of(kind)]
    assert all(value is not None and drawing.values.holds(value) for value in kept)
    assert not drawing.values.holds(900.0 * direction.cost(1.0))
    assert drawing.values.high - drawing.values.low < 4


def test_where_nothing_was_kept_the_axis_still_shows_most_values() -> None:
    values = [5.0, 5.1, 5.2, 5.3, 5.4, 5.5, 5.6, 80.0]
    drawing = shown(History(Direction.MIN, [experiment(number, value) for number, value in enumerate(values)]))
    assert [drawing.values.holds(value) for value in values] == [True] * 7 + [False]


def test_small_gains_among_large_losses_are_still_seen() -> None:
    history = History(Direction.MIN, [experiment(0, 10.0), experiment(1, 9.0, decision=KEEP, parent=0)])
    for number in range(2, 50):
        history.add(experiment(number, 10.0 + 20 * number, parent=1))
    drawing = shown(history)
    assert drawing.values.part(10.0) - drawing.values.part(9.0) > 0.25


@pytest.mark.parametrize("direction", Direction)
def test_an_impossibly_good_number_that_was_not_kept_stands_at_the_other_edge(direction: Direction) -> None:
    history, sign = story(direction), direction.cost(1.0)
    history.add(experiment(9, -5_000.0 * sign, parent=8, title="prints nonsense"))
    history.add(experiment(10, 7.5 * sign, parent=8, title="better, and vetoed"))
    drawing = shown(history)
    edges = [(edge.word, [point.number for point in edge.points]) for edge in drawing.beyond]
    assert edges == [("worse", [5]), ("better", [9])]
    assert [edge.sign for edge in drawing.beyond] == (["▲", "▼"] if direction is Direction.MIN else ["▼", "▲"])
    chart = "\n".join(line.plain for line in list(drawn(drawing, 80, 23))[2:-3])
    assert (chart.count("▲"), chart.count("▼")) == (1, 1)
    assert "better, beyond the edge" in html(history)


@pytest.mark.parametrize("value", [0.0, 1.0, -3.0, 1e-300, 1e300, -1e299])
def test_a_single_value_of_any_size_has_an_axis(value: float) -> None:
    drawing = shown(History(Direction.MIN, [experiment(0, value)]))
    assert drawing.values.low < value < drawing.values.high
    assert len(list(drawn(drawing, 80, 23))) == 23
    assert ET.fromstring(svg(drawing)).tag == "svg"


def test_numbers_whose_difference_is_none_are_drawn_all_the_same(tmp_path: Path) -> None:
    drawing = shown(History(Direction.MIN, [experiment(0, 1e308), experiment(1, -1e308, decision=KEEP, parent=0)]))
    assert drawing.values.part(drawing.stairs[-1].value) < 0.1 < 0.9 < drawing.values.part(drawing.stairs[0].value)
    save(drawing, tmp_path / "p.png")
    assert len(list(drawn(drawing, 80, 23))) == 23


def test_without_a_number_there_is_no_picture() -> None:
    assert picture(History(Direction.MIN), "x") is None
    assert picture(History(Direction.MIN, [experiment(0)]), "x") is None


def test_the_holdout_is_a_series_of_its_own_with_its_baseline_and_the_bests() -> None:
    history = story()
    for number, values in ((0, (4.0, 4.2)), (1, (3.9,)), (8, (3.5,))):
        history.add_holdout(number, values)
    drawing = shown(history)
    assert [(point.number, point.value) for point in drawing.holdout] == [(0, 4.1), (1, 3.9), (8, 3.5)]
    assert drawing.held_out() == (4.1, 3.5)
    assert list(drawn(drawing, 80, 23))[-1].plain == "holdout  4.1 → 3.5 (−14.6 %)"


def test_the_best_is_named_first_then_by_gain() -> None:
    assert [point.number for point in shown(story()).named()] == [8, 0, 1, 6]


@pytest.mark.parametrize(
    ("span", "most", "texts"),
    [
        (Span(0.0, 1.0), 5, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (Span(0.967, 1.003), 4, ["0.97", "0.98", "0.99", "1.00"]),
        (Span(-1.0, 1.0), 2, ["-1", "0", "1"]),
        (Span(3.0, 3.9), 4, ["3.00", "3.25", "3.50", "3.75"]),
        (Span(123456789.0, 123456789.3), 3, ["123456789.0", "123456789.1", "123456789.2", "123456789.3"]),
        (Span(0, 3e-9), 3, ["0", "1e-09", "2e-09", "3e-09"]),
        (Span(2e7, 5e7), 3, ["2e+07", "3e+07", "4e+07", "5e+07"]),
    ],
)
def test_numbers_on_an_axis_are_round_and_written_alike(span: Span, most: int, texts: list[str]) -> None:
    assert [tick.text for tick in ticks(span, most)] == texts


def test_of_experiments_there_are_no_halves() -> None:
    assert [tick.value for tick in ticks(Span(0, 3), 8, whole=True)] == [0, 1, 2, 3]


def test_of_two_names_that_would_lie_on_each_other_the_first_is_written() -> None:
    room = Room(0, 0, 200, 200)
    labels = [Label("first", 50, 100, 60, 10), Label("second", 54, 99, 60, 10), Label("third", 50, 140, 60, 10)]
    assert [label.text for label in placed(labels, 30, room)] == ["first", "third"]
    assert placed([Label("outside", 180, 100, 60, 10), Label("too high", 50, 20, 60, 10)], 30, room) == []


def test_the_terminal_shows_stairs_names_failures_and_the_edge() -> None:
    lines = [line.plain for line in drawn(shown(story()), 60, 23)]
    chart = "\n".join(lines[2:-3])
    assert len(lines) == 23
    assert lines[:2] == ["2 kept of 6 · 10 → 8.5 (−15.0 %)", "    val_bpb (lower is better)"]
    counts = {sign: chart.count(sign) for sign in "●○×▲–"}
    assert counts == {"●": 4, "○": 1, "×": 1, "▲": 1, "–": 1}
    assert all(name in chart for name in ("baseline", "the third g…", "Revert #3"))
    assert "───────┐" in chart
    assert "░░░░░░░" in chart
    assert lines[-1].startswith("● kept  ○ taken back  · discarded  × failed  – stopped  ▲")


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("count", [1, 2, 10, 126, 1000])
@pytest.mark.parametrize(("width", "height"), [(80, 24), (40, 12), (200, 60), (10, 3)])
def test_the_terminals_size_is_kept(direction: Direction, count: int, width: int, height: int) -> None:
    lines = list(drawn(shown(long(count, direction)), width, height))
    assert len(lines) == max(height, 12)
    assert all(line.cell_len <= max(width, 40) for line in lines)


@pytest.mark.parametrize("direction", Direction)
def test_the_stairs_in_the_terminal_lead_to_the_best(direction: Direction) -> None:
    """From the baseline at one end of the axis to the best at the other."""
    drawing = shown(long(200, direction))
    chart = [line.plain for line in drawn(drawing, 80, 24)][2:-3]
    [first] = [row for row, line in enumerate(chart) if re.search(r"[┤│][─●]", line)]
    [last] = [row for row, line in enumerate(chart) if line[-1] in "─●"]
    best, baseline = drawing.stairs[-1].value, drawing.stairs[0].value
    part = {row: drawing.values.part(value) for row, value in ((first, baseline), (last, best))}
    assert all(abs(1 - row / 17 - where) < 1 / 17 for row, where in part.items())


# --- files


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("count", [1, 10, 1000])
def test_a_png_is_written_whatever_the_length(tmp_path: Path, count: int, direction: Direction) -> None:
    save(shown(long(count, direction)), tmp_path / "p.png")
    data = (tmp_path / "p.png").read_bytes()
    assert data.startswith(b"\x89PNG")
    assert 1_000 < int.from_bytes(data[16:20]) < 4_000


def test_an_svg_file_holds_texts_as_they_are_and_is_the_same_each_time(tmp_path: Path) -> None:
    history = story()
    history.add_holdout(0, (4.0, 4.2))
    history.add(experiment(9, 7.0, decision=KEEP, parent=8, title=HOSTILE))
    for name in ("one.svg", "two.svg"):
        save(shown(history), tmp_path / name)
    text = (tmp_path / "one.svg").read_text()
    assert text == (tmp_path / "two.svg").read_text()
    words = ["".join(element.itertext()) for element in ET.fromstring(text).iter("{http://www.w3.org/2000/svg}text")]
    assert any("$x^2$" in word and "<script>" in word for word in words)
    assert {"a low loss", "1 failed", "1 worse, beyond the edge", "holdout", "experiment"} <= set(words)


class _Parsed(HTMLParser):
    """Tags and the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def html(history: History, diff: str = "") -> str:
    return "\n".join(page(shown(history), history, lambda one: diff if one.parent is not None else ""))


def test_the_page_has_a_row_for_every_experiment_and_a_dot_that_leads_there() -> None:
    parsed = _Parsed(html(story(), "diff --git a/x b/x\n@@ -1 +1 @@\n-old\n+new\n"))
    rows = [attributes["id"] for tag, attributes in parsed.tags if tag == "tr" and "id" in attributes]
    links = {attributes["href"] for tag, attributes in parsed.tags if tag == "a"}
    assert rows == [f"e{number}" for number in reversed(range(9))]
    assert links == {f"#e{number}" for number in range(9)}
    assert [tag for tag, _ in parsed.tags].count("pre") == 8
    assert {"-old", "+new", "the first gain"} <= set(parsed.words)


def test_nothing_that_a_model_wrote_becomes_part_of_the_page() -> None:
    history = story()
    history.add(experiment(9, 7.0, decision=KEEP, parent=8, title=HOSTILE, hypothesis=HOSTILE, reason=HOSTILE))
    text = html(history, f"+{HOSTILE}\n")
    tags = [tag for tag, _ in _Parsed(text).tags]
    assert (tags.count("script"), tags.count("title")) == (1, 1 + 9 + 1)
    assert "\x1b" not in text
    assert text.count("alert(1)") > 4


def test_the_page_asks_for_nothing() -> None:
    text = html(long(50))
    assert not re.search(r"""(src|href)\s*=\s*["'](?!#|data:,)""", text)
    assert "default-src 'none'" in text
    assert not re.search(r"url\(|@import|fetch\(|style=", text)


def test_a_long_diff_is_cut_and_says_so() -> None:
    text = html(story(), "\n".join(f"+line {number}" for number in range(LINES_SHOWN + 7)))
    assert "… 7 more lines" in text
    assert f"line {LINES_SHOWN}<" not in text
