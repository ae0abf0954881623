"""A clock that was set back or forward, or stood wrong: no order, no limit and no duration depends on it."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from autoresearch.record.pipes import RefChange
from autoresearch.record.repository import Repository
from autoresearch.record.runs import Opening, begin, end, find_run, runs
from tests.support.repositories import make_repository
from tests.support.toy import Toy

DAY = timedelta(days=1)
STAMP = re.compile(r"^(Started|Ended): (.*)$", re.MULTILINE)


def shift(root: Path, ref: str, *by: timedelta) -> None:
    """As if the clock had been wrong by so much when the ref was written: `Started`, then `Ended`."""
    repository = Repository(root)
    old = repository.resolve(ref) or ""
    rest = iter(by)

    def moved(found: re.Match[str]) -> str:
        instant = datetime.fromisoformat(found[2]) + next(rest, by[-1])
        return f"{found[1]}: {instant.isoformat(timespec='milliseconds')}"

    text = STAMP.sub(moved, repository.message(old))
    commit = repository.commit(repository.tree_of(old), repository.parents(old), text, datetime.now(UTC))
    repository.move(RefChange(ref, commit, old))
    repository.close()


@pytest.mark.parametrize("wrong", [DAY, 1000 * DAY, -DAY])
def test_the_newest_run_is_the_one_that_was_begun_last_whatever_the_clock_said(
    tmp_path: Path, wrong: timedelta
) -> None:
    root = make_repository(tmp_path, {"a.txt": "1"})
    repository = Repository(root)
    base = repository.head()
    opening = Opening(base, repository.tree_of(base), "", "autoresearch.toml", "", "", "", "basic", "1")
    first = begin(repository, "first", opening, None)
    end(repository, first, "done", 0.0)
    shift(root, "refs/autoresearch/first/run", wrong)
    second = begin(repository, "second", opening, None)
    assert [run.tag for run in runs(repository)] == ["first", "second"]
    end(repository, second, "done", 0.0)
    again = find_run(repository, "first")
    assert again is not None
    begin(repository, "first", opening, again)
    assert [run.tag for run in runs(repository)] == ["second", "first"]
    repository.close()


def test_experiments_that_ended_before_they_started_are_shown_with_the_time_they_took(tmp_path: Path) -> None:
    made = Toy.make(tmp_path)
    made.run(-1, 1)
    seconds = {number: float(facts["Duration"]) for number, facts in made.experiments().items()}
    shift(made.root, "refs/autoresearch/toy/0002", timedelta(), -DAY)
    shift(made.root, "refs/autoresearch/toy/run", DAY)
    listed = [json.loads(line) for line in made.ar("log", "--json", "--all").out.splitlines()]
    assert {one["number"]: one["seconds"] for one in listed if "number" in one} == pytest.approx(seconds)
    status = json.loads(made.ar("status", "--json").out)
    assert status["seconds"] == pytest.approx(sum(seconds.values()))
    for command in (["log"], ["log", "2"], ["status"]):
        done = made.ar(*command)
        assert done.code == 0
        assert not re.search(r"[-−]\d+(\.\d+)? ?(ms|s|m|h|d)\b", done.out), done.out


def test_a_run_goes_on_after_the_clock_was_set_back(tmp_path: Path) -> None:
    made = Toy.make(tmp_path)
    made.run(-1)
    for name in ("0001", "run"):
        shift(made.root, f"refs/autoresearch/toy/{name}", DAY)
    git_branch = "refs/heads/autoresearch/toy"
    repository = Repository(made.root)
    tip, kept = repository.resolve(git_branch) or "", repository.resolve("refs/autoresearch/toy/0001") or ""
    repository.move(RefChange(git_branch, kept, tip))
    repository.close()
    done = made.run(-2, more=("--budget", "1h"))
    assert "going on with toy" in done.out
    assert "too few to search" not in done.out
    assert list(made.experiments()) == [0, 1, 2]
    assert made.experiments()[2]["Decision"] == "keep"
