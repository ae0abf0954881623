"""Finding constants in files, and writing others in their place."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from autoresearch.proposers.constants import Constant, find, misread, rewrite
from autoresearch.proposers.ranges import Interval, Options, Scale


def in_python(text: str) -> dict[str, Constant]:
    return {one.short: one for one in find({"train.py": text})}


def in_text(text: str, path: str = "settings.conf") -> dict[str, Constant]:
    return {one.short: one for one in find({path: text})}


def interval(constant: Constant) -> Interval:
    assert isinstance(constant.domain, Interval)
    return constant.domain


def changed(path: str, text: str, **values: int | float | str) -> str:
    return rewrite({path: text}, {f"{path}:{name}": value for name, value in values.items()})[path]


# ---- upper-case constants of Python files


def test_upper_case_assignments_at_module_level_are_found() -> None:
    text = (
        "LR = 3e-4\nSTEPS: int = 500\n_HIDDEN = 64\nlower = 1.0\ndef f():\n    INNER = 2.0\nclass A:\n    ATTR = 2.0\n"
    )
    assert {name: one.value for name, one in in_python(text).items()} == {"LR": 3e-4, "STEPS": 500, "_HIDDEN": 64}


def test_tuples_and_lists_are_found_element_by_element() -> None:
    found = in_python('BETAS = (0.9, 0.95)\nSIZES = [64, -2.5, "x"]\n')
    assert {name: one.value for name, one in found.items()} == {
        "BETAS[0]": 0.9, "BETAS[1]": 0.95, "SIZES[0]": 64, "SIZES[1]": -2.5,
    }  # fmt: skip


def test_the_exponent_of_a_power_is_tuned_and_the_form_stays() -> None:
    text = "TOTAL_BATCH_SIZE = 2**19  # tokens\n"
    found = in_python(text)["TOTAL_BATCH_SIZE"]
    assert (found.value, found.shown(18), found.scalar(18)) == (19, "2**18", 2**18)
    assert changed("train.py", text, TOTAL_BATCH_SIZE=18) == "TOTAL_BATCH_SIZE = 2**18  # tokens\n"


@pytest.mark.parametrize(
    "line",
    [
        "SEED = 1337", "RANDOM_STATE = 7", "VERSION = 2", "API_PORT = 8080", "START_DATE = 20240115",
        "CUTOFF = 20240115", "TIME_LIMIT = 30", "TIMEOUT_SECONDS = 5.0", "EVAL_STEPS = 100", "VOCAB_SIZE = 50257",
        "PAD_TOKEN = -1", "IGNORED = -100", "ENABLED = True", 'NAME = "gelu"', "MASK = 0xFF", "PRODUCT = 64 * 1024",
        "TABLE = {1: 2}", "NOTHING = None", "Z = 1j", "HUGE = 1e999", "LOG_EVERY = 10", "LR = 0.1  # tune: off",
        "LR = 0.1  # no tune", "LR = 0.1  # the rate  # tune: off",
    ],
)  # fmt: skip
def test_what_is_no_setting_is_left_alone(line: str) -> None:
    assert in_python(line + "\n") == {}


def test_an_annotation_overrules_a_name_that_is_usually_fixed() -> None:
    assert interval(in_python("TIME_LIMIT = 30  # tune: 10..60\n")["TIME_LIMIT"]) == Interval(10, 60, multiple=1)


def test_text_in_strings_is_not_code() -> None:
    text = '"""Annotate:\n\nLR = 3e-4  # tune: 1e-5..1e-2 log\n"""\nprint("x = 1  # tune: 1..2")\n'
    assert in_python(text) == {}


def test_a_file_with_a_syntax_error_still_has_its_annotated_lines() -> None:
    found = in_python("LR = 3e-4\ndef broken(:\nWIDTH = 64  # tune: 32,64\n")
    assert list(found) == ["WIDTH"]


def test_annotated_lines_inside_functions_count() -> None:
    found = in_python("def f():\n    opt = Adam(lr=0.1, eps=1e-8)  # tune: 1e-3..1 log\n    # x = 1  # tune: 1..2\n")
    assert {name: one.value for name, one in found.items()} == {"lr": 0.1}


def test_places_are_right_after_characters_of_several_bytes() -> None:
    text = '\ufeffé = "üü"; RATE = 0.5\nÄ = 1; WIDTH = 10  # ß\n'
    assert [one.literal.text for one in find({"a.py": text})] == ["0.5", "10"]
    assert changed("a.py", text, RATE=0.25, WIDTH=12) == text.replace("0.5", "0.25").replace("10", "12")


def test_a_name_that_occurs_twice_has_two_keys() -> None:
    assert [one.key for one in find({"a.py": "LR = 0.1\nLR = 0.2\n", "b.py": "LR = 0.3\n"})] == [
        "a.py:LR", "a.py:LR#2", "b.py:LR",
    ]  # fmt: skip


# ---- annotated lines of any file


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


# ---- ranges where nobody wrote one


def ends(line: str) -> tuple[float, float, Scale]:
    (found,) = in_python(line).values()
    domain = interval(found)
    return pytest.approx(domain.low), pytest.approx(domain.high), domain.scale


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("MATRIX_LR = 0.04", (0.004, 0.4, Scale.LOG)),
        ("EMBEDDING_LR = 0.6", (0.06, 6.0, Scale.LOG)),
        ("ASPECT = 12.5", (1.25, 125.0, Scale.LOG)),
        ("EMA_DECAY = 0.999", (0.99, 0.9999, Scale.GAP)),
        ("MOMENTUM = 0.95", (0.5, 0.995, Scale.GAP)),
        ("DROPOUT = 0.1", (0.0, 0.3, Scale.LINEAR)),
        ("WARMDOWN_RATIO = 0.5", (0.0, 0.99, Scale.LINEAR)),
        ("WARMUP_RATIO = 0.0", (0.0, 0.3, Scale.LINEAR)),
        ("MIXING = 0.5", (0.02, 0.98, Scale.LINEAR)),
        ("LABEL_SMOOTHING = 0.1", (0.01, 0.95, Scale.LOG)),
        ("SHIFT = 0.0", (0.0, 0.1, Scale.LINEAR)),
        ("BIAS = -3.0", (-9.0, -1.0, Scale.LINEAR)),
        ("DEPTH = 2", (1, 4, Scale.LINEAR)),
        ("DEPTH = 1", (1, 3, Scale.LINEAR)),
        ("DEPTH = 8", (4, 16, Scale.LOG)),
        ("OFFSET = -4", (-8, -1, Scale.LINEAR)),
        ("EXTRA = 0", (0, 2, Scale.LINEAR)),
        ("TOTAL = 2**19", (16, 22, Scale.LINEAR)),
        ("TOTAL = 10**6", (5, 7, Scale.LINEAR)),
    ],
)
def test_a_range_is_guessed_from_value_and_name(line: str, expected: tuple[float, float, Scale]) -> None:
    assert ends(line) == expected


def test_powers_of_two_stay_powers_and_multiples_stay_multiples() -> None:
    assert in_python("BATCH = 64\n")["BATCH"].domain == Options((8, 16, 32, 64, 128, 256, 512), ordered=True)
    assert interval(in_python("WIDTH = 320\n")["WIDTH"]).at(0.37) % 64 == 0
    assert interval(in_python("COUNT = 50\n")["COUNT"]).multiple == 1


def every_value(constant: Constant) -> Iterator[int | float | str]:
    yield from (constant.domain.at(step / 20) for step in range(-2, 23))


def test_every_value_of_a_range_lies_in_it_and_has_its_place() -> None:
    lines = ["LR = 3e-4", "B = 0.999", "D = 0.1", "N = 7", "M = 100", "K = 320", "S = 64", "T = 2**5", "X = -2.5"]
    for constant in in_python("\n".join(lines) + "\n").values():
        for value in every_value(constant):
            place = constant.domain.unit(value)
            assert -1e-9 <= place <= 1 + 1e-9
            assert constant.domain.at(place) == value, constant.key


# ---- rewriting


def test_only_the_literals_change() -> None:
    text = (
        'LR   =  3e-4   # rate\r\nBETAS=(0.9 ,0.95)\r\nACT = "gelu" # tune: gelu,relu\r\n'
        "if x:\r\n\ty = [1]\r\n\x0cN = 1_000 ;\r\n"
    )
    expected = (
        'LR   =  2.5e-4   # rate\r\nBETAS=(0.9 ,0.968)\r\nACT = "relu" # tune: gelu,relu\r\n'
        "if x:\r\n\ty = [1]\r\n\x0cN = 2000 ;\r\n"
    )
    values = {"LR": 2.5e-4, "BETAS[1]": 0.968, "ACT": "relu", "N": 2000}
    assert rewrite({"a.py": text}, {f"a.py:{name}": value for name, value in values.items()}) == {"a.py": expected}


def test_nothing_is_written_for_values_that_are_the_same() -> None:
    files = {"a.py": "LR = 0.0003\n", "b.py": "N = 4\n"}
    assert rewrite(files, {"a.py:LR": 3e-4, "b.py:N": 5}) == {"b.py": "N = 5\n"}


def test_a_key_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(KeyError):
        rewrite({"a.py": "LR = 0.1\n"}, {"a.py:WD": 0.1})


@pytest.mark.parametrize(
    ("present", "value", "text"),
    [
        ("3e-4", 0.00021, "2.1e-4"), ("3e-4", 0.0002, "2e-4"), ("3.0e-4", 0.0002, "2.0e-4"),
        ("1E6", 2500000.0, "2.5e6"),
        ("0.5", 4.0, "4.0"), ("0.02", 0.0315, "0.0315"), ("0.0003", 0.00002, "2.0e-5"), ("4.0", 0.0, "0.0"),
        ("12.5", 1250.0, "1250.0"), ("-2.5", -7.5, "-7.5"), (".5", 0.25, "0.25"), ("1_000.5", 2000.0, "2000.0"),
    ],
)  # fmt: skip
def test_floats_stay_floats_and_are_written_short(present: str, value: float, text: str) -> None:
    written = changed("a.py", f"X = {present}\n", X=value)
    assert written == f"X = {text}\n"
    read = ast.literal_eval(text)
    assert isinstance(read, float)
    assert read == value


def test_what_is_written_is_found_again_with_the_same_value() -> None:
    text = (
        "LR = 3e-4\nWARMUP = 0.1\nBETA = 0.95\nWIDTH = 320\nTOTAL = 2**19\nBIAS = -0.5\nact: str = 'a'  # tune: a,b\n"
    )
    for constant in find({"a.py": text}):
        for value in every_value(constant):
            files = {"a.py": text, **rewrite({"a.py": text}, {constant.key: value})}
            again = {one.key: one.value for one in find(files)}
            assert again[constant.key] == value
            assert type(again[constant.key]) is type(constant.value)


@pytest.mark.parametrize(
    "text", ["", "\n", "\x00LR = 1\n", "LR = 1", "x" * 100_000, "LR = 0.1\rWD = 0.2\r", "((((" * 5000]
)
def test_odd_files_are_no_problem(text: str) -> None:
    for constant in find({"a.py": text, "b.txt": text}):
        assert text[constant.literal.start : constant.literal.end] == constant.literal.text
