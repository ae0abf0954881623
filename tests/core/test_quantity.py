"""Quantities as people write and read them."""

import random

import pytest

from autoresearch.core.quantity import (
    UNITS,
    Gain,
    convert,
    format_change,
    format_duration,
    format_metric,
    format_money,
    format_tokens,
    parse_count,
    parse_duration,
    parse_gain,
    parse_money,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("5m", 300),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("8h", 28800),
        ("2d", 172800),
        ("500ms", 0.5),
        ("1.5h", 5400),
        (".5s", 0.5),
        (" 3 min ", 180),
        ("10sec", 10),
        ("1d2h3m4s5ms", 93784.005),
        ("0s", 0),
    ],
)
def test_a_duration_is_read(text, seconds):
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("parse", "text", "words"),
    [
        (parse_duration, "90", ["90", "unit", '"90s"', '"90m"', '"90h"']),
        (parse_duration, "1.5", ["unit", '"1.5h"']),
        (parse_duration, "", ["duration", "1h30m"]),
        (parse_duration, "5 parsecs", ["5 parsecs", "1h30m"]),
        (parse_duration, "5m30", ["5m30", "1h30m"]),
        (parse_duration, "30m1h", ["large to small"]),
        (parse_duration, "5m5m", ["each once"]),
        (parse_duration, "-5m", ["-5m"]),
        (parse_duration, "1e3s", ["1e3s"]),
        (parse_duration, "5M", ["5M"]),
        (parse_duration, "٣s", ["duration"]),
        (parse_duration, "9" * 400 + "s", ["duration"]),
        (parse_size, "2", ["unit", "2GiB"]),
        (parse_size, "2G", ["unit", "2GiB"]),
        (parse_size, "GiB", ["unit"]),
        (parse_size, "2iB", ["unit"]),
        (parse_size, "-2GB", ["unit"]),
        (parse_size, "", ["unit"]),
        (parse_money, "3", ["3usd"]),
        (parse_money, "3eur", ["3usd"]),
        (parse_money, "$3", ["3usd"]),
        (parse_money, "-3usd", ["3usd"]),
        (parse_money, "9" * 400 + "usd", ["3usd"]),
        (parse_count, "1.5", ["whole number"]),
        (parse_count, "x", ["whole number"]),
        (parse_count, "", ["whole number"]),
        (parse_count, "-5", ["whole number"]),
        (parse_count, "5m", ["whole number"]),
        (parse_gain, "-0.1", ["percentage"]),
        (parse_gain, "nan", ["percentage"]),
        (parse_gain, "1e999", ["percentage"]),
        (parse_gain, "5 percent", ["percentage"]),
        (parse_gain, "", ["percentage"]),
    ],
)
def test_what_could_be_misread_is_refused_with_a_way_to_write_it(parse, text, words):
    with pytest.raises(ValueError, match=r"\S") as caught:
        parse(text)
    assert [word for word in words if word not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("2GiB", 2 * 1024**3),
        ("2 GB", 2 * 10**9),
        ("1.5kB", 1500),
        ("1KB", 1000),
        ("1.5 KiB", 1536),
        ("7B", 7),
        ("7 bytes", 7),
        ("512mb", 512 * 10**6),
        ("1tib", 1024**4),
    ],
)
def test_a_size_is_read(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize(("text", "usd"), [("3usd", 3), ("0.50 usd", 0.5), ("3 USD", 3), (".25usd", 0.25), ("0usd", 0)])
def test_money_is_read(text, usd):
    assert parse_money(text) == usd


@pytest.mark.parametrize(
    ("text", "count"),
    [("50", 50), ("50x", 50), ("2M", 2_000_000), ("2Mtok", 2_000_000), ("500ktok", 500_000), ("1.5k", 1500), ("0", 0)],
)
def test_a_count_is_read(text, count):
    assert parse_count(text) == count


@pytest.mark.parametrize(
    ("text", "gain", "of_minus_four"),
    [
        ("0.5%", Gain(relative=0.005), 0.02),
        ("0.01", Gain(absolute=0.01), 0.01),
        ("0", Gain(), 0),
        ("1e-3", Gain(0.001), 0.001),
    ],
)
def test_a_gain_is_absolute_or_a_percentage_of_the_size(text, gain, of_minus_four):
    assert parse_gain(text) == gain
    assert gain.of(-4.0) == pytest.approx(of_minus_four)


@pytest.mark.parametrize("text", ["0.5%", "0.01", "0", "12%"])
def test_a_gain_is_shown_as_it_was_written(text):
    assert str(parse_gain(text)) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *(
            (0, "0 s"),
            (-3, "0 s"),
            (0.0004, "<1 ms"),
            (0.35, "350 ms"),
            (0.9996, "1 s"),
            (3.21, "3.2 s"),
            (9.96, "10 s"),
        ),
        *((12, "12 s"), (59.4, "59 s"), (59.6, "1m"), (60, "1m"), (90, "1m 30s"), (200, "3m 20s"), (300, "5m")),
        *((3599.6, "1h"), (5400, "1h 30m"), (5399, "1h 30m"), (86399, "1d"), (90000, "1d 1h"), (1e6, "11d 14h")),
    ],
)
def test_a_duration_is_shown_with_two_units_at_most(seconds, text):
    assert format_duration(seconds) == text


def test_a_shown_duration_of_a_minute_or_more_can_be_read_back():
    rng = random.Random(1)
    for _ in range(300):
        seconds = 10 ** rng.uniform(1.8, 6)
        assert parse_duration(format_duration(seconds)) == pytest.approx(seconds, rel=0.03)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((0, "0"), (-0.0, "0"), (1, "1"), (-1.0, "-1"), (0.1, "0.1"), (3.2810000001, "3.281"), (1 / 3, "0.333333")),
        *(
            (1234567.0, "1234567"),
            (1234567.8, "1234568"),
            (123456.7, "123457"),
            (99999.96, "100000"),
            (0.9979, "0.9979"),
        ),
        *((1e15, "1e15"), (1.5e20, "1.5e20"), (1e-5, "1e-5"), (-2.5e-7, "-2.5e-7"), (1.23456789e-4, "0.000123457")),
    ],
)
def test_a_number_is_shown_without_needless_digits(value, text):
    assert format_metric(value) == text


def test_a_shown_number_is_right_to_six_digits():
    rng = random.Random(2)
    for _ in range(500):
        value = rng.choice((-1, 1)) * 10 ** rng.uniform(-20, 20)
        assert float(format_metric(value)) == pytest.approx(value, rel=5.1e-6)


@pytest.mark.parametrize(
    ("new", "old", "text"),
    [
        *(
            (3.204, 3.281, "−2.3 %"),
            (2, 1, "+100 %"),
            (1.1, 1, "+10.0 %"),
            (1.0012, 1, "+0.12 %"),
            (1.00001, 1, "+0.0010 %"),
        ),
        *(
            (-1, -2, "+50.0 %"),
            (-3, -2, "−50.0 %"),
            (1, 1, "±0 %"),
            (0, 0, "±0 %"),
            (0.5, 0, "+0.5"),
            (-0.5, 0, "−0.5"),
        ),
        *((1 - 1e-9, 1, "−<0.0001 %"), (0, 5, "−100 %"), (1.9996, 1, "+100 %"), (1.00996, 1, "+1.0 %")),
    ],
)
def test_a_change_is_shown_with_its_sign(new, old, text):
    assert format_change(new, old) == text


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        (0, "0 usd"),
        (3, "3 usd"),
        (2.1, "2.10 usd"),
        (0.0042, "0.0042 usd"),
        (0.05, "0.05 usd"),
        (1e-6, "0 usd"),
        (-1e-9, "0 usd"),
    ],
)
def test_money_is_shown_in_cents_and_small_sums_finer(usd, text):
    assert format_money(usd) == text


@pytest.mark.parametrize(
    ("tokens", "text"),
    [(0, "0 tok"), (999, "999 tok"), (1000, "1 ktok"), (12_340, "12.34 ktok"), (2_000_000, "2 Mtok")],
)
def test_tokens_are_shown_short(tokens, text):
    assert format_tokens(tokens) == text
    assert parse_count(text) == tokens


@pytest.mark.parametrize(
    ("value", "unit", "to", "expected"),
    [
        *((12, "ms", "s", 0.012), (3, "s", "ms", 3000), (2, "h", "min", 120), (5, "µs", "us", 5), (7, "ns", "ns", 7)),
        *((1, "GiB", "MiB", 1024), (1, "GB", "KB", 1e6), (1, "MiB", "B", 1048576), (1, "kB", "bytes", 1000)),
        *((3, "s", "MB", None), (3, "", "s", None), (3, "%", "", None), (3, "tok/s", "tok/s", 3), (3, "x", "y", None)),
    ],
)
def test_times_and_sizes_are_converted_within_their_kind(value, unit, to, expected):
    assert convert(value, unit, to) == expected


def test_every_unit_can_be_converted_there_and_back():
    for unit in UNITS:
        base = "s" if convert(1, unit, "s") is not None else "B"
        there = convert(3.5, unit, base)
        assert there is not None
        assert convert(there, base, unit) == pytest.approx(3.5, rel=1e-12)
