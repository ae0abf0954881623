"""The fixed half of the task: how long does longest_increasing take?

It runs in a process of its own, which gets the inputs on stdin and prints the results; timed is that whole process,
from outside, so that what edited code does to clocks and modules changes nothing here. The start of Python, some 20 ms,
is in the time. reference.py judges each result, which takes no time that counts.
Not covered: other kinds of inputs, which check.py tries.

Environment: AR_SEED (integer) decides the inputs.
"""

import json
import os
import random
import subprocess
import sys
import time

from reference import problem

LENGTHS = (500, 1000, 2000, 4000)
CALLS = """
import json, sys
from increasing import longest_increasing
results = [longest_increasing(values) for values in json.load(sys.stdin)]
print(json.dumps(results))
"""


def main() -> None:
    rng = random.Random(int(os.environ.get("AR_SEED") or 0))
    inputs = [rng.sample(range(10 * length), length) for length in LENGTHS]
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", CALLS], input=json.dumps(inputs), stdout=subprocess.PIPE, text=True, check=False
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"longest_increasing failed with exit code {done.returncode}")
    for values, result in zip(inputs, json.loads(done.stdout), strict=True):
        if wrong := problem(values, result):
            sys.exit(f"wrong for {len(values)} values: {wrong}")
    print(f"longest: {len(result)} of {len(values)}")
    print(f"seconds: {seconds:.4f}")


if __name__ == "__main__":
    main()
