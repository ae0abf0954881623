"""OpenEvolve: `initial_program.py`, and `evaluator.py`, whose `evaluate(path)` returns numbers; perhaps a YAML file.

Of the YAML three things are read, by their usual form: the time limit, the features, what the model is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from autoresearch.scaffold.adapters import OPENEVOLVE
from autoresearch.scaffold.formats.evolve import SCORE, program_called, suggestion
from autoresearch.scaffold.formats.yaml_text import text_of
from autoresearch.scaffold.suggestion import Suggestion, Which
from autoresearch.scaffold.survey import Survey

EVALUATOR = "evaluator.py"
_EVALUATES = re.compile(r"^(?:(?:async )?def evaluate\b|evaluate\s*=|from\b.*\bimport\b.*\bevaluate\b)", re.MULTILINE)
_TIMEOUT = re.compile(r"^evaluator:[^\n]*\n(?:[ \t#][^\n]*\n|\n)*?[ \t]+timeout:[ \t]*(\d+)\b", re.MULTILINE)
_FEATURES = re.compile(r"^[ \t]+feature_dimensions:[^\n\[]*(?:\[([^\]]*)\]|\n((?:[ \t]*-[^\n]*\n?)+))", re.MULTILINE)
_FEATURE = re.compile(r"[\w.-]*\w")


def task(survey: Survey, which: Which) -> Iterator[Suggestion]:
    """Both files must lie in the folder itself."""
    program = program_called("initial_program", survey)
    evaluator = survey.text(EVALUATOR) if EVALUATOR in survey.tracked else ""
    if not program or not _EVALUATES.search(evaluator):
        return
    config = next((survey.text(path) for path in _configs(survey)), "")
    limit = _TIMEOUT.search(config)
    yield suggestion(
        survey,
        which,
        OPENEVOLVE,
        (EVALUATOR, program),
        f"a task of OpenEvolve ({program}, {EVALUATOR}) is there",
        more=[] if SCORE in evaluator else _features(config),
        timeout=f"{limit[1]}s" if limit and int(limit[1]) else "",
        words=text_of("system_message", config),
    )


def _configs(survey: Survey) -> list[str]:
    """`config.yaml` first."""
    found = [path for path in survey.tracked if re.fullmatch(r"config[^/]*\.ya?ml", path)]
    return sorted(found, key=lambda path: (len(path), path))


def _features(config: str) -> list[str]:
    """Numbers that tell programs apart, and are no part of a score that is the mean of all."""
    found = _FEATURES.search(config)
    if found is None:
        return []
    lines = (line.partition("#")[0] for line in (found[1] or found[2]).splitlines())
    return [name for line in lines for name in _FEATURE.findall(line)]
