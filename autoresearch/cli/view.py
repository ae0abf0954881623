"""Reading a run without the lock: for `ar status` and `ar log`. Nothing is written, a running loop is not disturbed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from autoresearch.cli.render.live_state import read_live
from autoresearch.cli.render.status import StatusView
from autoresearch.config import Config, find, parse
from autoresearch.core.history import History
from autoresearch.core.layout import Layout
from autoresearch.errors import ConfigError
from autoresearch.record.journal import read_run
from autoresearch.record.repository import Repository
from autoresearch.record.runs import Run, find_run
from autoresearch.runtime.lock import holder


@dataclass(frozen=True, slots=True)
class Record:
    """A run as git has it now. `config` is what it was made with."""

    repository: Repository
    run: Run
    config: Config
    history: History

    @property
    def layout(self) -> Layout:
        return Layout(self.repository.root, self.run.tag)


def open_record(config: Path | None, tag: str | None) -> Record | None:
    """The named run, or the newest of the configuration that is nearest (of all, where there is none).

    None where there is no run yet. Raises UsageError for a tag that does not exist.
    """
    repository = Repository(config.resolve().parent if config else Path.cwd())
    run = find_run(repository, tag, None if tag else _config_name(repository, config))
    if run is None:
        return None
    used = parse(run.opening.config_text, run.opening.config_path)
    history = History(used.metric.direction, read_run(repository, run).shown)
    return Record(repository, run, used, history)


def _config_name(repository: Repository, config: Path | None) -> str | None:
    try:
        path = config.resolve() if config else find(Path.cwd(), repository.root)
    except ConfigError:
        return None
    return path.relative_to(repository.root).as_posix()


def status_view(record: Record) -> StatusView:
    """What the page shows; whether the run is alive is asked of the lock, not of a file that may be stale."""
    live = read_live(record.layout.live)
    held = holder(record.repository.common_dir)
    running = held is not None and live is not None and live.pid == held.pid
    return StatusView(
        tag=record.run.tag,
        branch=record.run.branch,
        goal=record.config.goal,
        metric_name=record.config.metric.name,
        history=record.history,
        running=running,
        now=time.time(),
        isolation=record.run.opening.isolation,
        live=live,
        shares=live.budget if live is not None and running else (),
    )
