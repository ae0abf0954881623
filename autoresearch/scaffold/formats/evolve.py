"""What OpenEvolve's and ShinkaEvolve's tasks have in common: one marked program, an evaluator, a script of ours."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import PurePosixPath

from autoresearch.core.history import Direction
from autoresearch.core.regions import NAME, has_region
from autoresearch.scaffold.adapters import Adapter
from autoresearch.scaffold.python import python_command
from autoresearch.scaffold.suggestion import Extras, Kind, Suggestion, Which
from autoresearch.scaffold.survey import Survey

SCORE = "combined_score"


def program_called(stem: str, survey: Survey) -> str:
    """The tracked file of that name in the folder itself, Python before other languages; empty without one."""
    named = [path for path in survey.tracked if "/" not in path and PurePosixPath(path).stem == stem]
    return min(named, key=lambda path: (not path.endswith(".py"), path), default="")


def suggestion(
    survey: Survey,
    which: Which,
    adapter: Adapter,
    files: tuple[str, str],
    because: str,
    *,
    more: Sequence[str] = (),
    timeout: str = "",
    words: str = "",
) -> Suggestion:
    """The command that runs the evaluator on the program; `files` are these two, `more` goes to the script as well."""
    evaluator, program = files
    marked = has_region(survey.text(program))
    notes = [f"{evaluator} is protected, and run by {adapter.name}, a script of ours"]
    notes += [f"{program}: only what stands between its {NAME} markers may change"] if marked else []
    return Suggestion(
        kind=Kind.MADE_FOR_A_TOOL,
        command=f"{python_command(survey, which)} {shlex.join([adapter.name, evaluator, program, *more])}",
        because=because,
        editable=(program,),
        context=(evaluator,),
        reads=(program, evaluator),
        metric=SCORE,
        direction=Direction.MAX,
        extras=Extras(adapter=adapter, markers=marked, timeout=timeout, words=words, notes=tuple(notes)),
    )
