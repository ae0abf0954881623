"""The record of one run: every experiment a commit, found again from git alone.

    refs/autoresearch/<tag>/0042   experiment 42: first its draft, then, in one transaction with the branch, its result
    refs/heads/autoresearch/<tag>  the kept experiments, linear

What is not here: who may write (the lock's holder), what a result means, what is left by a death (`recovery`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from stat import S_ISREG

from autoresearch.core.edit import Change, Refusal
from autoresearch.core.experiment import FREE, Draft, Experiment, Proposal, Result, Usage, finished
from autoresearch.core.final_check import FinalCheck, HeldOut
from autoresearch.core.history import Direction, History
from autoresearch.core.layout import Layout
from autoresearch.core.scope import Scope
from autoresearch.errors import RecordError
from autoresearch.record import recovery, trailers
from autoresearch.record.pipes import ZERO, RefChange
from autoresearch.record.repository import RefRow, Repository
from autoresearch.record.runs import FINAL_CHECK, FINAL_HOLDOUT, Run, end, remove_locks, samples_checked
from autoresearch.record.scoped import ScopedFiles
from autoresearch.record.sealed import known_key, make_key, seal, unseal
from autoresearch.record.trees import changed_tree

MOST_FEEDBACK = 16 * 1024
"""Bytes; what an experiment said was bounded when it was written."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """All that the refs of a run hold: finished experiments in order, and drafts that never got a result."""

    experiments: tuple[Experiment, ...]
    drafts: tuple[RefRow, ...]
    sealed: Mapping[int, str]
    """What the holdout measured, by number, as it stands in the record."""
    failed_baseline: Experiment | None
    """An experiment 0 that was not measured: it is tried again, so that it is no part of the history of a search."""

    @property
    def incumbent(self) -> Experiment | None:
        """The newest kept experiment."""
        return next((one for one in reversed(self.experiments) if one.is_kept), None)

    @property
    def shown(self) -> tuple[Experiment, ...]:
        """What people see: the failed baseline is worth a look, too."""
        return self.experiments if self.failed_baseline is None else (self.failed_baseline, *self.experiments)

    def history(self, direction: Direction, experiments: Iterable[Experiment], final_holdout: str = "") -> History:
        """These experiments, with what the holdout measured where it can be read here.

        `final_holdout` is what the run has of it, where it is measured at the end.
        """
        history, key = History(direction, experiments), known_key() if self.sealed or final_holdout else None
        for number, word in self.sealed.items():
            history.add_holdout(number, unseal(word, key))
        best, _, word = final_holdout.partition(" ")
        if len(values := unseal(word, key)) == 2 and best.isdigit():
            history.add_holdout(0, values[:1])
            history.add_holdout(int(best), values[1:])
        return history


def read_run(repository: Repository, run: Run) -> Recorded:
    """One listing of the refs and nothing else, whatever the length of the history; read while git still prints."""
    experiments: list[Experiment] = []
    drafts: list[RefRow] = []
    sealed: dict[int, str] = {}
    failed = None
    for row in repository.refs(run.prefix):
        if not row.ref.rpartition("/")[2].isdigit():
            continue
        parsed = trailers.parse(row.message)
        if trailers.is_draft(parsed[2]):
            drafts.append(row)
            continue
        experiment = trailers.experiment_of(row.commit, row.tree, parsed)
        if experiment.number == 0 and not experiment.is_kept:
            failed = experiment
        else:
            experiments.append(experiment)
            sealed |= trailers.sealed_numbers(experiment.number, parsed[2])
    experiments.sort(key=lambda one: one.number)
    drafts.sort(key=lambda row: int(row.ref.rpartition("/")[2]))
    return Recorded(tuple(experiments), tuple(drafts), sealed, failed)


class GitJournal:
    """Satisfies `core.ports.Journal` with commits and refs. One writer: the loop's thread."""

    def __init__(
        self,
        repository: Repository,
        layout: Layout,
        run: Run,
        scope: Scope,
        metric: tuple[str, Direction],
        *,
        moves_checkout: bool = False,
    ) -> None:
        """`moves_checkout`: the caller brings a checkout of the branch along itself."""
        self._repository = repository
        self._layout = layout
        self._run = run
        self._metric_name = metric[0]
        self._moves_checkout = moves_checkout
        self._scoped = ScopedFiles(repository.reader, scope)
        recorded = read_run(repository, run)
        self._number_zero = recorded.failed_baseline.commit if recorded.failed_baseline else ZERO
        self._left_over = recorded.failed_baseline.usage if recorded.failed_baseline else FREE
        self._history = recorded.history(metric[1], recorded.experiments)
        self._history.sample_count = max(self._history.sample_count, samples_checked(repository, run))
        remove_locks(repository, run)
        recovery.realign(repository, run, self._history.incumbent)
        for row in recorded.drafts:
            self.finish(*recovery.interrupted(row))

    # --- reading

    def history(self) -> History:
        """The experiments so far; grows with `finish`."""
        return self._history

    def files(self, commit: str) -> Mapping[str, str]:
        """Editable files at a commit; may be called from any thread."""
        return self._scoped.editable(commit)

    def context(self, commit: str) -> Mapping[str, str]:
        """Context files at a commit; may be called from any thread."""
        return self._scoped.context(commit)

    def base_tree(self) -> str:
        """The tree of the commit that the run starts from."""
        return self._run.opening.base_tree

    # --- writing

    def tree(self, commit: str, change: Change) -> str | Refusal:
        """The id of the commit's tree with the change in it."""
        return changed_tree(self._repository, self._repository.tree_of(commit), change)

    def draft(self, parent: Experiment | None, tree: str, proposal: Proposal, reverts: Sequence[int] = ()) -> Draft:
        """The experiment's number and commit, in the record before anything runs."""
        number = self._history.next_number
        above = self._run.opening.base if parent is None else parent.commit
        draft = Draft(
            number, "", tree, parent.number if parent else None, above, proposal, datetime.now(UTC), tuple(reverts)
        )
        return self._write_draft(draft, self._number_zero if number == 0 else ZERO)

    def redraft(self, draft: Draft, tree: str, proposal: Proposal) -> Draft:
        """The same number with a repaired change; what the repair cost is added."""
        usage = draft.proposal.usage + proposal.usage
        return self._write_draft(replace(draft, tree=tree, proposal=replace(proposal, usage=usage)), draft.commit)

    def _write_draft(self, draft: Draft, old: str) -> Draft:
        proposal = draft.proposal
        text = trailers.message(proposal.title, proposal.hypothesis, trailers.draft_facts(draft, proposal.usage))
        commit = self._repository.commit(draft.tree, [draft.parent_commit], text, draft.started)
        self._repository.move(RefChange(self._ref(draft.number), commit, old))
        self._write(draft.number, "prompt.md", proposal.prompt)
        self._write(draft.number, "reply.md", proposal.reply)
        return replace(draft, commit=commit)

    def _write(self, number: int, name: str, text: str) -> None:
        """A copy to read: a full disk must not end what the record itself survives."""
        folder = self._layout.experiment(number)
        with suppress(OSError):
            if text:
                folder.mkdir(parents=True, exist_ok=True)
                (folder / name).write_text(text, encoding="utf-8", errors="surrogateescape")

    def left_over(self) -> Usage:
        """What a baseline cost that failed, and is taken again: the next commit has to carry it."""
        return self._left_over

    def feedback(self, number: int) -> str:
        """What the experiment had to say; empty once `.autoresearch` was cleared away."""
        path = self._layout.experiment(number) / "feedback.md"
        with suppress(OSError):
            # Experiments can write there, too: a pipe would never end.
            if S_ISREG(path.lstat().st_mode):
                with path.open("rb") as file:
                    return file.read(MOST_FEEDBACK).decode("utf-8", errors="replace")
        return ""

    def finish(self, draft: Draft, result: Result) -> Experiment:
        """The result's commit in place of the draft's and, on keep, the branch moved to it: all or nothing."""
        experiment = finished(draft, result, "", self._metric_name, self._run.opening.isolation)
        facts = [*trailers.draft_facts(draft, experiment.usage), *trailers.result_facts(experiment)]
        if result.holdout:
            facts.append((trailers.HOLDOUT, seal(result.holdout, make_key())))
        if result.incumbent_holdout:
            word = seal(result.incumbent_holdout, make_key())
            facts.append((trailers.INCUMBENT_HOLDOUT, f"{draft.parent} {word}"))
        text = trailers.message(draft.proposal.title, draft.proposal.hypothesis, facts)
        commit = self._repository.commit(draft.tree, [draft.parent_commit], text, result.ended)
        moves = [RefChange(self._ref(draft.number), commit, draft.commit)]
        if experiment.is_kept:
            self._refuse_checked_out()
            moves.append(RefChange(self._run.branch_ref, commit, draft.parent_commit))
        self._repository.move(*moves)
        experiment = trailers.read_experiment(commit, draft.tree, text)
        if experiment.number == 0 and not experiment.is_kept:
            self._number_zero = commit
        else:
            self._history.add(experiment)
            self._history.add_holdout(experiment.number, result.holdout)
            if draft.parent is not None:
                self._history.add_holdout(draft.parent, result.incumbent_holdout)
        self._write(experiment.number, "feedback.md", result.feedback)
        return experiment

    def close(
        self, why: str, unbilled_usd: float, final: FinalCheck | None = None, held_out: HeldOut | None = None
    ) -> None:
        """Record the end of this call of `ar run`, and end git's processes."""
        facts = [(FINAL_CHECK, str(final))] if final else []
        if held_out is not None:
            word = seal((held_out.baseline_value, held_out.best_value), make_key())
            facts.append((FINAL_HOLDOUT, f"{held_out.best} {word}"))
        end(self._repository, self._run, why, unbilled_usd, facts)
        self._repository.close()

    def _refuse_checked_out(self) -> None:
        place = checked_out_at(self._repository, self._run.branch_ref)
        if place is not None and not self._moves_checkout:
            raise RecordError(
                f"{self._run.branch} is checked out in {place}: moving it would change that checkout under your feet",
                hint="git switch --detach   (there: no file changes, and ar run continues)",
            )

    def _ref(self, number: int) -> str:
        return f"{self._run.prefix}/{number:04d}"


def checked_out_at(repository: Repository, branch_ref: str) -> Path | None:
    """The checkout in which a branch is checked out, None when there is none."""
    rows = repository.git("worktree", "list", "--porcelain", "-z").split("\0")
    place = ""
    for row in rows:
        if row.startswith("worktree "):
            place = row.removeprefix("worktree ")
        elif row == f"branch {branch_ref}":
            return Path(place)
    return None
