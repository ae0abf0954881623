"""Small real classes at the Protocols: a proposer with a script, an executor that computes instead of running."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future

from autoresearch.core.edit import Write
from autoresearch.core.experiment import FREE, Execution, Measured, Outcome, Proposal, Unmeasured, Usage
from autoresearch.core.ports import Job, Journal, Request
from autoresearch.errors import ArError, ProposalsExhausted, SampleLost

Answer = Proposal | ArError


def setting(value: object, path: str = "x.txt", usage: Usage = FREE) -> Proposal:
    """The proposal that puts `value` into the one file of a toy task."""
    return Proposal(f"x = {value}", f"{value} may be better.", (Write(path, f"{value}\n"),), "script", usage)


class ScriptedProposer:
    """Gives its answers in turn; remembers what it was asked."""

    name = "script"
    is_free = False

    def __init__(self, answers: Sequence[Answer]) -> None:
        self.answers = list(answers)
        self.requests: list[Request] = []

    def propose(self, request: Request) -> Proposal:
        self.requests.append(request)
        if not self.answers:
            raise ProposalsExhausted("the script is at its end")
        answer = self.answers.pop(0)
        if isinstance(answer, ArError):
            raise answer
        return answer


def by_number(files: Mapping[str, str], job: Job) -> Execution:
    """The toy experiment: the metric is the number in x.txt; a word names the outcome that it ends with."""
    text = files["x.txt"].strip()
    if text in list(Outcome):
        return Unmeasured(Outcome(text), f"it {text}", 1.0, tail="Traceback: boom")
    return Measured(float(text), 1.0, {"twice": 2 * float(text)})


class ComputingExecutor:
    """Runs a function of the files on a thread of its own, as a real one would; `hold` keeps samples from ending."""

    isolation = "basic"

    def __init__(self, journal: Journal, experiment: Callable[[Mapping[str, str], Job], Execution] = by_number) -> None:
        self.journal = journal
        self.experiment = experiment
        self.jobs: list[Job] = []
        self.artifacts: list[int] = []
        self.prepared: list[tuple[int, str]] = []
        self.hold: Callable[[Job], bool] = lambda job: False
        self.held = threading.Event()
        self.stops: list[bool] = []
        self._pending: list[Future[Execution]] = []

    def prepare(self, slot: int, tree: str) -> None:
        self.prepared.append((slot, tree))

    def submit(self, job: Job) -> Future[Execution]:
        future: Future[Execution] = Future()
        self.jobs.append(job)
        if self.hold(job):
            self._pending.append(future)
            self.held.set()
        else:
            threading.Thread(target=self._run, args=(job, future), daemon=True).start()
        return future

    def _run(self, job: Job, future: Future[Execution]) -> None:
        try:
            future.set_result(self.experiment(self.journal.files(job.commit), job))
        except (OSError, SampleLost) as error:
            future.set_exception(error)

    def settle(self, number: int, *, keep: bool) -> None:
        if keep:
            self.artifacts.append(number)

    def stop(self, *, at_once: bool) -> None:
        self.stops.append(at_once)
        for future in self._pending:
            future.set_result(Unmeasured(Outcome.INTERRUPTED, "stopped", 0.5))
        self._pending.clear()

    def close(self) -> None:
        pass
