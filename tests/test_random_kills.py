"""`ar run` is killed with SIGKILL at random moments, half of the time together with its git, over and over again.

One repository lives through many kills, as a person's does. After each restart everything that was ever announced is in
the record, once; nothing else has changed, and nothing is left. `AR_KILLS` says how many kills there are in all (`make
crash`: 300). What is not here: power failures, full disks.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.chat_server import ChatServer
from tests.support.killing import any_moment, phase, strike
from tests.support.repositories import git, make_repository, state_of
from tests.support.running import Running, until
from tests.support.toy import Toy

KILLS = int(os.environ.get("AR_KILLS", "20"))
SHARES = {"plain": 10, "plainer": 10, "full": 16, "fuller": 16, "tuner": 6, "chat": 2}
"""Kinds of repositories, each with its part of the kills."""
pytestmark = pytest.mark.timeout(120 + 5 * KILLS)

PRICE = 0.25
"""US dollars that each sample says it has cost."""
MEASURE = """\
. ./start.sh
if [ -d built ]; then echo x >> built/log; fi
for file in params/*.txt; do
    read -r word < "$file"
    case $word in
        crash) exit 3 ;;
        slow) sleep 0.3 ;;
        orphan) setsid sleep 600 & ;;
        *) loss=$((loss + 100 * word)) ;;
    esac
done
[ -z "$NOISE" ] || loss=$((loss + AR_SEED / 7 % 5))
echo "$loss" > out.txt
echo "usd: 0.25"
echo "loss: $loss"
"""
CONFIG = """\
goal = "a small loss"
editable = ["params/*.txt", "start.sh"]
[experiment]
command = "sh measure.sh"
cost = "usd"
{experiment}
[metric]
name = "loss"
direction = "min"
seed = "not random"
{more}
"""
FULL = """\
env = { NOISE = "1" }
setup = "mkdir -p made built && date > made/date"
cache = ["built"]
artifacts = ["out.txt"]
checks = ["sh -n measure.sh", "test -s made/date"]
"""
HOLDOUT = '[holdout]\ncommand = "echo loss: $(cat out.txt)"'
MODEL = '[proposer]\nmodel = "openai/stub"\napi_base = "{}"\nprice_in = "10000usd"\nprice_out = "10000usd"'
WORDS = (-1, -1, -1, 0, 1, 2, "crash", "slow", "orphan")


def reply(prompt: str) -> str:
    """A model that counts down."""
    loss = re.findall(r"^loss=(\d+)", prompt, re.MULTILINE)[-1]
    return (
        f"Title: less than {loss}\nHypothesis: less is less.\nExpected: lower\n\n"
        f"start.sh\n<<<<<<< SEARCH\nloss={loss}\n=======\nloss={int(loss) - 20}\n>>>>>>> REPLACE\n"
    )


@dataclass
class Told:
    """What was announced of one run."""

    finished: dict[int, str] = field(default_factory=dict)
    """Commits, by number. Not of a baseline that failed: the next one takes its place."""
    interrupted: set[int] = field(default_factory=set)
    """Those that were killed before they had a result."""
    spent: defaultdict[int, float] = field(default_factory=lambda: defaultdict(float))
    """Dollars for proposals and samples, by number."""

    def finish(self, experiments: dict[int, dict[str, str]]) -> set[int]:
        """Remember what the record has, too; returns the numbers that were not known."""
        ended = {number for number, facts in experiments.items() if "Outcome" in facts}
        lasting = {number for number in ended if number or experiments[0]["Decision"] == "keep"}
        new = lasting - set(self.finished)
        self.finished |= {number: experiments[number]["commit"] for number in new}
        return new


@dataclass
class Person:
    """Somebody with a repository of their own, who uses `ar` on a machine where processes die."""

    toy: Toy
    source: str
    chance: random.Random
    told: defaultdict[str, Told] = field(default_factory=lambda: defaultdict(Told))
    phases: Counter[str] = field(default_factory=Counter)
    wrecks: Counter[str] = field(default_factory=Counter)
    runs: int = 0

    def __post_init__(self) -> None:
        root = self.toy.root
        git(root, "tag", "v1")
        git(root, "branch", "topic")
        git(root, "worktree", "add", "--quiet", str(root.parent / "7"), "topic")
        (root / "measure.sh").write_text(MEASURE + "# half done\n")
        git(root, "stash", "push", "--quiet")
        (root / "measure.sh").write_text(MEASURE + "# in the making\n")
        (root / "new.txt").write_text("not yet added\n")
        self.toy.before = state_of(root)
        self.refs = self.toy.refs()
        self.worktrees = git(root, "worktree", "list", "--porcelain")

    # --- what happens

    def starts(self, changes: int) -> Running:
        """A call of `ar run`: it goes on, or begins a new run."""
        arguments = ["run", "--json", "--tag", self.toy.tag]
        is_new = not self.toy.ref("run")
        arguments += ["--new", self.chance.choice(["--snapshot", "--committed"])] if is_new else ["--committed"]
        if self.source == "replay":
            words = self.chance.choices(WORDS, k=changes)
            arguments += ["--replay", self.toy.changes(*words)]
        else:
            arguments += ["--budget", f"{changes}x"]
        return Running(self.toy.cli.start(self.toy.root, *arguments, TMPDIR=str(self.scratch)))

    def is_killed(self, *, with_git: bool) -> None:
        """Once, at a random moment."""
        while True:
            moment = any_moment(self.chance)
            running = self.starts(moment.changes)
            gits = moment.comes(running, self.common, self.chance)
            done = strike(running, gits if with_git else [], self.chance)
            self.remembers(running)
            if done.code == -signal.SIGKILL:
                break
            # It had ended before; or its git was killed first, and it could still say so.
            assert done.code in ((0, 1, 130) if with_git else (0, 130)), done.err
        self.phases[phase(running)] += 1
        until(lambda: not self.toy.processes(), "nothing of it runs any more")
        self.looks_at_the_wreck()

    def goes_on(self) -> None:
        """A restart that comes to its end, or is ended with Ctrl-C."""
        running = self.starts(1)
        if self.chance.randrange(2):
            running.sees("run-started")
            for _ in range(self.chance.randrange(3)):
                running.reads()
            running.signal(signal.SIGINT)
        done = running.ends()
        assert done.code in (0, 130), done.err
        self.remembers(running)
        self.finds_all_well()

    def tidies_up(self) -> None:
        """What a person does with git meanwhile."""
        match self.chance.randrange(12):
            case 0:
                git(self.toy.root, "gc", "--quiet")
            case 1:
                git(self.toy.root, "pack-refs", "--all")
            case 2:
                git(self.toy.root, "gc", "--quiet", "--prune=now")
            case 3:
                self.runs += 1
                self.toy.tag = f"toy-{self.runs}"

    def remembers(self, running: Running) -> None:
        told, drafted = self.told[self.toy.tag], -1
        for event in running.events:
            match event["event"]:
                case "proposed":
                    drafted = event["experiment"]
                    told.spent[drafted] += event["cost_usd"] or 0.0
                case "sample-finished" if event["outcome"] == "measured" and event["experiment"] == drafted:
                    told.spent[drafted] += PRICE if event["task"] in ("sample", "fresh") else 0.0
                case "experiment-finished":
                    drafted = -1
                    if event["number"] or event["decision"] == "keep":
                        told.finished[event["number"]] = event["commit"]

    # --- what must be so

    @property
    def common(self) -> Path:
        return self.toy.root / ".git"

    @property
    def scratch(self) -> Path:
        folder = self.toy.root.parent / "tmp"
        folder.mkdir(exist_ok=True)
        return folder

    def looks_at_the_wreck(self) -> None:
        """Right after the kill: nothing is damaged but, at worst, what git was just making for a worktree of ours."""
        complaints = self.complaints()
        assert all("worktrees/0/HEAD" in line for line in complaints)
        self.wrecks["half-made worktree"] += bool(complaints)
        self.is_untouched()
        told, experiments = self.told[self.toy.tag], self.toy.experiments()
        drafts = {number for number, facts in experiments.items() if "Outcome" not in facts}
        assert len(drafts) <= 1
        told.interrupted |= drafts
        self.compare(told, experiments)
        # Finished, and killed before it was announced.
        told.finish(experiments)
        kept = [facts["commit"] for facts in experiments.values() if facts.get("Decision") == "keep"]
        locks = [path for path in self.common.rglob("*.lock") if path.name != "autoresearch.lock"]
        self.wrecks["draft without result"] += bool(drafts)
        self.wrecks["branch one behind"] += bool(kept) and self.toy.branch != kept[-1]
        self.wrecks["lock of git"] += bool(locks)
        self.wrecks["worktree"] += any((self.toy.root / ".autoresearch").glob("worktrees/*"))
        self.wrecks["folder in TMPDIR"] += any(self.scratch.iterdir())
        self.wrecks["half-made object or index"] += any(self.common.rglob("ar-*"))

    def complaints(self) -> list[str]:
        """What `git fsck` finds."""
        call = ["git", "fsck", "--full", "--no-dangling", "--no-progress"]
        done = subprocess.run(call, cwd=self.toy.root, capture_output=True, text=True, check=False)
        return [*done.stdout.splitlines(), *done.stderr.splitlines()]

    def is_untouched(self) -> None:
        """All that is not ours."""
        assert state_of(self.toy.root) == self.toy.before
        assert {name: commit for name, commit in self.toy.refs().items() if "/autoresearch/" not in name} == self.refs

    def finds_all_well(self) -> None:
        """After a restart."""
        until(lambda: not self.toy.processes(), f"no process is left of {self.toy.processes()}")
        assert self.complaints() == []
        self.is_untouched()
        self.finds_nothing_left()
        if self.toy.ref("run"):
            self.finds_the_record()

    def finds_nothing_left(self) -> None:
        home = self.toy.root / ".autoresearch"
        assert not list(self.common.rglob("*.lock"))
        assert not list(home.glob("worktrees/*"))
        assert git(self.toy.root, "worktree", "list", "--porcelain") == self.worktrees
        assert [path.name for path in (self.common / "worktrees").iterdir()] == ["7"]
        assert not list(self.scratch.iterdir())
        assert not [path for path in self.common.rglob("*") if re.fullmatch("ar-.*|obj.{8}", path.name)]
        assert not list(home.glob("artifacts/*/staged"))
        assert not list(home.glob("runs/*/live.json.*"))

    def goes_on_with_every_run(self) -> None:
        """At the end: also with those that were left when they had been killed."""
        for tag in list(self.told):
            self.toy.tag = tag
            self.goes_on()

    def finds_the_record(self) -> None:
        tag, experiments = self.toy.tag, self.toy.experiments()
        assert sorted(experiments) == list(range(len(experiments)))
        assert all(facts["Experiment"] == str(number) for number, facts in experiments.items())
        assert all(facts["Outcome"] for facts in experiments.values())
        kept = [facts["commit"] for facts in experiments.values() if facts["Decision"] == "keep"]
        base = re.search(r"^Base: (\w+)$", git(self.toy.root, "log", "-1", "--format=%B", self.toy.ref("run")), re.M)
        assert base is not None
        assert git(self.toy.root, "rev-list", "--reverse", f"{base[1]}..autoresearch/{tag}").split() == kept
        self.compare(self.told[tag], experiments)
        assert self.told[tag].finish(experiments) <= self.told[tag].interrupted | {0}
        samples = [word for facts in experiments.values() for word in facts.get("Samples", "").split()]
        running_counts = [word.rpartition("@")[2] for word in samples]
        assert len(set(running_counts)) == len(running_counts)

    def compare(self, told: Told, experiments: dict[int, dict[str, str]]) -> None:
        """What was announced is in the record, the very same commit; and so is what it cost."""
        for number, commit in told.finished.items():
            assert experiments[number]["commit"] == commit
        for number, spent in told.spent.items():
            assert float(experiments[number].get("Cost-USD", 0)) >= spent - 1e-9


# --- the repositories


@contextmanager
def person(kind: str, folder: Path) -> Iterator[Person]:
    """Somebody with a repository of this kind."""
    chance = random.Random(kind)
    with ChatServer(reply) as server:
        source = kind if kind in ("tuner", "chat") else "replay"
        more = MODEL.format(server.base_url) if kind == "chat" else HOLDOUT if kind == "fuller" else ""
        config = CONFIG.format(experiment=FULL if kind.startswith("full") else "", more=more)
        files = {"params/000.txt": "0\n", "start.sh": "loss=10000  # tune: 1..20000\n", "measure.sh": MEASURE}
        root = make_repository(folder / "toy", {**files, "autoresearch.toml": config, "program.md": "Try.\n"})
        yield Person(Toy(root), source, chance)


@pytest.mark.parametrize("kind", SHARES)
def test_killed_at_random_moments_nothing_is_lost_nothing_twice_and_nothing_left(kind: str, tmp_path: Path) -> None:
    with person(kind, tmp_path) as one:
        for turn in range(max(1, round(KILLS * SHARES[kind] / sum(SHARES.values())))):
            one.is_killed(with_git=turn % 2 == 1)
            one.tidies_up()
            if one.chance.randrange(2):
                one.goes_on()
        one.goes_on_with_every_run()
    print(f"\n{kind}: last event before the kill", *sorted(one.phases.items()), sep="\n  ")
    print("what the kills left", *sorted(one.wrecks.items()), sep="\n  ")
