"""The ready task `configs/suite`: what is measured and checked; a model's gain is kept unless it tests less.

Not covered: how fast the suite becomes.
"""

import pytest

from tests.support.chat_server import ChatServer
from tests.support.ready import ONE_SAMPLE, Ready, reply, substitute, swap

TESTS = "tests/test_ledger.py"
CHECKED = """\
            reporter.ask(ACCOUNTS)
            time.sleep(0.3)
            for account in ACCOUNTS:
"""
MONTHS = """\
            reporter.ask(["bank"])
            time.sleep(0.3)
"""
NAMED = """\
            reporter.ask(["cash"])
            time.sleep(0.3)
"""


def waiting(old):
    """The same without a clock."""
    return old, old.replace("time.sleep(0.3)", "reporter.wait()")


FASTER = [waiting(CHECKED), waiting(MONTHS), waiting(NAMED)]
LARGEST = '        self.assertEqual([entry.text for entry in self.ledger.largest(2)], ["rent", "wage"])\n'
BLIND = "        self.ledger.largest(2)\n"
LAX = reply("no waiting, and less to compare", TESTS, *FASTER, (LARGEST, BLIND))
RIGHT = reply("wait for the reports, not for the clock", TESTS, *FASTER)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """For tests that only call its scripts, and first write the tests."""
    return task_in(tmp_path_factory.mktemp("suite"))


def task_in(folder):
    """A copy with less data, shorter waits and three of the faults, among them what BLIND overlooks."""
    task = Ready(folder, "suite", ONE_SAMPLE)
    path = task.root / TESTS
    text = path.read_text().replace("1200", "300").replace("1201", "301")
    path.write_text(text.replace("time.sleep(0.5)", "time.sleep(0.3)"))
    substitute(task.root / "check.py", "def succeeds(", "FAULTS = FAULTS[8:11]\n\n\ndef succeeds(")
    task.commit("less data")
    return task


def test_one_run_gives_time_lines_and_tests(small):
    small.edit(TESTS, swap())
    done = small.python("measure.py")
    numbers = dict(line.split(": ") for line in done.stdout.splitlines())
    assert set(numbers) == {"tests", "covered_lines", "seconds"}
    assert numbers["tests"] == "29"
    assert int(numbers["covered_lines"]) > 90


def test_a_suite_that_reaches_less_has_fewer_lines(small):
    small.edit(TESTS, swap())
    whole = small.number("covered_lines", "measure.py")
    small.edit(TESTS, swap(("        self.ledger.add(example(5), example(3), example(5))\n", "        return\n")))
    assert small.number("covered_lines", "measure.py") == whole - 1


def test_a_suite_that_fails_has_no_time(small):
    small.edit(TESTS, swap(('parse_amount("7"), 700', 'parse_amount("7"), 701')))
    done = small.python("measure.py")
    assert done.returncode == 1
    assert "the suite failed" in done.stderr
    assert "seconds" not in done.stdout
    assert "the suite does not succeed each time" in small.python("check.py").stderr


def test_without_coverage_it_is_said_what_to_install(small):
    done = small.python("-S", "measure.py")
    assert done.returncode == 1
    assert done.stderr == "this task needs coverage.py: pip install coverage\n"


def test_the_check_finds_what_is_no_longer_tested(small):
    small.edit(TESTS, swap((LARGEST, BLIND)))
    done = small.python("check.py")
    assert done.returncode == 1
    assert "no longer notices what is wrong with: key=lambda entry: abs(entry.cents)" in done.stderr


@pytest.mark.thorough
def test_a_gain_that_tests_less_is_not_kept_and_a_real_one_is(tmp_path):
    task = task_in(tmp_path)
    with ChatServer([LAX, RIGHT]) as server:
        done = task.ask(server.base_url, "2x")
    assert done.code == 0, done.err
    baseline, lax, right = done.named("experiment-finished")
    assert lax["decision"] == "discard"
    assert "check.py" in lax["reason"]
    assert right["decision"] == "keep"
    assert right["metric"] < baseline["metric"] - 0.5
