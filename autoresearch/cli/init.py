"""`ar init`: its options. What it does is in `setting_up`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from autoresearch.cli.init_answers import Answers
from autoresearch.cli.options import ConfigOption
from autoresearch.errors import UsageError

ANSWERS, TASKS = "Answers, instead of being asked", "Ready tasks"


def init(
    folder: Annotated[Path | None, typer.Argument(metavar="[DIR]", help="Where to put a ready task.")] = None,
    command: Annotated[
        str | None, typer.Option(metavar="COMMAND", help="What is run for one sample.", rich_help_panel=ANSWERS)
    ] = None,
    metric: Annotated[
        str | None, typer.Option(metavar="NAME", help="The number that decides, as printed.", rich_help_panel=ANSWERS)
    ] = None,
    direction: Annotated[
        str | None, typer.Option(metavar="min|max", help="Which way is better.", rich_help_panel=ANSWERS)
    ] = None,
    editable: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Files that may be changed; repeatable.", rich_help_panel=ANSWERS),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Take every proposed answer.", rich_help_panel=ANSWERS)
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite; the old files are kept as .orig.")] = False,
    check: Annotated[
        bool,
        typer.Option("--check", help="Take three samples, unless there is a baseline: time, noise, rate per night."),
    ] = False,
    task: Annotated[
        str | None, typer.Option("--from", metavar="NAME", help="Copy a ready task into DIR.", rich_help_panel=TASKS)
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the ready tasks.", rich_help_panel=TASKS)] = False,
    config: ConfigOption = None,
) -> int:
    """Write autoresearch.toml and program.md for this repository, from what is there.

    Example: [bold]ar init[/] or [bold]ar init --from gpt demo[/]
    """
    from autoresearch.cli import setting_up
    from autoresearch.record.repository import current_folder

    answers = Answers(command, metric, direction, tuple(editable or ()), yes, force)
    _refuse_mixed(answers, folder, config, {"--list": listed, "--from": task is not None, "--check": check})
    if listed:
        return setting_up.list_tasks()
    if task is not None:
        return setting_up.copy_ready_task(task, folder)
    if check:
        from autoresearch.cli.checking import check_command

        return check_command(config)
    return setting_up.set_up(answers, current_folder())


def _refuse_mixed(answers: Answers, folder: Path | None, config: Path | None, does: Mapping[str, bool]) -> None:
    """Raises UsageError for what would be ignored: options of different things that `ar init` can do."""
    chosen = [name for name, wanted in does.items() if wanted]
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)} are different things: one at a time", hint=f"ar init {chosen[0]}")
    if chosen and answers.given:
        raise UsageError(f"{answers.given[0]} has no meaning with {chosen[0]}", hint="ar init --help")
    if folder is not None and chosen != ["--from"]:
        raise UsageError(
            f"{folder}: a folder is only named with --from; ar init works in the folder that you are in",
            hint=f"ar init --from {folder}    if it is the name of a ready task (ar init --list)",
        )
    if config is not None and chosen != ["--check"]:
        raise UsageError("--config is for --check: what is written is autoresearch.toml, here", hint="ar init --help")
