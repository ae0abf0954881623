"""Search problems whose truth is known, and a search in one through the real loop: nothing is run, all is computed.

The one file of a scenario holds the true quality. A change adds its true gain to that, and a sample adds noise that
follows from the sample's seed alone, as with a real script that uses its seed. The unit of quality, gain and noise is
the deviation of one sample; more quality is better, whichever way the metric goes. What is not here: which scenarios
there are (`scenarios`), git and processes (`cli_bench`), proposers and executors that fail.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass

from autoresearch.core.budget import Budget, Meter
from autoresearch.core.decision import Rule, keep_if_better, proved
from autoresearch.core.edit import Write
from autoresearch.core.experiment import Execution, Experiment, Measured, Proposal
from autoresearch.core.history import Direction, History
from autoresearch.core.ports import Job, Journal, Request
from autoresearch.core.quantity import Gain
from autoresearch.core.scope import Scope
from autoresearch.errors import ProposalsExhausted
from autoresearch.gate import Gate
from autoresearch.loop import Loop
from autoresearch.orders import Parts, Settings
from autoresearch.record.memory import MemoryJournal
from autoresearch.strategy import Greedy

LEVEL = 1_000.0
"""What the metric of quality 0 is."""
FILE = "quality.txt"
SCOPE = Scope((FILE,), ())
GAIN = "true_gain"


def normal(rng: random.Random) -> float:
    return rng.gauss(0.0, 1.0)


@dataclass(frozen=True)
class Scenario:
    """A search problem. `gains` gives the true gains of its changes, in the order in which they are proposed."""

    name: str
    gains: Callable[[random.Random], Iterator[float]]
    noise: Callable[[random.Random], float] = normal
    noisy: bool = True
    whole: bool = False
    """The metric is a whole number."""
    direction: Direction = Direction.MIN
    drift: float = 0.0
    """Deviation of the step that the machine takes between two samples."""
    samples: int | None = 300
    """Samples after which nothing is proposed any more; None: until `gains` end."""

    @property
    def timing(self) -> bool:
        """Is the rule told that the machine drifts?"""
        return self.drift > 0

    def measure(self, quality: float, drift: float, seed: int) -> float:
        """One sample of the metric."""
        seen = quality + drift + (self.noise(random.Random(seed)) if self.noisy else 0.0)
        value = LEVEL + (seen if self.direction is Direction.MAX else -seen)
        return float(round(value)) if self.whole else value

    def quality(self, metric: float) -> float:
        """What a metric says about the quality."""
        return metric - LEVEL if self.direction is Direction.MAX else LEVEL - metric


@dataclass(frozen=True)
class Method:
    """A rule with the loop's settings that go with it, as `ar run` sets them."""

    name: str
    rule: Callable[[Scenario], Rule]
    baseline_samples: int
    refresh: int | None


PROVED = Method("proved", lambda scenario: proved(scenario.direction, Gain(), timing=scenario.timing), 3, 25)
PLAIN = Method("keep-if-better", lambda scenario: keep_if_better(scenario.direction, Gain()), 1, None)


def settings_of(scenario: Scenario, method: Method, seed: int) -> Settings:
    return Settings(
        seed=seed,
        baseline_samples=method.baseline_samples,
        refresh=method.refresh,
        warm_up=scenario.timing,
    )


def text_of(quality: float, number: int) -> str:
    """The file's text; the number makes it another one where the quality is the same."""
    return f"{quality!r}\nchange {number}\n"


def quality_of(files: Mapping[str, str]) -> float:
    return float(files[FILE].partition("\n")[0])


class SimulatedExecutor:
    """Computes the metric from the files of the commit, at once. One sample is one second."""

    isolation = "basic"

    def __init__(self, scenario: Scenario, journal: Journal, seed: int) -> None:
        self.scenario = scenario
        self.journal = journal
        self.samples = 0
        self.drift = 0.0
        self._machine = random.Random(f"machine {seed}")

    def submit(self, job: Job) -> Future[Execution]:
        self.samples += job.task.is_sample
        if self.scenario.drift:
            self.drift += self.scenario.drift * normal(self._machine)
        future: Future[Execution] = Future()
        quality = quality_of(self.journal.files(job.commit))
        future.set_result(Measured(self.scenario.measure(quality, self.drift, job.seed), 1.0))
        return future

    def prepare(self, slot: int, tree: str) -> None:
        pass

    def settle(self, number: int, *, keep: bool) -> None:
        pass

    def stop(self, *, at_once: bool) -> None:
        pass

    def close(self) -> None:
        pass


class SimulatedProposer:
    """Proposes the scenario's changes in turn, each on the present incumbent, until `used` says that it is enough."""

    name = "simulated"
    is_free = True

    def __init__(self, scenario: Scenario, seed: int, used: Callable[[], int]) -> None:
        self._gains = scenario.gains(random.Random(f"changes {seed}"))
        self._most = scenario.samples
        self._used = used

    def propose(self, request: Request) -> Proposal:
        gain = next(self._gains, None)
        if gain is None or (self._most is not None and self._used() >= self._most):
            raise ProposalsExhausted("nothing is left to propose")
        text = text_of(quality_of(request.files) + gain, request.number)
        title = f"a change of {gain:+.2f}"
        return Proposal(title, "It may help.", (Write(FILE, text),), self.name, params={GAIN: gain})


@dataclass(frozen=True)
class Search:
    """A search that has ended, and the truth about it."""

    history: History
    quality: float
    """True quality of the last incumbent; that of the baseline is 0."""
    optimism: float
    """How much better the best experiment's metric looks than it is."""

    @property
    def tried(self) -> list[Experiment]:
        return self.history.experiments[1:]

    @property
    def kept(self) -> list[Experiment]:
        return [one for one in self.tried if one.is_kept]

    @property
    def false_keeps(self) -> list[Experiment]:
        return [one for one in self.kept if true_gain(one) <= 0]


def true_gain(experiment: Experiment) -> float:
    return float(experiment.params[GAIN])


def search(scenario: Scenario, method: Method, seed: int, most: int = 10_000) -> Search:
    """At most so many experiments; the same seed gives both methods the same changes and the same luck."""
    history = History(scenario.direction)
    journal = MemoryJournal({FILE: text_of(0.0, 0)}, SCOPE, history)
    executor = SimulatedExecutor(scenario, journal, seed)
    proposer = SimulatedProposer(scenario, seed, lambda: executor.samples)
    meter = Meter(Budget(experiments=most), lambda: 0.0)
    gate = Gate(proposer, journal, SCOPE)
    parts = Parts(gate, executor, Greedy(), journal, method.rule(scenario), meter, lambda event: None, lambda: "")
    Loop(parts, settings_of(scenario, method, seed)).run()
    best, incumbent = history.best, history.incumbent
    assert best is not None
    assert incumbent is not None
    reported = history.metric(best.number)
    assert reported is not None
    optimism = scenario.quality(reported) - quality_of(journal.files(best.commit))
    return Search(history, quality_of(journal.files(incumbent.commit)), optimism)
