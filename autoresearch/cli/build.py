"""The one place where the parts are wired: configuration and options in, a loop out. Nothing is decided here."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event as Flag

from autoresearch.cli.project import Project
from autoresearch.cli.rules import rules_of, standards_of
from autoresearch.cli.run import RunOptions
from autoresearch.core.budget import Budget, Meter, merge, parse_budget
from autoresearch.core.events import Listener
from autoresearch.core.experiment import Outcome
from autoresearch.core.history import Direction, History
from autoresearch.core.metric import MetricSpec
from autoresearch.core.ports import Executor, Journal, Proposer
from autoresearch.core.seeds import Seeds
from autoresearch.errors import UsageError
from autoresearch.gate import Gate
from autoresearch.loop import Loop
from autoresearch.orders import Parts, Settings
from autoresearch.proposers.providers import missing_key, provider
from autoresearch.proposers.replay import ReplayProposer
from autoresearch.proposers.settings import LlmSettings, Price
from autoresearch.proposers.settings import Task as TaskWords
from autoresearch.record.journal import GitJournal, read_run
from autoresearch.record.replays import find_replays
from autoresearch.record.repository import Repository
from autoresearch.record.runs import Run, runs, unbilled_usd
from autoresearch.runtime.bench import ExecutorSettings, HoldoutSettings
from autoresearch.runtime.executor import LocalExecutor
from autoresearch.strategy import Greedy


@dataclass(frozen=True, slots=True)
class Choice:
    """Which proposer, with which model (empty: none)."""

    kind: str
    model: str


@dataclass(frozen=True, slots=True)
class Wiring:
    """The parts that outlive the loop: the caller closes them."""

    proposer: Proposer
    executor: Executor
    journal: Journal
    meter: Meter
    announce: Listener


@dataclass(frozen=True, slots=True)
class Source:
    """A proposer, what ends its waiting, and what it wants to do while the baseline runs."""

    choice: Choice
    proposer: Proposer
    stop: Flag
    warm_up: Callable[[], None] = lambda: None


LLM, TUNER, REPLAY = "llm", "tuner", "replay"
DEFAULT_LIMIT = 3600.0
"""Seconds that a baseline without a configured limit may take, unless the time budget is shorter."""


def choose_proposer(project: Project, options: RunOptions) -> Choice:
    """A model only where one is named; else the tuner. Raises UsageError for a model whose key is not set."""
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
    variable = None if config.api_base and _same_provider(project, model) else missing_key(model, os.environ)
    if variable:
        raise UsageError(
            f"{variable} is not set, so {model} cannot be asked",
            hint=f"export {variable}=...    or, without a model: ar run --proposer tuner",
        )
    return Choice(LLM, model)


def budget_of(project: Project, options: RunOptions) -> Budget:
    """The configuration's, each unit replaced by the one of the command line."""
    config = project.config.budget
    configured = Budget(config.time, config.experiments, config.cost, config.tokens, config.run_cost)
    return merge(configured, parse_budget(options.budget))


def make_meter(budget: Budget, repository: Repository, run: Run, history: History) -> Meter:
    """What may be spent now, with what earlier calls have spent; the drafts of a killed one are in the history."""
    usd = sum(one.usage.cost_usd or 0.0 for one in history.experiments) + unbilled_usd(repository, run)
    return Meter(budget, time.monotonic, usd, _seconds_of_samples(history))


def _seconds_of_samples(history: History) -> list[float]:
    """One number for each sample. Only of measured experiments: one that hung says nothing about the next one."""
    seconds: list[float] = []
    for one in history.experiments:
        count = len(one.samples) + len(one.incumbent_samples)
        if one.outcome is Outcome.MEASURED and count:
            seconds += [one.seconds / count] * count
    return seconds


def check_tunable(choice: Choice, files: Mapping[str, str]) -> None:
    """Raises ProposerBroken for the tuner without constants: better before a baseline of hours than after it."""
    if choice.kind == TUNER:
        from autoresearch.proposers.tuner import check_constants

        check_constants(files)


def executor_settings(project: Project, tag: str) -> ExecutorSettings:
    """What the configuration says about running the command."""
    config, metric, holdout = project.config.experiment, project.config.metric, project.config.holdout
    wanted = (*project.config.constraints, *([config.cost] if config.cost else []))
    held_out = HoldoutSettings(holdout.command, MetricSpec(holdout.metric or metric.name)) if holdout.command else None
    return ExecutorSettings(
        command=config.command,
        metric=MetricSpec(metric.name, metric.pattern, wanted),
        tag=tag,
        setup=config.setup,
        sub=project.base,
        env=config.env,
        pass_env=config.pass_env,
        data=config.data,
        cache=config.cache,
        artifacts=config.artifacts,
        pythonpath=config.pythonpath,
        metrics_file=metric.metrics_file,
        feedback=config.feedback,
        checks=config.checks,
        holdout=held_out,
        stop_grace=config.stop_grace,
    )


def open_journal(project: Project, run: Run, *, moves_checkout: bool = False) -> GitJournal:
    """The record of the run, put right after a death. Only with the lock held."""
    metric = project.config.metric
    layout = project.layout(run.tag)
    named = (metric.name, metric.direction)
    return GitJournal(project.repository, layout, run, project.scope, named, moves_checkout=moves_checkout)


def open_executor(project: Project, tag: str, on_line: Callable[[int, str], None]) -> LocalExecutor:
    """One slot on this machine, with the person's environment less what looks secret."""
    return LocalExecutor(executor_settings(project, tag), project.layout(tag), on_line=on_line)


def make_source(project: Project, choice: Choice, budget: Budget, replay: str | None) -> Source:
    """The proposer; a model's library is imported by its `warm_up`, not here."""
    stop = Flag()
    match choice.kind:
        case "llm":
            from autoresearch.proposers.llm import LlmProposer

            llm = LlmProposer(llm_settings(project, choice.model, budget), task_words(project), stop)
            return Source(choice, llm, stop, llm.warm_up)
        case "replay":
            histories = partial(history_with, project)
            return Source(choice, ReplayProposer(find_replays(project.repository, replay or "", histories)), stop)
        case _:
            from autoresearch.proposers.tuner import Sampler, TunerProposer

            config = project.config
            sampler = Sampler(config.proposer.sampler)
            tuner = TunerProposer(sampler=sampler, direction=config.metric.direction, seed=config.experiment.seed)
            return Source(choice, tuner, stop)


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
    )


def history_with(project: Project, number: int) -> History:
    """The newest run's history that has an experiment of this number; an empty one when none has."""
    for run in reversed(runs(project.repository)):
        history = History(Direction.MIN, read_run(project.repository, run).experiments)
        if history.get(number) is not None:
            return history
    return History(Direction.MIN)


def make_loop(project: Project, options: RunOptions, parts: Wiring, seeds: Seeds) -> Loop:
    """The loop, ready to run."""
    history, config = parts.journal.history(), project.config
    allowed, rules = config.decision.allow_seed_change, rules_of(config, seeds)
    wired = Parts(
        gate=Gate(parts.proposer, parts.journal, project.scope, history.tried, allow_seed_change=allowed),
        executor=parts.executor,
        strategy=Greedy(),
        journal=parts.journal,
        rule=rules.rule,
        meter=parts.meter,
        announce=parts.announce,
        instructions=Instructions(project.instructions_path).read,
        simpler=rules.simpler,
    )
    repairs = config.proposer.repair_attempts if parts.proposer.name == LLM else 0
    settings = Settings(
        seed=config.experiment.seed,
        limit=config.experiment.timeout,
        baseline_limit=parts.meter.budget.seconds or DEFAULT_LIMIT,
        repair_attempts=repairs,
        patience=options.patience,
        target=options.target,
        baseline_samples=rules.baseline_samples,
        refresh=rules.refresh,
        standards=standards_of(config),
        cost_name=config.experiment.cost,
        usd_per_second=(config.experiment.price or 0.0) / 3600,
        warm_up=config.metric.timing,
        final_check=config.decision.final_check and config.decision.rule == "proved",
    )
    return Loop(wired, settings)


class Instructions:
    """program.md, read again before each proposal; a file that is being rewritten does not end a night's run."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._text = ""

    def read(self) -> str:
        """The present text; the last one that could be read where there is none."""
        with suppress(OSError):
            self._text = self._path.read_text(encoding="utf-8", errors="replace")
        return self._text
