"""The fixed half of the task: how long does the test suite take, and which lines of ledger.py does it reach?

One run of the suite gives both numbers, so no test can be quick in one run and thorough in another. It runs in a
process of its own, and the time is that of the whole process, from outside. A suite that fails has no time.
Not covered: whether the tests notice anything, which check.py tries.
"""

import json
import re
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

MODULE = "ledger.py"


def main() -> None:
    if find_spec("coverage") is None:
        sys.exit("this task needs coverage.py: pip install coverage")
    with tempfile.TemporaryDirectory() as folder:
        data, report = Path(folder) / "data", Path(folder) / "report.json"
        tool = [sys.executable, "-m", "coverage"]
        run = [*tool, "run", "--rcfile=", f"--data-file={data}", f"--include={MODULE}"]
        suite = [*run, "-m", "unittest", "discover", "-s", "tests"]
        start = time.perf_counter()
        done = subprocess.run(suite, stderr=subprocess.PIPE, text=True, check=False)
        seconds = time.perf_counter() - start
        sys.stderr.write(done.stderr)
        count = re.search(r"^Ran (\d+) tests? in", done.stderr, re.MULTILINE)
        if done.returncode or count is None:
            sys.exit("the suite failed")
        subprocess.run([*tool, "json", "--rcfile=", f"--data-file={data}", "-q", "-o", str(report)], check=True)
        covered = json.loads(report.read_text())["totals"]["covered_lines"]
    print(f"tests: {count[1]}")
    print(f"covered_lines: {covered}")
    print(f"seconds: {seconds:.4f}")


if __name__ == "__main__":
    main()
