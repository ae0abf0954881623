"""Names of runs, where something else has them."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autoresearch.errors import UsageError
from autoresearch.record.repository import Repository
from autoresearch.record.tags import check_tag, free_tag
from tests.support.cli import Cli, improvements, refs, toy
from tests.support.repositories import git

TODAY = datetime(2025, 11, 23, tzinfo=UTC)


@pytest.fixture
def ar(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "home")


@pytest.fixture
def changes(tmp_path: Path) -> str:
    return str(improvements(tmp_path / "patches"))


@pytest.mark.parametrize(
    ("ref", "way"),
    [
        ("refs/heads/autoresearch/t", "git branch -m autoresearch/t NAME    gives that branch another name"),
        ("refs/heads/autoresearch/t/deep", "git branch -m autoresearch/t/deep NAME    gives that branch another name"),
        ("refs/autoresearch/t/0003", "ar run --new --tag t-2"),
        ("refs/autoresearch/t", "ar run --new --tag t-2"),
        ("refs/autoresearch/t/run/deep", "ar run --new --tag t-2"),
    ],
)
def test_a_name_that_something_else_has_is_refused(tmp_path: Path, ref: str, way: str) -> None:
    root = toy(tmp_path / "repo")
    repository = Repository(root)
    for turn in ("loose", "packed"):
        git(root, "update-ref", ref, "HEAD")
        if turn == "packed":
            git(root, "pack-refs", "--all")
        with pytest.raises(UsageError) as refused:
            check_tag(repository, "t")
        assert refused.value.message == f"no run can be called t: {ref} exists, and belongs to none"
        assert refused.value.hint.splitlines()[0] == "ar run --new --tag t-2"
        assert refused.value.hint.splitlines()[-1] == way
    assert check_tag(repository, "t-2") == "t-2"
    repository.close()


def test_a_branch_of_the_persons_own_stays_where_it_is(ar: Cli, tmp_path: Path, changes: str) -> None:
    repository = toy(tmp_path / "repo")
    git(repository, "branch", "autoresearch/t/mine")
    before = refs(repository)
    done = ar(repository, "run", "--tag", "t", "--replay", changes)
    what = "refs/heads/autoresearch/t/mine exists, and belongs to none"
    assert (done.code, done.error) == (2, f"no run can be called t: {what}")
    assert refs(repository) == before
    way = done.hints.splitlines()[1].partition("    ")[0]
    subprocess.run(way, shell=True, check=True, cwd=repository)
    assert check_tag(Repository(repository), "t") == "t"


def test_a_ref_in_the_way_of_every_record_is_refused(tmp_path: Path) -> None:
    root = toy(tmp_path / "repo")
    git(root, "update-ref", "refs/autoresearch", "HEAD")
    repository = Repository(root)
    for name in (lambda: check_tag(repository, "t"), lambda: free_tag(repository, TODAY)):
        with pytest.raises(UsageError, match="a ref is called refs/autoresearch") as refused:
            name()
        assert refused.value.hint == "git update-ref -d refs/autoresearch    removes it"


def test_the_name_of_the_day_goes_round_what_is_there(tmp_path: Path) -> None:
    root = toy(tmp_path / "repo")
    for number, ref in enumerate(("heads/autoresearch/nov23", "heads/autoresearch/nov23-2/mine")):
        assert free_tag(Repository(root), TODAY) == ("nov23", "nov23-2")[number]
        git(root, "update-ref", f"refs/{ref}", "HEAD")
    git(root, "update-ref", "refs/autoresearch/nov23-3/0007", "HEAD")
    assert free_tag(Repository(root), TODAY) == "nov23-4"
