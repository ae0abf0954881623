"""The ready task `configs/suite`: what is measured and checked; a model's gain is kept unless it tests less.

Not covered: how fast the suite becomes.
"""

import hashlib

import pytest

from tests.support.chat_server import ChatServer
from tests.support.ready import ONE_SAMPLE, Ready, reply, substitute, swap

pytestmark = pytest.mark.thorough

TESTS = "tests/test_ledger.py"
CHECKED = """\
            reporter.ask(ACCOUNTS)
            time.sleep(0.5)
            for account in ACCOUNTS:
"""
MONTHS = """\
            reporter.ask(["bank"])
            time.sleep(0.5)
"""
NAMED = """\
            reporter.ask(["cash"])
            time.sleep(0.5)
"""


def waiting(old):
    """The same without a clock."""
    return old, old.replace("time.sleep(0.5)", "reporter.wait()")


FASTER = [waiting(CHECKED), waiting(MONTHS), waiting(NAMED)]
LARGEST = '        self.assertEqual([entry.text for entry in self.ledger.largest(2)], ["rent", "wage"])\n'
BLIND = "        self.ledger.largest(2)\n"
TWICE = "        self.ledger.add(example(5), example(3), example(5))\n"
IMPORTS = "import shutil\n"
LAX = reply("no waiting, and less to compare", TESTS, *FASTER, (LARGEST, BLIND))
RIGHT = reply("wait for the reports, not for the clock", TESTS, *FASTER)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """For tests that only call its scripts, and first write the tests; nothing in it waits by the clock."""
    task = task_in(tmp_path_factory.mktemp("suite"))
    task.edit(TESTS, swap(*FASTER))
    task.commit("no waiting")
    return task


def task_in(folder):
    """A copy with less data and three of the faults, among them what BLIND overlooks."""
    task = Ready(folder, "suite", ONE_SAMPLE)
    path = task.root / TESTS
    path.write_text(path.read_text().replace("1200", "300").replace("1201", "301"))
    substitute(task.root / "check.py", "def succeeds(", "FAULTS = FAULTS[8:11]\n\n\ndef succeeds(")
    task.commit("less data")
    return task


def test_a_measurement_gives_time_lines_and_tests(small):
    small.edit(TESTS, swap())
    done = small.python("measure.py")
    numbers = dict(line.split(": ") for line in done.stdout.splitlines())
    assert set(numbers) == {"tests", "covered_lines", "seconds"}
    assert numbers["tests"] == "29"
    assert int(numbers["covered_lines"]) > 90


def test_a_suite_that_reaches_less_has_fewer_lines(small):
    small.edit(TESTS, swap())
    whole = small.number("covered_lines", "measure.py")
    small.edit(TESTS, swap((TWICE, "        return\n")))
    assert small.number("covered_lines", "measure.py") == whole - 1


def test_what_a_test_prints_is_no_number(small):
    printing = '        print("seconds: 0.0001")\n'
    small.edit(TESTS, swap((LARGEST, LARGEST + printing)))
    assert small.python("measure.py").stdout.count("seconds: ") == 1


def test_a_skipped_test_does_not_count(small):
    skipping = '        self.skipTest("slow")\n'
    small.edit(TESTS, swap((LARGEST, LARGEST + skipping)))
    assert small.number("tests", "measure.py") == 28


def test_a_suite_that_ends_the_process_has_no_time(small):
    small.edit(TESTS, swap((LARGEST, "        __import__('os')._exit(0)\n")))
    done = small.python("measure.py")
    assert done.returncode == 1
    assert "the suite failed" in done.stderr


@pytest.mark.parametrize("place", ["sys.modules", "os.environ", "' '.join(sys.argv)"])
def test_no_run_says_that_it_counts_lines(small, place):
    asking = f'import os\nimport sys\n\nif "cov" in " ".join({place}).lower():\n    os._exit(1)\n'
    small.edit(TESTS, swap((IMPORTS, IMPORTS + asking)))
    assert small.number("covered_lines", "measure.py") > 90


def test_a_suite_that_adds_lines_to_the_data_of_coverage_has_no_more(small):
    small.edit(TESTS, swap((TWICE, "        return\n")))
    honest = small.number("covered_lines", "measure.py")
    adding = (
        "        import coverage\n\n        import ledger\n\n"
        "        if tool := coverage.Coverage.current():\n"
        "            tool.get_data().add_lines({ledger.__file__: range(1, 200)})\n"
    )
    small.edit(TESTS, swap((TWICE, adding + "        return\n")))
    assert small.number("covered_lines", "measure.py") == honest


def test_a_suite_that_counts_different_tests_when_lines_are_counted_is_refused(small):
    hiding = "        if not __import__('sys').gettrace():\n            self.skipTest('slow')\n"
    small.edit(TESTS, swap((LARGEST, LARGEST + hiding)))
    done = small.python("measure.py", COVERAGE_CORE="ctrace")
    assert done.returncode == 1
    assert "28 tests, and 29 when its lines were counted" in done.stderr


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


@pytest.mark.parametrize(
    "sham",
    [
        f"        if __import__('sys').gettrace():\n    {LARGEST}",
        (
            "        import hashlib\n        import ledger\n"
            "        found = hashlib.sha256(Path(ledger.__file__).read_bytes()).hexdigest()\n"
            "        self.assertEqual(found, 'DIGEST')\n"
        ),
        (
            "        import inspect\n        import ledger\n"
            "        self.assertIn('key=lambda entry: abs(entry.cents)', inspect.getsource(ledger))\n"
        ),
    ],
)
def test_what_only_looks_at_the_file_or_for_the_tracer_notices_nothing(small, sham):
    digest = hashlib.sha256((small.root / "ledger.py").read_bytes()).hexdigest()
    small.edit(TESTS, swap((LARGEST, sham.replace("DIGEST", digest))))
    done = small.python("check.py")
    assert done.returncode == 1
    assert done.stderr.endswith("wrong with: key=lambda entry: abs(entry.cents)\n")


def test_a_run_leaves_nothing_for_the_next_one(small):
    keeping = "        with open('kept.txt', 'x'):\n            pass\n"
    small.edit(TESTS, swap((LARGEST, LARGEST + keeping)))
    assert small.python("measure.py").returncode == 0
    assert not (small.root / "kept.txt").exists()


def test_a_gain_that_tests_less_is_not_kept_and_a_real_one_is(tmp_path):
    task = task_in(tmp_path)
    with ChatServer([LAX, RIGHT]) as server:
        done = task.ask(server.base_url, "2x")
    assert done.code == 0, done.err
    baseline, lax, right = done.named("experiment-finished")
    assert lax["decision"] == "discard"
    assert "check.py" in lax["reason"]
    assert right["decision"] == "keep"
    assert right["metric"] < baseline["metric"]
