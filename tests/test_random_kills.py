"""`ar run` is killed with SIGKILL at random moments, half of the time together with its git, over and over again.

One repository lives through many kills, as a person's does. After each restart everything that was ever announced is in
the record, once; nothing else has changed, and nothing is left. `AR_KILLS` says how many kills there are in all (`make
thorough`: 300). What is not here: power failures, full disks.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from tests.support.hunted import Person, Told, person
from tests.support.repositories import git, state_of

KILLS = int(os.environ.get("AR_KILLS", "12"))
SHARES = {
    "full": 19,
    "fuller": 19,
    "plain": 13,
    "plainer": 13,
    "tuner": 10,
    "slots": 14,
    "full slots": 8,
    "chat": 2,
    "chats": 2,
}
"""Kinds of repositories, with their parts of the kills: the proposers in LiteLLM take seconds to start."""
KILLS_OF = {kind: round(KILLS * share / sum(SHARES.values())) for kind, share in SHARES.items()}
pytestmark = [pytest.mark.thorough, pytest.mark.timeout(120 + 5 * KILLS)]


def look_at_the_wreck(one: Person) -> None:
    """Right after the kill: nothing is damaged but, at worst, what git was just making for a worktree of ours."""
    complaints = one.complaints()
    assert all(re.search("worktrees/[0-2](-next)?/(HEAD|commondir)", line) for line in complaints), complaints
    one.wrecks["half-made worktree"] += bool(complaints)
    assert_untouched(one)
    told, experiments = one.told[one.toy.tag], one.toy.experiments()
    drafts = {number for number, facts in experiments.items() if "Outcome" not in facts}
    assert len(drafts) <= one.kind.workers
    told.interrupted |= drafts
    compare(told, experiments)
    # Finished, and killed before it was announced.
    told.finish(experiments)
    kept = [facts["commit"] for facts in experiments.values() if facts.get("Decision") == "keep"]
    one.wrecks["draft without result"] += bool(drafts)
    one.wrecks["several of them"] += len(drafts) > 1
    one.wrecks["branch one behind"] += bool(kept) and one.toy.branch != kept[-1]
    one.wrecks["lock of git"] += bool(one.locks())
    one.wrecks["worktree"] += any((one.toy.root / ".autoresearch").glob("worktrees/*"))
    one.wrecks["worktree for the next"] += any((one.toy.root / ".autoresearch").glob("worktrees/*-next"))
    one.wrecks["folder in TMPDIR"] += any(one.scratch.iterdir())
    one.wrecks["half-made object or index"] += any([*one.common.glob("ar-*"), *one.common.glob("objects/ar-*")])


def assert_untouched(one: Person) -> None:
    """All that is not ours."""
    assert state_of(one.toy.root) == one.toy.before
    assert {name: commit for name, commit in one.toy.refs().items() if "/autoresearch/" not in name} == one.refs


def assert_all_is_well(one: Person) -> None:
    """After a restart."""
    assert not one.toy.processes()
    assert one.complaints() == []
    assert_untouched(one)
    assert_nothing_left(one)
    if one.toy.ref("run"):
        assert_the_record(one)


def assert_nothing_left(one: Person) -> None:
    home = one.toy.root / ".autoresearch"
    assert not [*one.locks(), *one.common.glob("*.lock")]
    assert not list(home.glob("worktrees/*"))
    assert git(one.toy.root, "worktree", "list", "--porcelain") == one.worktrees
    assert [path.name for path in (one.common / "worktrees").iterdir()] == ["7"]
    assert not list(one.scratch.iterdir())
    inside = [*one.common.iterdir(), *(one.common / "objects").iterdir()]
    assert not [path for path in inside if re.fullmatch("ar-.*|obj.{8}", path.name)]
    assert not list(home.glob("artifacts/*/staged"))
    assert not list(home.glob("runs/*/live.json.[0-9]*"))


def assert_the_record(one: Person) -> None:
    tag, experiments = one.toy.tag, one.toy.experiments()
    assert sorted(experiments) == list(range(len(experiments)))
    assert all(facts["Experiment"] == str(number) for number, facts in experiments.items())
    assert all(facts["Outcome"] for facts in experiments.values())
    kept = [facts["commit"] for facts in experiments.values() if facts["Decision"] == "keep"]
    base = re.search(r"^Base: (\w+)$", git(one.toy.root, "log", "-1", "--format=%B", one.toy.ref("run")), re.M)
    assert base is not None
    assert git(one.toy.root, "rev-list", "--reverse", f"{base[1]}..autoresearch/{tag}").split() == kept
    compare(one.told[tag], experiments)
    assert one.told[tag].finish(experiments) <= one.told[tag].interrupted | {0}
    samples = [word for facts in experiments.values() for word in facts.get("Samples", "").split()]
    running_counts = [word.rpartition("@")[2] for word in samples]
    assert len(set(running_counts)) == len(running_counts)


def compare(told: Told, experiments: dict[int, dict[str, str]]) -> None:
    """What was announced is in the record, the very same commit; and so is what it cost."""
    for number, commit in told.finished.items():
        assert experiments[number]["commit"] == commit
    for number, spent in told.spent.items():
        assert float(experiments[number].get("Cost-USD", 0)) >= spent - 1e-9


def assert_told_the_same_without_our_folder(one: Person) -> None:
    """The record is in git, and nowhere else."""
    told = one.toy.ar("log", "--all", "--json", "--tag", one.toy.tag).out
    assert told.count('"commit"') >= len(one.toy.experiments())
    shutil.rmtree(one.toy.root / ".autoresearch")
    assert one.toy.ar("log", "--all", "--json", "--tag", one.toy.tag).out == told


@pytest.mark.parametrize("kind", [kind for kind, kills in KILLS_OF.items() if kills])
def test_killed_at_random_moments_nothing_is_lost_nothing_twice_and_nothing_left(kind: str, tmp_path: Path) -> None:
    with person(kind, tmp_path) as one:
        for turn in range(KILLS_OF[kind]):
            one.is_killed(with_git=turn % 2 == 1)
            look_at_the_wreck(one)
            one.tidies_up()
            if one.chance.randrange(5) < 2:
                one.goes_on()
                assert_all_is_well(one)
        # Also with those that were left when they had been killed.
        for tag in list(one.told):
            one.toy.tag = tag
            one.goes_on()
            assert_all_is_well(one)
        assert_told_the_same_without_our_folder(one)
    print(f"\n{kind}: last event before the kill", *sorted(one.phases.items()), sep="\n  ")
    print("what the kills left", *sorted(one.wrecks.items()), sep="\n  ")
