"""A child process with the live screen on its terminal; each line that it reads from there is one scripted step.

keep VALUE | discard VALUE | crash      an experiment from its proposal to its end
sampling LIMIT                          an experiment begins and goes on
output TEXT | warn TEXT | print TEXT    what an experiment, the loop, or a careless library says
leave | raise                           the end
"""

from __future__ import annotations

import sys

from autoresearch.cli.render.live import LiveScreen
from autoresearch.cli.render.view import RunView
from autoresearch.core.budget import Share
from autoresearch.core.events import ExperimentFinished, OutputLine, Proposed, SampleStarted, Warned
from autoresearch.core.experiment import Decision
from autoresearch.core.history import Direction, History
from tests.support.experiments import experiment

HYPOTHESIS = "a smaller step late in training should help the loss to settle"
SHARES = [Share("time", 0.5, "2m 30s of 5m"), Share("money", 0.2, "0.60 usd of 3 usd")]


class Driver:
    """Turns steps into events."""

    def __init__(self) -> None:
        self.history = History(Direction.MIN)
        self.view = RunView("lower the loss", "autoresearch/nov23", "val_bpb", self.history, lambda: SHARES)

    def step(self, screen: LiveScreen, verb: str, rest: str) -> None:
        number = self.history.next_number
        match verb:
            case "keep" | "discard" | "crash":
                self.finish(screen, float(rest) if rest else None, kept=verb == "keep")
            case "sampling":
                screen(Proposed(number, f"change {number}", HYPOTHESIS, 0.0))
                screen(SampleStarted(number, 1, float(rest)))
            case "output":
                screen(OutputLine(number, rest.encode().decode("unicode_escape")))
            case "warn":
                screen(Warned(rest))
            case "print":
                print(rest)
            case "mutter":
                print(rest, end="")
            case "raise":
                raise RuntimeError(rest)

    def finish(self, screen: LiveScreen, value: float | None, *, kept: bool) -> None:
        incumbent, number = self.history.incumbent, self.history.next_number
        decision = Decision.KEEP if kept else Decision.DISCARD
        against = None if incumbent is None else self.history.metric(incumbent.number)
        one = experiment(number, value, title=f"change {number}", hypothesis=HYPOTHESIS, decision=decision)
        self.history.add(one)
        screen(ExperimentFinished(one, against))


def main() -> None:
    driver = Driver()
    with LiveScreen(driver.view, sys.stdout) as screen:
        for line in sys.stdin:
            verb, _, rest = line.strip().partition(" ")
            if verb == "leave":
                break
            driver.step(screen, verb, rest)
    print("left")


if __name__ == "__main__":
    main()
