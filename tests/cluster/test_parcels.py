"""Commits on their way: from the person's repository into an empty one, with their names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoresearch.cluster import parcels as module
from autoresearch.cluster.messages import Commits
from autoresearch.cluster.place import Place, clear, folder_of, take_place
from autoresearch.errors import RecordError, RunError
from tests.support.clusters import TAG, Lab
from tests.support.repositories import git, make_repository, state_of


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path / "my répo")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path / "place")
    yield place
    place.close()


def take_in(place: Place, packed: tuple[Commits, Path]) -> bool:
    """Was the anchor's bundle asked for?"""
    commits, file = packed
    asked = []
    place.take_in(commits, lambda: (asked.append(file), file.read_bytes())[1])
    return bool(asked)


def test_a_commit_arrives_with_its_history_and_its_name(lab: Lab, place: Place) -> None:
    parcels, commit, before = lab.parcels(), lab.commit({"x.txt": "2.5\n"}), state_of(lab.root)
    assert take_in(place, parcels.pack(commit))
    assert git(place.root, "show", f"{commit}:x.txt") == "2.5"
    assert git(place.root, "rev-list", commit).split() == [commit, lab.base]
    assert git(place.root, "rev-parse", "HEAD") == lab.base
    assert state_of(lab.root) == before
    assert not git(lab.root, "for-each-ref", "refs/autoresearch")


def test_the_history_travels_once(lab: Lab, place: Place) -> None:
    parcels = lab.parcels()
    assert take_in(place, parcels.pack(lab.base))
    first, _ = parcels.pack(lab.commit({"x.txt": "2.5\n"}))
    assert 0 < len(first.thin) < 2000
    for text in ("3.5\n", "4.5\n"):
        assert not take_in(place, parcels.pack(lab.commit({"x.txt": text})))
    assert git(place.root, "show", f"{lab.head}:x.txt") == "4.5"


def test_a_commit_that_is_there_already_needs_nothing(lab: Lab, place: Place) -> None:
    packed = lab.parcels().pack(lab.commit({"x.txt": "2.5\n"}))
    take_in(place, packed)
    commits, _ = packed
    place.take_in(Commits(commits.commit, commits.anchor, b"no bundle", "sha1", ""), lambda: b"nor this")


def test_what_was_kept_becomes_the_anchor_once_it_is_large(lab: Lab, place: Place) -> None:
    parcels = lab.parcels()
    take_in(place, parcels.pack(lab.base))
    large = lab.commit({"noise.bin": os.urandom(module.LARGEST_THIN).hex()})
    commits, _ = packed = parcels.pack(large)
    assert (commits.anchor, commits.thin) == (large, b"")
    assert take_in(place, packed)
    after = parcels.pack(lab.commit({"x.txt": "3.5\n"}))
    assert after[0].anchor == large
    assert not take_in(place, after)


def test_a_shallow_clone_is_enough(lab: Lab, tmp_path: Path, place: Place) -> None:
    lab.commit({"x.txt": "2.5\n"})
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{lab.root}", "shallow")
    shallow = module.Parcels(tmp_path / "shallow", tmp_path / "parcels", lab.head)
    take_in(place, shallow.pack(lab.head))
    assert git(place.root, "rev-list", lab.head) == lab.head
    git(place.root, "worktree", "add", "--quiet", "--detach", str(tmp_path / "tree"), lab.head)


def test_a_repository_with_sha256(tmp_path: Path, place: Place) -> None:
    git(tmp_path, "init", "--quiet", "--object-format=sha256", "long")
    long = make_repository(tmp_path / "long", {"x.txt": "1\n"})
    commit = git(long, "rev-parse", "HEAD")
    take_in(place, module.Parcels(long, tmp_path / "parcels", "").pack(commit))
    assert git(place.root, "show", f"{commit}:x.txt") == "1"


def test_a_bundle_that_does_not_apply_is_told(lab: Lab, place: Place) -> None:
    commits, _ = lab.parcels().pack(lab.commit({"x.txt": "2.5\n"}))
    with pytest.raises(RunError, match=f"commit {lab.head[:12]} cannot be taken in: git bundle failed"):
        place.take_in(commits, lambda: b"torn")


def test_a_place_that_was_half_deleted_is_filled_again(lab: Lab, place: Place) -> None:
    parcels = lab.parcels()
    take_in(place, parcels.pack(lab.base))
    for pack in (place.root / ".git" / "objects" / "pack").iterdir():
        pack.unlink()
    assert take_in(place, parcels.pack(lab.commit({"x.txt": "2.5\n"})))
    assert git(place.root, "show", f"{lab.head}:x.txt") == "2.5"


def test_our_own_folder_may_be_cleared_away(lab: Lab, place: Place) -> None:
    parcels = lab.parcels()
    take_in(place, parcels.pack(lab.base))
    parcels.close()
    take_in(place, parcels.pack(lab.commit({"x.txt": "2.5\n"})))
    assert git(place.root, "show", f"{lab.head}:x.txt") == "2.5"


def test_a_commit_that_does_not_exist_is_told(lab: Lab) -> None:
    with pytest.raises(RecordError, match="git rev-list failed"):
        lab.parcels().pack("0" * 40)


def test_two_processes_never_have_the_same_place(lab: Lab) -> None:
    run = "places"
    first, second = take_place(run), take_place(run)
    assert first.folder != second.folder
    first.close()
    third = take_place(run)
    assert third.folder == first.folder
    assert third.is_there
    clear(run, TAG)
    assert not third.is_there
    assert not folder_of(run).exists()
    second.close()
    third.close()


def test_a_folder_of_somebody_elses_is_not_used(tmp_path: Path) -> None:
    folder_of("elses").symlink_to(tmp_path)
    try:
        with pytest.raises(RunError, match="belongs to somebody else"):
            take_place("elses")
    finally:
        folder_of("elses").unlink()
