"""The least that a loop of experiments can be: ask, edit, commit, run, keep or reset. What `ar` is measured beside.

    python bare_loop.py API_BASE EXPERIMENTS COMMAND...

In a git work tree with solve.py in it, standard library only. It judges by one sample, believes whatever is printed,
and stops at the first thing that goes wrong. What is not here: everything that `ar` does besides.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

BLOCK = re.compile(r"<<<<<<< SEARCH\n(.*?)\n=======\n(.*?)\n>>>>>>> REPLACE", re.DOTALL)
PROGRAM = Path("solve.py")
PATIENCE = 60.0
"""Seconds for an answer."""


def ask(api_base: str, program: str) -> str:
    """One chat call; the text of the answer."""
    question = f"Lower the score. Answer with one SEARCH/REPLACE block.\n\n# Editable files\n{program}"
    body = {"model": "stub", "messages": [{"role": "user", "content": question}]}
    headers = {"Content-Type": "application/json", "Authorization": "Bearer none"}
    request = urllib.request.Request(f"{api_base}/chat/completions", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return str(json.load(answer)["choices"][0]["message"]["content"])


def measure(command: list[str]) -> float:
    """Run the experiment; its score."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found = re.search(r"^score: (\S+)$", done.stdout, re.MULTILINE)
    assert found, done.stdout
    return float(found[1])


def main(api_base: str, experiments: int, command: list[str]) -> None:
    """Prints how many were kept."""
    best, kept = measure(command), 0
    for number in range(experiments):
        before = PROGRAM.read_text()
        block = BLOCK.search(ask(api_base, before))
        assert block, "no block in the answer"
        assert before.count(block[1]) == 1, f"not there once: {block[1]}"
        PROGRAM.write_text(before.replace(block[1], block[2]))
        subprocess.run(["git", "commit", "--quiet", "--all", f"--message=experiment {number}"], check=True)
        score = measure(command)
        if score < best:
            best, kept = score, kept + 1
        else:
            subprocess.run(["git", "reset", "--quiet", "--hard", "HEAD~1"], check=True)
    print(kept)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
