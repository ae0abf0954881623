"""The repository itself: trees that cannot be, disks that cannot be written, a git that warns a lot."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha1
from pathlib import Path

import pytest

from autoresearch.core.edit import Change, Refusal
from autoresearch.core.experiment import Decision
from autoresearch.core.history import Direction, History
from autoresearch.core.layout import Layout
from autoresearch.core.ports import Journal
from autoresearch.errors import RecordError, UsageError
from autoresearch.record.journal import GitJournal
from autoresearch.record.pipes import ZERO, RefChange
from autoresearch.record.replays import find_replays
from autoresearch.record.repository import Repository
from autoresearch.record.runs import Opening, begin, find_run, remove_locks, runs
from autoresearch.record.tags import check_tag, free_tag
from autoresearch.record.trees import changed_tree
from tests.record.test_journal_contract import FILES, SCOPE, baseline, proposal, result
from tests.support.repositories import git, make_repository, write


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    made = Repository(make_repository(tmp_path / "repository", FILES))
    yield made
    made.close()


def opening(repository: Repository, config: str = "") -> Opening:
    base = repository.head()
    return Opening(base, repository.tree_of(base), "", "autoresearch.toml", config, "", "", "basic", "0")


def blob_id(text: str) -> str:
    return sha1(f"blob {len(text)}\0{text}".encode()).hexdigest()


def no_histories(number: int) -> History:
    raise AssertionError(number)


def test_a_change_that_removes_the_last_file_is_refused(repository: Repository) -> None:
    tree = repository.tree_of(repository.head())
    everything = Change(dict.fromkeys(FILES, None))
    assert changed_tree(repository, tree, everything) == Refusal("no file would be left")
    emptied = changed_tree(repository, tree, Change({"src/deep/y.txt": None}))
    assert isinstance(emptied, str)
    assert [path for path, _ in repository.files(emptied)] == ["README", "x.txt"]


def test_an_object_that_cannot_be_written_is_a_record_error_that_names_the_place(repository: Repository) -> None:
    text = "never seen before\n"
    (repository.common_dir / "objects" / blob_id(text)[:2]).write_text("in the way")
    with pytest.raises(RecordError, match="objects cannot be written: ") as caught:
        repository.store("blob", text.encode())
    assert "then: ar run" in caught.value.hint


def test_a_conversation_that_cannot_be_written_ends_nothing(repository: Repository) -> None:
    run = begin(repository, "nov23", opening(repository), None)
    write(repository.root, {".autoresearch": "a file in the way of the folder"})
    journal: Journal = GitJournal(repository, Layout(repository.root, "nov23"), run, SCOPE, ("loss", Direction.MIN))
    baseline(journal)
    first = journal.history().baseline
    tree = journal.tree(run.opening.base, Change({"x.txt": "4\n"}))
    assert first is not None
    assert isinstance(tree, str)
    draft = journal.draft(first, tree, proposal(prompt="change it", reply="done"))
    assert journal.finish(draft, result(4.0, Decision.KEEP)).is_kept


def test_a_git_that_warns_more_than_a_pipe_holds_is_read_to_its_end(repository: Repository) -> None:
    for number in range(1_500):
        (repository.common_dir / "refs" / "heads" / f"broken-{number:04d}").touch()
    assert [row.ref for row in repository.refs("refs/heads")] == ["refs/heads/main"]


def test_the_words_of_a_git_that_refused_are_in_the_error_and_the_next_transaction_works(
    repository: Repository,
) -> None:
    base = repository.head()
    with pytest.raises(RecordError, match="refs/heads/main"):
        repository.move(RefChange("refs/heads/main", base, ZERO))
    repository.move(RefChange("refs/heads/other", base, ZERO))
    assert repository.resolve("refs/heads/other") == base


def test_one_commit_is_replayed_alone_and_a_range_in_order(repository: Repository) -> None:
    for name in ("second", "third"):
        git(repository.root, "commit", "--quiet", "--allow-empty", f"--message={name}")

    def titles(source: str) -> list[str]:
        return [one.title for one in find_replays(repository, source, no_histories)]

    assert titles("HEAD") == ["third"]
    assert titles("main~1") == ["second"]
    assert titles("HEAD~2..HEAD") == ["second", "third"]


def test_a_branch_in_the_way_of_all_runs_is_named_with_the_way_to_rename_it(repository: Repository) -> None:
    run = begin(repository, "nov23", opening(repository), None)
    git(repository.root, "branch", "--quiet", "-D", "autoresearch/nov23")
    git(repository.root, "branch", "autoresearch")
    remove_locks(repository)
    for name in (lambda: free_tag(repository, run.started), lambda: check_tag(repository, "new")):
        with pytest.raises(UsageError, match="a branch is called autoresearch") as caught:
            name()
        assert caught.value.hint == "git branch -m autoresearch NAME"


def test_a_byte_order_mark_before_the_recorded_configuration_is_no_part_of_it(repository: Repository) -> None:
    begin(repository, "nov23", opening(repository, "\ufeffgoal = 'x'\n"), None)
    known = find_run(repository, "nov23")
    assert known is not None
    assert known.opening.config_text == "goal = 'x'\n"


def test_runs_are_found_whether_their_refs_are_loose_or_packed(repository: Repository) -> None:
    begin(repository, "nov23", opening(repository), None)
    git(repository.root, "pack-refs", "--all", "--prune")
    begin(repository, "nov24.wide", opening(repository), None)
    assert [run.tag for run in runs(repository)] == ["nov23", "nov24.wide"]
    git(repository.root, "pack-refs", "--all", "--prune")
    assert [run.tag for run in runs(repository)] == ["nov23", "nov24.wide"]


def test_a_ref_whose_object_is_gone_is_a_clear_error(repository: Repository) -> None:
    run = begin(repository, "nov23", opening(repository), None)
    commit = repository.commit(repository.tree_of(repository.head()), [], "lost\n", run.started)
    repository.move(RefChange("refs/autoresearch/nov23/0007", commit, ZERO))
    (repository.common_dir / "objects" / commit[:2] / commit[2:]).unlink()
    with pytest.raises(RecordError, match=f"git has no object {commit}") as caught:
        list(repository.refs(run.prefix))
    assert caught.value.hint == "see it: git fsck"
