"""From the options of `ar run` to a run that is open: everything that can be wrong is found before anything begins.

What is not here: which run goes on (`choose`), and what happens then (`session`).
"""

from __future__ import annotations

from math import isfinite

from autoresearch import __version__
from autoresearch.cli import build, sources
from autoresearch.cli.choose import Chosen, choose
from autoresearch.cli.dry_run import show_request
from autoresearch.cli.isolation import check_level, isolation_of
from autoresearch.cli.project import Project, open_project
from autoresearch.cli.rules import seeds_of, standards_of
from autoresearch.cli.run_options import RunOptions
from autoresearch.cli.session import Call, Session
from autoresearch.cli.slots import slots_here, wanted
from autoresearch.cli.surroundings import refuse_unwritable
from autoresearch.config import check_files
from autoresearch.config.load import read
from autoresearch.core.isolation import Level
from autoresearch.errors import UsageError
from autoresearch.record.runs import Opening, Run, begin
from autoresearch.record.sealed import make_key
from autoresearch.runtime.lock import RunLock


def start(options: RunOptions) -> int:
    """Do what `ar run` was asked for; returns the exit code."""
    if options.target is not None and not isfinite(options.target):
        raise UsageError(f"--target {options.target} is no number that a metric can reach", hint="ar run --target 0.97")
    project = open_project(options.config)
    check_files(project.config, project.config_path, project.repository.root, project.tracked)
    choice = sources.choose_proposer(project, options)
    budget = build.budget_of(project, options)
    standards_of(project.config)
    check_level(options.isolation)
    asked = wanted(project.config, options.workers, one_by_one=bool(options.replay))
    if asked.address is None:
        # What this machine has not is told before anything begins.
        slots_here(project.config, asked)
    if options.dry_run:
        chosen = choose(project, options)
        seeds_of(project, chosen.base.commit)
        show_request(project, choice, budget, chosen, options.replay)
        return 0
    refuse_unwritable(project.repository)
    with RunLock(project.repository.common_dir, "ar run"):
        isolation = isolation_of(project.config, options.isolation)
        chosen = choose(project, options)
        seeds = seeds_of(project, chosen.base.commit)
        if project.config.holdout.command:
            # Before the first sample, not after the baseline's last.
            make_key()
        source = sources.make_source(project, choice, budget, options.replay)
        run = begin_run(project, chosen, str(budget), isolation.level)
        call = Call(project, options, run, budget, source, seeds, isolation, asked)
        return Session(call).go(chosen.note)


def begin_run(project: Project, chosen: Chosen, budget: str, level: Level) -> Run:
    """Record that a call begins."""
    base = chosen.base
    opening = Opening(
        base=base.commit,
        base_tree=base.tree,
        snapshot_of=base.snapshot_of,
        config_path=project.config_name,
        config_text=read(project.config_path),
        instructions_text=project.instructions_path.read_text(encoding="utf-8", errors="replace"),
        budget=budget,
        isolation=level.value,
        version=__version__,
    )
    return begin(project.repository, chosen.tag, opening, chosen.previous, project.secrets)
