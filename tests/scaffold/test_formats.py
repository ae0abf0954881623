"""Repositories made for other tools: what is proposed for small ones of our own making, laid out as theirs are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autoresearch.config import parse
from autoresearch.core.history import Direction
from autoresearch.errors import ConfigError
from autoresearch.scaffold import Detected, choose, detect, program_text, template
from autoresearch.scaffold.formats.yaml_text import text_of
from tests.support.repositories import write

MARKED = "import os\n# EVOLVE-BLOCK-START\nX = 1.0\n# EVOLVE-BLOCK-END\n"
EVALUATOR = "def evaluate(path):\n    return {'speed': 1.0}\n"
SHINKA = "parser.add_argument('--program_path')\nparser.add_argument('--results_dir')\n"


def look(root: Path, files: dict[str, str], *programs: str, untracked: tuple[str, ...] = ()) -> Detected:
    """What is detected where these files lie, all tracked but those named; `programs` are on the PATH, as is python."""
    write(root, files)
    tracked = [name for name in files if name not in untracked]
    return detect(root, tracked, lambda name: f"/bin/{name}" if name in ("python", *programs) else None)


# ---- karpathy's three files

TRIO = {"program.md": "# go", "prepare.py": "", "train.py": "print(f'val_bpb: {x}')"}


@pytest.mark.parametrize(
    ("more", "programs", "command"),
    [
        ({}, ["uv"], "python train.py"),
        ({"uv.lock": ""}, ["uv"], "uv run train.py"),
        ({"uv.lock": ""}, [], "python train.py"),
    ],
)
def test_karpathys_files_are_known_in_every_field(
    tmp_path: Path, more: dict[str, str], programs: list[str], command: str
) -> None:
    found = look(tmp_path, {**TRIO, **more}, *programs)
    config = parse(template(choose(found)), "x")
    assert config.experiment.command == command
    assert (config.metric.name, config.metric.direction) == ("val_bpb", Direction.MIN)
    assert (config.editable, config.context, config.instructions) == (("train.py",), ("prepare.py",), "program.md")
    assert (config.experiment.timeout, config.markers) == (600.0, False)
    assert found.has_program
    assert ("there is no .venv here yet: uv sync" in found.notes) is command.startswith("uv")
    assert config.experiment.data == ((".venv",) if command.startswith("uv") else ())
    assert f"{command.removesuffix('train.py')}prepare.py    makes its data, once" in found.notes


# ---- OpenEvolve


def test_a_task_of_openevolve_is_run_by_a_script_of_ours(tmp_path: Path) -> None:
    found = look(tmp_path, {"evaluator.py": EVALUATOR, "initial_program.py": MARKED, "README.md": ""})
    choices = choose(found)
    config = parse(template(choices), "x")
    assert config.experiment.command == "python ar_openevolve.py evaluator.py initial_program.py complexity diversity"
    assert (config.metric.name, config.metric.direction) == ("combined_score", Direction.MAX)
    assert (config.editable, config.context, config.markers) == (("initial_program.py",), ("evaluator.py",), True)
    assert config.experiment.data == ("ar_openevolve.py",)
    assert config.experiment.timeout is None
    assert choices.extras.adapter is not None
    assert "Python 3.8 and no package" in choices.extras.adapter.text
    assert "only what stands between the EVOLVE-BLOCK markers" in program_text(choices)
    assert found.notes[1] == (
        "a task of OpenEvolve (initial_program.py, evaluator.py) is there: "
        "python ar_openevolve.py evaluator.py initial_program.py complexity diversity"
    )


YAML = """\
llm:
  timeout: 120
prompt:
  system_message: |
    You improve it.

      - well
  num_top_programs: 3
database:
  feature_dimensions:  # of the archive
    - "length"
    - 'depth'
evaluator:
  # in seconds
  parallel_evaluations: 3

  timeout: 45  # each
"""


def test_its_yaml_says_the_limit_the_features_and_what_the_model_is_told(tmp_path: Path) -> None:
    files = {"evaluator.py": EVALUATOR, "initial_program.rs": "// EVOLVE-BLOCK-START\n// EVOLVE-BLOCK-END\n"}
    choices = choose(look(tmp_path, {**files, "config.yaml": YAML, "config_2.yaml": "evaluator:\n  timeout: 1\n"}))
    assert choices.command == "python ar_openevolve.py evaluator.py initial_program.rs length depth"
    assert parse(template(choices), "x").experiment.timeout == 45.0
    assert "## What the task says itself\nYou improve it.\n\n  - well\n\n## Ideas" in program_text(choices)


@pytest.mark.parametrize(
    "listed",
    [
        "[length, depth]",
        '["length", "depth"] # both',
        "[\n    length,  # of the text\n    depth\n  ]",
        "\n    - length\n    # not in the score\n\n    - depth  # of the tree\n    # - width",
        "\n  - length\n  - depth\n  other: 3",
        "  # both\r\n    - length\r\n    - depth\r",
    ],
)
def test_features_count_only_where_the_score_is_a_mean(tmp_path: Path, listed: str) -> None:
    yaml = f"database:\n  feature_dimensions: {listed}\n"
    files = {"evaluator.py": EVALUATOR, "initial_program.py": "X = 1\n", "config.yaml": yaml}
    assert look(tmp_path / "a", files).command.endswith(" length depth")
    files["evaluator.py"] = EVALUATOR.replace("speed", "combined_score")
    found = look(tmp_path / "b", files)
    assert found.command.endswith(" initial_program.py")
    assert not found.extras.markers


@pytest.mark.parametrize(
    ("yaml", "features"),
    [
        ("database:\n  feature_dimensions: []\n", []),
        ("database:\n  feature_dimensions: [ ]  # none\n  x: [a]\n", []),
        ("database: {x: [a], feature_dimensions: [length]}\n", ["length"]),
        ("database:\n  x: 1\n", ["complexity", "diversity"]),
        ("database:\n  # feature_dimensions: [length]\n", ["complexity", "diversity"]),
        ("prompt:\n  system_message: |\n    feature_dimensions: [length]\n", ["complexity", "diversity"]),
        ("", ["complexity", "diversity"]),
    ],
)
def test_features_that_are_not_named_are_openevolves_own(tmp_path: Path, yaml: str, features: list[str]) -> None:
    found = look(tmp_path, {"evaluator.py": EVALUATOR, "initial_program.py": "", "config.yaml": yaml})
    assert found.command.split()[4:] == features


@pytest.mark.parametrize(
    ("yaml", "limit"),
    [
        ("evaluator:\n  timeout: 1.5\n", "2s"),
        ("evaluator: {timeout: 7}\n", "7s"),
        ("evaluator: {cascade: {timeout: 3}, max: [1, 2],\n  timeout: 7}  # {timeout: 8}\n", "7s"),
        ("evaluator:\n  cascade:\n    timeout: 3\n", ""),
        ("evaluator:\n  cascade:\n    timeout: 3\n# in seconds\n  timeout: 45\n", "45s"),
        ("evaluator:\n  timeout: 45\r\n", "45s"),
        ('"evaluator":\n    "timeout": 45 # each\n', "45s"),
        ("evaluator:\n  timeout: 0\n", ""),
        ("evaluator:\n  timeout: null\n", ""),
        (f"evaluator:\n  timeout: {'9' * 400}\n", ""),
        ("evaluator:\n", ""),
        ("a:\n  evaluator:\n    timeout: 7\n", ""),
    ],
)
def test_the_limit_is_the_evaluators_own_in_whole_seconds(tmp_path: Path, yaml: str, limit: str) -> None:
    found = look(tmp_path, {"evaluator.py": EVALUATOR, "initial_program.py": "", "config.yaml": yaml})
    assert found.extras.timeout == limit


def test_a_long_yaml_without_a_limit_is_read_in_no_time(tmp_path: Path) -> None:
    yaml = "evaluator:\n" + "  # no\n  other: 1\n\n" * 2000 + "prompt:\n  timeout: 9\n"
    found = look(tmp_path, {"evaluator.py": EVALUATOR, "initial_program.py": "", "config.yaml": yaml})
    assert found.extras.timeout == ""


@pytest.mark.parametrize(
    "files",
    [
        {"evaluator.py": "def score(): pass\n", "initial_program.py": MARKED},
        {"evaluator.py": EVALUATOR, "first.py": MARKED},
        {"x/evaluator.py": EVALUATOR, "x/initial_program.py": MARKED},
        {"evaluate.py": "def main(): pass\n", "initial.py": MARKED},
    ],
)
def test_what_only_looks_like_a_task_is_none(tmp_path: Path, files: dict[str, str]) -> None:
    assert look(tmp_path, files).extras.adapter is None


def test_another_command_or_other_files_leave_out_what_belonged_to_these(tmp_path: Path) -> None:
    found = look(tmp_path, {"evaluator.py": EVALUATOR, "initial_program.py": MARKED, "config.yaml": YAML})
    own = choose(found, command="make score", metric="score", direction="max", editable=("a.py",)).extras
    assert (own.adapter, own.timeout, own.markers) == (None, "", False)


# ---- ShinkaEvolve


@pytest.mark.parametrize(("program", "comment"), [("initial.py", "#"), ("initial.f90", "!"), ("initial.sv", "//")])
def test_a_task_of_shinka_is_known_in_any_language(tmp_path: Path, program: str, comment: str) -> None:
    marked = f"{comment} EVOLVE-BLOCK-START\nx\n{comment} EVOLVE-BLOCK-END\n"
    runner = 'task_sys_msg = """\nMake it fast.\n"""\nrun(task_sys_msg=task_sys_msg)\n'
    choices = choose(look(tmp_path, {"evaluate.py": SHINKA, program: marked, "run_evo.py": runner}))
    config = parse(template(choices), "x")
    assert config.experiment.command == f"python ar_shinka.py evaluate.py {program}"
    assert (config.metric.name, config.metric.direction) == ("combined_score", Direction.MAX)
    assert (config.editable, config.context, config.markers) == ((program,), ("evaluate.py",), True)
    assert "## What the task says itself\nMake it fast.\n" in program_text(choices)


def test_shinkas_words_may_stand_in_a_yaml(tmp_path: Path) -> None:
    yaml = "evo_config:\n  task_sys_msg: >-\n    Pack\n    circles.\n  x: 1\n"
    found = look(tmp_path, {"evaluate.py": SHINKA, "initial.py": "", "shinka_small.yaml": yaml})
    assert found.extras.words == "Pack\ncircles."


@pytest.mark.parametrize(
    ("yaml", "said"),
    [
        ('a:\n  key: "one \\"two\\"\n    three\\n four"\nb: 1\n', 'one "two"\nthree\nfour'),
        ("key: 'it''s'\n", "it's"),
        ("  key: |\n    a\n   b\n", "a\n   b"),
        ("key: plain words\n", ""),
        ("# key: |\n  no\n", ""),
        ('key: "never ends\n', ""),
        ("key: |\r\n  one\r\n  two\r\nb: 1\r\n", "one\ntwo"),
        ('key: "one\r\n  two"\r\n', "one\ntwo"),
    ],
)
def test_long_texts_of_yaml(yaml: str, said: str) -> None:
    assert text_of("key", yaml).split() == said.split()
    assert "\r" not in text_of("key", yaml)


# ---- pi-autoresearch

PROMPT = """\
# Autoresearch: sort faster

## Metrics
- **Primary**: `total_ms` (ms, lower is better), the target
- **Secondary**: compares

## Files in Scope
- `src/sort.py` — the sort; `src/other.py` is not to be touched

### More
- src/heap.py: a heap
- `src/bench.py`
- `src/missing.py`

## Off Limits
- `src/bench.py`
"""
SESSION = {
    ".auto/measure.sh": "#!/bin/bash\npython src/bench.py\n",
    ".auto/prompt.md": PROMPT,
    "src/sort.py": "",
    "src/heap.py": "",
    "src/other.py": "",
    "src/bench.py": "print(f'METRIC compares={n}')\n",
}


def test_a_session_of_pi_is_known_in_every_field(tmp_path: Path) -> None:
    files = {**SESSION, ".auto/checks.sh": "true\n", ".auto/config.json": '{"maxIterations": 30}'}
    found = look(tmp_path, files, untracked=(".auto/checks.sh", ".auto/config.json"))
    config = parse(template(choose(found)), "x")
    assert config.experiment.command == "bash .auto/measure.sh"
    assert config.experiment.checks == ("bash .auto/checks.sh",)
    assert config.experiment.data == (".auto/checks.sh",)
    assert (config.metric.name, config.metric.direction) == ("total_ms", Direction.MIN)
    assert (config.instructions, config.goal) == (".auto/prompt.md", "sort faster")
    assert config.editable == ("src/sort.py", "src/heap.py")
    assert "in scope for pi, protected here: src/bench.py" in found.notes
    assert config.budget.experiments == 30
    assert found.has_program


def test_a_script_that_can_be_run_by_itself_is(tmp_path: Path) -> None:
    write(tmp_path, SESSION)
    (tmp_path / ".auto/measure.sh").chmod(0o755)
    assert look(tmp_path, SESSION).command == ".auto/measure.sh"


def test_the_log_names_the_metric_before_the_prompt_does(tmp_path: Path) -> None:
    lines = [
        {"type": "config", "name": "a", "metricName": "old", "bestDirection": "lower"},
        {"run": 1, "metric": 3.0, "status": "keep"},
        {"type": "config", "name": "b", "metricName": "ops_µs", "bestDirection": "higher"},
    ]
    log = "\n".join([json.dumps(lines[0]), "{half a li", json.dumps(lines[1]), json.dumps(lines[2])])
    found = look(tmp_path, {**SESSION, ".auto/log.jsonl": log})
    assert (found.metric, found.direction) == ("ops_µs", Direction.MAX)


@pytest.mark.parametrize(("name", "direction"), [("compares", Direction.MIN), ("ops_per_sec", Direction.MAX)])
def test_else_the_first_name_that_is_printed_and_lower_is_better(
    tmp_path: Path, name: str, direction: Direction
) -> None:
    bench = f"print(f'METRIC {name}={{n}}')\nprint(f'METRIC loss={{n}}')\n"
    files = {**SESSION, ".auto/prompt.md": "# Go\n\nfaster\n", "src/bench.py": bench}
    found = look(tmp_path, files)
    assert (found.metric, found.direction) == (name, direction)
    assert found.editable == ("src/sort.py", "src/heap.py", "src/other.py")


def test_older_flat_files_count_only_without_the_folder(tmp_path: Path) -> None:
    flat = {"autoresearch.sh": "echo METRIC s=1\n", "autoresearch.md": "# Go\n", "autoresearch.checks.sh": "true\n"}
    found = look(tmp_path / "flat", {**flat, "a.sh": ""})
    assert (found.command, found.extras.instructions) == ("bash autoresearch.sh", "autoresearch.md")
    assert (found.extras.checks, found.editable) == (("bash autoresearch.checks.sh",), ("a.sh",))
    assert look(tmp_path / "both", {**SESSION, **flat}).command == "bash .auto/measure.sh"


def test_what_is_no_code_may_be_changed_too_but_never_the_sessions_own_files(tmp_path: Path) -> None:
    files = {".auto/measure.sh": "echo METRIC bytes=1\n", "page.html": "", "css/a.css": "", "css/b.css": ""}
    assert look(tmp_path, files).editable == ("page.html", "css/**")


def test_a_session_that_works_elsewhere_says_where(tmp_path: Path) -> None:
    files = {".auto/config.json": '{"workingDir": "packages/my app"}', "a.py": ""}
    with pytest.raises(ConfigError, match="this session works in packages/my app") as caught:
        look(tmp_path, files)
    assert caught.value.hint == "cd 'packages/my app' && ar init"


@pytest.mark.parametrize(
    "text", ["[1]", "{", "", '{"maxIterations": "many", "workingDir": 3}', '{"maxIterations": true}']
)
def test_settings_that_cannot_be_read_are_passed_over(tmp_path: Path, text: str) -> None:
    found = look(tmp_path, {**SESSION, ".auto/config.json": text})
    assert (found.metric, found.extras.experiments) == ("total_ms", 0)
