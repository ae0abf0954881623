"""What decides, as the configuration says: the rule, what a keep must hold besides it, and whether seeds vary.

Nothing is decided here. What is not here: the command and how it is run (`build.executor_settings`).
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from autoresearch.cli.project import Project
from autoresearch.config import Config
from autoresearch.confirming import NO_LOSS, Standards
from autoresearch.core.constraints import parse_constraint
from autoresearch.core.decision import Rule, keep_if_better, proved
from autoresearch.core.metric import SELF_MEASURED
from autoresearch.core.seeds import Seeds
from autoresearch.errors import ConfigError
from autoresearch.orders import no_rule
from autoresearch.record.resume import words
from autoresearch.record.scoped import ScopedFiles

REFRESH = 25
"""Samples after which the incumbent is sampled again, so that a lucky one does not stay."""
PROSE = (".md", ".txt", ".rst")
SEED_VARIABLE, SEED_PLACEHOLDER = "AR_SEED", "{seed}"


@dataclass(frozen=True, slots=True)
class Rules:
    """The rule, the one for changes that remove code, the baseline's samples, and how often the incumbent's come."""

    rule: Rule
    simpler: Callable[[float], Rule]
    baseline_samples: int | None
    """None: as many as make sense."""
    refresh: int | None
    """None: never."""


def rules_of(config: Config, seeds: Seeds) -> Rules:
    """What the configuration asks for."""
    metric, wanted = config.metric, config.decision.baseline_samples
    samples = wanted if isinstance(wanted, int) else None
    if config.decision.rule == "keep-if-better":
        return Rules(keep_if_better(metric.direction, metric.min_gain, seeds), no_rule, samples or 1, None)

    def rule(tolerated: float = 0.0) -> Rule:
        return proved(
            metric.direction,
            metric.min_gain,
            max_samples=metric.max_samples,
            timing=metric.timing,
            seeds=seeds,
            tolerated=tolerated,
        )

    return Rules(rule(), rule, samples, REFRESH)


def standards_of(config: Config) -> Standards:
    """What a keep must hold besides the rule."""
    holdout, metric = config.holdout, config.metric
    if not holdout.command and (holdout.metric or holdout.direction):
        raise ConfigError("[holdout] has no command, so that nothing is held out", hint='command = "python holdout.py"')
    if config.decision.rule == "keep-if-better" and (loss := config.simplify.max_loss) != NO_LOSS:
        raise ConfigError(
            f"[simplify] max_loss = {loss}: that a change loses no more has to be shown",
            hint='rule = "proved"    in [decision]',
        )
    return Standards(
        metric_name=metric.name,
        constraints=tuple(parse_constraint(name, text) for name, text in config.constraints.items()),
        checks=bool(config.experiment.checks),
        holdout=(holdout.direction or metric.direction) if holdout.command else None,
        holdout_at_end=holdout.when == "end",
        max_loss=config.simplify.max_loss,
        metric_is_time=metric.timing or metric.name == "ar.seconds",
    )


def what_decides(config: Config, seeds: Seeds) -> str:
    """One line: what a keep will mean."""
    if config.decision.rule == "keep-if-better":
        return 'rule: one sample decides, gains are unproved ([decision] rule = "proved")'
    most = f"at most {config.metric.max_samples} samples each"
    match seeds:
        case Seeds.VARIED:
            return f"rule: a gain must be proved, {most}, with seeds of their own"
        case Seeds.FIXED:
            return f"rule: a gain must beat the noise, {most}; the script's own seed"
        case Seeds.ABSENT:
            return f"rule: a gain must be proved, {most} if there is noise"


def seeds_of(project: Project, commit: str) -> Seeds:
    """What differs from sample to sample of the code at a commit.

    Raises ConfigError where that cannot be told and is not written, for then nobody knows what a repeat proves.
    """
    config = project.config
    command = config.experiment.command
    text = command if isinstance(command, str) else " ".join(command)
    if SEED_PLACEHOLDER in text or any(SEED_VARIABLE in file for file in _texts(project, commit)):
        return Seeds.VARIED
    if config.metric.seed:
        return Seeds(config.metric.seed)
    if config.metric.name in SELF_MEASURED:
        return Seeds.ABSENT
    if config.decision.rule == "keep-if-better":
        # Nothing that it keeps is called proved, so that nobody has to write what is not known.
        return Seeds.ABSENT
    raise ConfigError(
        f"{project.config_path.name}: does chance play a part in {config.metric.name}? That is not written, and neither"
        f" {SEED_PLACEHOLDER} in the command nor {SEED_VARIABLE} in its files says so",
        hint='in [metric]: seed = "not random"    nothing in it is random\n'
        'in [metric]: seed = "none"    it is random, with a seed of its own choice\n'
        f"best: let the script take its seed from {SEED_VARIABLE}, or the command as --seed {SEED_PLACEHOLDER}",
    )


def _texts(project: Project, commit: str) -> Iterator[str]:
    """The files in scope, and those that the command names."""
    repository = project.repository
    scoped = ScopedFiles(repository.reader, project.scope)
    yield from scoped.editable(commit).values()
    # A text that only mentions the variable is no program that reads it.
    yield from (text for path, text in scoped.context(commit).items() if not path.endswith(PROSE))
    tracked = dict(repository.files(commit))
    for word in words(project.config.experiment.command):
        entry = tracked.get(posixpath.normpath(posixpath.join(project.base, word)))
        if entry is not None:
            yield repository.blob(entry.id).decode(errors="replace")
