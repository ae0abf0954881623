"""The record of one run: every experiment a commit, found again from git alone.

    refs/autoresearch/<tag>/0042   experiment 42: first its draft, then, in one transaction with the branch, its result
    refs/heads/autoresearch/<tag>  the kept experiments, linear

What is not here: who may write (the lock's holder), what a result means, what is left by a death (`recovery`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from autoresearch.core.edit import Change, Refusal
from autoresearch.core.experiment import FREE, Draft, Experiment, Proposal, Result, Usage, finished
from autoresearch.core.final_check import FinalCheck, HeldOut
from autoresearch.core.history import Direction, History
from autoresearch.core.layout import Layout
from autoresearch.core.scope import Scope
from autoresearch.core.secrets import NO_SECRETS, Secrets
from autoresearch.core.utilisation import Used
from autoresearch.errors import RecordError
from autoresearch.record import recovery, trailers
from autoresearch.record.checkouts import checked_out_at
from autoresearch.record.merge import merge
from autoresearch.record.pipes import ZERO, RefChange
from autoresearch.record.plain_files import read_plain, write_plain
from autoresearch.record.recorded import read_run
from autoresearch.record.repository import Repository
from autoresearch.record.runs import (
    FINAL_CHECK,
    FINAL_HOLDOUT,
    UTILISATION,
    Run,
    end,
    hold,
    remove_locks,
    samples_checked,
)
from autoresearch.record.scoped import ScopedFiles
from autoresearch.record.sealed import make_key, seal
from autoresearch.record.trees import changed_tree

MOST_FEEDBACK = 16 * 1024
"""Bytes; what an experiment said was bounded when it was written."""


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
        secrets: Secrets = NO_SECRETS,
    ) -> None:
        """`moves_checkout`: the caller brings a checkout of the branch along itself. `secrets` are never written."""
        self._repository = repository
        self._layout = layout
        self._run = run
        self._metric_name = metric[0]
        self._moves_checkout = moves_checkout
        self._secrets = secrets
        self._scoped = ScopedFiles(repository.reader, scope)
        recorded = read_run(repository, run)
        self._drafts: set[int] = set()
        """Numbers of the experiments that are not finished."""
        self._standing: dict[int, str] = {}
        """Where the number of an experiment that is not finished points to: its draft, in the newest version."""
        self._spent: dict[int, Usage] = {}
        self._left_over = FREE
        self._held = 0.0
        self._run_at = run.commit
        if recorded.failed_baseline is not None:
            self._fail_baseline(recorded.failed_baseline)
        self._history = recorded.history(metric[1], recorded.experiments)
        self._history.sample_count = max(self._history.sample_count, samples_checked(repository, run))
        remove_locks(repository)
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

    @property
    def next_number(self) -> int:
        """What the next draft will be called."""
        return max((self._history.next_number, *(number + 1 for number in self._drafts)))

    # --- writing

    def merged(self, *, base: str, ours: str, theirs: str) -> str | Refusal:
        """The tree with both changes, three-way in git's objects; or the files in conflict."""
        return merge(self._repository, base=base, ours=ours, theirs=theirs)

    def tree(self, commit: str, change: Change) -> str | Refusal:
        """The id of the commit's tree with the change in it."""
        return changed_tree(self._repository, self._repository.tree_of(commit), change)

    def draft(
        self,
        parent: Experiment | None,
        tree: str,
        proposal: Proposal,
        reverts: Sequence[int] = (),
        carried_from: int | None = None,
    ) -> Draft:
        """The experiment's number and commit, in the record before anything runs."""
        number, now = self.next_number, datetime.now(UTC)
        above = self._run.opening.base if parent is None else parent.commit
        under = parent.number if parent else None
        draft = Draft(number, "", tree, under, above, proposal, now, tuple(reverts), carried_from)
        self._drafts.add(number)
        self._spent[number] = self._left_over if number == 0 else FREE
        return self._write_draft(draft)

    def redraft(self, draft: Draft, tree: str, proposal: Proposal) -> Draft:
        """The same number with a repaired change; what the repair cost is added."""
        usage = draft.proposal.usage + proposal.usage
        return self._write_draft(replace(draft, tree=tree, proposal=replace(proposal, usage=usage)))

    def spend(self, draft: Draft, spent: Usage) -> None:
        """Note what was spent so far besides the proposal, all in all: a death does not lose it, and a result has it.

        The draft's number points to another commit afterwards, with the same tree; the draft stays valid.
        """
        self._spent[draft.number] = spent
        self._commit_draft(draft)

    def _write_draft(self, draft: Draft) -> Draft:
        proposal = draft.proposal
        commit = self._commit_draft(draft)
        self._write(draft.number, "prompt.md", proposal.prompt)
        self._write(draft.number, "reply.md", proposal.reply)
        return replace(draft, commit=commit)

    def _commit_draft(self, draft: Draft) -> str:
        number, proposal = draft.number, draft.proposal
        facts = trailers.draft_facts(draft, proposal.usage + self._spent[number])
        text = trailers.message(proposal.title, proposal.hypothesis, facts)
        commit = self._repository.commit(draft.tree, [draft.parent_commit], text, draft.started)
        if commit != self._standing.get(number):
            self._repository.move(RefChange(self._ref(number), commit, self._standing.get(number, ZERO)))
        self._standing[number] = commit
        return commit

    def _write(self, number: int, name: str, text: str) -> None:
        """A copy to read: a full disk must not end what the record itself survives."""
        with suppress(OSError):
            if text:
                write_plain(self._layout.experiment(number) / name, text)

    def hold(self, usd: float) -> None:
        """Note dollars that were paid for what is no experiment yet, all in all: a death does not lose them."""
        if usd != self._held:
            self._held = usd
            self._run_at = hold(self._repository, self._run, usd, self._run_at)

    def left_over(self) -> Usage:
        """What a baseline cost that failed, and is taken again: the next commit has to carry it."""
        return self._left_over

    def feedback(self, number: int) -> str:
        """What the experiment had to say; empty once `.autoresearch` was cleared away."""
        with suppress(OSError):
            return read_plain(self._layout.experiment(number) / "feedback.md", MOST_FEEDBACK)
        return ""

    def finish(self, draft: Draft, result: Result) -> Experiment:
        """The result's commit in place of the draft's and, on keep, the branch moved to it: all or nothing."""
        result = _without(self._secrets, result)
        experiment = finished(draft, result, "", self._metric_name, self._run.opening.isolation)
        facts = [*trailers.draft_facts(draft, experiment.usage), *trailers.result_facts(experiment)]
        if result.holdout:
            facts.append((trailers.HOLDOUT, seal(result.holdout, make_key())))
        if result.incumbent_holdout:
            word = seal(result.incumbent_holdout, make_key())
            facts.append((trailers.INCUMBENT_HOLDOUT, f"{draft.parent} {word}"))
        text = trailers.message(draft.proposal.title, draft.proposal.hypothesis, facts)
        commit = self._repository.commit(draft.tree, [draft.parent_commit], text, result.ended)
        moves = [RefChange(self._ref(draft.number), commit, self._standing.get(draft.number, draft.commit))]
        if experiment.is_kept:
            self._refuse_checked_out()
            moves.append(RefChange(self._run.branch_ref, commit, draft.parent_commit))
        self._repository.move(*moves)
        experiment = trailers.read_experiment(commit, draft.tree, text)
        self._standing.pop(draft.number, None)
        self._drafts.discard(draft.number)
        if experiment.number == 0 and not experiment.is_kept:
            self._fail_baseline(experiment)
        else:
            self._history.add(experiment)
            self._history.add_holdout(experiment.number, result.holdout)
            if draft.parent is not None:
                self._history.add_holdout(draft.parent, result.incumbent_holdout)
        self._write(experiment.number, "feedback.md", result.feedback)
        return experiment

    def _fail_baseline(self, failed: Experiment) -> None:
        """It is no part of the history: the next one takes its place, and what it has cost."""
        self._standing[0] = failed.commit
        self._left_over = failed.usage

    def close(
        self,
        why: str,
        unbilled_usd: float,
        final: FinalCheck | None = None,
        held_out: HeldOut | None = None,
        used: Used | None = None,
    ) -> None:
        """Record the end of this call of `ar run`, and end git's processes."""
        facts = [(FINAL_CHECK, str(final))] if final else []
        facts += [(UTILISATION, str(used))] if used else []
        if held_out is not None:
            word = seal((held_out.baseline_value, held_out.best_value), make_key())
            facts.append((FINAL_HOLDOUT, f"{held_out.best} {word}"))
        end(self._repository, self._run, self._secrets.redact(why), unbilled_usd, facts, self._run_at)
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


def _without(secrets: Secrets, result: Result) -> Result:
    """The result, in words that may be read by anybody."""
    measures = {secrets.redact(name): value for name, value in result.measures.items()}
    reason, feedback = secrets.redact(result.reason), secrets.redact(result.feedback)
    return replace(result, reason=reason, measures=measures, feedback=feedback)
