"""The fixed half of the task: how long does the test suite take, and which lines of ledger.py does it reach?

Two runs of the suite: the first one takes the time, that of a whole process, from outside, and nothing counts lines in
it; in the second one coverage.py does. So what check.py tries is what the time is of. A suite that fails has no time.
Not covered: whether the tests notice anything, which check.py tries; and what tests do that look for the tracer of the
second run, or forge what it finds (see run.py). Which lines there are to be reached is decided here, not by them.
"""

import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from run import MODULE, Run, run


def successful(text: str, data: Path | None = None) -> Run:
    """A run in which every test succeeds; ends the program otherwise."""
    done = run(text, data)
    sys.stderr.write(done.said)
    return done if done.tests else sys.exit("the suite failed")


def covered(data: Path) -> int:
    """How many lines of ledger.py were reached: of those that have a statement, whatever else stands in the data."""
    import coverage

    tool = coverage.Coverage(data_file=str(data), config_file=False)
    tool.load()
    _, statements, _, missing, _ = tool.analysis2(str(MODULE))
    return len(statements) - len(missing)


def main() -> None:
    if find_spec("coverage") is None:
        sys.exit("this task needs coverage.py: pip install coverage")
    text = MODULE.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        timed, counted = successful(text), successful(text, data)
        if timed.tests != counted.tests:
            sys.exit(f"the suite has {timed.tests} tests, and {counted.tests} when its lines were counted")
        lines = covered(data)
    print(f"tests: {timed.tests}")
    print(f"covered_lines: {lines}")
    print(f"seconds: {timed.seconds:.4f}")


if __name__ == "__main__":
    main()
