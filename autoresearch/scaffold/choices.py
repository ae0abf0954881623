"""What a new configuration says: what was detected, overruled by what the person said.

Asking the person is the command line's work.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from autoresearch.config import parse_direction
from autoresearch.core.history import Direction
from autoresearch.core.metric import SELF_MEASURED
from autoresearch.core.printed import is_name
from autoresearch.core.scope import Scope, literal, misread
from autoresearch.errors import UsageError
from autoresearch.scaffold.detect import Detected
from autoresearch.scaffold.metrics import guess_direction
from autoresearch.scaffold.suggestion import NO_EXTRAS, Extras

_IN_WORDS = {"ar.seconds": "the time that it takes", "ar.peak_rss_mb": "the memory that it takes"}
_COMPARED = 2000
"""So many tracked names are searched for a similar one."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What a new configuration says. An empty value leaves the key at its default."""

    command: str
    metric: str
    direction: Direction
    editable: tuple[str, ...]
    goal: str = ""
    setup: str = ""
    context: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    awaited: tuple[str, ...] = ()
    """Data that is not there yet."""
    cache: tuple[str, ...] = ()
    pass_env: tuple[str, ...] = ()
    pattern: str = ""
    metric_seed: str = ""
    model: str = ""
    suggested_pass_env: tuple[str, ...] = ()
    """Written as a comment only: passing a secret on is for a person to decide."""
    forging: str = ""
    """How edited code could forge the number (`scaffold.forging`): written as a comment."""
    extras: Extras = NO_EXTRAS
    """What the repository says that was made for another tool."""

    @property
    def purpose(self) -> str:
        """The goal, in words made of metric and direction where none is given."""
        verb = "lower" if self.direction is Direction.MIN else "raise"
        return self.goal or f"{verb} {_IN_WORDS.get(self.metric, self.metric)}"


def choose(
    detected: Detected,
    *,
    command: str = "",
    metric: str = "",
    direction: str = "",
    editable: tuple[str, ...] = (),
    model: str = "",
) -> Choices:
    """The detected proposals, each replaced by what is given; secrets stay a suggestion. Raises UsageError, with the
    options without which there is nothing to write, or the one that cannot be.
    """
    given = {"command": (command,), "metric": (metric,), "direction": (direction,), "editable": editable}
    detected = detected.with_command(command)
    metric, may_change = metric or detected.metric, editable or detected.editable
    required = {"command": detected.command, "metric": metric, "editable": " ".join(may_change)}
    if missing := [name for name, value in required.items() if not value]:
        raise _nothing_found(missing, detected, given)
    if problem := metric_problem(metric):
        raise UsageError(f"--metric: {problem}", hint="--metric val_loss")
    extras = detected.extras if may_change == detected.editable else replace(detected.extras, markers=False)
    context = tuple(glob for glob in detected.context if glob not in editable)
    return Choices(
        command=detected.command,
        metric=metric,
        direction=_direction(direction, metric, detected),
        editable=may_change,
        setup=detected.setup,
        context=context,
        goal=extras.goal if metric == detected.metric else "",
        data=detected.data,
        awaited=detected.awaited,
        cache=detected.cache,
        pattern=detected.pattern if metric == detected.metric else "",
        metric_seed="" if metric in SELF_MEASURED else detected.seed_of(may_change, context),
        model=model,
        suggested_pass_env=detected.pass_env,
        extras=extras,
    )


def metric_problem(name: str) -> str:
    """Why this cannot be the name of a metric; empty when it can."""
    return "" if is_name(name) else f'"{name}" is no name: letters, digits, _ . / - @ and single spaces may be in it'


def glob_problem(glob: str, base: str, tracked: Sequence[str]) -> str:
    """Why this glob, relative to the folder `base`, names no file that could be changed; empty when it does.

    `tracked` and `base` are relative to the repository's root, with `/`.
    """
    try:
        matches = Scope((glob,), base=base).is_editable
    except ValueError as error:
        return str(error)
    if any(map(matches, tracked)):
        return ""
    if problem := misread(glob, base, tracked):
        return problem
    names = [literal(posixpath.relpath(name, base or ".")) for name in tracked[:_COMPARED]]
    near = [name for name in names if posixpath.basename(name) == glob] or get_close_matches(glob, names, n=1)
    return f'"{glob}" is no file that git tracks' + (f'; did you mean "{near[0]}"?' if near else "")


def _direction(given: str, metric: str, detected: Detected) -> Direction:
    if given:
        try:
            return parse_direction(given)
        except ValueError as error:
            raise UsageError(f"--direction: {error}", hint="--direction min") from error
    guessed = detected.direction if metric == detected.metric else guess_direction(metric)
    if guessed is None:
        raise UsageError(f"which way {metric} improves cannot be told from its name", hint="--direction min, or max")
    return guessed


def _nothing_found(missing: Sequence[str], detected: Detected, given: Mapping[str, tuple[str, ...]]) -> UsageError:
    """What to type, with what was typed, and what counts as a metric."""
    examples = {"command": "COMMAND", "metric": next(iter(detected.metrics), "NAME"), "editable": "GLOB"}
    wanted = {name: examples[name] for name in missing} | ({"direction": "min"} if "metric" in missing else {})
    words = ["ar init"]
    for name, said in given.items():
        words += [f"--{name} {shlex.quote(one)}" for one in (*said, "" if any(said) else wanted.get(name, "")) if one]
    hints = [" ".join(words)]
    if "metric" in missing:
        hints.append("--metric ar.seconds    is the time that the command takes")
    if missing == ["metric"]:
        hints.append("ar init    without --yes, on a terminal, can run it once and show what it prints")
    found = ", ".join(f"no {'editable file' if name == 'editable' else name}" for name in missing)
    return UsageError(
        f"found {found} here: say it with {', '.join(f'--{name}' for name in missing)}", hint="\n".join(hints)
    )
