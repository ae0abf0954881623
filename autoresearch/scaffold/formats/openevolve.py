"""OpenEvolve: `initial_program.py`, and `evaluator.py`, whose `evaluate(path)` returns numbers; perhaps a YAML file.

Of the YAML three things are read, by their usual form: the time limit, the features, what the model is told.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from autoresearch.scaffold.adapters import OPENEVOLVE
from autoresearch.scaffold.formats.evolve import SCORE, program_called, suggestion
from autoresearch.scaffold.formats.yaml_text import members, text_of
from autoresearch.scaffold.suggestion import Suggestion, Which
from autoresearch.scaffold.survey import Survey

EVALUATOR = "evaluator.py"
_EVALUATES = re.compile(r"^(?:(?:async )?def evaluate\b|evaluate\s*=|from\b.*\bimport\b.*\bevaluate\b)", re.MULTILINE)
FEATURES = ("complexity", "diversity")
"""OpenEvolve's own choice, where nobody makes another."""
_SECONDS = re.compile(r"\d{1,9}(?:\.\d*)?")
_FEATURE = re.compile(r"[\w.-]*\w")


def task(survey: Survey, which: Which) -> Iterator[Suggestion]:
    """Both files must lie in the folder itself."""
    program = program_called("initial_program", survey)
    evaluator = survey.text(EVALUATOR) if EVALUATOR in survey.tracked else ""
    if not program or not _EVALUATES.search(evaluator):
        return
    config = next((survey.text(path) for path in _configs(survey)), "")
    yield suggestion(
        survey,
        which,
        OPENEVOLVE,
        (EVALUATOR, program),
        f"a task of OpenEvolve ({program}, {EVALUATOR}) is there",
        more=[] if SCORE in evaluator else _features(config),
        timeout=_timeout(config),
        words=text_of("system_message", config),
    )


def _configs(survey: Survey) -> list[str]:
    """`config.yaml` first."""
    found = [path for path in survey.tracked if re.fullmatch(r"config[^/]*\.ya?ml", path)]
    return sorted(found, key=lambda path: (len(path), path))


def _timeout(config: str) -> str:
    """In whole seconds, never fewer than it says; empty where it says none."""
    found = _SECONDS.fullmatch(_setting(config, "evaluator", "timeout").strip())
    seconds = math.ceil(float(found[0])) if found else 0
    return f"{seconds}s" if seconds else ""


def _features(config: str) -> Sequence[str]:
    """Numbers that tell programs apart, and are no part of a score that is the mean of all."""
    named = _setting(config, "database", "feature_dimensions")
    return _FEATURE.findall(named) if named else FEATURES


def _setting(config: str, section: str, name: str) -> str:
    return members(members(config).get(section, "")).get(name, "")
