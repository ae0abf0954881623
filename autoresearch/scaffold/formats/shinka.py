"""ShinkaEvolve: `initial.<ext>`, and `evaluate.py`, which writes `metrics.json` and `correct.json`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from autoresearch.scaffold.adapters import SHINKA
from autoresearch.scaffold.formats.evolve import program_called, suggestion
from autoresearch.scaffold.formats.yaml_text import text_of
from autoresearch.scaffold.suggestion import Suggestion, Which
from autoresearch.scaffold.survey import Survey

EVALUATOR, RUNNER = "evaluate.py", "run_evo.py"
_OPTIONS = ("program_path", "results_dir")
_SAID = re.compile(r"task_sys_msg\s*=\s*(?:\"{3}(.*?)\"{3}|'{3}(.*?)'{3})", re.DOTALL)


def task(survey: Survey, which: Which) -> Iterator[Suggestion]:
    """Both files must lie in the folder itself, and the evaluator must take Shinka's two options."""
    program = program_called("initial", survey)
    evaluator = survey.text(EVALUATOR) if EVALUATOR in survey.tracked else ""
    if program and all(option in evaluator for option in _OPTIONS):
        because = f"a task of ShinkaEvolve ({program}, {EVALUATOR}) is there"
        yield suggestion(survey, which, SHINKA, (EVALUATOR, program), because, words=_words(survey))


def _words(survey: Survey) -> str:
    """What Shinka tells its model about the task."""
    said = _SAID.search(survey.text(RUNNER)) if RUNNER in survey.tracked else None
    if said is not None:
        return str(said[1] or said[2]).strip()
    configs = (path for path in survey.tracked if re.fullmatch(r"[^/]+\.ya?ml", path))
    return next(filter(None, (text_of("task_sys_msg", survey.text(path)) for path in configs)), "")
