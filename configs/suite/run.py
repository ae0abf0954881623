"""The fixed half of the task: one run of the suite, in a process of its own; measure.py and check.py ask for it.

The tests are to find the same in every run, whatever the run is for: the same command, a new copy of `tests` as the
folder they run in, and no file in which `ledger` is wrong. Its text comes on stdin, with a fault or without one, and
an import hook makes the module of it, under the name of the file, which stays as it is.
What stays possible: tests that look at the compiled code of `ledger`, for the tracer that counts its lines or for the
process that started theirs, can tell the runs apart; and since they run in the process that says how it went, they
could forge the lines and the number of tests. A suite that sets out to deceive can; reading the diff is for that.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType
from typing import NamedTuple

MODULE = Path(__file__).with_name("ledger.py")
LIMIT = 30.0  # seconds of one run; what takes longer has failed


class Run(NamedTuple):
    """A run of the suite, as it looks from outside."""

    tests: int  # 0: it failed
    seconds: float
    said: str


def run(text: str, data: Path | None = None) -> Run:
    """Run the suite with that text of ledger.py; with `data`, its lines are counted, and the result goes there."""
    order = json.dumps({"text": text, "data": str(data) if data else None})
    command = [sys.executable, str(Path(__file__).resolve())]
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree("tests", Path(folder) / "tests", ignore=shutil.ignore_patterns("__pycache__"))
        start = time.perf_counter()
        try:
            done = subprocess.run(
                command, cwd=folder, input=order, capture_output=True, text=True, timeout=LIMIT, check=False
            )
        except subprocess.TimeoutExpired:
            return Run(0, LIMIT, f"a run took longer than {LIMIT:.0f} s\n")
        seconds = time.perf_counter() - start
    last = done.stdout.split()[-1:]  # what comes before is from the tests
    ended_well = done.returncode == 0 and last and last[0].isdecimal()
    return Run(int(last[0]) if ended_well else 0, seconds, done.stderr)


class FromText(SourceFileLoader):
    """Finds and loads `ledger`, from a text instead of its file; whoever asks for its source gets that of the file."""

    def __init__(self, text: str) -> None:
        super().__init__(MODULE.stem, str(MODULE))
        self.text = text

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        return spec_from_file_location(name, MODULE, loader=self) if name == MODULE.stem else None

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.text, self.get_filename(fullname), "exec")


def counting(data: str) -> int:
    """Try the tests while coverage.py counts the lines of ledger.py; how many tests there were, 0 if one fails."""
    import coverage

    tool = coverage.Coverage(data_file=data, include=[str(MODULE)], config_file=False)
    tool.start()
    # out of sight, so that `"coverage" in sys.modules` and Coverage.current() are as in a run that only takes time
    hidden = {name: sys.modules.pop(name) for name in [*sys.modules] if "coverage" in name}
    tests = try_tests()
    sys.modules.update(hidden)
    tool.stop()
    tool.save()
    return tests


def try_tests() -> int:
    """How many tests there were, without those that were skipped; 0 if one fails."""
    result = unittest.main(module=None, argv=["run", "discover", "--failfast", "-s", "tests"], exit=False).result
    return result.testsRun - len(result.skipped) if result.wasSuccessful() else 0


def main() -> None:
    order = json.load(sys.stdin)
    sys.path[0] = str(Path.cwd())
    sys.meta_path.insert(0, FromText(order["text"]))
    tests = counting(order["data"]) if order["data"] else try_tests()
    print(f"\n{tests}")
    sys.exit(tests == 0)


if __name__ == "__main__":
    main()
