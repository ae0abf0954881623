"""Ranges where nobody wrote one."""

from __future__ import annotations

import pytest

from autoresearch.proposers.ranges import Options, Scale
from tests.support.constants import every_value, in_python, interval


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


def test_every_value_of_a_range_lies_in_it_and_has_its_place() -> None:
    lines = ["LR = 3e-4", "B = 0.999", "D = 0.1", "N = 7", "M = 100", "K = 320", "S = 64", "T = 2**5", "X = -2.5"]
    for constant in in_python("\n".join(lines) + "\n").values():
        for value in every_value(constant):
            place = constant.domain.unit(value)
            assert -1e-9 <= place <= 1 + 1e-9
            assert constant.domain.at(place) == value, constant.key
