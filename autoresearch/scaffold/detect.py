"""What is there, and what follows from it: the proposals that `ar init` makes, each with what was seen.

Reads the folder, runs nothing, writes nothing. The person has the last word on every one of them.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from autoresearch.core.history import Direction
from autoresearch.core.scope import Scope, inside
from autoresearch.errors import ConfigError
from autoresearch.scaffold.commands import given, suggestions
from autoresearch.scaffold.metrics import guess_direction, printed_metrics
from autoresearch.scaffold.python import UV_ENVIRONMENT, is_uv
from autoresearch.scaffold.scripts import named
from autoresearch.scaffold.suggestion import NO_EXTRAS, SECONDS, Extras, Suggestion, Which
from autoresearch.scaffold.survey import Survey, look

_DATA = ("data", "dataset", "datasets", "corpus", "inputs", "weights", "pretrained", "checkpoints")
_ENVIRONMENTS = (".venv", "venv", "node_modules")
_MOST_DATA = 12
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)
_TRACKERS = {
    "wandb": "WANDB_API_KEY",
    "neptune": "NEPTUNE_API_TOKEN",
    "comet_ml": "COMET_API_KEY",
    "mlflow": "MLFLOW_TRACKING_TOKEN",
}
_ENVIRONMENT_READ = (
    r"""(?:environ(?:\.get\(|\.setdefault\(|\[)|getenv\(|env::var\(|os\.Getenv\()\s*["']([A-Za-z_]\w*)["']"""
    r"""|process\.env\.([A-Za-z_]\w*)"""
)
_FIXED_SEED = (
    r"^[ \t]*[\w.]*(?:SEED|seed)\s*(?::\s*int\s*)?=\s*\d+"
    r"|(?:manual_seed(?:_all)?|random\.seed|default_rng|RandomState|\bRandom|set_seed|seed_everything|PRNGKey|srand|seed_from_u64)\(\s*\d+\)?"
    r"|\brandom_state\s*=\s*\d+"
)
SEED_VARIABLE = "AR_SEED"
_OWN_SEED = rf"\b{SEED_VARIABLE}\b"
_RANDOM = (
    r"^[ \t]*(?:import[ \t]+(?:[\w.]+(?:[ \t]+as[ \t]+\w+)?[ \t]*,[ \t]*)*|from[ \t]+)"
    r"(?:random|torch|jax|tensorflow|keras|secrets)\b"
    r"|\b(?:np|numpy|cp|cupy)\.random\b|^[ \t]*from[ \t]+numpy[ \t]+import\b.*\brandom\b"
    r"|\brandom\.(?:[a-z]+variate|betavariate|choices?|gauss|getrandbits|randbytes|randint|random|randrange|sample"
    r"|shuffle|triangular|uniform|Random|SystemRandom)\(|\bos\.urandom\(|\buuid4\("
    r"|\bs?rand\(|\brandom\(|Math\.random|\brand::|\bmt19937|\brunif\(|\brnorm\(|\$RANDOM\b|\bshuf\b"
)


@dataclass(frozen=True, slots=True)
class Found:
    """What lies in the folder, and everything there that looks as if it could be run, the best guess first."""

    survey: Survey
    suggestions: tuple[Suggestion, ...]

    def best(self, command: str) -> Suggestion:
        """The best guess, or what goes with the person's command."""
        first = self.suggestions[0] if self.suggestions else Suggestion.nothing(self.survey)
        if not command:
            return first
        known = (one for one in self.suggestions if one.command == command)
        return next(known, None) or given(self.survey, command, first)


@dataclass(frozen=True, slots=True)
class Detected:
    """Proposals for `autoresearch.toml`. An empty value: nothing was found for it."""

    command: str = ""
    setup: str = ""
    metric: str = ""
    direction: Direction | None = None
    pattern: str = ""
    """Finds the metric, where it is not printed as `name: value`."""
    editable: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    awaited: tuple[str, ...] = ()
    """Data that is not there yet."""
    cache: tuple[str, ...] = ()
    pass_env: tuple[str, ...] = ()
    """Secrets that the code reads. Only a person may decide to pass them on."""
    metric_seed: str = ""
    """`none` where the code is random with a seed that is not given to it, `not random` where nothing random was seen;
    empty where every sample gets a seed."""
    metrics: tuple[str, ...] = ()
    """All likely metrics, the likeliest first; where no name says which way it improves, all numbers."""
    has_program: bool = False
    """There is a program.md: it is the person's, and kept."""
    extras: Extras = NO_EXTRAS
    """What the repository says that was made for another tool."""
    notes: tuple[str, ...] = ()
    """What was seen, a line each."""
    found: Found | None = field(default=None, compare=False, repr=False)
    """What all this follows from."""

    def with_command(self, command: str) -> Detected:
        """The same for a command of the person's."""
        return self if command in ("", self.command) or self.found is None else _detected(self.found, command)

    def seed_of(self, editable: Sequence[str], context: Sequence[str]) -> str:
        """`metric_seed`, where these files may change and are shown."""
        return _metric_seed(self.found, self.command, editable, context) if self.found else self.metric_seed

    def runnable(self, command: str) -> str:
        """The command as it runs before anything is written: with our own script where it lies in the package."""
        adapter = self.extras.adapter
        return command.replace(adapter.name, shlex.quote(str(adapter.source))) if adapter else command


def detect(root: Path, tracked: Sequence[str], which: Which = shutil.which, command: str = "") -> Detected:
    """Look at the folder in which the configuration will lie; `tracked` are git's files, relative to it.

    `command` is the person's own, where there is one. Raises ConfigError where there are only notebooks, which no
    command can run and no proposer can edit well.
    """
    survey = look(root, tracked)
    found = Found(survey, tuple(suggestions(survey, which)))
    if not found.suggestions:
        _refuse_notebooks(survey)
    return _detected(found, command)


def _detected(found: Found, command: str) -> Detected:
    survey, best = found.survey, found.best(command)
    metrics = (best.metric,) if best.metric else tuple(printed_metrics(survey, best.reads))
    direction = best.direction or (guess_direction(metrics[0]) if metrics else None)
    metric_seed = _metric_seed(found, best.command, best.editable, best.context)
    return Detected(
        command=best.command,
        setup=best.setup,
        metric=metrics[0] if direction else "",
        direction=direction,
        pattern=best.pattern,
        editable=best.editable,
        context=best.context,
        data=(*_data(survey), *best.extras.data),
        awaited=_awaited(survey, best.command),
        cache=tuple(folder for folder in best.cache if not survey.holds(folder)),
        pass_env=tuple(_secrets(survey)),
        metric_seed=metric_seed,
        metrics=metrics,
        has_program=_has_program(survey, best),
        extras=best.extras,
        notes=(*_notes(found, best, metrics), *_seed_notes(survey, best, metric_seed)),
        found=found,
    )


def _refuse_notebooks(survey: Survey) -> None:
    notebooks = [path for path in survey.tracked if path.endswith(".ipynb")]
    if notebooks and survey.language is None:
        raise ConfigError(
            f"there are only notebooks here ({', '.join(notebooks[:3])}): a command has to run what is measured",
            hint=f"jupyter nbconvert --to script {shlex.quote(notebooks[0])}    then commit the script and: ar init",
        )


def _data(survey: Survey) -> Iterator[str]:
    """Untracked folders that a worktree would lack; in a folder that is tracked in part, what is not."""
    tracked = {str(folder) for path in survey.tracked for folder in PurePosixPath(path).parents} | {*survey.tracked}
    open_folders = [name for name in (*_DATA, *_ENVIRONMENTS) if (survey.root / name).is_dir()]
    found = 0
    while open_folders and found < _MOST_DATA:
        name = open_folders.pop(0)
        if name not in tracked:
            found += 1
            yield name
        elif (survey.root / name).is_dir():
            inside = sorted(one.name for one in (survey.root / name).iterdir())
            open_folders += [f"{name}/{one}" for one in inside if one not in ("__pycache__", ".DS_Store")]


def _awaited(survey: Survey, command: str) -> tuple[str, ...]:
    """What the command needs and its tools will make: without it `uv run` would find nothing that is installed."""
    return (UV_ENVIRONMENT,) if is_uv(command) and not (survey.root / UV_ENVIRONMENT).exists() else ()


def _secrets(survey: Survey) -> list[str]:
    read = [hit.match[1] or hit.match[2] for hit in survey.search(_ENVIRONMENT_READ)]
    used = [name for module, name in _TRACKERS.items() if any(survey.search(rf"^[ \t]*(?:import|from) {module}\b"))]
    return list(dict.fromkeys(name for name in (*used, *read) if _SECRET.search(name)))


def _metric_seed(found: Found, command: str, editable: Sequence[str], context: Sequence[str]) -> str:
    """What `[metric] seed` has to say, so that `ar run` knows what a repeat proves."""
    survey, reads = found.survey, found.best(command).reads
    visible = _visible(survey, command, editable, context)
    # As `ar run` looks for it, and nowhere else: where it does not see it, it wants to be told.
    if "{seed}" in command or any(SEED_VARIABLE in survey.text(path) for path in visible):
        return ""
    paths = tuple(dict.fromkeys((*visible, *reads)))
    return "none" if any(survey.search(f"{_FIXED_SEED}|{_RANDOM}|{_OWN_SEED}", paths)) else "not random"


def _visible(survey: Survey, command: str, editable: Sequence[str], context: Sequence[str]) -> list[str]:
    """The files in scope, and those that the command names."""
    scope = Scope(inside(editable), inside(context))
    in_scope = [path for path in survey.texts if scope.is_editable(path) or scope.is_context(path)]
    return list(dict.fromkeys((*in_scope, *named(command, survey.tracked))))


def _seed_notes(survey: Survey, best: Suggestion, metric_seed: str) -> Iterator[str]:
    if not best.command or not metric_seed:
        return
    if metric_seed == "not random":
        yield "nothing random was seen in it; if it is random all the same: [metric] seed"
        return
    fixed = next(survey.search(_FIXED_SEED, best.reads), None)
    hit = fixed or next(survey.search(_RANDOM, best.reads), None)
    if hit is not None:
        place = f"{hit.path}:{hit.line} ({hit.match[0].strip()})"
        yield f"a fixed random seed in {place}" if fixed else f"random, with a seed that nobody gives it: {place}"
    yield "let it take its seed from AR_SEED, or a lucky seed may be taken for a gain"


def _notes(found: Found, best: Suggestion, metrics: Sequence[str]) -> Iterator[str]:
    survey = found.survey
    if survey.language:
        yield f"mainly {survey.language}"
    # What the person said needs no reason.
    if best.because:
        yield f"{best.because}: {best.command}"
        yield from best.extras.notes
    if _awaited(survey, best.command):
        yield f"there is no {UV_ENVIRONMENT} here yet: uv sync"
    others = list(dict.fromkeys(one.command for one in found.suggestions if one.command != best.command))
    if best.because and others:
        yield f"also possible: {', '.join(others)}"
    if list(metrics) == [SECONDS]:
        yield f"the time that it takes is a metric: {SECONDS}"
    elif metrics:
        what = "likely metrics" if guess_direction(metrics[0]) else "numbers that it seems to print"
        yield f"{what}: {', '.join(metrics[:5])}"
    if secrets := _secrets(survey):
        yield f"the code reads {', '.join(secrets)}: no experiment gets it unless pass_env names it"
    if _has_program(survey, best) and not best.extras.instructions:
        yield "program.md is there, and is kept"


def _has_program(survey: Survey, best: Suggestion) -> bool:
    """On disk: what git tracks may have been deleted."""
    return os.path.lexists(survey.root / (best.extras.instructions or "program.md"))
