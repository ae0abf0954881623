"""The files that are written for a new project: complete, readable, and true to what was chosen."""

import re
import tomllib
from itertools import product

import pytest

from autoresearch.config import parse, reference
from autoresearch.core.history import Direction
from autoresearch.errors import ConfigError
from autoresearch.scaffold import Choices, program_text, template
from autoresearch.scaffold.template import WIDTH

PLAIN = Choices("python train.py", "val_bpb", Direction.MIN, ("train.py",))
FULL = Choices(
    command="python train.py --seed {seed}",
    metric="val accuracy",
    direction=Direction.MAX,
    editable=("train.py", "src/**/*.py"),
    goal="raise it",
    setup="make",
    context=("prepare.py",),
    data=("data", ".venv"),
    cache=("target",),
    pass_env=("WANDB_API_KEY",),
    metric_seed="none",
    model="openai/gpt-5",
)


def test_everything_that_is_chosen_is_read_back():
    config = parse(template(FULL), "x")
    assert (config.goal, config.editable, config.context) == ("raise it", FULL.editable, ("prepare.py",))
    experiment, metric = config.experiment, config.metric
    assert (experiment.command, experiment.setup) == (FULL.command, "make")
    assert (experiment.data, experiment.cache, experiment.pass_env) == (FULL.data, FULL.cache, FULL.pass_env)
    assert (metric.name, metric.direction, metric.seed) == ("val accuracy", Direction.MAX, "none")
    assert config.proposer.model == "openai/gpt-5"


CHOOSABLE = ("goal", "setup", "context", "data", "cache", "pass_env", "metric_seed", "model")


@pytest.mark.parametrize("direction", list(Direction))
@pytest.mark.parametrize("mask", range(0, 2 ** len(CHOOSABLE), 7))
def test_any_combination_of_choices_loads(mask: int, direction: Direction):
    chosen = {name: getattr(FULL, name) for position, name in enumerate(CHOOSABLE) if mask >> position & 1}
    choices = Choices("true", "ar.seconds", direction, ("a",), **chosen)
    config = parse(template(choices), "x")
    assert config.metric.direction is direction
    assert config.experiment.data == choices.data
    assert config.proposer.model == choices.model


@pytest.mark.parametrize(
    ("command", "path"),
    list(
        product(
            ["awk '{print \"a\\tb\"}' x", 'echo "${X}" # no comment', "printf 'a\\nb' | sh", "first\nsecond"],
            ["naïve file.py", 'quo"te.py', "back\\slash.py", "日本/[a-z]*.py", "# hash.py"],
        )
    ),
)
def test_any_text_survives_the_file(command: str, path: str):
    choices = Choices(command, "val_bpb", Direction.MIN, (path,), data=(path,))
    config = parse(template(choices), "x")
    assert (config.experiment.command, config.editable, config.experiment.data) == (command, (path,), (path,))


@pytest.mark.parametrize("choices", [PLAIN, FULL])
def test_every_key_stands_in_the_file_once_with_its_line(choices: Choices):
    text = template(choices)
    for doc in reference():
        assert len(re.findall(rf"^(?:# )?{doc.key} = ", section(text, doc.table), re.MULTILINE)) == 1, doc.name
        assert f"# {'' if doc.available else 'later: '}{doc.doc}" in section(text, doc.table), doc.name


def section(text: str, table: str) -> str:
    start = text.index(f"\n[{table}]\n") if table else 0
    end = re.compile(r"^\[", re.MULTILINE).search(text, start + len(table) + 3)
    return text[start : end.start() if end else None]


def test_no_line_is_too_wide_and_no_comment_is_split():
    assert max(map(len, template(PLAIN).split("\n"))) <= WIDTH


def test_a_key_that_is_set_is_not_also_a_comment():
    text = template(FULL)
    assert '\nmodel = "openai/gpt-5"' in text
    assert "# model =" not in text


def test_every_comment_can_be_switched_on():
    """All keys that work now, uncommented at once, still make a valid file."""
    later = {doc.key for doc in reference() if not doc.available}
    lines = template(PLAIN).split("\n")
    switched = [line[2:] if (key := re.match(r"# (\w+) = ", line)) and key[1] not in later else line for line in lines]
    config = parse("\n".join(switched), "x")
    assert config.experiment.timeout == 600.0
    assert config.proposer.model == "anthropic/claude-sonnet-4-5"
    assert tomllib.loads("\n".join(switched))["budget"]["time"] == "8h"


def test_a_suggested_secret_is_only_a_comment():
    choices = Choices("x", "m", Direction.MIN, ("a",), suggested_pass_env=("WANDB_API_KEY",))
    text = template(choices)
    assert '# pass_env = ["WANDB_API_KEY"]' in text
    assert parse(text, "x").experiment.pass_env == ()


@pytest.mark.parametrize("metric", ["a=b", "a\nb", " a"])
def test_a_name_that_cannot_be_a_metric_is_refused_before_anything_is_written(metric: str):
    with pytest.raises(ConfigError, match=r"`\[metric\] name`: must be made of"):
        template(Choices("x", metric, Direction.MIN, ("a",), goal="g"))


@pytest.mark.parametrize(("choices", "better"), [(PLAIN, "lower"), (FULL, "higher")])
def test_the_first_program_md_says_what_counts_and_leaves_room(choices: Choices, better: str):
    text = program_text(choices)
    assert text.startswith(f"# {choices.purpose}\n")
    assert f"Make `{choices.metric}` {better}" in text
    assert choices.command in text
    for name in (*choices.editable, *choices.context):
        assert f"`{name}`" in text
    for heading in ("Goal", "What may change", "What is fixed", "How it is judged", "Ideas"):
        assert f"\n## {heading}\n" in text
    assert text.count("\n") <= 40
    assert text.endswith("-\n")
