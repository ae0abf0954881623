"""Where a branch is checked out, also while an entry of git's list of worktrees is half made."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoresearch.core.layout import Layout
from autoresearch.errors import RecordError
from autoresearch.record.checkouts import checked_out_at
from autoresearch.record.repository import Repository
from tests.support.repositories import git, make_repository

MAIN = "refs/heads/main"


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    made = Repository(make_repository(tmp_path / "repo", {"x.txt": "1\n"}))
    yield made
    made.close()


def add(repository: Repository, place: Path) -> Path:
    """A worktree; its `commondir`."""
    git(repository.root, "worktree", "add", "--quiet", "--detach", str(place))
    return repository.common_dir / "worktrees" / place.name / "commondir"


def test_a_branch_is_found_where_it_is_checked_out(repository: Repository) -> None:
    assert checked_out_at(repository, MAIN) == repository.root
    git(repository.root, "switch", "--quiet", "--detach")
    assert checked_out_at(repository, MAIN) is None


def test_a_git_that_is_making_an_entry_is_not_disturbed(repository: Repository) -> None:
    """It has made the file and not yet written into it."""
    place = Layout(repository.root, "t").worktree(0)
    common = add(repository, place)
    whole = common.read_bytes()
    descriptor = os.open(common, os.O_WRONLY | os.O_TRUNC)
    with pytest.raises(RecordError):
        repository.git("worktree", "list")
    assert checked_out_at(repository, MAIN) == repository.root
    os.write(descriptor, whole)
    os.close(descriptor)
    assert common.read_bytes() == whole
    assert git(place, "rev-parse", "HEAD") == repository.head()


def test_what_a_killed_git_has_left_of_ours_is_seen_past(repository: Repository) -> None:
    common = add(repository, Layout(repository.root, "t").worktree(0))
    common.write_bytes(b"")
    common.with_name("HEAD").unlink()
    assert checked_out_at(repository, MAIN) == repository.root


def test_an_entry_of_the_persons_is_left_as_it_is(repository: Repository, tmp_path: Path) -> None:
    common = add(repository, tmp_path / "0")
    common.write_bytes(b"")
    with pytest.raises(RecordError):
        checked_out_at(repository, MAIN)
    assert common.read_bytes() == b""
