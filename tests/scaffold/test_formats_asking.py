"""`ar init` on a terminal, in repositories made for other tools: the trial run comes before anything is written."""

from __future__ import annotations

from pathlib import Path

from autoresearch.config import load
from tests.cli.test_init_asking import (
    COMMAND,
    DIRECTION,
    EDITABLE,
    ENTER,
    GOAL,
    METRIC,
    SEED,
    TRIAL,
    Conversation,
)
from tests.support.foreign import SESSION, TASK
from tests.support.repositories import git, make_repository


def test_the_script_of_ours_runs_before_it_is_there(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repo", TASK)
    with Conversation(repository) as person:
        person.answers((COMMAND, ENTER), (TRIAL, "y"))
        person.sees("1  combined_score  8")
        assert git(repository, "status", "--porcelain", "--", "*.py") == ""
        person.answers((METRIC, ENTER), (DIRECTION, ENTER), (EDITABLE, ENTER), (SEED, ENTER), (GOAL, ENTER))
        assert person.ends() == 0, person.text
    config = load(repository / "autoresearch.toml")
    assert config.experiment.command.endswith(" ar_openevolve.py evaluator.py initial_program.py")
    assert (config.experiment.data, config.markers) == (("ar_openevolve.py",), True)
    assert (config.metric.name, config.metric.direction.value) == ("combined_score", "max")
    assert (repository / "ar_openevolve.py").is_file()


def test_the_first_metric_line_is_offered_first(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repo", SESSION)
    with Conversation(repository) as person:
        person.answers((COMMAND, ENTER), (TRIAL, ENTER))
        person.sees("1  cost")
        person.answers((METRIC, ENTER), (DIRECTION, ENTER), (EDITABLE, ENTER), (SEED, ENTER))
        person.answers((GOAL, "a small cost"))
        assert person.ends() == 0, person.text
    config = load(repository / "autoresearch.toml")
    assert (config.metric.name, config.editable, config.instructions) == ("cost", ("solve.py",), ".auto/prompt.md")
