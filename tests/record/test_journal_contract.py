"""What every journal promises: run against the one in git and the one in memory."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autoresearch.core.edit import Change
from autoresearch.core.experiment import Decision, Draft, Outcome, Proposal, Result, Sample, Usage
from autoresearch.core.history import Direction, History
from autoresearch.core.layout import Layout
from autoresearch.core.ports import Journal
from autoresearch.core.scope import Scope
from autoresearch.record.journal import GitJournal
from autoresearch.record.memory import MemoryJournal
from autoresearch.record.repository import Repository
from autoresearch.record.runs import Opening, begin
from tests.support.repositories import make_repository

FILES = {"x.txt": "5\n", "src/deep/y.txt": "y\n", "README": "read me\n"}
SCOPE = Scope(("x.txt", "src/**"), ("README",))


def git_journal(folder: Path, request: pytest.FixtureRequest) -> GitJournal:
    make_repository(folder, FILES)
    repository = Repository(folder)
    request.addfinalizer(repository.close)
    base = repository.head()
    opening = Opening(base, repository.tree_of(base), "", "autoresearch.toml", "goal = 'x'", "do", "50x", "basic", "0")
    run = begin(repository, "nov23", opening, None)
    return GitJournal(repository, Layout(folder, "nov23"), run, SCOPE, ("loss", Direction.MIN))


@pytest.fixture(params=["git", "memory"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Journal:
    makers: dict[str, Callable[[], Journal]] = {
        "git": lambda: git_journal(tmp_path / "repository", request),
        "memory": lambda: MemoryJournal(FILES, SCOPE, History(Direction.MIN)),
    }
    return makers[request.param]()


def result(value: float, decision: Decision, **more: object) -> Result:
    facts: dict[str, object] = {
        "outcome": Outcome.MEASURED,
        "decision": decision,
        "reason": "because",
        "samples": (Sample(value, 1),),
        "incumbent_samples": (),
        "measures": {"lines": 3.0},
        "seconds": 1.5,
        "ended": datetime.now(UTC),
        **more,
    }
    return Result(**facts)  # type: ignore[arg-type]


def proposal(title: str = "a change", **more: object) -> Proposal:
    return Proposal(title, "It helps.", (), "script", **more)  # type: ignore[arg-type]


def baseline(journal: Journal) -> None:
    journal.finish(journal.draft(None, journal.base_tree(), proposal("baseline")), result(5.0, Decision.KEEP))


def candidate(journal: Journal, text: str) -> Draft:
    parent = journal.history().incumbent
    assert parent is not None
    tree = journal.tree(parent.commit, Change({"x.txt": text}))
    assert isinstance(tree, str)
    return journal.draft(parent, tree, proposal(f"x is {text.strip()}", usage=Usage(10, 2, 0.5)))


def test_the_baseline_is_experiment_0_with_the_files_of_the_base(journal: Journal) -> None:
    baseline(journal)
    first = journal.history().baseline
    assert first is not None
    assert (first.number, first.parent, first.metric) == (0, None, 5.0)
    assert journal.files(first.commit) == {"x.txt": "5\n", "src/deep/y.txt": "y\n"}
    assert journal.context(first.commit) == {"README": "read me\n"}


def test_a_kept_change_becomes_the_incumbent(journal: Journal) -> None:
    baseline(journal)
    kept = journal.finish(candidate(journal, "4\n"), result(4.0, Decision.KEEP))
    assert journal.history().incumbent == kept
    assert journal.files(kept.commit)["x.txt"] == "4\n"
    assert (kept.parent, kept.usage, kept.measures) == (0, Usage(10, 2, 0.5), {"lines": 3.0})


def test_a_discarded_change_is_recorded_and_leaves_the_incumbent(journal: Journal) -> None:
    baseline(journal)
    lost = journal.finish(candidate(journal, "9\n"), result(9.0, Decision.DISCARD))
    assert journal.history().get(1) == lost
    assert journal.history().incumbent == journal.history().baseline
    assert journal.history().tried(lost.tree) == 1


def test_a_file_can_be_removed_and_a_folder_made(journal: Journal) -> None:
    baseline(journal)
    first = journal.history().baseline
    assert first is not None
    tree = journal.tree(first.commit, Change({"src/deep/y.txt": None, "src/new/z.txt": "z\n"}))
    assert isinstance(tree, str)
    kept = journal.finish(journal.draft(first, tree, proposal()), result(1.0, Decision.KEEP))
    assert journal.files(kept.commit) == {"x.txt": "5\n", "src/new/z.txt": "z\n"}


def test_a_repaired_draft_keeps_its_number_and_adds_up_its_cost(journal: Journal) -> None:
    baseline(journal)
    draft = candidate(journal, "oops\n")
    first = journal.history().baseline
    assert first is not None
    tree = journal.tree(first.commit, Change({"x.txt": "3\n"}))
    assert isinstance(tree, str)
    repaired = journal.redraft(draft, tree, proposal("mended", usage=Usage(1, 1, 0.25)))
    kept = journal.finish(repaired, result(3.0, Decision.KEEP))
    assert (kept.number, kept.title, kept.usage) == (1, "mended", Usage(11, 3, 0.75))


def test_an_unmeasured_baseline_does_not_count_and_is_tried_again(journal: Journal) -> None:
    draft = journal.draft(None, journal.base_tree(), proposal("baseline"))
    journal.finish(draft, result(0.0, Decision.DISCARD, outcome=Outcome.CRASHED, samples=()))
    assert journal.history().baseline is None
    baseline(journal)
    assert journal.history().baseline is not None


def test_the_cost_of_failed_requests_goes_into_the_next_commit(journal: Journal) -> None:
    baseline(journal)
    unbilled = Usage(100, 0, 1.0)
    done = journal.finish(candidate(journal, "4\n"), result(4.0, Decision.DISCARD, unbilled=unbilled))
    assert done.usage == Usage(110, 2, 1.5)


def test_what_a_draft_says_that_it_has_spent_is_not_counted_again_at_its_end(journal: Journal) -> None:
    baseline(journal)
    draft = candidate(journal, "oops\n")
    journal.spend(draft, Usage(0, 0, 0.25))
    repaired = journal.redraft(draft, draft.tree, proposal("mended", usage=Usage(1, 1, 0.25)))
    journal.spend(repaired, Usage(0, 0, 0.5))
    done = journal.finish(repaired, result(3.0, Decision.KEEP, unbilled=Usage(0, 0, 0.5)))
    assert (done.number, done.usage) == (1, Usage(11, 3, 1.25))
    assert journal.finish(candidate(journal, "2\n"), result(2.0, Decision.KEEP)).number == 2
