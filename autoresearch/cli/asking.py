"""The questions of `ar init`, each with a default that Enter takes. What the command line said is not asked.

A wrong answer is asked for again. What the answers make is not decided here (`scaffold.choices`), nor written.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import typer

from autoresearch.cli.init_answers import Answers
from autoresearch.cli.place import Place
from autoresearch.cli.trial import Printed, Trial, try_once
from autoresearch.config import parse_direction
from autoresearch.core.history import Direction
from autoresearch.core.metric import SELF_MEASURED
from autoresearch.core.quantity import format_metric
from autoresearch.core.seeds import Seeds
from autoresearch.scaffold import Choices, Detected, choose, guess_direction, metric_problem, pick_metric

T = TypeVar("T")
OFFERED = 8
"""So many metrics are offered to choose from, besides the time."""
SECONDS, SECONDS_MEANT = "ar.seconds", "the time that it takes, measured by ar"


def ask(found: Detected, answers: Answers, place: Place) -> Choices:
    """All questions, in the order in which one answer helps with the next."""
    trial, printed = _ask_command(found, answers, place)
    found = found.with_command(trial.command)
    metric = answers.metric or _ask_metric(found, printed)
    guessed = found.direction if metric == found.metric else guess_direction(metric)
    direction = answers.direction or _ask_direction(guessed)
    editable = answers.editable or _ask_editable(found, place)
    chosen = choose(found, command=trial.command, metric=metric, direction=direction, editable=editable)
    seed = _ask_seed(chosen.metric_seed) if chosen.metric_seed else ""
    goal = _until_right("The goal, in one line", chosen.purpose, _one_line)
    return replace(chosen, goal=goal, data=trial.data, cache=trial.cache, pass_env=trial.pass_env, metric_seed=seed)


def _ask_command(found: Detected, answers: Answers, place: Place) -> tuple[Trial, Printed | None]:
    """The command and what it needs; asked once more after it was tried and failed."""
    trial = Trial(answers.command or found.command, data=found.data, cache=found.cache)
    again = False
    while True:
        if again or not answers.command:
            trial = replace(trial, command=_until_right("Command for one sample", trial.command, _not_empty))
        if again or trial.data:
            words = "Untracked files that it reads" if trial.data else "Untracked files that it reads, if any"
            trial = replace(trial, data=_until_right(words, _line(trial.data), lambda answer: _there(answer, place)))
        if found.pass_env and not trial.pass_env and _wants_secrets(found.pass_env):
            trial = replace(trial, pass_env=found.pass_env)
        trial = replace(trial, setup=found.setup if trial.command == found.command else "")
        if answers.metric or not _wants_trial(default=not (found.metric or again)):
            return trial, None
        printed = try_once(place, replace(trial, command=found.runnable(trial.command)))
        if printed is not None:
            return trial, printed
        again = True


def _wants_secrets(names: Sequence[str]) -> bool:
    return typer.confirm(f"The code reads {', '.join(names)}: may experiments have it?", default=False)


def _wants_trial(*, default: bool) -> bool:
    return typer.confirm("Run it once now, to see which numbers it prints?", default=default)


def _ask_metric(found: Detected, printed: Printed | None) -> str:
    """One of the numbers that were printed; where it was not run, of those that the code seems to print."""
    seen = dict(printed.numbers) if printed else {}
    first = _said_by_the_task(found, printed)
    likely = tuple(guess.name for guess in pick_metric([(name, value, 1) for name, value in seen.items()]))
    known = dict.fromkeys((*first, *(likely if printed else found.metrics)))
    names: list[str] = [name for name in known if name != SECONDS][:OFFERED]
    width = max(map(len, (*names, SECONDS)))
    for number, name in enumerate(names, 1):
        typer.echo(f"  {number}  {name:<{width}}  {format_metric(seen[name]) if name in seen else ''}".rstrip())
    typer.echo(f"  {len(names) + 1}  {SECONDS:<{width}}  {SECONDS_MEANT}")

    def read(answer: str) -> str:
        if answer.isdigit():
            if not 1 <= int(answer) <= len(names) + 1:
                raise ValueError(f"there is no {answer} in the list")
            return [*names, SECONDS][int(answer) - 1]
        if printed and answer not in (*seen, *names, *SELF_MEASURED):
            raise ValueError(f'"{answer}" was not printed')
        if problem := metric_problem(answer):
            raise ValueError(problem)
        return answer

    return _until_right("The metric: a number of the list, or a name", "1", read)


def _said_by_the_task(found: Detected, printed: Printed | None) -> tuple[str, ...]:
    """Metrics that come before all likelier names."""
    if found.pattern or found.extras.adapter:
        return (found.metric,)
    named = printed.named if printed and found.extras.prints_metrics else ()
    return (found.metric, *named) if found.metric in named else named


def _ask_direction(guessed: Direction | None) -> str:
    words = "Which way is better, min or max"
    return _until_right(words, (guessed or Direction.MIN).value, lambda answer: parse_direction(answer).value)


def _ask_seed(guessed: str) -> str:
    """Asked only where nothing shows that every sample gets a seed of its own."""

    def read(answer: str) -> str:
        if answer not in (Seeds.FIXED, Seeds.ABSENT):
            raise ValueError(f'write "{Seeds.FIXED}" or "{Seeds.ABSENT}"')
        return answer

    typer.echo(f"  {Seeds.FIXED:<10}  it is random, with a seed of its own choice")
    typer.echo(f"  {Seeds.ABSENT:<10}  nothing in it is random")
    return _until_right("The random seed", guessed, read)


def _ask_editable(found: Detected, place: Place) -> tuple[str, ...]:
    def read(answer: str) -> tuple[str, ...]:
        globs = _words(answer)
        if not globs:
            raise ValueError("at least one file is needed")
        if problem := next(filter(None, map(place.glob_problem, globs)), ""):
            raise ValueError(problem)
        return globs

    return _until_right("Files that may be changed", _line(found.editable), read)


def _there(answer: str, place: Place) -> tuple[str, ...]:
    for name in _words(answer):
        if name.startswith(("/", "~")) or not (place.folder / name).exists():
            raise ValueError(f'there is no "{name}" in {place.folder}')
    return _words(answer)


def _words(answer: str) -> tuple[str, ...]:
    """Names with spaces in quotes; a comma between them will do. Raises ValueError for a quote without its end."""
    return tuple(name for word in shlex.split(answer) if (name := word.rstrip(",")))


def _line(names: Sequence[str]) -> str:
    """What `_words` reads back."""
    return " ".join(shlex.quote(name) if re.search(r"[\s'\"\\]", name) else name for name in names)


def _not_empty(answer: str) -> str:
    if not answer:
        raise ValueError("a command is needed")
    return answer


def _one_line(answer: str) -> str:
    if not answer.isprintable():
        raise ValueError("control characters cannot be in it")
    return answer


def _until_right(words: str, default: str, read: Callable[[str], T]) -> T:
    """Ask until `read` raises no ValueError, whose message says what was wrong."""
    while True:
        answer = str(typer.prompt(words, default=default, show_default=bool(default))).strip()
        try:
            return read(answer)
        except ValueError as error:
            typer.echo(f"  {error}")
