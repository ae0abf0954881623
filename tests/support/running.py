"""A call of `ar` that goes on: its events as they come, signals for it, and what a person sees of it."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.support.cli import Done, finish
from tests.support.terminal import Person

PATIENCE = 30.0
"""Seconds until something that must happen has not happened."""


def until(happened: Callable[[], bool], what: str) -> None:
    """Look again and again, with a deadline."""
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.02)


class Watcher(Person):
    """A person who waits for the end, too."""

    def ends(self) -> int:
        """Look until the program has ended; its exit code."""
        deadline = time.monotonic() + PATIENCE
        while not self.child.flag_eof:
            self._reads()
            assert time.monotonic() < deadline, "waited in vain for the end:\n" + "\n".join(self.lines)
        return int(self.child.wait())


@dataclass
class Running:
    """A call of `ar run --json` that goes on."""

    process: subprocess.Popen[str]
    events: list[dict[str, Any]] = field(default_factory=list)

    def sees(self, name: str, **fields: object) -> dict[str, Any]:
        """Read events up to the first one of that name with these fields."""
        while self.reads():
            if all(self.events[-1].get(key) == value for key, value in {"event": name, **fields}.items()):
                return self.events[-1]
        raise AssertionError(f"no {name} {fields} in {self.events}: {self.process.communicate()[1]}")

    def reads(self) -> bool:
        """Read one event; False when there are no more."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.events += [json.loads(line)] if line else []
        return bool(line)

    def waits(self, seconds: float) -> None:
        """Let it go on for a while, or to its end."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)

    def kill(self) -> None:
        """SIGKILL for `ar` alone. What it had said before is read all the same."""
        self.process.kill()
        self.ends()

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ends(self) -> Done:
        """Read to the end; its exit code and errors. `events` has all events then."""
        assert self.process.stdout is not None
        self.events += map(json.loads, self.process.stdout)
        return finish(self.process)

    @property
    def finished(self) -> dict[int, str]:
        """Commits of the experiments that were announced as finished, by number."""
        return {one["number"]: one["commit"] for one in self.events if one["event"] == "experiment-finished"}
