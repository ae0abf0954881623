"""When a run goes on: every key of the configuration says something about the number that is compared, or does not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from autoresearch.config import parse, reference
from autoresearch.core.scope import Scope
from autoresearch.core.secrets import NO_SECRETS, Secrets
from autoresearch.record.resume import Task, other_task
from autoresearch.record.runs import Opening, Run

CONFIG = """\
editable = ["solve.py"]
[experiment]
command = "python evaluate.py"
[metric]
name = "score"
direction = "min"
"""
SAME = """\
editable = ["solve.py"]
[experiment]
command = "python evaluate.py"
evaluate = "python judge.py"
artifacts = ["out"]
env = { SCALE = "1" }
[metric]
name = "score"
direction = "min"
"""
OF_THE_NUMBER = {
    "editable": ("['*.py']", "editable"),
    "markers": ("true", "markers"),
    "experiment.command": ("'python other.py'", "command"),
    "experiment.setup": ("'make'", "setup"),
    "experiment.evaluate": ("'python other.py'", "evaluate"),
    "experiment.artifacts": ("['other']", "artifacts"),
    "experiment.env": ("{ SCALE = '0.5' }", "env"),
    "experiment.pass_env": ("['SCALE_KEY']", "pass_env"),
    "experiment.data": ("['data']", "data"),
    "experiment.cache": ("['cache']", "cache"),
    "experiment.pythonpath": ("['src']", "pythonpath"),
    "experiment.gpus": ("2", "gpus"),
    "metric.name": ("'result'", "metric"),
    "metric.direction": ("'max'", "direction"),
    "metric.pattern": ("'score (.*)'", "pattern"),
    "metric.metrics_file": ("'out.json'", "metrics_file"),
    "metric.timing": ("true", "timing"),
    "executor.kind": ("'ray'", "executor"),
    "holdout.command": ("'python hidden.py'", "holdout"),
    "holdout.metric": ("'hidden'", "holdout"),
    "holdout.direction": ("'max'", "holdout"),
    "holdout.when": ("'end'", "holdout"),
}
"""A value for each key after whose change another number is measured, and how the reason calls it."""
OF_THE_SEARCH = {
    "goal": "'less'",
    "instructions": "'other.md'",
    "context": "['notes.md']",
    "experiment.timeout": "'5m'",
    "experiment.checks": "['pytest']",
    "experiment.canary": "false",
    "experiment.seed": "7",
    "experiment.memory": "'2GB'",
    "experiment.stop_grace": "'1s'",
    "experiment.isolation": "'strict'",
    "experiment.network": "true",
    "experiment.write_paths": "['~/models']",
    "experiment.price": "'2usd/h'",
    "experiment.cost": "'usd'",
    "experiment.feedback": "'out.md'",
    "metric.min_gain": "'1%'",
    "metric.seed": "'none'",
    "metric.max_samples": "9",
    "decision.rule": "'keep-if-better'",
    "decision.baseline_samples": "5",
    "decision.final_check": "false",
    "decision.allow_seed_change": "true",
    "constraints.peak_vram_mb": "'<= 5'",
    "proposer.kind": "'tuner'",
    "proposer.model": "'openai/stub'",
    "proposer.api_base": "'http://localhost:1'",
    "proposer.temperature": "1.0",
    "proposer.max_tokens": "100",
    "proposer.fallback_models": "['openai/other']",
    "proposer.repair_attempts": "0",
    "proposer.price_in": "'1usd'",
    "proposer.price_out": "'1usd'",
    "proposer.sampler": "'tpe'",
    "budget.time": "'1h'",
    "budget.experiments": "5",
    "budget.cost": "'5usd'",
    "budget.tokens": "5000",
    "budget.run_cost": "'5usd'",
    "run.workers": "2",
    "run.lookahead": "2",
    "executor.address": "'here:1'",
    "simplify.max_loss": "'1%'",
}
"""A value for each key after whose change the run goes on."""


def changed(text: str, key: str, value: str) -> str:
    """The configuration with another value."""
    table, _, name = key.rpartition(".")
    tables: dict[str, list[str]] = {"": []}
    for line in text.splitlines():
        if line.startswith("["):
            tables[line.strip("[]")] = []
        else:
            tables[list(tables)[-1]].append(line)
    others = [line for line in tables.get(table, []) if not line.startswith(f"{name} =")]
    tables[table] = [*others, f"{name} = {value}"]
    return "\n".join(line for one, lines in tables.items() for line in ([f"[{one}]"] if one else []) + lines)


def reason(before: str, now: str, secrets: Secrets = NO_SECRETS) -> str:
    """Why a run that was begun with the one text does not go on with the other."""
    opening = Opening("", "", "", "autoresearch.toml", before, "", "", "basic", "0")
    run = Run("t", "", opening, datetime.now(UTC), "")
    config = parse(secrets.redact(now), "autoresearch.toml")
    return other_task(run, Task(config, "autoresearch.toml", Scope(()), frozenset(), secrets))


def test_it_is_known_of_every_key_what_its_change_means() -> None:
    keys = {f"{one.table}.{one.key}" if one.table else one.key for one in reference()}
    assert OF_THE_NUMBER.keys().isdisjoint(OF_THE_SEARCH)
    assert OF_THE_NUMBER.keys() | OF_THE_SEARCH.keys() == keys


@pytest.mark.parametrize("key", OF_THE_NUMBER)
def test_another_number_is_never_compared_with_those_of_the_run(key: str) -> None:
    value, called = OF_THE_NUMBER[key]
    assert reason(SAME, changed(SAME, key, value)) == f"{called} changed since t"


@pytest.mark.parametrize("key", OF_THE_SEARCH)
def test_how_it_is_searched_may_change_within_a_run(key: str) -> None:
    assert reason(SAME, changed(SAME, key, OF_THE_SEARCH[key])) == ""


def test_all_that_changed_is_named_and_files_that_nobody_measures_are_not() -> None:
    other = changed(changed(SAME, "experiment.env", "{}"), "metric.name", "'result'")
    assert reason(SAME, other) == "env and metric changed since t"
    assert reason(CONFIG, changed(CONFIG, "experiment.artifacts", "['model.bin']")) == ""


def test_a_value_with_a_secret_in_it_is_the_same_while_nothing_around_it_changes() -> None:
    key = "sk-Zq9x8Y7w6V5u4T3s2R1q"
    plain = changed(SAME, "experiment.env", f"{{ URL = 'http://{key}@here', SCALE = '1' }}")
    known = Secrets((key,))
    recorded = known.redact(plain)
    assert key not in recorded
    assert reason(recorded, plain, known) == ""
    # The variable that told the secret is not set any more, or was not when the run began.
    assert reason(recorded, plain) == ""
    assert reason(plain, plain, known) == ""
    assert reason(recorded, plain.replace("@here", "@there"), known) == "env changed since t"
    assert reason(recorded, plain.replace("@here", "@there")) == "env changed since t"
    assert reason(recorded, plain.replace("'1'", "'0.5'"), known) == "env changed since t"
