"""What is there, and what follows from it: the proposals that `ar init` makes, each with what was seen.

Reads the folder, runs nothing, writes nothing. The person has the last word on every one of them.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from autoresearch.core.history import Direction
from autoresearch.errors import ConfigError
from autoresearch.scaffold.commands import suggestions
from autoresearch.scaffold.metrics import guess_direction, printed_metrics
from autoresearch.scaffold.python import UV_ENVIRONMENT, is_uv
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
    r"|(?:manual_seed(?:_all)?|random\.seed|default_rng|set_seed|seed_everything|PRNGKey|srand|seed_from_u64)\(\s*\d+\)?"
)
_OWN_SEED = r"\bAR_SEED\b"
_RANDOM = (
    r"^[ \t]*(?:import|from) (?:random|torch|jax|tensorflow|keras|secrets)\b|\bnp\.random\b|\bnumpy\.random\b"
    r"|\bs?rand\(|\brandom\(|Math\.random|\brand::|\bmt19937|\brunif\(|\brnorm\(|\$RANDOM\b|\bshuf\b"
)


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
    other_seed: str = ""
    """The same for a command of which nothing is known: of all files."""
    metrics: tuple[str, ...] = ()
    """All likely metrics, the likeliest first; where no name says which way it improves, all numbers."""
    has_program: bool = False
    """There is a program.md: it is the person's, and kept."""
    extras: Extras = NO_EXTRAS
    """What the repository says that was made for another tool."""
    notes: tuple[str, ...] = ()
    """What was seen, a line each."""

    def runnable(self, command: str) -> str:
        """The command as it runs before anything is written: with our own script where it lies in the package."""
        adapter = self.extras.adapter
        return command.replace(adapter.name, shlex.quote(str(adapter.source))) if adapter else command


def detect(root: Path, tracked: Sequence[str], which: Which = shutil.which) -> Detected:
    """Look at the folder in which the configuration will lie; `tracked` are git's files, relative to it.

    Raises ConfigError where there are only notebooks, which no command can run and no proposer can edit well.
    """
    survey = look(root, tracked)
    found = suggestions(survey, which)
    if not found:
        _refuse_notebooks(survey)
    best = found[0] if found else Suggestion.nothing(survey)
    metrics = (best.metric,) if best.metric else tuple(printed_metrics(survey, best.reads))
    direction = best.direction or (guess_direction(metrics[0]) if metrics else None)
    varies = "{seed}" in best.command
    seeds = [] if varies else list(_fixed_seeds(survey, best.reads))
    metric_seed = "" if varies else _metric_seed(survey, best.reads)
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
        other_seed=_metric_seed(survey, tuple(survey.texts)),
        metrics=metrics,
        has_program=bool(best.extras.instructions) or _has_program(survey),
        extras=best.extras,
        notes=(*_notes(survey, found, metrics), *_seed_notes(metric_seed if best.command else "", seeds)),
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


def _metric_seed(survey: Survey, reads: Sequence[str]) -> str:
    """What `[metric] seed` has to say about these files."""
    if any(survey.search(_OWN_SEED, reads)):
        return ""
    return "none" if any(survey.search(f"{_FIXED_SEED}|{_RANDOM}", reads)) else "not random"


def _fixed_seeds(survey: Survey, reads: Sequence[str]) -> Iterator[str]:
    """Where the code sets its seed, unless each sample can be given its own."""
    if any(survey.search(_OWN_SEED, reads)):
        return
    for hit in survey.search(_FIXED_SEED, reads):
        yield f"{hit.path}:{hit.line} ({hit.match[0].strip()})"


def _seed_notes(metric_seed: str, seeds: Sequence[str]) -> Iterator[str]:
    if seeds:
        yield f"a fixed random seed in {seeds[0]}"
    if metric_seed == "none":
        yield "let it take its seed from AR_SEED, or a lucky seed may be taken for a gain"
    if metric_seed == "not random":
        yield "nothing random was seen in it; if it is random all the same: [metric] seed"


def _notes(survey: Survey, found: Sequence[Suggestion], metrics: Sequence[str]) -> Iterator[str]:
    if survey.language:
        yield f"mainly {survey.language}"
    if found:
        yield f"{found[0].because}: {found[0].command}"
        yield from found[0].extras.notes
        if _awaited(survey, found[0].command):
            yield f"there is no {UV_ENVIRONMENT} here yet: uv sync"
    if others := list(dict.fromkeys(one.command for one in found[1:] if one.command != found[0].command)):
        yield f"also possible: {', '.join(others)}"
    if list(metrics) == [SECONDS]:
        yield f"the time that it takes is a metric: {SECONDS}"
    elif metrics:
        what = "likely metrics" if guess_direction(metrics[0]) else "numbers that it seems to print"
        yield f"{what}: {', '.join(metrics[:5])}"
    if secrets := _secrets(survey):
        yield f"the code reads {', '.join(secrets)}: no experiment gets it unless pass_env names it"
    if _has_program(survey) and not (found and found[0].extras.instructions):
        yield "program.md is there, and is kept"


def _has_program(survey: Survey) -> bool:
    return "program.md" in survey.tracked or (survey.root / "program.md").exists()
