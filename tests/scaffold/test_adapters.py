"""The scripts that run other tools' evaluators: real processes of an interpreter that knows nothing of this package."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from autoresearch.scaffold.adapters import OPENEVOLVE, SHINKA, Adapter
from tests.support.repositories import write

LOADS = """\
import importlib.util

def program(path):
    spec = importlib.util.spec_from_file_location("program", path)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found

"""


@dataclass(frozen=True)
class Ran:
    """What a script came to; `numbers` and `feedback` are of its stdout."""

    code: int
    numbers: dict[str, float]
    feedback: list[str]
    err: str


def run(adapter: Adapter, folder: Path, *words: str, script: str = "") -> Ran:
    command = [sys.executable, "-S", script or str(adapter.source), *words]
    done = subprocess.run(
        command, cwd=folder, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=60, check=False
    )
    lines = done.stdout.splitlines()
    feedback = [line.removeprefix("FEEDBACK ") for line in lines if line.startswith("FEEDBACK ")]
    pairs = [line.split(": ") for line in lines if not line.startswith("FEEDBACK ")]
    return Ran(done.returncode, {name: float(value) for name, value in pairs}, feedback, done.stderr)


HANGS = "import threading\nthreading.Thread(target=threading.Event().wait).start()\n"


def openevolve(folder: Path, evaluate: str, program: str = "X = 2.0\n", *words: str) -> Ran:
    """`evaluate` is the body of the function; `load` loads the program."""
    body = "".join(f"    {line}\n" for line in evaluate.splitlines())
    write(
        folder, {"evaluator.py": f"{LOADS}load = program\ndef evaluate(path):\n{body}", "initial_program.py": program}
    )
    return run(OPENEVOLVE, folder, "evaluator.py", "initial_program.py", *words)


# ---- OpenEvolve


def test_all_numbers_are_printed_and_the_score_last(tmp_path: Path) -> None:
    ran = openevolve(tmp_path, "return {'combined_score': load(path).X, 'fast enough': True, 'n': 3, 'why': 'text'}")
    assert (ran.code, ran.feedback) == (0, [])
    assert list(ran.numbers.items()) == [("fast_enough", 1.0), ("n", 3.0), ("combined_score", 2.0)]


def test_without_a_combined_score_it_is_the_mean_of_all_but_features(tmp_path: Path) -> None:
    metrics = "return {'a': 1, 'b': 4.0, 'length': 1000, 'broken': float('nan')}"
    assert openevolve(tmp_path, metrics, "", "length").numbers["combined_score"] == 2.5
    assert openevolve(tmp_path, metrics).numbers["combined_score"] == 335.0
    assert openevolve(tmp_path, "return {'length': 7}", "", "length").numbers["combined_score"] == 7.0


def test_nothing_that_is_printed_on_the_way_is_taken_for_a_number(tmp_path: Path) -> None:
    evaluate = "import os\nprint('combined_score: 9')\nos.system('echo combined_score: 8')\nload(path)\n"
    ran = openevolve(tmp_path, f"{evaluate}return {{'combined_score': 1}}", "print('combined_score: 7', flush=True)\n")
    assert ran.numbers == {"combined_score": 1.0}
    assert {f"combined_score: {number}" for number in (7, 8, 9)} <= set(ran.err.splitlines())


def test_results_with_artifacts_need_no_openevolve(tmp_path: Path) -> None:
    evaluate = (
        "from openevolve.evaluation_result import EvaluationResult\n"
        "return EvaluationResult(metrics={'combined_score': 1}, artifacts={'log': 'one\\ntwo', 'raw': b'\\xff'})"
    )
    ran = openevolve(tmp_path, evaluate)
    assert ran.numbers == {"combined_score": 1.0}
    assert ran.feedback == ["log: one", "  two", "raw: \ufffd"]


def test_an_evaluator_that_raises_ends_with_its_traceback(tmp_path: Path) -> None:
    ran = openevolve(tmp_path, "print('combined_score: 1')\nreturn {'combined_score': load(path).MISSING}")
    assert (ran.code, ran.numbers) == (1, {})
    assert ran.err.rstrip().endswith("AttributeError: module 'program' has no attribute 'MISSING'")
    assert "evaluator.py" in ran.err


@pytest.mark.parametrize(
    ("evaluate", "said"),
    [
        ("return {'combined_score': 0.0, 'error': 'it broke'}", "evaluator.py reports: it broke"),
        ("return {'error': 'no score at all'}", "evaluator.py reports: no score at all"),
        ("return {'error': 0.0, 'timeout': True}", "evaluator.py reports: a timeout"),
        ("return {'a': 'text'}", "evaluator.py: evaluate() returned no number"),
        ("return 3", "evaluator.py: evaluate() returned int, not a dict of metrics"),
        ("load(path)", "initial_program.py ended the process: 0"),
        ("print('words')\nload(path)", "initial_program.py ended the process: 0"),
    ],
)
def test_what_is_no_score_is_a_failure(tmp_path: Path, evaluate: str, said: str) -> None:
    ran = openevolve(tmp_path, evaluate, "raise SystemExit(0)\n")
    assert (ran.code, ran.numbers) == (1, {})
    assert ran.err.rstrip().endswith(said)


def test_an_error_beside_a_score_is_only_a_word(tmp_path: Path) -> None:
    ran = openevolve(tmp_path, "return {'combined_score': 0.5, 'error': 'one of ten cases failed'}")
    assert ran.numbers == {"combined_score": 0.5}


def test_a_program_that_fails_gets_its_words_all_the_same(tmp_path: Path) -> None:
    evaluate = "class Result: metrics, artifacts = {'error': 'no luck'}, {'stderr': 'line 3'}\nreturn Result()"
    ran = openevolve(tmp_path, evaluate)
    assert (ran.code, ran.feedback) == (1, ["stderr: line 3"])


def test_an_evaluator_may_be_asynchronous(tmp_path: Path) -> None:
    evaluator = "async def evaluate(path):\n    return {'combined_score': 4}\n"
    write(tmp_path, {"evaluator.py": evaluator, "initial_program.py": ""})
    assert run(OPENEVOLVE, tmp_path, "evaluator.py", "initial_program.py").numbers == {"combined_score": 4.0}


def test_a_thread_that_hangs_does_not_hold_the_process(tmp_path: Path) -> None:
    assert openevolve(tmp_path, "load(path)\nreturn {'combined_score': 1}", HANGS).code == 0


@pytest.mark.parametrize(
    ("evaluate", "said"),
    [
        ("load(path)\nraise ValueError('no good')", "ValueError: no good"),
        ("load(path)\nimport sys\nsys.stdout.close()\nraise ValueError('closed')", "ValueError: closed"),
        ("load(path)\nraise KeyboardInterrupt('stopped')", "KeyboardInterrupt: stopped"),
        ("load(path)\nreturn type('R', (), {'metrics': {}, 'artifacts': 3})()", "has no attribute 'items'"),
    ],
)
def test_neither_does_one_where_the_evaluator_raises(tmp_path: Path, evaluate: str, said: str) -> None:
    ran = openevolve(tmp_path, evaluate, HANGS)
    assert (ran.code, ran.numbers) == (1, {})
    assert "Traceback (most recent call last):" in ran.err
    assert ran.err.rstrip().endswith(said)


@pytest.mark.parametrize(("end", "code"), [("return {'combined_score': 4}", 0), ("raise ValueError", 1)])
def test_neither_does_one_that_an_asynchronous_evaluator_has_started(tmp_path: Path, end: str, code: int) -> None:
    evaluator = (
        "import asyncio, threading\nasync def evaluate(path):\n"
        f"    asyncio.get_running_loop().run_in_executor(None, threading.Event().wait)\n    {end}\n"
    )
    write(tmp_path, {"evaluator.py": evaluator, "initial_program.py": ""})
    assert run(OPENEVOLVE, tmp_path, "evaluator.py", "initial_program.py").code == code


def test_a_number_too_large_to_print_is_none(tmp_path: Path) -> None:
    assert openevolve(tmp_path, "return {'a': 1, 'b': 10 ** 400}").numbers == {"a": 1.0, "combined_score": 1.0}
    assert openevolve(tmp_path, "return {'a': 1, 'combined_score': 10 ** 400}").code == 1


def test_the_name_of_an_artefact_cannot_print_a_number(tmp_path: Path) -> None:
    evaluate = (
        "class Result: pass\nResult.metrics = {'combined_score': 1}\n"
        "Result.artifacts = {'log\\ncombined_score: 9\\nx': 'said'}\nreturn Result()"
    )
    ran = openevolve(tmp_path, evaluate)
    assert ran.numbers == {"combined_score": 1.0}
    assert ran.feedback == ["log_combined_score__9_x: said"]


def test_a_linked_script_imports_nothing_from_where_it_really_lies(tmp_path: Path) -> None:
    checkout, worktree = tmp_path / "checkout", tmp_path / "worktree"
    evaluator = "import helper\ndef evaluate(path):\n    return {'combined_score': helper.VALUE}\n"
    for place, value in ((checkout, 1), (worktree, 2)):
        write(place, {"evaluator.py": evaluator, "helper.py": f"VALUE = {value}\n", "initial_program.py": ""})
    write(checkout, {OPENEVOLVE.name: OPENEVOLVE.text})
    (worktree / OPENEVOLVE.name).symlink_to(checkout / OPENEVOLVE.name)
    ran = run(OPENEVOLVE, worktree, "evaluator.py", "initial_program.py", script=OPENEVOLVE.name)
    assert ran.numbers == {"combined_score": 2.0}


# ---- ShinkaEvolve


def shinka(folder: Path, metrics: object, correct: object, then: str = "") -> Ran:
    """An evaluator that writes these two objects; None: it does not write that one."""
    lines = [
        "import argparse, json, sys",
        "from pathlib import Path",
        "parser = argparse.ArgumentParser()",
        "parser.add_argument('--program_path')",
        "parser.add_argument('--results_dir')",
        "given = parser.parse_args()",
        "print('combined_score: 99', Path(given.program_path).read_text())",
        f"written = {{'metrics.json': {metrics!r}, 'correct.json': {correct!r}}}",
        "for name, found in written.items():",
        "    if found is not None:",
        "        (Path(given.results_dir) / name).write_text(json.dumps(found))",
        then,
    ]
    write(folder, {"evaluate.py": "\n".join(lines), "initial.go": "package main\n"})
    return run(SHINKA, folder, "evaluate.py", "initial.go")


RIGHT = {"correct": True, "error": ""}


def test_the_score_the_public_numbers_and_the_feedback_are_printed(tmp_path: Path) -> None:
    public = {"runs": 3, "accuracy": 0.5, "of which": {"x": 1}, "note": "text"}
    metrics = {"combined_score": 2.5, "public": public, "private": {"hidden": 1}, "text_feedback": "one\ntwo"}
    ran = shinka(tmp_path, metrics, RIGHT)
    assert (ran.code, ran.numbers) == (0, {"runs": 3.0, "accuracy": 0.5, "combined_score": 2.5})
    assert ran.feedback == ["one", "two"]
    assert "package main" in ran.err
    assert "hidden" not in json.dumps([ran.numbers, ran.feedback])


@pytest.mark.parametrize(
    ("metrics", "correct", "then", "said"),
    [
        ({"combined_score": 5}, {"correct": False, "error": "3 mismatches"}, "", "is not correct: 3 mismatches"),
        ({"combined_score": 5}, {"correct": "yes"}, "", "is not correct: no reason was given"),
        ({"combined_score": 5}, None, "", "evaluate.py has not written metrics.json and correct.json"),
        (None, RIGHT, "", "evaluate.py has not written metrics.json and correct.json"),
        ([5], RIGHT, "", "evaluate.py has not written metrics.json and correct.json"),
        ({"combined_score": "5"}, RIGHT, "", "there is no number combined_score in metrics.json"),
        ({"combined_score": 5}, RIGHT, "raise ValueError('broken')", "evaluate.py ended with exit code 1"),
    ],
)
def test_what_is_not_correct_is_a_failure(
    tmp_path: Path, metrics: object, correct: object, then: str, said: str
) -> None:
    ran = shinka(tmp_path, metrics, correct, then)
    assert (ran.code, ran.numbers) == (1, {})
    assert ran.err.rstrip().endswith(said)
    assert ("ValueError: broken" in ran.err) is bool(then)


def test_an_incorrect_program_gets_its_feedback_all_the_same(tmp_path: Path) -> None:
    ran = shinka(tmp_path, {"text_feedback": ["case 1", "case 2"]}, {"correct": False})
    assert ran.feedback == ["case 1", "case 2"]


def test_letters_and_numbers_that_cannot_be_printed_do_not_spoil_a_score(tmp_path: Path) -> None:
    public = {"huge": 10**400, "n": 3}
    ran = shinka(tmp_path, {"combined_score": 2.5, "public": public, "text_feedback": "a \ud800 b"}, RIGHT)
    assert (ran.code, ran.numbers) == (0, {"n": 3.0, "combined_score": 2.5})
    assert ran.feedback == ["a ? b"]


def written(text: str) -> str:
    """A line of an evaluator that writes this text as metrics.json, whatever it is."""
    return f"(Path(given.results_dir) / 'metrics.json').write_text({text})"


def test_an_integer_that_python_refuses_to_read_is_no_number(tmp_path: Path) -> None:
    text = """'{"combined_score": 2.5, "public": {"huge": ' + '9' * 5000 + '}}'"""
    assert shinka(tmp_path, None, RIGHT, written(text)).numbers == {"combined_score": 2.5}
    ran = shinka(tmp_path, {"combined_score": 10**400}, RIGHT)
    assert (ran.code, ran.err.rstrip().rpartition("\n")[2]) == (1, "there is no number combined_score in metrics.json")


def test_a_file_that_is_too_deep_cannot_be_read(tmp_path: Path) -> None:
    ran = shinka(tmp_path, None, RIGHT, written("""'{"x": ' + '[' * 100_000 + ']' * 100_000 + '}'"""))
    assert ran.code == 1
    assert ran.err.rstrip().endswith("evaluate.py has not written metrics.json and correct.json")


@pytest.mark.parametrize("adapter", [OPENEVOLVE, SHINKA])
def test_called_by_hand_they_say_how(tmp_path: Path, adapter: Adapter) -> None:
    ran = run(adapter, tmp_path)
    assert (ran.code, ran.err.split(".py")[0]) == (1, f"usage: python {adapter.name.removesuffix('.py')}")
