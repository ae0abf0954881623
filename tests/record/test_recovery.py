"""The record after a death at any moment: branch and numbers agree, nothing is lost, nothing is there twice."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoresearch.core.experiment import Decision, Outcome, Usage
from autoresearch.core.history import Direction
from autoresearch.core.layout import Layout
from autoresearch.core.utilisation import PROPOSAL, Used
from autoresearch.errors import RecordError
from autoresearch.record.journal import GitJournal
from autoresearch.record.pipes import ZERO, RefChange
from autoresearch.record.repository import Repository
from autoresearch.record.runs import Opening, Run, begin, find_run, runs
from autoresearch.record.tags import free_tag
from tests.record.test_journal_contract import FILES, SCOPE, baseline, candidate, proposal, result
from tests.support.repositories import git, make_repository, state_of
from tests.support.running import until


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    made = Repository(make_repository(tmp_path / "with space ü", FILES))
    yield made
    made.close()


@pytest.fixture
def run(repository: Repository) -> Run:
    base = repository.head()
    opening = Opening(base, repository.tree_of(base), "", "autoresearch.toml", "goal = 'ü'", "do", "", "basic", "0")
    return begin(repository, "nov23", opening, None)


def open_journal(repository: Repository, run: Run) -> GitJournal:
    return GitJournal(repository, Layout(repository.root, run.tag), run, SCOPE, ("loss", Direction.MIN))


def test_the_history_is_the_same_when_read_again_from_git(repository: Repository, run: Run) -> None:
    journal = open_journal(repository, run)
    baseline(journal)
    journal.finish(candidate(journal, "4\n"), result(4.0, Decision.KEEP))
    journal.finish(candidate(journal, "6\n"), result(6.0, Decision.DISCARD))
    again = open_journal(repository, run)
    assert again.history().experiments == journal.history().experiments
    assert git(repository.root, "fsck", "--strict", "--no-dangling") == ""


def test_the_branch_holds_the_kept_experiments_one_commit_each(repository: Repository, run: Run) -> None:
    journal = open_journal(repository, run)
    baseline(journal)
    journal.finish(candidate(journal, "6\n"), result(6.0, Decision.DISCARD))
    journal.finish(candidate(journal, "4\n"), result(4.0, Decision.KEEP))
    log = git(repository.root, "log", "--format=%s", "main..autoresearch/nov23").split("\n")
    assert log == ["x is 4", "baseline"]
    assert git(repository.root, "show", "autoresearch/nov23:x.txt") == "4"


def test_nothing_of_the_users_is_touched(repository: Repository, run: Run) -> None:
    (repository.root / "x.txt").write_text("my own work\n")
    before = state_of(repository.root)
    journal = open_journal(repository, run)
    baseline(journal)
    journal.finish(candidate(journal, "4\n"), result(4.0, Decision.KEEP))
    assert state_of(repository.root) == before


def test_killed_after_the_draft_the_experiment_is_closed_as_interrupted(repository: Repository, run: Run) -> None:
    journal = open_journal(repository, run)
    baseline(journal)
    draft = candidate(journal, "4\n")
    again = open_journal(repository, run)
    last = again.history().experiments[-1]
    assert (last.number, last.outcome, last.decision) == (1, Outcome.INTERRUPTED, Decision.DISCARD)
    assert (last.title, last.usage, last.tree) == ("x is 4", draft.proposal.usage, draft.tree)
    assert again.history().tried(draft.tree) is None
    assert again.history().next_number == 2


def test_killed_while_something_was_taken_back_what_it_was_is_still_known(repository: Repository, run: Run) -> None:
    journal = open_journal(repository, run)
    baseline(journal)
    kept = journal.finish(candidate(journal, "4\n"), result(4.0, Decision.KEEP))
    base = journal.history().baseline
    assert base is not None
    journal.draft(kept, base.tree, proposal("revert #1"), (1,))
    again = open_journal(repository, run).history()
    last = again.experiments[-1]
    assert (last.number, last.outcome, last.reverts) == (2, Outcome.INTERRUPTED, (1,))
    assert not again.is_reverted(1)


def test_a_ref_that_has_no_number_for_a_name_is_none_of_ours(repository: Repository, run: Run) -> None:
    journal = open_journal(repository, run)
    baseline(journal)
    draft = candidate(journal, "4\n")
    repository.move(*(RefChange(f"{run.prefix}/{name}", draft.commit, ZERO) for name in ("²", "1" * 200)))
    assert [one.number for one in open_journal(repository, run).history().experiments] == [0, 1]


def test_killed_between_the_number_and_the_branch_the_branch_is_moved(repository: Repository, run: Run) -> None:
    journal = open_journal(repository, run)
    baseline(journal)
    kept = journal.finish(candidate(journal, "4\n"), result(4.0, Decision.KEEP))
    base = repository.parents(kept.commit)[0]
    repository.move(RefChange(run.branch_ref, base, kept.commit))
    again = open_journal(repository, run)
    assert repository.resolve(run.branch_ref) == kept.commit
    assert len(again.history().experiments) == 2


def test_killed_while_the_baseline_ran_it_is_tried_again(repository: Repository, run: Run) -> None:
    journal = open_journal(repository, run)
    journal.draft(None, journal.base_tree(), proposal("baseline"))
    again = open_journal(repository, run)
    assert again.history().experiments == []
    baseline(again)
    assert [one.number for one in open_journal(repository, run).history().experiments] == [0]


def test_what_a_baseline_has_cost_that_was_stopped_twice_is_kept(repository: Repository, run: Run) -> None:
    journal = open_journal(repository, run)
    stopped = result(0.0, Decision.DISCARD, outcome=Outcome.INTERRUPTED, samples=(), unbilled=Usage(0, 0, 1.5))
    journal.finish(journal.draft(None, journal.base_tree(), proposal("baseline")), stopped)
    again = open_journal(repository, run)
    assert again.left_over() == Usage(0, 0, 1.5)
    again.draft(None, again.base_tree(), proposal("baseline"))
    assert open_journal(repository, run).left_over() == Usage(0, 0, 1.5)
    assert open_journal(repository, run).left_over() == Usage(0, 0, 1.5)


def test_what_an_experiment_has_spent_so_far_is_kept_when_it_is_interrupted(repository: Repository, run: Run) -> None:
    journal = open_journal(repository, run)
    baseline(journal)
    draft = candidate(journal, "4\n")
    journal.spend(draft, Usage(0, 0, 0.25))
    journal.spend(draft, Usage(0, 0, 1.0))
    assert open_journal(repository, run).history().experiments[-1].usage == Usage(10, 2, 1.5)


def test_a_half_made_object_is_not_left_among_gits(repository: Repository, run: Run) -> None:
    store = (
        "from autoresearch.record.repository import Repository as R; from pathlib import Path as P; import os, sys\n"
    )
    store += "R(P(sys.argv[1])).store('blob', os.urandom(200_000_000))"
    started = subprocess.Popen([sys.executable, "-c", store, str(repository.root)])
    common = repository.common_dir
    until(lambda: any(common.rglob("obj????????")), "an object is being written")
    started.kill()
    started.wait()
    assert any(common.rglob("obj????????"))
    open_journal(repository, run)
    assert not any(common.rglob("obj????????"))
    # Its own folder for what it makes lives as long as it does.
    repository.close()
    assert not any(common.rglob("ar-*"))


def test_a_thread_that_is_left_behind_at_the_end_leaves_nothing_half_made(tmp_path: Path) -> None:
    made = Repository(make_repository(tmp_path / "repository", FILES))
    with made.scratch.folder(made.common_dir) as folder:
        (folder / "index").touch()
        made.close()
        assert not folder.exists()
        with pytest.raises(RecordError, match="the record is closed"):
            made.store("blob", b"too late")
    assert not list(made.common_dir.rglob("ar-*"))


def test_half_made_things_of_those_who_live_are_left_alone(repository: Repository, run: Run) -> None:
    mine, dead = repository.common_dir / "ar-scratch-1", repository.common_dir / "ar-scratch-2"
    mine.mkdir()
    dead.mkdir()
    held = os.open(mine, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    open_journal(repository, run)
    os.close(held)
    assert (mine.exists(), dead.exists()) == (True, False)


def test_locks_that_a_dead_git_left_on_our_refs_are_removed_and_nobody_elses(repository: Repository, run: Run) -> None:
    journal = open_journal(repository, run)
    baseline(journal)
    common = repository.common_dir
    names = ("autoresearch/nov23/0001", "heads/autoresearch/nov23", "autoresearch/nov22/run", "heads/autoresearch/old")
    mine, theirs = [common / "refs" / f"{name}.lock" for name in names], common / "refs/heads/main.lock"
    for lock in (*mine, theirs):
        lock.parent.mkdir(exist_ok=True)
        lock.touch()
    again = open_journal(repository, run)
    again.finish(candidate(again, "4\n"), result(4.0, Decision.KEEP))
    assert not any(lock.exists() for lock in mine)
    assert theirs.exists()


def test_a_branch_that_somebody_moved_is_an_error_with_a_way_on(repository: Repository, run: Run) -> None:
    journal = open_journal(repository, run)
    baseline(journal)
    git(repository.root, "commit", "--allow-empty", "--quiet", "--message=by hand")
    git(repository.root, "branch", "--force", run.branch, "HEAD")
    with pytest.raises(RecordError, match="which is no experiment of this run") as caught:
        open_journal(repository, run)
    assert "ar run --new" in caught.value.hint


def test_a_keep_is_refused_while_the_branch_is_checked_out(repository: Repository, run: Run) -> None:
    journal = open_journal(repository, run)
    baseline(journal)
    git(repository.root, "switch", "--quiet", run.branch)
    draft = candidate(journal, "4\n")
    with pytest.raises(RecordError, match="is checked out in"):
        journal.finish(draft, result(4.0, Decision.KEEP))
    assert repository.resolve(run.branch_ref) == draft.parent_commit


def test_a_transaction_is_all_or_nothing(repository: Repository, run: Run) -> None:
    base = repository.head()
    with pytest.raises(RecordError, match="could not move the refs"):
        repository.move(RefChange("refs/autoresearch/nov23/0007", base, ZERO), RefChange(run.branch_ref, base, ZERO))
    assert repository.resolve("refs/autoresearch/nov23/0007") is None


def test_hooks_signing_and_a_missing_identity_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_repository(tmp_path / "repository", FILES)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("reference-transaction", "pre-commit", "post-checkout"):
        hook = folder / ".git" / "hooks" / name
        hook.write_text("#!/bin/sh\necho ran >> hooked\nexit 1\n")
        hook.chmod(0o755)
    git(folder, "config", "commit.gpgSign", "true")
    git(folder, "config", "user.useConfigOnly", "true")
    made = Repository(folder)
    base = made.head()
    opening = Opening(base, made.tree_of(base), "", "autoresearch.toml", "", "", "", "basic", "0")
    journal = open_journal(made, begin(made, "nov23", opening, None))
    baseline(journal)
    journal.finish(candidate(journal, "4\n"), result(4.0, Decision.KEEP))
    author = git(folder, "log", "-1", "--format=%an <%ae>", "autoresearch/nov23")
    made.close()
    assert author == "ar <ar@localhost>"
    assert not (folder / "hooked").exists()


def test_every_call_of_ar_run_is_a_commit_that_holds_what_it_used(repository: Repository, run: Run) -> None:
    journal = open_journal(repository, run)
    journal.close("the budget is used up", 0.25)
    assert git(repository.root, "show", "refs/autoresearch/nov23/run:autoresearch.toml") == "goal = 'ü'"
    known = find_run(repository, None, "autoresearch.toml")
    assert known is not None
    assert (known.tag, known.why, known.opening.base) == ("nov23", "the budget is used up", run.opening.base)
    assert "Cost-USD: 0.25" in git(repository.root, "log", "-1", "--format=%B", "refs/autoresearch/nov23/run")
    again = Repository(repository.root)
    begin(again, "nov23", known.opening, known)
    assert git(repository.root, "rev-list", "--count", "refs/autoresearch/nov23/run") == "3"
    assert runs(again)[0].why == ""
    again.close()


def test_how_the_slots_were_used_is_on_the_commit_that_ends_a_call(repository: Repository, run: Run) -> None:
    used = Used(4, 281.25, {PROPOSAL: 12.5}, unused=2)
    open_journal(repository, run).close("the budget is used up", 0.0, used=used)
    again = Repository(repository.root)
    known = find_run(again, "nov23")
    assert known is not None
    assert known.used == used
    begun = begin(again, "nov23", known.opening, known)
    assert runs(again)[0].used is None
    open_journal(again, begun).close("nothing ran", 0.0, used=Used(4))
    last = Repository(repository.root)
    assert (runs(last)[0].why, runs(last)[0].used) == ("nothing ran", None)
    assert "Utilisation" not in git(repository.root, "log", "-1", "--format=%B", "refs/autoresearch/nov23/run")
    last.close()


def test_tags_are_month_and_day_and_count_on(repository: Repository, run: Run) -> None:
    assert free_tag(repository, run.started.replace(month=11, day=24)) == "nov24"
    assert free_tag(repository, run.started.replace(month=11, day=23)) == "nov23-2"
    git(repository.root, "branch", "autoresearch/nov23-2")
    assert free_tag(repository, run.started.replace(month=11, day=23)) == "nov23-3"
