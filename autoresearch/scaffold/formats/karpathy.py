"""The three files of karpathy/autoresearch: `prepare.py` is fixed, `train.py` is changed, `program.md` says so."""

from __future__ import annotations

from collections.abc import Iterator

from autoresearch.core.history import Direction
from autoresearch.scaffold.python import python_command
from autoresearch.scaffold.suggestion import Extras, Kind, Suggestion, Which
from autoresearch.scaffold.survey import Survey

FILES = ("program.md", "prepare.py", "train.py")
LIMIT = "10m"
"""It trains for five minutes; what takes ten is a failure, says its program.md."""


def trio(survey: Survey, which: Which) -> Iterator[Suggestion]:
    """All three must be there, and tracked."""
    if not set(FILES) <= set(survey.tracked):
        return
    python = python_command(survey, which)
    notes = ["prepare.py is protected", f"a sample that takes over {LIMIT} is ended"]
    notes.append(f"{python} prepare.py    makes its data, once")
    yield Suggestion(
        kind=Kind.MADE_FOR_A_TOOL,
        command=f"{python} train.py",
        because="program.md, prepare.py and train.py are there",
        editable=("train.py",),
        context=("prepare.py",),
        reads=("train.py", "prepare.py"),
        metric="val_bpb",
        direction=Direction.MIN,
        extras=Extras(timeout=LIMIT, notes=tuple(notes)),
    )
