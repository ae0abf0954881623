"""One call of `ar run` with its run open: the screen, the loop, the summary, and the end that is recorded.

What is not here: what was asked for (`starting`), how parts are made (`build`), what the screen looks like (`render`).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue

from autoresearch.cli import build, sources
from autoresearch.cli.canary import try_canary
from autoresearch.cli.diagnose import explain
from autoresearch.cli.forecast import spending
from autoresearch.cli.home import Home
from autoresearch.cli.isolation import Isolation
from autoresearch.cli.machines import Runner, open_machines
from autoresearch.cli.output import open_output, print_at_the_end
from autoresearch.cli.project import Project
from autoresearch.cli.render.inside import thoughts_of, used_of
from autoresearch.cli.render.live_state import LiveState, LiveWriter
from autoresearch.cli.render.summary import Ending, summary
from autoresearch.cli.render.text import kept_changes, tried_changes
from autoresearch.cli.render.view import RunView
from autoresearch.cli.rules import what_decides
from autoresearch.cli.run_options import RunOptions
from autoresearch.cli.signals import signals
from autoresearch.cli.slots import Wanted
from autoresearch.cli.surroundings import warnings_about
from autoresearch.core import events
from autoresearch.core.budget import Budget
from autoresearch.core.metric import Convention
from autoresearch.core.seeds import Seeds
from autoresearch.errors import ArError, BaselineFailed
from autoresearch.loop import Loop
from autoresearch.opened import in_background
from autoresearch.record.journal import GitJournal
from autoresearch.record.runs import Run

INTERRUPTED = 130
IDENTICAL, LOOKED_AT = 3, 20
"""So many candidates with exactly the same number are no coincidence; later than this nobody looks any more."""


@dataclass(frozen=True, slots=True)
class Call:
    """What one call of `ar run` has been asked for, checked, and with the run that it writes to."""

    project: Project
    options: RunOptions
    run: Run
    budget: Budget
    source: sources.Source
    seeds: Seeds
    isolation: Isolation
    asked: Wanted


class Session:
    """What lives while the loop runs, closed in the opposite order, whatever happens."""

    def __init__(self, call: Call) -> None:
        self.project = call.project
        self.options = call.options
        self.run = call.run
        self.budget = call.budget
        self.source = call.source
        self.seeds = call.seeds
        self.isolation = call.isolation
        self.asked = call.asked
        self.stopped = ""
        self.wake: SimpleQueue[None] = SimpleQueue()
        self.loop: Loop | None = None
        self.restore: Callable[[], None] = lambda: None
        self.why = "the process failed"
        self.waited = ""
        """What a sample waited for last, in words."""

    def go(self, note: str) -> int:
        """Run the loop with its screen, then print what came of it. To the very end a signal only asks for an end."""
        with signals(self.ask_to_stop, self.give_back_the_terminal):
            journal = build.open_journal(self.project, self.run)
            self.history = journal.history()
            self.meter = build.make_meter(self.budget, self.project.repository, self.run, journal, self.source.purse)
            base_branch = self.project.repository.branch()
            try:
                code = self.guarded(journal, note)
            except ArError:
                # What was kept before is there all the same.
                if kept_changes(self.history):
                    self.sum_up(base_branch)
                raise
            self.sum_up(base_branch)
        return code

    def sum_up(self, base_branch: str) -> None:
        """The last lines, for people."""
        if self.options.json:
            return
        opening, loop = self.run.opening, self.loop
        ending = Ending(
            history=self.history,
            why=self.why,
            branch=self.run.branch,
            base_branch=base_branch,
            spent=self.meter.shares(),
            final=loop.final if loop else None,
            used=used_of(loop),
            is_alone=self.project.config.metric.timing or bool(self.options.replay),
            snapshot=opening.base if opening.snapshot_of else "",
            set_aside_usd=self.source.purse.unbooked_usd,
        )
        print_at_the_end(summary(ending))

    def guarded(self, journal: GitJournal, note: str) -> int:
        """Everything between opening the record and closing it."""
        config = self.project.config
        shares = self.meter.shares
        layout = self.project.layout(self.run.tag)
        with ExitStack() as closing:
            closing.callback(lambda: self.close(journal))
            executor = self.opened(closing)
            devices, thoughts = self.slots.devices, lambda: thoughts_of(self.loop)
            view = RunView(config.goal, self.run.branch, config.metric.name, self.history, shares, devices, thoughts)
            write = closing.enter_context(LiveWriter(layout.live))
            live = LiveState(write, shares, slots=len(devices), thoughts=thoughts, used=lambda: used_of(self.loop))
            others: list[events.Listener] = [Home(layout.home), live, self.look]
            opened = open_output(view, others, json=self.options.json, secrets=self.project.secrets)
            self.output = closing.enter_context(opened)
            self.restore = self.output.restore
            # Also closed before the screen is; the first one is for when there will be none.
            closing.callback(executor.close)
            # Whatever happens: what was spent is in the record.
            closing.callback(lambda: self.close_open(self.why))
            try:
                return self.search(journal, executor, note)
            except ArError as error:
                self.close_open(error.message)
                self.finish(error.message, error.exit_code)
                if isinstance(error, BaselineFailed):
                    raise explain(error, self.project, executor.withheld, layout, self.isolation.level) from error
                raise

    def opened(self, closing: ExitStack) -> Runner:
        """Where samples run; what goes wrong here is why the run ends."""
        try:
            level = self.isolation.level
            machines = open_machines(self.project, self.run, level, self.asked, self.line, self.wait_with_it)
        except ArError as error:
            self.why = error.message
            raise
        closing.callback(machines.executor.close)
        self.slots = machines.slots
        return machines.executor

    def line(self, number: int, text: str) -> None:
        """A line that an experiment printed."""
        self.output.line(number, text)

    def wait_with_it(self, why: str) -> None:
        """A sample cannot begin yet."""
        self.waited = why
        self.output.announce(events.Warned(why))

    def close_open(self, why: str) -> None:
        """What is known of open experiments goes into the record; where that fails, the first error is the one told."""
        if self.loop is not None:
            with suppress(ArError):
                self.loop.abandon(why)

    def search(self, journal: GitJournal, executor: Runner, note: str) -> int:
        """The first lines, the canary, the loop."""
        opening, resumed = self.run.opening, len(self.history.experiments)
        started = events.RunStarted(self.run.tag, self.run.branch, opening.base, opening.isolation, resumed)
        self.output.announce(started)
        self.first_lines(note)
        parts = build.Wiring(self.source.proposer, executor, journal, self.meter, self.output.announce)
        self.loop = build.make_loop(self.project, self.options, parts, self.seeds, self.slots)
        self.source.hear(lambda text: self.output.announce(events.Warned(text)))
        in_background(self.source.warm_up).add_done_callback(partial(self.give_up, self.loop))
        if self.history.baseline is None:
            files = journal.files(opening.base)
            sources.check_tunable(self.source.choice, files, markers=self.project.config.markers)
            if self.project.config.experiment.canary:
                try_canary(executor, opening.base, list(files), self, self.output.note)
        why = self.stopped or self.loop.run()
        if self.history.baseline is None and not self.stopped:
            hint = "make room, then: ar run" if self.waited else "it needs more time: ar run --budget 8h"
            why = f"{why} ({self.waited})" if self.waited else why
            raise BaselineFailed(f"{why} before the baseline was measured", hint=hint)
        code = INTERRUPTED if self.stopped else 0
        self.finish(why, code)
        return code

    def give_up(self, loop: Loop, warmed_up: Future[None]) -> None:
        """A proposer that will never propose anything ends the run before a baseline of hours."""
        if isinstance(error := warmed_up.exception(), ArError):
            loop.give_up(error)

    def first_lines(self, note: str) -> None:
        """What will be spent, on what, and how it could be done better."""
        config = self.project.config
        self.output.note(note)
        self.output.note(spending(self.meter, self.history, config))
        self.output.note(what_decides(config, self.seeds))
        for line in (*self.isolation.lines(), *self.slots.notes):
            self.output.note(line)
        if self.source.choice.kind == sources.TUNER and not config.proposer.model:
            self.output.note("proposer: the tuner, on numeric constants; with a model: ar run --model NAME")
        paid = self.source.choice.kind == sources.LLM and not config.proposer.api_base
        if paid and self.meter.budget.usd is None and self.meter.budget.run_usd is None:
            self.output.note(f"{self.source.choice.model} costs money and there is no limit: --budget 5usd sets one")

        for warning in warnings_about(self.project):
            self.output.announce(events.Warned(warning))

    def ask_to_stop(self, why: str, at_once: bool) -> None:
        """The first Ctrl-C, or the second. Called between two instructions of the main thread: takes no lock."""
        self.stopped = why
        self.source.stop.set()
        self.wake.put(None)
        if self.loop is not None:
            self.loop.stop(why, at_once=at_once)

    def give_back_the_terminal(self) -> None:
        """At the second Ctrl-C nobody waits for a last frame."""
        self.restore()

    def look(self, event: events.Event) -> None:
        """What only a look at several events, or at the first, can tell."""
        if not isinstance(event, events.ExperimentFinished):
            return
        experiment, baseline = event.experiment, self.history.baseline
        if experiment.number == 0 and baseline is not None:
            self.output.note(spending(self.meter, self.history, self.project.config))
            if not Convention.of_flags(baseline.flags).once:
                name = self.project.config.metric.name
                self.output.announce(events.Warned(f"{name} is printed on several lines: the last one counts"))
        elif len(self.history.experiments) <= LOOKED_AT:
            values = {values for one in self.history.experiments[1:] if (values := one.values)}
            measured = sum(bool(one.values) for one in self.history.experiments[1:])
            if measured == IDENTICAL and len(values) == 1 and experiment.values:
                text = f"the first {IDENTICAL} changes gave exactly the same number: does the command use them?"
                self.output.announce(events.Warned(text))

    def finish(self, why: str, code: int) -> None:
        """Announce the end."""
        self.why = why
        best = self.history.best
        metric, kept = self.history.metric(best.number) if best else None, kept_changes(self.history)
        discarded = tried_changes(self.history) - kept
        self.output.announce(events.RunFinished(why, metric, kept, discarded, code))

    def close(self, journal: GitJournal) -> None:
        """Record the end, with the dollars that no experiment carries."""
        unbooked = self.source.purse.unbooked_usd
        if self.loop is None:
            journal.close(self.why, unbooked)
        else:
            unbilled = (self.loop.judge.till.unbilled.cost_usd or 0.0) + unbooked
            journal.close(self.why, unbilled, self.loop.final, self.loop.held_out, used_of(self.loop))
