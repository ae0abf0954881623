"""Where proposals come from: which proposer, with which model, and what it is told about the task.

What is not here: asking it for one (the gate's), and the rest of the wiring (`build`).
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from threading import Event as Flag

from autoresearch.cli.project import Project
from autoresearch.cli.run_options import RunOptions
from autoresearch.core.budget import Budget
from autoresearch.core.history import Direction, History
from autoresearch.core.ports import Proposer
from autoresearch.core.purse import Purse
from autoresearch.errors import UsageError
from autoresearch.proposers.providers import missing_key, provider
from autoresearch.proposers.replay import ReplayProposer
from autoresearch.proposers.settings import LlmSettings, Price
from autoresearch.proposers.settings import Task as TaskWords
from autoresearch.record.recorded import read_run
from autoresearch.record.replays import find_replays
from autoresearch.record.runs import runs

LLM, TUNER, REPLAY = "llm", "tuner", "replay"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which proposer, with which model (empty: none)."""

    kind: str
    model: str


@dataclass(frozen=True, slots=True)
class Source:
    """A proposer, and what goes with it."""

    choice: Choice
    proposer: Proposer
    stop: Flag
    """Ends its waiting."""
    warm_up: Callable[[], None] = lambda: None
    """What it wants to do while the baseline runs; raises ProposerBroken where it will never propose anything."""
    purse: Purse = field(default_factory=Purse)
    """What it may spend."""
    hear: Callable[[Callable[[str], None]], None] = lambda _: None
    """Says who is to be told that it waits; on any thread."""


def choose_proposer(project: Project, options: RunOptions) -> Choice:
    """A model only where one is named; else the tuner.

    Raises UsageError for a model whose key is not set, unless it will not be asked.
    """
    config = project.config.proposer
    model = options.model or config.model
    kind = REPLAY if options.replay else options.proposer or ("auto" if options.model else config.kind)
    if kind == "auto":
        kind = LLM if model else TUNER
    if kind not in (LLM, TUNER, REPLAY):
        later = kind in ("hybrid", "command")
        raise UsageError(f"--proposer {kind} {'is not available yet' if later else 'is unknown'}", hint="llm or tuner")
    if kind == REPLAY and not options.replay:
        raise UsageError(
            "what shall be replayed?", hint="ar run --replay 12,17    or a git range, or a folder of patches"
        )
    if kind != LLM:
        return Choice(kind, "")
    if not model:
        raise UsageError("the llm proposer needs a model", hint="ar run --model anthropic/claude-sonnet-4-5")
    variable = unset_key(project, model)
    if variable and not options.dry_run:
        raise UsageError(
            f"{variable} is not set, so {model} cannot be asked",
            hint=f"export {variable}=...    or, without a model: ar run --proposer tuner",
        )
    return Choice(LLM, model)


def unset_key(project: Project, model: str) -> str | None:
    """The variable without which the model cannot be asked; None where nothing is missing."""
    is_local = project.config.proposer.api_base and _same_provider(project, model)
    return None if is_local else missing_key(model, os.environ)


def check_tunable(choice: Choice, files: Mapping[str, str], *, markers: bool = False) -> None:
    """Raises ProposerBroken for the tuner without constants: better before a baseline of hours than after it."""
    if choice.kind == TUNER:
        from autoresearch.proposers.tuner import check_constants

        check_constants(files, markers=markers)


def make_source(project: Project, choice: Choice, budget: Budget, replay: str | None) -> Source:
    """The proposer; a model's library is imported by its `warm_up`, not here."""
    stop, purse = Flag(), budget.purse()
    match choice.kind:
        case "llm":
            from autoresearch.proposers.llm import LlmProposer

            settings, words = llm_settings(project, choice.model, budget), task_words(project)
            llm = LlmProposer(settings, words, stop, purse, project.secrets)
            return Source(choice, llm, stop, llm.warm_up, purse, partial(setattr, llm, "tell"))
        case "replay":
            histories = partial(history_with, project)
            changes = find_replays(project.repository, replay or "", histories)
            return Source(choice, ReplayProposer(changes), stop, purse=purse)
        case _:
            from autoresearch.proposers.tuner import Sampler, TunerProposer

            config = project.config
            sampler = Sampler(config.proposer.sampler)
            direction, seed = config.metric.direction, config.experiment.seed
            tuner = TunerProposer(sampler=sampler, direction=direction, seed=seed, markers=config.markers)
            return Source(choice, tuner, stop, purse=purse)


def llm_settings(project: Project, model: str, budget: Budget) -> LlmSettings:
    """Which model is asked, and how. The configured server is that of the configured model's provider, and the price
    that of the model itself.
    """
    config = project.config.proposer
    priced = config.price_in is not None and config.price_out is not None and config.model in ("", model)
    return LlmSettings(
        model=model,
        api_base=config.api_base if _same_provider(project, model) else "",
        temperature=config.temperature,
        max_tokens=config.max_tokens,
        fallback_models=config.fallback_models,
        price=Price(config.price_in or 0.0, config.price_out or 0.0) if priced else None,
        require_price=budget.usd is not None or budget.run_usd is not None,
    )


def _same_provider(project: Project, model: str) -> bool:
    """Is the model, which may be named by `--model`, one of the configured model's provider?"""
    configured = project.config.proposer.model
    return not configured or provider(model) == provider(configured)


def task_words(project: Project) -> TaskWords:
    """What a model is told about the task, the same for the whole run."""
    config = project.config
    command = config.experiment.command
    shown = command if isinstance(command, str) else shlex.join(command)
    return TaskWords(
        config.goal,
        config.metric.name,
        config.metric.direction,
        shown,
        config.editable,
        constraints=tuple(f"{name} {text}" for name, text in config.constraints.items()),
        checks=config.experiment.checks,
        is_proved=config.decision.rule == "proved",
        may_change_seed=config.decision.allow_seed_change,
        max_loss=config.simplify.max_loss,
        only_marked=config.markers,
    )


def history_with(project: Project, number: int) -> History:
    """The newest run's history that has an experiment of this number; an empty one when none has."""
    for run in reversed(runs(project.repository)):
        history = History(Direction.MIN, read_run(project.repository, run).experiments)
        if history.get(number) is not None:
            return history
    return History(Direction.MIN)
