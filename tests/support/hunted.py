"""A repository in which `ar run` is killed again and again, and the person whose it is.

What was announced before a kill is remembered here. What must be true afterwards is in the test.
"""

from __future__ import annotations

import random
import re
import signal
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.chat_server import ChatServer
from tests.support.killing import any_moment, phase, strike
from tests.support.repositories import git, make_repository, state_of
from tests.support.running import Running, until
from tests.support.toy import Toy

PRICE = 0.25
"""US dollars that each sample says it has cost."""
MEASURE = """\
. ./start.sh
if [ -d built ]; then echo x >> built/log; fi
for file in params/*.txt; do
    read -r word < "$file"
    case $word in
        crash) exit 3 ;;
        slow) sleep 0.1 ;;
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
WORDS = (-1, -1, -1, -1, -1, 0, 1, 2, "crash", "slow", "orphan")


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
        self.phases[phase(running, self.common)] += 1
        until(lambda: not self.toy.processes(), "nothing of it runs any more")

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
        until(lambda: not self.toy.processes(), "nothing of it runs any more")

    def tidies_up(self) -> None:
        """What a person does with git meanwhile; where a killed git has left a lock, it refuses that until `ar` ran."""
        match self.chance.randrange(12) if not self.locks() else None:
            case 0:
                git(self.toy.root, "gc", "--quiet")
            case 1:
                git(self.toy.root, "pack-refs", "--all")
            case 2:
                git(self.toy.root, "gc", "--quiet", "--prune=now")
            case 3 | 4:
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
                    told.spent[drafted] += PRICE if event["task"] in ("sample", "fresh sample") else 0.0
                case "experiment-finished":
                    drafted = -1
                    if event["number"] or event["decision"] == "keep":
                        told.finished[event["number"]] = event["commit"]

    # --- where it is

    @property
    def common(self) -> Path:
        return self.toy.root / ".git"

    @property
    def scratch(self) -> Path:
        folder = self.toy.root.parent / "tmp"
        folder.mkdir(exist_ok=True)
        return folder

    def locks(self) -> list[Path]:
        """Those of git."""
        places = (self.common / "refs", self.common / "worktrees")
        return [path for place in places for path in place.rglob("*.lock")]

    def complaints(self) -> list[str]:
        """What `git fsck` objects to."""
        call = ["git", "fsck", "--full", "--no-dangling", "--no-progress"]
        done = subprocess.run(call, cwd=self.toy.root, capture_output=True, text=True, check=False)
        return [*done.stdout.splitlines(), *done.stderr.splitlines()]


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
