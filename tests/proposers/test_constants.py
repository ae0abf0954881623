"""Finding constants in files, and writing others in their place."""

from __future__ import annotations

import ast

import pytest

from autoresearch.proposers.constants import find, rewrite
from autoresearch.proposers.ranges import Interval
from tests.support.constants import changed, every_value, in_python, interval, rewritten

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
        "SEED = 1337", "RANDOM_STATE = 7", "PYTHONHASHSEED = 3", "TORCH_SEED2 = 1", "RANDSEED = 5", "SEEDS = (1, 2)",
        "SEED = 3  # tune: a seed is luck", "VERSION = 2", "API_PORT = 8080", "START_DATE = 20240115",
        "CUTOFF = 20240115", "TIME_LIMIT = 30", "TIMEOUT_SECONDS = 5.0", "EVAL_STEPS = 100", "VOCAB_SIZE = 50257",
        "PAD_TOKEN = -1", "IGNORED = -100", "ENABLED = True", 'NAME = "gelu"', "MASK = 0xFF", "PRODUCT = 64 * 1024",
        "TABLE = {1: 2}", "NOTHING = None", "Z = 1j", "HUGE = 1e999", "LOG_EVERY = 10", "DEVICE = 0",
        "LR = 0.1  # tune: off", "LR = 0.1  # no tune", "LR = 0.1  # the rate  # tune: off",
    ],
)  # fmt: skip
def test_what_is_no_setting_is_left_alone(line: str) -> None:
    assert in_python(line + "\n") == {}


@pytest.mark.parametrize("name", ["DEVICE_BATCH_SIZE", "LORA_RANK", "TIME_STEP", "GRID", "PIXELS", "EPSILON", "MAX_LR"])
def test_a_name_that_only_looks_fixed_is_tuned(name: str) -> None:
    assert list(in_python(f"{name} = 5\n")) == [name]


def test_an_annotation_overrules_a_name_that_is_usually_fixed() -> None:
    assert interval(in_python("TIME_LIMIT = 30  # tune: 10..60\n")["TIME_LIMIT"]) == Interval(10, 60, multiple=1)


def test_a_seed_is_tuned_only_where_its_line_says_so() -> None:
    text = "SEED = 3  # tune: 1..9\nRANDSEED = 4  # tune:\nTORCH_SEED = 5\nSEEDLINGS = 6\n"
    assert list(in_python(text)) == ["SEED", "RANDSEED", "SEEDLINGS"]


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
    assert rewritten({"a.py": text}, **values) == {"a.py": expected}


def test_nothing_is_written_for_values_that_are_the_same() -> None:
    files = {"a.py": "LR = 0.0003\n", "b.py": "N = 4\n"}
    assert rewritten(files, LR=3e-4, N=5) == {"b.py": "N = 5\n"}


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
            files = {"a.py": text, **rewrite({"a.py": text}, {constant: value})}
            again = {one.key: one.value for one in find(files)}
            assert again[constant.key] == value
            assert type(again[constant.key]) is type(constant.value)


@pytest.mark.parametrize(
    "text",
    [
        "", "\n", "\x00LR = 1\n", "LR = 1", "x" * 100_000, "LR = 0.1\rWD = 0.2\r", "((((" * 5000,
        "A = " + "9" * 5000, "x = " + "9" * 500 + "  # tune: 1..2\n", "x = 5  # tune: 1.." + "9" * 500,
        "x = 1.5  # tune: 1,1e999\n", "x = 1.5  # tune: -1e308..1e308\n", "N = 2**99999999  # tune: 1..2\n",
        "a:b, " * 150 + "x = 1  # tune: 1..2\n",
    ],
)  # fmt: skip
def test_odd_files_are_no_problem(text: str) -> None:
    for constant in find({"a.py": text, "b.txt": text}):
        assert not any("inf" in str(value) or "nan" in str(value) for value in every_value(constant))
        assert text[constant.literal.start : constant.literal.end] == constant.literal.text
