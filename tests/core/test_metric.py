"""Reading the metric: certain, or no number at all."""

import json
import random
import tracemalloc

import pytest

from autoresearch.core.metric import (
    SELF_MEASURED,
    Convention,
    MetricReader,
    MetricSpec,
    NoReading,
    Reading,
)
from autoresearch.core.printed import candidates, pairs, visible


def read(output, name="val_bpb", *, pattern="", convention=None, metrics_json=None, own=None):
    reader = MetricReader(MetricSpec(name, pattern))
    for line in output.split("\n"):
        reader.feed(line + "\n")
    return reader.read(convention, metrics_json, own)


def value(output, name="val_bpb", **options):
    reading = read(output, name, **options)
    assert isinstance(reading, Reading), reading
    return reading.value


def reason(output, name="val_bpb", **options):
    reading = read(output, name, **options)
    assert isinstance(reading, NoReading), reading
    assert reading.reason.isprintable()
    return reading.reason


@pytest.mark.parametrize(
    "line",
    [
        "METRIC val_bpb=0.9979",
        "METRIC   val_bpb=0.9979   ",
        "METRIC val_bpb: 0.9979",
        "val_bpb: 0.9979",
        "val_bpb:          0.997900",
        "val_bpb = 0.9979",
        "val_bpb=0.9979",
        "  val_bpb  :  +0.9979e0\t",
        "val_bpb: .9979",
        "val_bpb: 9979E-4",
        "\x1b[1;32mval_bpb\x1b[0m: \x1b[31m0.9979\x1b[0m\r",
        "\x1b]8;;http://x\x07val_bpb: 0.9979\x1b]8;;\x1b\\",
        " 10%|#   |\r 50%|##  |\r\x1b[Kval_bpb: 0.9979\r\n",
        "val_bpb: 0.5\rval_bpb: 0.9979\r   \r",
        "Epoch 3: loss=0.5 val_bpb=0.9979",
        "epoch 3 | loss: 0.5 | val_bpb: 0.9979 | lr: 1e-4",
        "loss: 0.5, val_bpb: 0.9979, n: 3",
        "10/10 - 1s 2ms/step - loss: 0.5 - val_bpb: 0.9979",
        "[INFO] val_bpb: 0.9979",
        "2026-01-01 12:00:00,123 - INFO - val_bpb: 0.9979",
        "- val_bpb: 0.9979",
        "100%|##| 10/10 [00:01<00:00, 9.5it/s, val_bpb=0.9979]",
        "val_bpb: 0.9979 ± 0.0003",
        "val_bpb: 0.9979 +/- 0.0003",
        "val_bpb: 0.9979 (+/- 0.0003)",
        "val_bpb: 0.9979 (± 0.1), loss: 3",
        '{"val_bpb": 0.9979}',
        '{"loss": 3, "val_bpb": 0.9979, "note": "x"}\n\n  \n',
    ],
)
def test_the_metric_is_found(line):
    assert value(line) == 0.9979


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("val acc", "val acc: 0.5"),
        ("Test accuracy", "Test set: Test accuracy = 0.5"),
        ("eval/loss", "eval/loss=0.5"),
        ("hits@10", "hits@10: 0.5"),
        ("a.b-c", "x=1 a.b-c=0.5"),
        ("Genauigkeit_größer", "Genauigkeit_größer: 0.5"),
        ("eval.loss", '{"eval": {"loss": 0.5}}'),
        ("eval.loss", '{"eval.loss": 0.5}'),
        ("a+b", '{"a+b": 0.5}'),
    ],
)
def test_names_may_hold_more_than_letters(name, line):
    assert value(line, name) == 0.5


@pytest.mark.parametrize(
    "line",
    [
        "best val_bpb: 0.9",
        "xval_bpb: 0.9",
        "val_bpb2: 0.9",
        "my.val_bpb=0.9",
        "VAL_BPB: 0.9",
        "val_bpb 0.9",
        "val_bpb -> 0.9",
        "val_bpb",
        "2026-01-01 12:00:00 INFO val_bpb: 0.9",
        '{"val_bpb": 0.9}\ndone',
        '[{"val_bpb": 0.9}]',
        '{"val_bpb": 0.9',
        '{"list": [{"val_bpb": 0.9}]}',
        "",
    ],
)
def test_what_only_looks_like_it_is_not_the_metric(line):
    assert "was given" not in reason(line)


@pytest.mark.parametrize(
    "text",
    [
        *("nan", "NaN", "-nan", "inf", "-Infinity", "1e999", "None", "oops", "1,234", "1_000", "0x1F", "1.2.3", "3/10"),
        *("12:30", "--3", "1e", "٣", "9" * 65, "0." + "1" * 64, "0.9 (0.8)", "'0.9'", "", "1h 2m", "0.9 of 1 and more"),
    ],
)
@pytest.mark.parametrize("line", ["val_bpb: {}", "METRIC val_bpb={}", "loss=3 val_bpb={}", "x: 3 ms, val_bpb = {}"])
def test_a_last_occurrence_that_is_no_number_is_no_measurement(line, text):
    told = reason("val_bpb: 0.5\n" + line.format(text))
    assert "no finite number" in told
    assert f'"{text[:30]}' in told


def test_an_earlier_occurrence_that_is_no_number_does_not_matter_unless_the_baseline_printed_once():
    output = "val_bpb: nan\nval_bpb: 0.5"
    assert value(output) == 0.5
    assert value(output, convention=Convention(once=False)) == 0.5
    assert "2 times" in reason(output, convention=Convention(once=True))


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999", '"0.5"', "true", "null", "9" * 400])
def test_a_json_member_that_is_no_finite_number_is_no_measurement(text):
    assert "no finite number" in reason('val_bpb: 0.5\n{"val_bpb": ' + text + "}")
    assert "no finite number" in reason("val_bpb: 0.5", metrics_json='{"val_bpb": ' + text + "}")


def test_the_last_of_several_lines_counts():
    reading = read("val_bpb: 3\nx\nval_bpb: 2\nMETRIC val_bpb=1\nbest: 9")
    assert reading == Reading(1, {"best": 9}, Convention("", once=False))
    assert read('val_bpb: 3\n{"val_bpb": 2}').convention == Convention("", once=False)
    assert read("val_bpb: 3").convention == Convention("", once=True)


@pytest.mark.parametrize(
    ("output", "measured"),
    [
        ("val_bpb: 2", True),
        ("val_bpb: 2\nval_bpb: 2.0", True),
        ("val_bpb: 2\nMETRIC val_bpb=1", False),
        ("val_bpb: 1\nval_bpb: 2\nval_bpb: 1", False),
        ("val_bpb: 2, val_bpb: 1", False),
        ('val_bpb: 2\n{"val_bpb": 1}', False),
        ("val_bpb: 2\nval_bpb: 2 ms", False),
    ],
)
def test_a_second_value_is_no_measurement_when_the_baseline_printed_one(output, measured):
    assert isinstance(read(output, convention=Convention(once=True)), Reading) is measured


def test_a_second_line_with_the_same_value_in_another_unit_is_no_contradiction():
    assert value("t: 12 ms\nt: 0.012 s", "t", convention=Convention("ms", once=True)) == 12


@pytest.mark.parametrize(
    ("printed", "unit", "expected"),
    [
        *(("12 ms", "ms", 12), ("12ms", "s", 0.012), ("0.012 s", "ms", 12), ("2 min", "s", 120), ("1.5h", "m", 90)),
        *(
            ("12.3 µs ± 0.4 µs per loop", "ns", 12300),
            ("3 GiB", "MiB", 3072),
            ("3GB", "MB", 3000),
            ("512 B", "KiB", 0.5),
        ),
        *(
            ("97.5%", "%", 97.5),
            ("97.5 %", "%", 97.5),
            ("5 tok/s", "tok/s", 5),
            ("5tok/s", "tok/s", 5),
            ("3 °C", "°C", 3),
        ),
        *(("0.9", "ms", None), ("5 ms", "", None), ("97.5%", "", None), ("0.97", "%", None), ("3 MB", "s", None)),
        *(("3 tok/s", "MB/s", None), ("3 s", "s/it", None), ("1e308 h", "ns", None)),
    ],
)
def test_units_of_time_and_size_are_converted_and_other_kinds_refused(printed, unit, expected):
    convention = Convention(unit)
    if expected is None:
        assert "by the baseline" in reason(f"t: {printed}", "t", convention=convention)
    else:
        assert value(f"t: {printed}", "t", convention=convention) == pytest.approx(expected, rel=1e-12)
        assert read(f"t: {printed}", "t", convention=convention).convention == convention


@pytest.mark.parametrize(
    "convention", [Convention(), Convention("ms"), Convention("%", once=False), Convention(once=False)]
)
def test_a_convention_survives_the_record(convention):
    assert Convention.of_flags(("other", *" ".join(convention.flags).split())) == convention
    assert read("t: 3 ms\n", "t").convention == Convention("ms")


@pytest.mark.parametrize(
    ("pattern", "output", "expected"),
    [
        (r"score of (\S+) points", "a score of 12.5 points\n", 12.5),
        (r"score of (\S+) points", "a score of 1 points, a score of 2 points", 2),
        (r"took (.+)$", "it took 12 ms", 12),
        (r"(?<=\[)[0-9.]+(?=\])", "[3.5]", 3.5),
        (r"^METRIC (\d+)", "METRIC 7", 7),
    ],
)
def test_a_pattern_finds_what_has_no_name(pattern, output, expected):
    assert value(output, "score", pattern=pattern) == expected


def test_with_a_pattern_nothing_else_is_the_metric():
    assert reason('score: 3\nloss: 4\n{"score": 3}', "score", pattern=r"points=(\d+)") == (
        "the pattern matched no line; numbers that were: loss"
    )
    assert "no finite number" in reason("points=many", "score", pattern=r"points=(\w+)")
    assert "no finite number" in reason("points=", "score", pattern=r"points=(\d+)?")


def test_a_pattern_that_is_none_is_an_error():
    with pytest.raises(ValueError, match="regular expression"):
        MetricReader(MetricSpec("a", "("))


def test_a_missing_metric_lists_the_numbers_that_were_printed():
    reading = read("loss: 3\nacc=0.9 lr=1e-4\nloss: 2")
    assert reading == NoReading(
        '"val_bpb" was not printed; numbers that were: loss, acc, lr',
        ("loss", "acc", "lr"),
        {"loss": 2, "acc": 0.9, "lr": 1e-4},
    )
    assert reason("nothing at all") == '"val_bpb" was not printed; no named number was'
    assert reason("\n".join(f"n{number}x: 1" for number in range(20))).endswith("n10x, n11x, …")


def test_a_metric_inside_a_longer_line_is_pointed_out():
    assert 'stands in "the best val_bpb is 3", but not as "val_bpb: 1"' in reason("the best val_bpb is 3")
    assert "stands in" in reason("a\x00b val_bpb\x07 is 3" + "x" * 1000)


def test_other_numbers_are_measures_in_the_order_of_their_first_appearance():
    reading = read("b: 1\na: 2 ms, val_bpb: 3\nb: 4\nc: nan\nd: oops\n12: 5\ne=7%")
    assert reading.measures == {"b": 4, "a": 2, "e": 7}
    assert list(reading.measures) == ["b", "a", "e"]


def test_only_names_that_the_record_can_hold_are_measures():
    assert read('{"a (b)": 1, "c\\n": 2, "d  e": 3, "ok": 4, "val_bpb": 5}').measures == {"ok": 4}


def test_the_metric_is_found_late_in_a_long_line():
    assert value("x=1 " * 100 + "val_bpb=0.9979") == 0.9979
    assert value("some words, " * 100 + "val_bpb=0.9979") == 0.9979
    assert "stands in" in reason("some words " * 100 + "val_bpb=0.9979")


def test_at_most_32_measures_are_kept():
    reading = read("val_bpb: 1\n" + "\n".join(f"m{number}: {number}" for number in range(100)))
    assert list(reading.measures) == [f"m{number}" for number in range(32)]


def test_a_metrics_file_is_the_only_source_when_there_is_one():
    assert value("val_bpb: 1", metrics_json='{"val_bpb": 2, "sub": {"x": 3}}') == 2
    assert read("val_bpb: 1\nloss: 5", metrics_json='{"val_bpb": 2, "sub": {"x": 3}}').measures == {
        "sub.x": 3,
        "loss": 5,
    }
    assert value("", "sub.x", metrics_json='{"sub": {"x": 3}}') == 3
    assert "not in the metrics file; numbers that were: other" in reason("val_bpb: 1", metrics_json='{"other": 2}')
    assert read("", "x", metrics_json='{"x": 1}').convention == Convention()


@pytest.mark.parametrize("text", ["", "x", "[1]", "3", '{"val_bpb": 1', "[" * 100_000, '{"a":' * 5000, "\0"])
def test_a_broken_metrics_file_is_no_measurement(text):
    assert "metrics file" in reason("val_bpb: 1", metrics_json=text)


def test_deeply_nested_json_is_harmless():
    deep = '{"a":' * 100 + "1" + "}" * 100
    assert value("", metrics_json='{"val_bpb": 2, "deep": ' + deep + "}") == 2


@pytest.mark.parametrize("name", sorted(SELF_MEASURED))
def test_what_ar_measures_itself_cannot_be_printed(name):
    output = f"{name}: 0.1\nMETRIC {name}=0.1\nloss: 3"
    assert read(output, name, own={name: 1.2}) == Reading(1.2, {"loss": 3}, Convention())
    assert value(output, name, own={name: 1.2}, metrics_json="{}") == 1.2
    assert "could not be measured" in reason(output, name, own={})
    assert "could not be measured" in reason(output, name)
    assert read(f"val_bpb: 1\n{name}: 3", own={name: 5}).measures == {}


def test_memory_does_not_grow_with_the_output():
    reader = MetricReader(MetricSpec("m"))
    for number in range(5000):
        reader.feed(f"name{number}: {number} m: {number}")
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(5000, 20_000):
        reader.feed(f"{'long' * 10}name{number}: {number} m: {number}")
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 1_000_000
    reading = reader.read(None)
    assert isinstance(reading, Reading)
    assert reading.value == 19_999
    assert len(reading.measures) == 32


HOSTILE = [
    " " * 65536 + "x",
    ":" * 65536,
    "= " * 32768,
    "a=" + "1" * 65536,
    "a=1 ± " + " x" * 32768,
    "a=1 (± " * 8192,
    "a=1 " * 16384,
    "a=1 " + "b " * 32768 + "=",
    "a=1 " + "x/" * 32768,
    "a=1" + " " * 65536 + "x",
    "val_bpb " * 8192,
    "val_bpb" + " " * 65536 + "x",
    "- " * 32768 + "a=1",
    "\x1b[" * 32768,
    "\x1b]" * 32768,
    "{" * 65536,
    '{"a":' * 13000,
    "a\r" + " \r" * 32768,
]


def test_no_line_of_64_kib_takes_more_than_its_length():
    reader = MetricReader(MetricSpec("val_bpb"))
    for line in HOSTILE * 3:
        reader.feed(line)
    assert isinstance(reader.read(None), NoReading)


def test_any_number_that_python_prints_is_read_back_exactly():
    rng = random.Random(5)
    for _ in range(1000):
        number = rng.choice((-1, 1)) * 10 ** rng.uniform(-300, 300)
        form = rng.choice(("{}: {!r}", "METRIC {}={!r}", "x=1 {}={!r} y=2", "{} = {!r} ± 3", "{}: {!r} (+/- 1) | b: 2"))
        assert value(form.format("some name", number), "some name") == number
        assert value(json.dumps({"some name": number}), "some name") == number


def test_random_text_never_breaks_the_reader():
    rng = random.Random(11)
    pieces = [
        "val_bpb",
        ":",
        "=",
        " ",
        "  ",
        "1",
        ".5",
        "e3",
        "nan",
        "ms",
        "%",
        "±",
        "(+/-",
        ")",
        ",",
        "|",
        "\t",
        "\r",
        "\x1b[0m",
        "{",
        "}",
        '"',
        "-",
    ]
    outcomes = set()
    for _ in range(5000):
        reading = read("".join(rng.choice(pieces) for _ in range(rng.randint(1, 14))), convention=Convention())
        outcomes.add(type(reading))
    assert outcomes == {Reading, NoReading}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Test set: Average loss: 0.0290, Accuracy: 9906/10000 (99%)", [("Average loss", 0.029, "")]),
        ("train: 0.9 ± 0.1  val: 0.8 (+/- 0.1)", [("train", 0.9, ""), ("val", 0.8, "")]),
        (
            "loss: 0.5 val acc: 0.9 t: 3 s lr: 1e-4",
            [("loss", 0.5, ""), ("val acc", 0.9, ""), ("t", 3, "s"), ("lr", 1e-4, "")],
        ),
        ("n=3M speed=5tok/s x=1", [("n", 3, "M"), ("speed", 5, "tok/s"), ("x", 1, "")]),
        ("http://localhost:8080/x a == 3 b <= 4 c != 5 --d=6", [("--d", 6, "")]),
        ("t=12:30:01 v: 1.2.3 w: 1_000", []),
        ("a=1,b=2;c=3|d=4", [("a", 1, ""), ("b", 2, ""), ("c", 3, ""), ("d", 4, "")]),
        ("x" * 101 + ": 3", []),
        ("x" * 100 + ": 3", [("x" * 100, 3, "")]),
    ],
)
def test_all_pairs_of_a_line_are_found(line, expected):
    assert [(name, number.value, number.unit) for name, number in pairs(visible(line))] == expected


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("a\r b\r\n", "b"),
        ("a\rb\r  \r\n", "b"),
        ("\x1b[2K\x1b[1;31mred\x1b[0m\x1b]0;title\x07 text\x1b(B", "red text"),
        ("\r\n", ""),
        ("plain", "plain"),
    ],
)
def test_a_line_is_read_as_a_terminal_would_show_it(line, shown):
    assert visible(line) == shown


def test_candidates_are_the_named_numbers_with_their_last_value_and_how_often():
    lines = ["loss: 3\n", "loss: 2, acc: 0.5\n", "nothing\n", "x: nan\n", '{"acc": 0.7, "sub": {"f1": 0.6}}\n', "\n"]
    assert candidates(lines) == [("loss", 2, 2), ("acc", 0.7, 2), ("sub.f1", 0.6, 1)]
    assert candidates([]) == []
    assert len(candidates(f"name{number}: 1" for number in range(2000))) == 256


def test_the_baselines_names_come_first_among_many_numbers():
    lines = [*(f"new{number}: {number}" for number in range(40)), "memory_mb: 5", "val_bpb: 1"]
    known = read("\n".join(lines), convention=Convention(names=("steps", "memory_mb")))
    assert isinstance(known, Reading)
    assert list(known.measures)[:2] == ["memory_mb", "new0"]
    assert len(known.measures) == 32
    failed = read("\n".join(lines[:-1]), convention=Convention(names=("memory_mb",)))
    assert isinstance(failed, NoReading)
    assert "memory_mb" in failed.measures
    assert Convention(names=("memory_mb",)).flags == ()
