"""What goes on, slot by slot, as the events tell it: what runs, what is thought of, what waits.

Not in here: how it is said (`slot_lines`), and the experiments that are finished.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count

from autoresearch.cli.render.doing import particulars, verb
from autoresearch.cli.render.text import clean
from autoresearch.cli.render.view import RunView, Thought
from autoresearch.core.events import (
    Event,
    ExperimentFinished,
    OutputLine,
    Proposed,
    Proposing,
    RunFinished,
    RunStarted,
    SampleFinished,
    SampleStarted,
    Warned,
)

DECIDING = "deciding"


@dataclass(frozen=True, slots=True)
class Running:
    """What a slot does since an instant of the monotonic clock; `limit` in seconds, None: its sample has ended."""

    number: int
    sample: int
    doing: str
    since: float
    title: str
    limit: float | None
    output: str = ""

    def is_of(self, event: SampleStarted | SampleFinished) -> bool:
        """Is it this one? The end of a sample does not say in which slot it was."""
        return (self.number, self.sample) == (event.number, event.sample)


@dataclass(frozen=True, slots=True)
class Waiting:
    """An experiment that is not decided, since an instant of the monotonic clock."""

    title: str
    since: float


class UnderWay:
    """Told of every event."""

    def __init__(self, view: RunView) -> None:
        self._view = view
        self._slots: dict[int, Running] = {}
        self._open: dict[int, Waiting] = {}
        self._asked: dict[int, float] = {}
        self._next = view.history.next_number

    def tell(self, event: Event, now: float) -> None:
        """Take in an event that happened at `now` (monotonic, seconds)."""
        match event:
            case Proposing(number):
                self._asked[number] = now
                self._leave(number)
            case Proposed(number, title):
                self._answer(number)
                self._open[number] = Waiting(title, now)
            case SampleStarted():
                self._start(event, now)
            case OutputLine(number, text):
                for slot, running in self._slots.items():
                    if running.number == number:
                        self._slots[slot] = replace(running, output=clean(text))
            case SampleFinished():
                self._end(event, now)
            case ExperimentFinished(experiment):
                self._answer(experiment.number)
                self._leave(experiment.number)
                self._open.pop(experiment.number, None)
            case RunFinished():
                for known in (self._slots, self._open, self._asked):
                    known.clear()
            case RunStarted() | Warned():
                pass

    def _answer(self, number: int) -> None:
        """Numbers are given in order: what was still expected under an earlier one has come to nothing."""
        self._asked = {one: since for one, since in self._asked.items() if one > number or one in self._open}
        self._asked.pop(number, None)
        self._next = max(self._next, number + 1)

    def _leave(self, number: int) -> None:
        """It is no longer between two samples."""
        self._slots = {slot: one for slot, one in self._slots.items() if one.number != number or one.limit is not None}

    def _start(self, event: SampleStarted, now: float) -> None:
        number = event.number
        self._asked.pop(number, None)
        self._leave(number)
        # What a machine lost is run again, perhaps elsewhere.
        self._slots = {slot: one for slot, one in self._slots.items() if not one.is_of(event)}
        more = particulars(event.task, number, event.sample, self._view.history)
        doing = ", ".join(filter(None, (verb(event.task), more)))
        self._slots[event.slot] = Running(number, event.sample, doing, now, self._title(number), event.limit)

    def _end(self, event: SampleFinished, now: float) -> None:
        slot = next((slot for slot, one in self._slots.items() if one.is_of(event)), None)
        if slot is None:
            return
        ended = self._slots.pop(slot)
        runs_elsewhere = any(one.number == ended.number for one in self._slots.values())
        if not runs_elsewhere and self._view.history.get(ended.number) is None:
            self._slots[slot] = replace(ended, doing=DECIDING, since=now, limit=None)

    def _title(self, number: int) -> str:
        if number in self._open:
            return self._open[number].title
        known = self._view.history.get(number)
        if known is not None:
            return known.title
        return "the baseline" if number == 0 else ""

    @property
    def slots(self) -> Mapping[int, Running]:
        """What each slot does that does something."""
        return self._slots

    @property
    def waiting(self) -> Sequence[tuple[int, Waiting]]:
        """The experiments that are not decided, in the order of their numbers."""
        return sorted(self._open.items())

    def is_open(self, number: int) -> bool:
        """Has it begun, and is not decided?"""
        return number in self._open

    def thoughts(self, now: float) -> list[Thought]:
        """What is thought of: repairs of open experiments, then new ones, under the numbers that they may get.

        No event tells which answer has come. Where the loop can be asked, it is; else they come in their order.
        """
        asked = [Thought(number, max(now - since, 0.0)) for number, since in self._asked.items()]
        if self._view.thoughts is None:
            return asked
        repairs = [one for one in asked if self.is_open(one.number)]
        new = zip(self._view.thoughts(), count(self._next))
        return [*repairs, *(replace(one, number=max(one.number, at)) for one, at in new)]
