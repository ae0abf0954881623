"""Who hears what happens in `ar run`: the live screen on a terminal, plain lines elsewhere, JSON when asked for.

Nobody hears a secret: what comes from elsewhere than the record is looked through here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from rich.console import Console
from rich.text import Text

from autoresearch.cli.render.jsonl import JsonLines
from autoresearch.cli.render.live import LiveScreen
from autoresearch.cli.render.plain import PlainLines
from autoresearch.cli.render.terminal import can_show_live, takes_output
from autoresearch.cli.render.text import Lines
from autoresearch.cli.render.view import RunView
from autoresearch.core.events import Event, Listener, OutputLine, RunFinished, SampleFinished, Warned
from autoresearch.core.experiment import Execution, Unmeasured
from autoresearch.core.secrets import NO_SECRETS, Secrets


class Output:
    """Passes every event on to all listeners; `note` is for lines that are no event."""

    def __init__(
        self,
        listeners: Sequence[Listener],
        note: Callable[[str], None],
        restore: Callable[[], None],
        secrets: Secrets = NO_SECRETS,
    ) -> None:
        self._listeners = listeners
        self._note = note
        self._secrets = secrets
        self.restore = restore
        """Gives the terminal back at once; for a second Ctrl-C."""

    def note(self, line: str) -> None:
        """Show a line that is no event."""
        self._note(self._secrets.redact(line))

    def announce(self, event: Event) -> None:
        """Tell everybody."""
        event = without_secrets(event, self._secrets)
        for listener in self._listeners:
            listener(event)

    def line(self, number: int, text: str) -> None:
        """A line that the experiment printed."""
        self.announce(OutputLine(number, text))


def without_secrets(event: Event, secrets: Secrets) -> Event:
    """The event in words that may be read by anybody; experiments and proposals are clean when they are announced."""
    match event:
        case Warned(message):
            return Warned(secrets.redact(message))
        case RunFinished(why):
            return replace(event, why=secrets.redact(why))
        case SampleFinished(execution=execution):
            return replace(event, execution=_clean(execution, secrets))
        case _:
            return event


def _clean(execution: Execution, secrets: Secrets) -> Execution:
    tail = secrets.redact(execution.tail)
    if isinstance(execution, Unmeasured):
        return replace(execution, tail=tail, reason=secrets.redact(execution.reason))
    return replace(execution, tail=tail)


def is_terminal() -> bool:
    """Is there a person who sees colours and columns?"""
    return sys.stdout.isatty() and os.environ.get("TERM", "") not in ("", "dumb")


@contextmanager
def open_output(
    view: RunView, others: Sequence[Listener], *, json: bool, secrets: Secrets = NO_SECRETS
) -> Iterator[Output]:
    """The terminal is as before when this is left, however it is left."""
    if json:
        yield Output([JsonLines(sys.stdout), *others], Lines(sys.stderr), _nothing, secrets)
    elif can_show_live(sys.stdout, os.environ):
        with LiveScreen(view, sys.stdout) as screen:
            yield Output([screen, *others], screen.print, screen.restore, secrets)
    else:
        yield Output([PlainLines(view, sys.stdout), *others], Lines(sys.stdout), _nothing, secrets)


def _nothing() -> None:
    pass


def print_at_the_end(text: Text) -> None:
    """What stays on the screen when a run has ended; a terminal that takes nothing must not hold the lock."""
    if is_terminal():
        if not takes_output(sys.stdout.fileno()):
            return
        Console(highlight=False).print(text, soft_wrap=True)
        return
    line_of = Lines(sys.stdout)
    for line in text.plain.splitlines():
        line_of(line)
