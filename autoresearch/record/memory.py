"""The record in memory: the same contract as `record.journal`, for tests and for trying out a proposer.

Trees are dictionaries of files, found by a hash of their content. What is not here: git, and so surviving anything.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from autoresearch.core.edit import Change, Refusal
from autoresearch.core.experiment import FREE, Draft, Experiment, Proposal, Result, Usage, finished
from autoresearch.core.final_check import FinalCheck, HeldOut
from autoresearch.core.history import History
from autoresearch.core.scope import Scope
from autoresearch.core.utilisation import Used


class MemoryJournal:
    """Satisfies `core.ports.Journal`; `files` is the base."""

    def __init__(self, files: Mapping[str, str], scope: Scope, history: History, metric_name: str = "loss") -> None:
        self._scope = scope
        self._history = history
        self._metric_name = metric_name
        self._trees: dict[str, Mapping[str, str]] = {}
        self._commits: dict[str, str] = {}
        self._base = self._commit(self._tree(files))
        self.drafts: dict[int, Draft] = {}
        self.held: list[float] = []
        self.branch = self._base
        self.closed = ""
        self.final: FinalCheck | None = None
        self.held_out: HeldOut | None = None
        self.used: Used | None = None
        self._feedback: dict[int, str] = {}

    def _tree(self, files: Mapping[str, str]) -> str:
        name = hashlib.sha1(json.dumps(sorted(files.items())).encode()).hexdigest()
        self._trees[name] = dict(files)
        return name

    def _commit(self, tree: str) -> str:
        name = hashlib.sha1(f"{len(self._commits)} {tree}".encode()).hexdigest()
        self._commits[name] = tree
        return name

    def _all(self, commit: str) -> Mapping[str, str]:
        return self._trees[self._commits.get(commit, commit)]

    def history(self) -> History:
        """The experiments so far; grows with `finish`."""
        return self._history

    def files(self, commit: str) -> Mapping[str, str]:
        """Editable files at a commit."""
        return {path: text for path, text in self._all(commit).items() if self._scope.is_editable(path)}

    def context(self, commit: str) -> Mapping[str, str]:
        """Context files at a commit."""
        return {path: text for path, text in self._all(commit).items() if self._scope.is_context(path)}

    def base_tree(self) -> str:
        """The tree that the run starts from."""
        return self._commits[self._base]

    def tree(self, commit: str, change: Change) -> str | Refusal:
        """The id of the commit's tree with the change in it."""
        files = {**self._all(commit), **change.files}
        left = {path: text for path, text in files.items() if text is not None}
        return self._tree(left) if left else Refusal("no file would be left")

    @property
    def next_number(self) -> int:
        """What the next draft will be called."""
        return max((self._history.next_number, *(number + 1 for number in self.drafts)))

    def merged(self, *, base: str, ours: str, theirs: str) -> str | Refusal:
        """File by file: one that both sides changed is a conflict."""
        before, mine, other = self._trees[base], self._trees[ours], self._trees[theirs]
        changed = {path for path in {*before, *other} if before.get(path) != other.get(path)}
        clashing = {path for path in changed if mine.get(path) not in (before.get(path), other.get(path))}
        if clashing:
            return Refusal(f"conflict in {', '.join(sorted(clashing))}")
        files = {path: text for path, text in mine.items() if path not in changed}
        return self._tree(files | {path: other[path] for path in changed if path in other})

    def draft(
        self,
        parent: Experiment | None,
        tree: str,
        proposal: Proposal,
        reverts: Sequence[int] = (),
        carried_from: int | None = None,
    ) -> Draft:
        """The experiment's number and commit, before anything runs."""
        above = parent.commit if parent else self._base
        number, under, now = self.next_number, parent.number if parent else None, datetime.now(UTC)
        draft = Draft(number, self._commit(tree), tree, under, above, proposal, now, tuple(reverts), carried_from)
        self.drafts[number] = draft
        return draft

    def redraft(self, draft: Draft, tree: str, proposal: Proposal) -> Draft:
        """The same number with a repaired change; what the repair cost is added."""
        usage = draft.proposal.usage + proposal.usage
        repaired = replace(draft, commit=self._commit(tree), tree=tree, proposal=replace(proposal, usage=usage))
        self.drafts[draft.number] = repaired
        return repaired

    def spend(self, draft: Draft, spent: Usage) -> None:
        """Nothing here survives anything."""

    def hold(self, usd: float) -> None:
        """Remember it."""
        self.held.append(usd)

    def left_over(self) -> Usage:
        """A failed baseline is not kept here."""
        return FREE

    def feedback(self, number: int) -> str:
        """What the experiment had to say."""
        return self._feedback.get(number, "")

    def finish(self, draft: Draft, result: Result) -> Experiment:
        """The result in place of the draft and, on keep, the branch moved to it."""
        experiment = finished(draft, result, self._commit(draft.tree), self._metric_name)
        del self.drafts[draft.number]
        if experiment.is_kept:
            self.branch = experiment.commit
        if experiment.number or experiment.is_kept:
            self._history.add(experiment)
            self._history.add_holdout(experiment.number, result.holdout)
            if draft.parent is not None:
                self._history.add_holdout(draft.parent, result.incumbent_holdout)
        self._feedback[experiment.number] = result.feedback
        return experiment

    def close(
        self,
        why: str,
        unbilled_usd: float,
        final: FinalCheck | None = None,
        held_out: HeldOut | None = None,
        used: Used | None = None,
    ) -> None:
        """Remember why the run ended."""
        self.closed = f"{why} ({unbilled_usd} usd unbilled)"
        self.final, self.held_out, self.used = final, held_out, used
