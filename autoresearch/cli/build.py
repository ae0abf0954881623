"""The one place where the parts are wired: configuration and options in, a loop out. Nothing is decided here."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autoresearch.cli.project import Project
from autoresearch.cli.rules import Rules, rules_of, standards_of
from autoresearch.cli.run_options import RunOptions
from autoresearch.cli.slots import ONE
from autoresearch.cli.sources import LLM, REPLAY
from autoresearch.core.budget import Budget, Meter, merge, parse_budget
from autoresearch.core.events import Listener
from autoresearch.core.experiment import Outcome, sample_seconds
from autoresearch.core.history import History
from autoresearch.core.isolation import Level
from autoresearch.core.metric import MetricSpec
from autoresearch.core.ports import Executor, Journal, Proposer
from autoresearch.core.purse import Purse
from autoresearch.core.seeds import Seeds
from autoresearch.gate import Gate
from autoresearch.loop import Loop
from autoresearch.orders import Parts, Settings
from autoresearch.record.journal import GitJournal
from autoresearch.record.repository import Repository
from autoresearch.record.runs import Run, unbilled_usd
from autoresearch.runtime.gpu_slots import Slots
from autoresearch.runtime.settings import ExecutorSettings, HoldoutSettings
from autoresearch.strategy import Greedy


@dataclass(frozen=True, slots=True)
class Wiring:
    """The parts that outlive the loop: the caller closes them."""

    proposer: Proposer
    executor: Executor
    journal: Journal
    meter: Meter
    announce: Listener


DEFAULT_LIMIT = 3600.0
"""Seconds that a baseline without a configured limit may take, unless the time budget is shorter."""


def budget_of(project: Project, options: RunOptions) -> Budget:
    """The configuration's, each unit replaced by the one of the command line."""
    config = project.config.budget
    configured = Budget(config.time, config.experiments, config.cost, config.tokens, config.run_cost)
    return merge(configured, parse_budget(options.budget))


def make_meter(budget: Budget, repository: Repository, run: Run, journal: Journal, purse: Purse) -> Meter:
    """What may be spent now, with what earlier calls have spent; the drafts of a killed one are in the history."""
    history = journal.history()
    usd = sum(one.usage.cost_usd or 0.0 for one in history.experiments) + unbilled_usd(repository, run)
    usd += journal.left_over().cost_usd or 0.0
    return Meter(budget, time.monotonic, usd, _seconds_of_samples(history), purse)


def _seconds_of_samples(history: History) -> list[float]:
    """One number for each sample. Only of measured experiments: one that hung says nothing about the next one."""
    seconds: list[float] = []
    for one in history.experiments:
        count = len(one.samples) + len(one.incumbent_samples)
        if one.outcome is Outcome.MEASURED and count:
            seconds += [sample_seconds(one)] * count
    return seconds


def executor_settings(project: Project, run: Run, level: Level) -> ExecutorSettings:
    """What the configuration says about running the command."""
    config, metric, holdout = project.config.experiment, project.config.metric, project.config.holdout
    wanted = (*project.config.constraints, *([config.cost] if config.cost else []))
    held_out = HoldoutSettings(holdout.command, MetricSpec(holdout.metric or metric.name)) if holdout.command else None
    return ExecutorSettings(
        command=config.command,
        metric=MetricSpec(metric.name, metric.pattern, wanted),
        tag=run.tag,
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
        isolation=level,
        network=config.network,
        write_paths=config.write_paths,
        memory=config.memory or 0,
        is_editable=project.scope.is_editable,
        evaluate=config.evaluate,
        base=run.opening.base,
        is_timed=metric.timing,
    )


def open_journal(project: Project, run: Run, *, moves_checkout: bool = False) -> GitJournal:
    """The record of the run, put right after a death. Only with the lock held."""
    metric = project.config.metric
    layout = project.layout(run.tag)
    named = (metric.name, metric.direction)
    return GitJournal(
        project.repository, layout, run, project.scope, named, moves_checkout=moves_checkout, secrets=project.secrets
    )


def make_loop(project: Project, options: RunOptions, parts: Wiring, seeds: Seeds, slots: Slots = ONE) -> Loop:
    """The loop, ready to run."""
    config = project.config
    allowed, rules = config.decision.allow_seed_change, rules_of(config, seeds)
    wired = Parts(
        gate=Gate(
            parts.proposer,
            parts.journal,
            project.scope,
            allow_seed_change=allowed,
            markers=config.markers,
            secrets=project.secrets,
        ),
        executor=parts.executor,
        strategy=Greedy(),
        journal=parts.journal,
        rule=rules.rule,
        meter=parts.meter,
        announce=parts.announce,
        instructions=Instructions(project.instructions_path).read,
        simpler=rules.simpler,
    )
    return Loop(wired, _settings(project, options, parts, rules, len(slots.devices)))


def _settings(project: Project, options: RunOptions, parts: Wiring, rules: Rules, workers: int) -> Settings:
    config = project.config
    repairs = config.proposer.repair_attempts if parts.proposer.name == LLM else 0
    return Settings(
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
        workers=workers,
        lookahead=lookahead(config.run.lookahead, workers, parts.proposer),
        lays_ahead=not config.metric.timing,
        is_replay=parts.proposer.name == REPLAY,
    )


def lookahead(configured: int | str, workers: int, proposer: Proposer) -> int:
    """Proposals beyond those that run. What costs no time to ask for is better asked late: it knows more then."""
    if proposer.name == REPLAY:
        # One by one, each on what became of the one before.
        return 0
    if isinstance(configured, int):
        return configured
    return 1 if proposer.is_free else workers + 1


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
