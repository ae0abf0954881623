"""The gate with a scripted proposer: what a change of nothing but a seed comes to, and what becomes of secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from autoresearch.core.edit import Create, Delete, Edit, Replace, Write
from autoresearch.core.experiment import Proposal, Usage
from autoresearch.core.history import Direction, History
from autoresearch.core.ports import Request
from autoresearch.core.scope import Scope
from autoresearch.core.secrets import MASK, NO_SECRETS, Secrets
from autoresearch.gate import ONLY_A_SEED, RETRIES, Gate, Ready, Rejected
from autoresearch.record.memory import MemoryJournal
from tests.support.experiments import experiment
from tests.support.fakes import ScriptedProposer

TRAIN = """\
import argparse, random

SEED = 1337
LR = 0.1
parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=SEED)
random.seed(parser.parse_args().seed)
"""
FILES = {"train.py": TRAIN, "settings.toml": "lr = 0.1\nseed = 42\n", "run.sh": "python train.py --seed 1\n"}
SCOPE = Scope(("**",))


def proposal(*edits: Edit) -> Proposal:
    return Proposal("a change", "it may help", edits, "script", Usage(tokens_in=10))


SEED_CHANGES = [
    proposal(Replace("train.py", "SEED = 1337", "SEED = 1338  # luckier")),
    proposal(Replace("settings.toml", "seed = 42", "seed = 43")),
    proposal(Replace("train.py", "default=SEED", "default=7"), Write("run.sh", "python train.py --seed 2\n")),
]


class Asked:
    """A gate over the files above that has been asked once."""

    def __init__(
        self,
        *answers: Proposal,
        files: Mapping[str, str] = FILES,
        allow_seed_change: bool = False,
        secrets: Secrets = NO_SECRETS,
    ) -> None:
        baseline = experiment(0, 1.0)
        history = History(Direction.MIN, [baseline])
        self.journal = MemoryJournal(files, SCOPE, history)
        parent = experiment(0, 1.0, commit=self.journal.branch)
        self.proposer = ScriptedProposer(answers)
        gate = Gate(self.proposer, self.journal, SCOPE, allow_seed_change=allow_seed_change, secrets=secrets)
        request = Request(
            number=1,
            parent=parent,
            files=self.journal.files(parent.commit),
            context={},
            instructions="be better",
            record=history.digest(),
            source=self.journal.files,
        )
        numbers = {experiment.tree: experiment.number for experiment in history.experiments}
        self.answer = gate.ask(request, lambda tree: f"are those of {numbers[tree]}" if tree in numbers else "")


def test_a_change_of_nothing_but_a_seed_is_rejected_after_the_retries_and_has_no_tree_to_run() -> None:
    asked = Asked(*SEED_CHANGES)
    assert len(SEED_CHANGES) == RETRIES + 1
    assert isinstance(asked.answer, Rejected)
    assert asked.answer.reason == ONLY_A_SEED
    assert asked.answer.proposal.usage.tokens_in == 10 * len(SEED_CHANGES)
    problems = [attempt.problem for attempt in asked.proposer.requests[-1].attempts]
    assert problems == [ONLY_A_SEED] * RETRIES


def test_the_reason_names_the_setting_that_allows_it() -> None:
    assert "[decision] allow_seed_change = true" in ONLY_A_SEED


def test_a_proposer_that_hears_the_reason_may_propose_something_else() -> None:
    asked = Asked(SEED_CHANGES[0], proposal(Replace("train.py", "LR = 0.1", "LR = 0.2")))
    assert isinstance(asked.answer, Ready)
    assert asked.answer.proposal.usage.tokens_in == 20


def test_a_seed_that_changes_with_something_else_may_run() -> None:
    edits = Replace("train.py", "SEED = 1337", "SEED = 1"), Replace("train.py", "LR = 0.1", "LR = 0.2")
    assert isinstance(Asked(proposal(*edits)).answer, Ready)
    assert isinstance(Asked(proposal(edits[0], Delete("run.sh"))).answer, Ready)


def test_seed_changes_run_where_they_are_allowed() -> None:
    for one in SEED_CHANGES:
        assert isinstance(Asked(one, allow_seed_change=True).answer, Ready)


def test_a_file_that_is_no_python_any_more_is_still_judged() -> None:
    asked = Asked(
        *[proposal(Write("train.py", "seed = 2\nprint 'x'\n"))] * 3, files={"train.py": "seed = 1\nprint 'x'\n"}
    )
    assert isinstance(asked.answer, Rejected)


KEY, OTHER = "Zq9x8Y7w6V5u", "s3cr3t-of-hers"
SECRETS = Secrets.of({"A_KEY": KEY, "B_PASSWORD": OTHER})


def test_a_proposal_comes_back_without_secrets() -> None:
    words = {"title": KEY, "hypothesis": f"because of {OTHER}", "prompt": f"a {KEY}", "reply": f"{KEY} b"}
    asked = Asked(replace(proposal(Write("x.py", "X = 1\n")), **words, params={"a": KEY, "b": 1}), secrets=SECRETS)
    assert isinstance(asked.answer, Ready)
    told = asked.answer.proposal
    assert (told.title, told.hypothesis, told.prompt, told.reply) == (
        MASK,
        f"because of {MASK}",
        f"a {MASK}",
        f"{MASK} b",
    )
    assert told.params == {"a": MASK, "b": 1}


def test_a_change_brings_no_secret_into_a_file_and_takes_none_out_that_was_there() -> None:
    files = {"x.py": f"KEY = '{KEY}'\nX = 1\n", "y.py": "Y = 1\n"}
    edits = Write("x.py", f"KEY = '{KEY}'\nX = '{OTHER}'\n"), Write("y.py", f"Y = '{KEY}'\n"), Create("z.py", OTHER)
    asked = Asked(proposal(*edits), files=files, secrets=SECRETS)
    assert isinstance(asked.answer, Ready)
    parent = asked.proposer.requests[0].parent
    draft = asked.journal.draft(parent, asked.answer.tree, asked.answer.proposal)
    after = {"x.py": f"KEY = '{KEY}'\nX = '{MASK}'\n", "y.py": f"Y = '{MASK}'\n", "z.py": MASK}
    assert asked.journal.files(draft.commit) == after


def test_no_new_file_has_the_name_of_a_secret() -> None:
    asked = Asked(*[proposal(Create(f"{KEY}.py", "X = 1\n"))] * 3, secrets=SECRETS)
    assert isinstance(asked.answer, Rejected)
    assert asked.answer.reason == f"{MASK}.py: a secret cannot be the name of a file"
