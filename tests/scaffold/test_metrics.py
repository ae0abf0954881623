"""Names of metrics: which way they improve, and which one it probably is."""

import pytest

from autoresearch.core.history import Direction
from autoresearch.scaffold import guess_direction, pick_metric


@pytest.mark.parametrize(
    "name",
    ["val_loss", "valLoss", "error rate", "latency", "p99_latency_ms", "val_bpb", "Perplexity", "RMSE", "total_cost"],
)
def test_less_is_better(name: str):
    assert guess_direction(name) is Direction.MIN


@pytest.mark.parametrize(
    "name",
    [
        "accuracy",
        "test/acc",
        "F1",
        "throughput",
        "tokens_per_second",
        "tok/s",
        "tokens_per_sec",
        "mean reward",
        "solved",
    ],
)
def test_more_is_better(name: str):
    assert guess_direction(name) is Direction.MAX


@pytest.mark.parametrize("name", ["step", "x", "num_params_M", "classifier", "blossom"])
def test_a_name_that_says_nothing_is_not_guessed(name: str):
    assert guess_direction(name) is None


def names(*candidates: tuple[str, float, int]) -> list[str]:
    return [guess.name for guess in pick_metric(candidates)]


def test_what_is_judged_on_held_out_data_comes_first():
    assert names(("step", 9, 1), ("train_loss", 1.0, 1), ("seconds", 3.0, 1), ("val_loss", 2.0, 1)) == [
        "val_loss",
        "train_loss",
        "seconds",
        "step",
    ]


def test_a_final_line_comes_before_a_running_log():
    assert names(("loss", 0.5, 1000), ("score", 3.0, 1))[0] == "score"


def test_of_equals_the_last_one_printed_comes_first():
    assert names(("accuracy", 0.5, 1), ("f1", 0.4, 1)) == ["f1", "accuracy"]


def test_settings_come_last_and_unknown_names_before_them():
    assert names(("lr", 0.1, 1), ("seed", 3, 1), ("quux", 1.0, 1)) == ["quux", "seed", "lr"]


def test_a_guess_has_value_and_direction():
    [guess] = pick_metric([("val_bpb", 0.99, 1)])
    assert (guess.name, guess.value, guess.direction) == ("val_bpb", 0.99, Direction.MIN)


def test_without_numbers_there_is_nothing_to_pick():
    assert pick_metric([]) == []
