"""Reading a run without the lock: for `ar status` and `ar log`. Nothing is written, a running loop is not disturbed.

Of the configuration only four keys are read, straight from the TOML: the checked model takes a quarter of a second to
import, and would refuse the record of another version of `ar`.
"""

from __future__ import annotations

import gc
import sys
import time
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer

from autoresearch.cli.render.live_state import read_live
from autoresearch.cli.render.status import StatusView
from autoresearch.core.decision import pooled_noise
from autoresearch.core.history import Direction, History
from autoresearch.core.layout import Layout
from autoresearch.core.scope import CONFIG_NAME
from autoresearch.core.seeds import Seeds
from autoresearch.errors import RecordError, UsageError
from autoresearch.record.recorded import read_run
from autoresearch.record.repository import Repository, current_folder
from autoresearch.record.runs import Run, pick, runs
from autoresearch.runtime.lock import holder

BUDGET, COMMIT = "ar run --budget 5m", "git add . && git commit -m 'first'"


@dataclass(frozen=True, slots=True)
class Aim:
    """What the run is for, as its own configuration says."""

    goal: str
    metric_name: str
    direction: Direction
    one_seed: bool = False
    """The command has randomness, and a seed of its own choice."""


@dataclass(frozen=True, slots=True)
class Record:
    """A run as git has it now."""

    repository: Repository
    run: Run
    aim: Aim
    history: History
    is_newest: bool
    """No other run of this repository was worked on later."""

    @property
    def layout(self) -> Layout:
        return Layout(self.repository.root, self.run.tag)


def open_record(config: Path | None, tag: str | None, *, needed: bool = False) -> Record | None:
    """The named run, or the newest of the configuration that is nearest (of all, where there is none).

    None where there is no run yet. Raises UsageError for a tag that does not exist, and without a run where one is
    `needed`.
    """
    here = current_folder()
    repository = Repository(config.resolve().parent if config else here)
    name = None if tag else _config_name(repository, config, here)
    known = runs(repository)
    run = pick(known, tag, name)
    if run is None:
        words, hint = _without_a_run(repository, name, [one.tag for one in known])
        if needed:
            raise UsageError(words, hint=hint)
        if hint == BUDGET:
            return None
        typer.echo(words)
        sys.stderr.writelines(f"hint: {line}\n" for line in hint.splitlines())
        raise typer.Exit(0)
    aim = _aim(run)
    with _no_garbage_collection():
        recorded = read_run(repository, run)
        history = recorded.history(aim.direction, recorded.shown, run.final_holdout)
    return Record(repository, run, aim, history, is_newest=run is known[-1])


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Nothing that is read is garbage; looking for some again and again takes a fifth of a long history's time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _without_a_run(repository: Repository, name: str | None, tags: Sequence[str]) -> tuple[str, str]:
    """What there is instead, and what to type next: the runs of others, or what comes before a first run."""
    if tags:
        # The configuration is new here, or was renamed.
        looks = [f"ar {command} --tag {tags[-1]}" for command in ("status", "log")]
        hint = "\n".join([*looks, f"runs of other configurations: {', '.join(tags)}"])
        return f"no run of {name or 'this configuration'} yet", hint
    if repository.resolve("HEAD") is None:
        return "no run yet, and no commit that one could start from", COMMIT
    return "no run yet", BUDGET if name else f"ar init    writes {CONFIG_NAME}, then: {BUDGET}"


def _aim(run: Run) -> Aim:
    """Raises RecordError when the recorded configuration is none."""
    try:
        keys = tomllib.loads(run.opening.config_text)
        name, direction = str(keys["metric"]["name"]), Direction(keys["metric"]["direction"])
        one_seed = keys["metric"].get("seed") == Seeds.FIXED.value
        return Aim(str(keys.get("goal", "")), name, direction, one_seed)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise RecordError(
            f"the configuration that is recorded with {run.tag} cannot be read: {what}",
            hint=f"see it: git show {run.prefix}/run:{CONFIG_NAME}\nstart afresh: ar run --new",
        ) from error


def _config_name(repository: Repository, config: Path | None, here: Path) -> str | None:
    """The nearest configuration from here upwards, relative to the repository; None where there is none."""
    paths = [config.resolve()] if config else [folder / CONFIG_NAME for folder in (here, *here.parents)]
    found = next((path for path in paths if path.is_relative_to(repository.root) and path.is_file()), None)
    return found.relative_to(repository.root).as_posix() if found else None


def status_view(record: Record) -> StatusView:
    """What the page shows; whether the run is alive is asked of the lock, not of a file that may be stale."""
    live = read_live(record.layout.live)
    held = holder(record.repository.common_dir)
    if held is None or live is None or live.pid != held.pid:
        # Stale, or the run is at work in another checkout, which has a state of its own.
        live = None
    unfinished = not record.run.why and record.is_newest
    running = live is not None or (held is not None and unfinished)
    noise = pooled_noise(record.history.groups())
    return StatusView(
        tag=record.run.tag,
        branch=record.run.branch,
        goal=record.aim.goal,
        metric_name=record.aim.metric_name,
        history=record.history,
        running=running,
        now=time.time(),
        isolation=record.run.opening.isolation,
        live=live,
        shares=live.budget if live is not None and running else (),
        noise=noise.deviation if noise.freedom else None,
        one_seed=record.aim.one_seed,
        final=record.run.final_check,
    )
