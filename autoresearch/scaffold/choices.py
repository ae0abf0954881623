"""What a new configuration says: what was detected, overruled by what the person said.

Asking the person is the command line's work.
"""

from __future__ import annotations

from dataclasses import dataclass

from autoresearch.config import parse_direction
from autoresearch.core.history import Direction
from autoresearch.errors import UsageError
from autoresearch.scaffold.detect import Detected
from autoresearch.scaffold.metrics import guess_direction


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
    cache: tuple[str, ...] = ()
    pass_env: tuple[str, ...] = ()
    metric_seed: str = ""
    model: str = ""
    suggested_pass_env: tuple[str, ...] = ()
    """Written as a comment only: passing a secret on is for a person to decide."""

    @property
    def purpose(self) -> str:
        """The goal, in words made of metric and direction where none is given."""
        return self.goal or f"{'lower' if self.direction is Direction.MIN else 'raise'} {self.metric}"


def choose(
    detected: Detected,
    *,
    command: str = "",
    metric: str = "",
    direction: str = "",
    editable: tuple[str, ...] = (),
    model: str = "",
) -> Choices:
    """The detected proposals, each replaced by what is given; secrets stay a suggestion.

    Raises UsageError that names the first option without which there is nothing to write.
    """
    metric = metric or detected.metric
    required = {"--command": command or detected.command, "--metric": metric}
    required["--editable"] = " ".join(editable or detected.editable)
    for option, value in required.items():
        if not value:
            raise UsageError(f"no {option[2:]} was found here: say it with {option}", hint=_hint(detected))
    return Choices(
        command=command or detected.command,
        metric=metric,
        direction=_direction(direction, metric, detected),
        editable=editable or detected.editable,
        setup=detected.setup if command in ("", detected.command) else "",
        context=tuple(glob for glob in detected.context if glob not in editable),
        data=detected.data,
        cache=detected.cache,
        metric_seed=detected.metric_seed if command in ("", detected.command) else "",
        model=model,
        suggested_pass_env=detected.pass_env,
    )


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


def _hint(detected: Detected) -> str:
    command = "" if detected.command else ' --command "./measure.sh"'
    metric = "" if detected.metric else " --metric NAME --direction min"
    editable = "" if detected.editable else " --editable GLOB"
    timed = "; --metric ar.seconds is the time that the command takes" if metric else ""
    return f"ar init{command}{metric}{editable}{timed}"
