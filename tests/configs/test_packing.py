"""The ready task `configs/packing`: what is a packing, what the solver makes, and what a short run keeps.

Not covered: how good a packing becomes in five minutes.
"""

import importlib.util

import pytest

from tests.support.ready import TASKS, Ready, swap

SMALL = {"solver.py": [("GRADIENTS = 60_000", "GRADIENTS = 6_000")]}


def load(name):
    spec = importlib.util.spec_from_file_location(f"packing_{name}", TASKS / "packing" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


evaluate = load("evaluate")


def grid():
    """A valid packing: six columns and five rows of circles that touch, but for the last four places."""
    return [(1 / 12 + column / 6, 1 / 12 + row / 6, 1 / 12) for row in range(5) for column in range(6)][:26]


def test_circles_that_touch_are_a_packing():
    assert evaluate.problem(grid()) is None


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ((1 / 12, 1 / 12, 1 / 12 + 1e-11), "circle 1 is outside of the square by 1e-11"),
        ((1 / 12 + 1e-11, 1 / 12, 1 / 12), "circles 1 and 2 overlap by 1e-11"),
        ((0.5, 0.5, -1.0), "circle 1 is none"),
        ((float("nan"), 0.5, 0.0), "circle 1 is none"),
        ((0.5, 0.5, float("inf")), "circle 1 is none"),
        ((1.5, 0.5, 0.0), "circle 1 is outside of the square by 0.5"),
    ],
)
def test_what_is_no_packing_is_named(changed, words):
    assert words in evaluate.problem([changed, *grid()[1:]])


def test_an_overlap_within_the_tolerance_counts_as_none():
    x, y, radius = grid()[0]
    assert evaluate.problem([(x + 5e-13, y, radius), *grid()[1:]]) is None


def test_the_number_of_circles_is_fixed():
    assert evaluate.problem(grid()[:25]) == "25 circles, expected 26"
    assert evaluate.problem([*grid(), (0.95, 0.95, 0.01)]) == "27 circles, expected 26"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0.5,0.5\n" * 26, "line 1: expected x,y,radius"),
        ("0.5,0.5,__import__('os')\n" * 26, "line 1: expected x,y,radius"),
        ("0.5,0.5,0.1\n" * 2000, "too large"),
    ],
)
def test_a_file_that_holds_no_circles_is_refused(tmp_path, text, words):
    (tmp_path / "packing.csv").write_text(text)
    with pytest.raises(SystemExit, match=words):
        evaluate.read(tmp_path / "packing.csv")


def test_without_a_file_the_solver_is_named(tmp_path):
    with pytest.raises(SystemExit, match=r"solver\.py writes it"):
        evaluate.read(tmp_path / "packing.csv")


def test_the_solver_makes_a_valid_packing_that_follows_from_the_seed(tmp_path):
    task = Ready(tmp_path, "packing", SMALL)
    sums = []
    for seed in ("1", "1", "2"):
        assert task.python("solver.py", AR_SEED=seed).returncode == 0
        sums.append(task.number("sum_of_radii", "evaluate.py"))
    assert sums[0] == sums[1] != sums[2]
    assert all(2.3 < value < 2.636 for value in sums)


@pytest.mark.thorough
def test_the_tuner_keeps_an_improvement_within_a_few_experiments(tmp_path):
    task = Ready(tmp_path, "packing", SMALL)
    baseline, *tried = task.run("--proposer", "tuner", "--budget", "10x")
    kept = [one for one in tried if one["decision"] == "keep"]
    assert len(tried) == 10
    assert kept
    assert kept[-1]["metric"] > baseline["metric"] + 0.01
    assert "proved" in kept[-1]["reason"]


@pytest.mark.thorough
def test_an_edited_solver_cannot_make_up_its_number(tmp_path):
    task = Ready(tmp_path, "packing", SMALL)
    forged = ("solver.py", swap(('print(f"{len(r)} starts', 'print("sum_of_radii: 2.7")\n    print(f"{len(r)} starts')))
    larger = ("solver.py", swap(("    r = shrunk(x, y, r)\n", "    r = shrunk(x, y, r) * 1.1\n")))
    baseline, printed, overlapping = task.replay(forged, larger)
    assert (printed["decision"], printed["metric"] < 2.64) == ("discard", True)
    assert baseline["metric"] < 2.64
    assert overlapping["outcome"] == "crashed"
    assert "no valid packing" in overlapping["reason"]
