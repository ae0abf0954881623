"""`ar run --dry-run`: what would be asked and what would be run. Nothing is run, sent or written."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime

import typer

from autoresearch.cli.build import Instructions
from autoresearch.cli.choose import Chosen
from autoresearch.cli.project import Project
from autoresearch.cli.sources import LLM, Choice, make_source, unset_key
from autoresearch.core.budget import Budget
from autoresearch.core.experiment import Decision, Experiment, Outcome
from autoresearch.core.history import Digest, History
from autoresearch.core.plan import plan
from autoresearch.core.ports import Request
from autoresearch.proposers.llm import LlmProposer
from autoresearch.record.recorded import read_run
from autoresearch.record.scoped import ScopedFiles


def show_request(project: Project, choice: Choice, budget: Budget, chosen: Chosen, replay: str | None) -> None:
    """Print the next request for a proposal, its size and price, and the command."""
    command = project.config.experiment.command
    typer.echo(f"{chosen.note}, from {chosen.base.commit[:10]}")
    typer.echo(plan(budget, dict(budget.limits())))
    shown = command if isinstance(command, str) else shlex.join(command)
    typer.echo(f"command: {project.secrets.redact(shown)}")
    request = _request(project, chosen)
    typer.echo(f"editable: {', '.join(request.files) or 'no file'}")
    proposer = make_source(project, choice, budget, replay).proposer
    if choice.kind == LLM and isinstance(proposer, LlmProposer):
        if variable := unset_key(project, choice.model):
            typer.echo(f"note: {variable} is not set: export {variable}=... before ar run asks the model")
        typer.echo("--- the prompt ---")
        typer.echo(proposer.describe(request))
        return
    typer.echo(f"proposer: {choice.kind}; it asks no model and costs nothing")
    proposal = proposer.propose(request)
    typer.echo(f"it would begin with: {proposal.title}\n{proposal.hypothesis}")


def _request(project: Project, chosen: Chosen) -> Request:
    history = History(project.config.metric.direction)
    if chosen.previous is not None:
        history = History(history.direction, read_run(project.repository, chosen.previous).experiments)
    record = history.digest() if history.baseline else _before_the_baseline(chosen)
    files = ScopedFiles(project.repository.reader, project.scope)
    return Request(
        number=max(1, history.next_number),
        parent=record.incumbent,
        files=files.editable(record.incumbent.commit),
        context=files.context(record.incumbent.commit),
        instructions=Instructions(project.instructions_path).read(),
        record=record,
        source=files.editable,
    )


def _before_the_baseline(chosen: Chosen) -> Digest:
    now = datetime.now(UTC)
    baseline = Experiment(
        number=0,
        commit=chosen.base.commit,
        tree=chosen.base.tree,
        parent=None,
        title="baseline",
        hypothesis="The code as it is, before any change.",
        outcome=Outcome.SKIPPED,
        decision=Decision.KEEP,
        reason="not measured yet",
        metric_name="",
        metric=None,
        samples=(),
        incumbent_samples=(),
        measures={},
        seconds=0.0,
        started=now,
        ended=now,
        proposer="baseline",
    )
    return Digest(baseline, baseline, (), (baseline,), {}, frozenset(), 1, 1)
