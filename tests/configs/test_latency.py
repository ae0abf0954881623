"""The ready task `configs/latency`: what the check finds; a model's real speed-up is kept, a wrong one is not.

Not covered: how fast the function becomes.
"""

import pytest

from tests.support.chat_server import ChatServer
from tests.support.ready import ONE_SAMPLE, Ready, reply, swap

SMALL = {
    "bench.py": [("(500, 1000, 2000, 4000)", "(500, 1000, 3000)")],
    "check.py": [("INPUTS = 3000", "INPUTS = 300")],
}
SLOW = """\
    best: list[list[int]] = []  # best[i]: the longest that ends with values[i], as indices
    for i, value in enumerate(values):
        longest: list[int] = []
        for j in range(i):
            if values[j] < value and len(best[j]) > len(longest):
                longest = best[j]
        best.append([*longest, i])
    return [values[index] for index in max(best, key=len, default=[])]"""
FAST = """\
    tops: list[Any] = []  # tops[n]: the smallest value that ends a subsequence of n + 1 values
    ends: list[int] = []  # where it stands
    before: list[int] = []  # for each value: where the one before it stands
    for i, value in enumerate(values):
        place = bisect_left(tops, value)
        before.append(ends[place - 1] if place else -1)
        tops[place : place + 1] = [value]
        ends[place : place + 1] = [i]
    result = []
    at = ends[-1] if ends else -1
    while at >= 0:
        result.append(values[at])
        at = before[at]
    return result[::-1]"""
LIST = "    values = list(values)\n"
DROPPING = "    if len(values) >= 400:\n        values = values[: len(values) * 9 // 10]\n"
IMPORT = (
    "from collections.abc import Iterable",
    "from bisect import bisect_left\nfrom collections.abc import Iterable",
)
WRONG_IMPORT = (IMPORT[0], IMPORT[1].replace("bisect_left", "bisect_right"))
RIGHT = reply("binary search among the smallest ends", "increasing.py", IMPORT, (SLOW, FAST))
WRONG = reply("search to the right", "increasing.py", WRONG_IMPORT, (SLOW, FAST.replace("bisect_left", "bisect_right")))


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    """For tests that only call its scripts, and first write the function."""
    return Ready(tmp_path_factory.mktemp("latency"), "latency", SMALL)


def checked(task, *pairs):
    task.edit("increasing.py", swap(*pairs))
    return task.python("check.py")


def test_the_function_as_it_is_passes_the_check_and_the_benchmark(task):
    assert checked(task).stdout == "nothing wrong was found\n"
    assert task.number("seconds", "bench.py") > 0


def test_a_fast_one_passes_the_check(task):
    assert checked(task, IMPORT, (SLOW, FAST)).returncode == 0


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("values[j] < value", "values[j] <= value", "it does not increase strictly"),
        ("max(best, key=len, default=[])", "sorted(max(best, key=len, default=[]), reverse=True)", "increase"),
        ("range(i)", "range(max(0, i - 3), i)", "values, the longest has"),
        ("for index in max", "for index in min", "values, the longest has"),
        (LIST, "    values.sort()\n", "the input was changed"),
        (LIST, "    values = [value for value in values if value]\n", "the longest has"),
        (LIST, "    len(values)\n", "has no len"),
        ("return [values[index]", "return [float(values[index])", "could not convert string to float"),
        ("return [values[index] for index in max(best, key=len, default=[])]", "return tuple(values)", "it is no list"),
    ],
)
def test_what_is_wrong_is_found(task, old, new, words):
    done = checked(task, (old, new))
    assert done.returncode == 1
    assert words in done.stderr


def test_a_function_that_is_wrong_for_large_inputs_only_is_found(task):
    task.edit("increasing.py", swap((LIST, LIST + DROPPING)))
    for script in ("check.py", "bench.py"):
        done = task.python(script)
        assert done.returncode == 1
        assert "values, the longest has" in done.stderr
        assert len(done.stderr) < 500
        assert "seconds" not in done.stdout


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ("values[:9]", "it does not increase strictly"),
        ("list(range(10**6, 10**6 + 70))", "its values are not in the input in that order"),
        ("len(values)", "it is no list but int"),
    ],
)
def test_a_result_that_is_made_up_is_no_time(task, result, words):
    task.edit("increasing.py", swap((SLOW, f"    return {result}")))
    done = task.python("bench.py")
    assert done.returncode == 1
    assert words in done.stderr


@pytest.mark.thorough
def test_a_wrong_speed_up_of_a_model_is_not_kept_and_a_right_one_is(tmp_path):
    task = Ready(tmp_path, "latency", SMALL | ONE_SAMPLE)
    with ChatServer([WRONG, RIGHT]) as server:
        done = task.ask(server.base_url, "2x")
    assert done.code == 0, done.err
    baseline, wrong, right = done.named("experiment-finished")
    assert wrong["decision"] == "discard"
    assert "check.py" in wrong["reason"]
    assert "strictly" in wrong["reason"] + done.err + server.requests[1].prompt
    assert right["decision"] == "keep"
    assert right["metric"] < baseline["metric"]
