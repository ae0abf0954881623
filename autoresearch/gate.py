"""From a request to a proposal that may run: ask, check, tell what is wrong, ask again.

All checks are made by code, before anything runs; secrets of the person's are taken out of all that a proposer says.
What is not here: reading a model's reply (the proposer's), deciding whether the change is any good (the rule's). Runs
on the proposer's thread, and writes nothing but blobs and trees.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from autoresearch.core.edit import Change, Conflict, Edit, Refusal, Write, apply
from autoresearch.core.experiment import FREE, Experiment, Proposal, Usage
from autoresearch.core.ports import Attempt, Journal, Proposer, Request
from autoresearch.core.regions import change_outside
from autoresearch.core.scope import Scope
from autoresearch.core.secrets import NO_SECRETS, Secrets
from autoresearch.core.seed_change import only_the_seed
from autoresearch.errors import ProposalFailed

RETRIES = 2
"""How often a proposer hears why its proposal cannot stand before that is recorded as rejected."""
ONLY_A_SEED = "only a random seed changes: a lucky seed is no gain (allowed by [decision] allow_seed_change = true)"


@dataclass(frozen=True, slots=True)
class Ready:
    """A proposal that passed every gate, with the tree to run. Its usage includes all that was asked on the way."""

    proposal: Proposal
    tree: str
    parent: Experiment
    """What it was made for."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A proposal that still could not stand at the last attempt, with the reason."""

    proposal: Proposal
    reason: str
    parent: Experiment


Answer = Ready | Rejected
Known = Callable[[str], str]
"""What has become of a tree that is no new one, as the rest of a sentence; empty for one that is."""


class Gate:
    """Every new proposal comes through `ask`."""

    def __init__(
        self,
        proposer: Proposer,
        journal: Journal,
        scope: Scope,
        *,
        allow_seed_change: bool = False,
        markers: bool = False,
        secrets: Secrets = NO_SECRETS,
    ) -> None:
        self.proposer = proposer
        self.journal = journal
        self.scope = scope
        self.allow_seed_change = allow_seed_change
        self.markers = markers
        self.secrets = secrets

    def ask(self, request: Request, known: Known) -> Answer:
        """Blocks while the proposer thinks. Raises what `Proposer.propose` raises, with all that was billed."""
        usage, tries = FREE, 0
        while True:
            proposal = self._propose(request, usage)
            usage, tries = usage + proposal.usage, tries + 1
            tree = self.check(request, proposal, known)
            if isinstance(tree, str):
                return Ready(replace(proposal, usage=usage), tree, request.parent)
            if tries > RETRIES:
                return Rejected(replace(proposal, usage=usage), tree.reason, request.parent)
            request = replace(request, attempts=(*request.attempts, Attempt(proposal, tree.reason)))

    def _propose(self, request: Request, before: Usage) -> Proposal:
        try:
            return _without(self.secrets, self.proposer.propose(request))
        except ProposalFailed as error:
            raise error.with_usage_of(before.tokens_in, before.tokens_out, before.cost_usd) from error

    def check(self, request: Request, proposal: Proposal, known: Known) -> str | Refusal:
        """The id of the tree to run, or why there is none."""
        problem = next(filter(None, map(self._path_problem, proposal.edits)), "")
        if problem:
            return Refusal(problem)
        change = apply(proposal.edits, request.files)
        return change if isinstance(change, Refusal) else self._stands(request.parent, request.files, change, known)

    def carry(self, ready: Ready, parent: Experiment, known: Known) -> Answer:
        """The same change on another parent, the incumbent of now: its edits where they fit, else merged."""
        files = self.journal.files(parent.commit)
        change = self._carried(ready, parent, files)
        tree = change if isinstance(change, Refusal) else self._stands(parent, files, change, known)
        if isinstance(tree, str):
            return Ready(ready.proposal, tree, parent)
        return Rejected(ready.proposal, f"made for #{ready.parent.number}, on #{parent.number}: {tree.reason}", parent)

    def _carried(self, ready: Ready, parent: Experiment, files: Mapping[str, str]) -> Change | Refusal:
        edits = ready.proposal.edits
        # The whole text of a file would undo what was changed in it since.
        if edits and not any(isinstance(edit, Write) for edit in edits):
            change = apply(edits, files, exactly=True)
            if isinstance(change, Change):
                return change
        merged = self.journal.merged(base=ready.parent.tree, ours=parent.tree, theirs=ready.tree)
        if isinstance(merged, Refusal):
            return merged
        now = self.journal.files(merged)
        changed = {path: now.get(path) for path in (*files, *now) if now.get(path) != files.get(path)}
        return Change(changed) if changed else Refusal("nothing of the change is left, it is there already")

    def _stands(self, parent: Experiment, files: Mapping[str, str], change: Change, known: Known) -> str | Refusal:
        """The gates that look at the change itself."""
        if self.markers and (problem := change_outside(files, change.files)):
            return Refusal(problem)
        if not self.allow_seed_change and only_the_seed(files, change):
            return Refusal(ONLY_A_SEED)
        named = next((path for path in change.files if path not in files and self.secrets.found_in(path)), "")
        if named:
            return Refusal(f"{self.secrets.redact(named)}: a secret cannot be the name of a file")
        return self._new_tree(parent.commit, self._without_new_secrets(change, files), known)

    def _without_new_secrets(self, change: Change, files: Mapping[str, str]) -> Change:
        """What the person has in a file stays in it: without it the file would not do any more what it did."""
        texts = change.files.items()
        return Change({path: text and self.secrets.not_in(files.get(path, "")).redact(text) for path, text in texts})

    def _path_problem(self, edit: Edit) -> str:
        if isinstance(edit, Conflict):
            return edit.reason
        if problem := self.scope.path_problem(edit.path):
            return problem
        return "" if self.scope.is_editable(edit.path) else f"{edit.path} is protected: it may not be changed"

    def _new_tree(self, commit: str, change: Change, known: Known) -> str | Refusal:
        tree = self.journal.tree(commit, change)
        if isinstance(tree, Refusal):
            return tree
        already = known(tree)
        return Refusal(f"exactly these files {already}") if already else tree


def _without(secrets: Secrets, proposal: Proposal) -> Proposal:
    """The proposal in words that may be read by anybody; the texts of files are looked at when they are known."""
    redact, params = secrets.redact, proposal.params
    return replace(
        proposal,
        title=redact(proposal.title),
        hypothesis=redact(proposal.hypothesis),
        params={name: redact(value) if isinstance(value, str) else value for name, value in params.items()},
        prompt=redact(proposal.prompt),
        reply=redact(proposal.reply),
    )
