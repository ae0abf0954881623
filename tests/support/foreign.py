"""Small repositories of our own making, laid out as other tools want theirs: a task of OpenEvolve, a session of pi."""

from __future__ import annotations

PROGRAM = """\
# EVOLVE-BLOCK-START
RATE = 3.0


def height():
    return 10 - (RATE - 1) ** 2
# EVOLVE-BLOCK-END


FLOOR = 2.0


def total():
    return height() + FLOOR
"""
EVALUATOR = """\
import importlib.util


def evaluate(path):
    spec = importlib.util.spec_from_file_location("program", path)
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    print("combined_score: 1000")
    return {"combined_score": program.total(), "floor": program.FLOOR}
"""
TASK = {"evaluator.py": EVALUATOR, "initial_program.py": PROGRAM}

SESSION = {
    ".auto/measure.sh": "#!/bin/bash\nset -euo pipefail\npython3 -S run.py\n",
    ".auto/checks.sh": "grep -q KEEP solve.py\n",
    ".auto/prompt.md": "# Autoresearch: a small cost\n\n## Files in Scope\n- `solve.py`\n",
    "solve.py": "X = 3.0\n# KEEP\n",
    "run.py": "from solve import X\nname = 'cost'\nprint('size: 3')\nprint(f'METRIC {name}={(X - 1) ** 2}')\n",
}
