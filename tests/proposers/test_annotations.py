"""Comments such as `# tune: 1e-4..1e-1 log`, in files of every kind."""

from __future__ import annotations

import pytest

from autoresearch.proposers.constants import misread
from autoresearch.proposers.ranges import Interval, Options, Scale
from tests.support.constants import changed, in_python, in_text, interval


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("lr: 0.1  # tune: 1e-3..1 log", "lr", 0.1),
        ('  "width": 64, // tune: 16,32,64', "width", 64),
        ("momentum = 0.9 ; tune: 0.5..0.99", "momentum", 0.9),
        ("local depth = 4 -- tune: 1..8", "depth", 4),
        ("\\def\\x{} margin = 2.5 % tune: 1..4", "margin", 2.5),
        ("python train.py --weight-decay 0.1 \\  # tune: 0..1", "weight-decay", 0.1),
        ("ARGS='--lr=0.1'  # tune: 0.01..1 log", "lr", 0.1),
        ("#define TILE 32 // tune: 8,16,32", "TILE", 32),
        ("static constexpr std::size_t BLOCK = 64; // tune: 16,32,64,128", "BLOCK", 64),
        ("const N: usize = 64; // tune: 16,64", "N", 64),
        ("let mut rate: f32 = 0.5f; // tune: 0.1..1", "rate", 0.5),
        ("self.scale = 2.0  # tune: 1..4", "self.scale", 2.0),
        ('activation = "gelu"  # tune: gelu,relu', "activation", "gelu"),
        ("activation: gelu  # tune: gelu, relu", "activation", "gelu"),
        ("use_bias = True  # tune: True,False", "use_bias", "True"),
        ('mode: str = "fast"  # tune: "fast","slow"', "mode", "fast"),
        ("precision: 16  # tune: 16,32,auto", "precision", "16"),
        ("workers 4  # tune: 1..8", "workers", 4),
        ('parser.add_argument("--lr", type=float, default=0.1)  # tune: 0.01..1 log', "lr", 0.1),
        ('parser.add_argument("--act", default="gelu", help="x")  # tune: gelu,relu', "act", "gelu"),
    ],
)
def test_an_annotated_line_in_any_language_has_its_value(line: str, name: str, value: object) -> None:
    assert {key: one.value for key, one in in_text(line + "\n").items()} == {name: value}


@pytest.mark.parametrize(
    "line",
    [
        "lr = 0.1", "# lr = 0.1  # tune: 0..1", "// int n = 3; // tune: 1..5", "tuned: 3",
        "lr = 0.1  # tune: see below",
        "lr = 0.1  # tune: 1..1", "lr = 0.1  # tune: 5..1", "lr = 0.1  # tune: 0..1 log", "lr = 0.1  # tune: 5",
        'word = "x"  # tune: 1..2', "lr = 0.1  # tune: off", "version = 1.2.3  # tune: 1..2", "# tune: 1..2",
    ],
)  # fmt: skip
def test_a_line_without_a_clear_wish_is_left_alone(line: str) -> None:
    assert in_text(line + "\n") == {}


def test_comments_that_ask_for_nothing_possible_are_named_with_their_line() -> None:
    files = {"a.conf": "x = 1\ny = 2  # tune: 1-5\n", "b.py": "LR = 1e-3  # tune: 1e-4..1e-2\n"}
    assert misread(files) == ["a.conf:2"]


def test_a_range_without_whole_ends_makes_a_float_of_an_int() -> None:
    found = in_text("dropout = 0  # tune: 0.0..0.3\nlayers = 2  # tune: 1..4\n")
    assert interval(found["dropout"]).at(0.5) == 0.15
    assert interval(found["layers"]).at(0.6) == 3


def test_options_of_a_float_are_floats() -> None:
    text = "cap = 15.0  # tune: 0,10,15,30\n"
    assert in_text(text)["cap"].domain == Options((0.0, 10.0, 15.0, 30.0), ordered=True)
    assert changed("a.ini", text, cap=30.0) == "cap = 30.0  # tune: 0,10,15,30\n"


def test_the_present_value_is_one_of_the_options_even_when_it_is_not_listed() -> None:
    assert in_text("n = 24  # tune: 16,32\n")["n"].domain == Options((16, 24, 32), ordered=True)


def test_a_range_of_a_power_may_be_given_in_exponents_or_in_values() -> None:
    for wish in ("8..12", "2**8..2**12", "256..4096"):
        assert interval(in_python(f"SIZE = 2**10  # tune: {wish}\n")["SIZE"]) == Interval(8, 12, multiple=1), wish


def test_an_empty_wish_asks_for_a_sensible_range() -> None:
    assert interval(in_text("lr: 0.02  # tune:\n")["lr"]).scale is Scale.LOG
