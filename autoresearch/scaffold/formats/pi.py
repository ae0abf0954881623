"""A session of pi-autoresearch: the folder `.auto/`, or the flat `autoresearch.*` files of older ones.

    measure.sh  prints `METRIC name=value` lines      checks.sh   must succeed before a change is kept
    prompt.md   what is to be done, for the agent     log.jsonl   what was tried, and under which metric
    config.json how many experiments there shall be, and in which folder

Which numbers were measured before is not read here.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping

from autoresearch.core.history import Direction
from autoresearch.core.printed import is_name
from autoresearch.errors import ConfigError
from autoresearch.scaffold.formats.pi_prompt import Prompt, read_prompt
from autoresearch.scaffold.metrics import guess_direction
from autoresearch.scaffold.suggestion import Extras, Kind, Suggestion, Which
from autoresearch.scaffold.survey import Survey

_FOLDER = ".auto"
_OLD = {
    "measure.sh": "autoresearch.sh",
    "checks.sh": "autoresearch.checks.sh",
    "prompt.md": "autoresearch.md",
    "log.jsonl": "autoresearch.jsonl",
    "config.json": "autoresearch.config.json",
    "ideas.md": "autoresearch.ideas.md",
    "hooks": "autoresearch.hooks",
}
_METRIC = r"\bMETRIC[ \t]+([\w.µ]+)="


def session(survey: Survey, _which: Which) -> Iterator[Suggestion]:
    """Of the two layouts only one counts: the folder, as soon as anything is in it.

    Raises ConfigError where the session's files say that it works in another folder.
    """
    files = _files(survey)
    settings = _object(survey.text(files["config.json"])) if "config.json" in files else {}
    if "measure.sh" not in files:
        _refuse_elsewhere(survey, files.get("config.json", ""), settings)
        return
    prompt = read_prompt(survey.text(files["prompt.md"]) if "prompt.md" in files else "", survey)
    measure = files["measure.sh"]
    metric, direction = _metric(survey, files, prompt)
    tracked = [files[name] for name in ("measure.sh", "checks.sh") if name in files]
    yield Suggestion(
        kind=Kind.MADE_FOR_A_TOOL,
        command=_shell(survey, measure),
        because=f"a session of pi-autoresearch ({measure}) is there",
        editable=prompt.in_scope or _everything(survey, {*files.values()}),
        reads=(measure, *(path for path in survey.texts if path != measure)),
        metric=metric,
        direction=direction if metric else None,
        extras=Extras(
            goal=prompt.goal,
            instructions=files.get("prompt.md", ""),
            checks=(_shell(survey, files["checks.sh"]),) if "checks.sh" in files else (),
            data=tuple(path for path in tracked if path not in survey.tracked),
            experiments=_experiments(settings),
            prints_metrics=True,
            notes=tuple(_notes(files, prompt)),
        ),
    )


def _files(survey: Survey) -> dict[str, str]:
    """The session's files, tracked or not, by their present names."""
    for names in ({name: f"{_FOLDER}/{name}" for name in _OLD}, _OLD):
        if there := {name: path for name, path in names.items() if (survey.root / path).exists()}:
            return there
    return {}


def _refuse_elsewhere(survey: Survey, path: str, settings: Mapping[str, object]) -> None:
    place = settings.get("workingDir")
    if isinstance(place, str) and (survey.root / place).resolve() != survey.root.resolve():
        raise ConfigError(f"{path}: this session works in {place}", hint=f"cd {shlex.quote(place)} && ar init")


def _object(text: str) -> Mapping[str, object]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _experiments(settings: Mapping[str, object]) -> int:
    """How many there shall be; 0 where it is not said. To Python, `true` is a number."""
    most = settings.get("maxIterations")
    return most if isinstance(most, int) and not isinstance(most, bool) and most > 0 else 0


def _metric(survey: Survey, files: Mapping[str, str], prompt: Prompt) -> tuple[str, Direction]:
    """As it was logged last, else as the prompt names it, else the first that a script prints by name.

    Lower is better where nobody says otherwise.
    """
    lines = survey.text(files["log.jsonl"]).splitlines() if "log.jsonl" in files else []
    configs = [one for line in lines if '"config"' in line and (one := _object(line)).get("type") == "config"]
    logged = configs[-1] if configs else {}
    name = logged.get("metricName")
    if isinstance(name, str) and is_name(name):
        return name, Direction.MAX if logged.get("bestDirection") == "higher" else Direction.MIN
    if prompt.metric:
        return prompt.metric, prompt.direction or guess_direction(prompt.metric) or Direction.MIN
    paths = (files["measure.sh"], *survey.texts)
    texts = {path: survey.text(path) for path in paths}
    printed = next((found[1] for text in texts.values() if (found := re.search(_METRIC, text))), "")
    return printed, guess_direction(printed) or Direction.MIN


def _shell(survey: Survey, path: str) -> str:
    """As the agent calls it: by itself where it can be, else by bash."""
    plain = shlex.quote(path)
    direct = survey.text(path).startswith("#!") and os.access(survey.root / path, os.X_OK)
    return (plain if "/" in path else f"./{plain}") if direct else f"bash {plain}"


def _everything(survey: Survey, own: set[str]) -> tuple[str, ...]:
    """The code of the main language, else all that is tracked; the session's own files are protected."""

    def is_free(path: str) -> bool:
        return path.split("/", maxsplit=1)[0] not in {_FOLDER, *own} and not path.startswith(".git")

    language = survey.language
    sources = [path for path in survey.sources(language) if is_free(path)] if language else []
    if language and sources:
        return survey.globs(language, sources)
    places = [path.split("/") for path in survey.tracked if is_free(path)]
    return tuple(dict.fromkeys(f"{names[0]}/**" if len(names) > 1 else names[0] for names in places))


def _notes(files: Mapping[str, str], prompt: Prompt) -> Iterator[str]:
    if "prompt.md" in files:
        yield f"{files['prompt.md']} is what the proposer is told"
    if "checks.sh" in files:
        yield f"{files['checks.sh']} must succeed before a change is kept"
    if prompt.left_out:
        yield f"in scope for pi, protected here: {', '.join(prompt.left_out[:3])}"
    if "hooks" in files:
        yield f"the hooks in {files['hooks']} are not called"
