"""A repository in which `ar run` is killed again and again, and the person whose it is.

What was announced before a kill is remembered here. What must be true afterwards is in the test.
"""

from __future__ import annotations

import random
import re
import signal
import subprocess
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from tests.support.chat_server import ChatServer
from tests.support.killing import any_moment, below, is_alive, phase, strike
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
[ -z "$PAUSE" ] || sleep "$PAUSE"
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
SLOTS = "[run]\nworkers = 3"
MODEL = '[proposer]\nmodel = "openai/stub"\napi_base = "{}"\nprice_in = "10000usd"\nprice_out = "10000usd"'
PAUSE = 'env = { PAUSE = "0.03" }'
"""In seconds: long enough for the next candidate to be laid out meanwhile."""
WORDS = (-1, -1, -1, -1, -1, 0, 1, 2, "crash", "slow", "orphan")


@dataclass(frozen=True)
class Kind:
    """How a repository differs from the others."""

    source: str = "replay"
    """Where its proposals come from: `replay`, `tuner` or `chat`."""
    experiment: str = ""
    more: str = ""
    workers: int = 1

    @property
    def lays_ahead(self) -> bool:
        """Is the next candidate laid out while a sample runs? Not of changes that are replayed one by one."""
        return self.source != "replay" and self.experiment != FULL


KINDS = {
    "full": Kind(experiment=FULL),
    "fuller": Kind(experiment=FULL, more=HOLDOUT),
    "plain": Kind(),
    "plainer": Kind(),
    "tuner": Kind("tuner"),
    "slots": Kind("tuner", PAUSE, SLOTS, workers=3),
    "full slots": Kind("tuner", FULL, SLOTS, workers=3),
    "chat": Kind("chat", PAUSE, MODEL),
    "chats": Kind("chat", PAUSE, f"{MODEL}\n{SLOTS}", workers=3),
}


def model() -> Callable[[str], str]:
    """One that counts down, and in every other answer adds a file: that fits in wherever it was thought of."""
    turns = count(1)

    def reply(prompt: str) -> str:
        loss, turn = re.findall(r"^loss=(\d+)", prompt, re.MULTILINE)[-1], next(turns)
        old, new = f"loss={loss}\n", f"loss={int(loss) - 20 - turn % 7}\n"
        path, old, new = ("start.sh", old, new) if turn % 2 else (f"params/m{turn:03}.txt", "", "-1\n")
        return (
            f"Title: answer {turn}\nHypothesis: less is less.\nExpected: lower\n\n"
            f"{path}\n<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n"
        )

    return reply


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
    kind: Kind
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
        if self.kind.source == "replay":
            words = self.chance.choices(WORDS, k=changes)
            arguments += ["--replay", self.toy.changes(*words)]
        else:
            arguments += ["--budget", f"{changes}x"]
        if self.kind.workers > 1:
            arguments += self.chance.choice(([], [], ["--workers", "2"], ["--workers", "1"]))
        return Running(self.toy.cli.start(self.toy.root, *arguments, TMPDIR=str(self.scratch)))

    def is_killed(self, *, with_git: bool) -> None:
        """Once, at a random moment."""
        while True:
            moment = any_moment(self.chance, lays_ahead=self.kind.lays_ahead)
            running = self.starts(moment.changes)
            gits = moment.comes(running, self.common, self.chance)
            family = below(running.process.pid)
            done = strike(running, gits if with_git else [], self.chance)
            self.remembers(running)
            if done.code == -signal.SIGKILL:
                break
            # It had ended before; or its git was killed first, and it could still say so.
            assert done.code in ((0, 1, 130) if with_git else (0, 130)), done.err
        self.phases[moment.name or phase(running, self.common)] += 1
        until(lambda: not self.toy.processes(), "nothing of it runs any more")
        # Those that waited for a command have nothing of the toy's on them.
        until(lambda: not any(map(is_alive, family)), "what it had started has ended, too")

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
        told, open_ones = self.told[self.toy.tag], set[int]()
        for event in running.events:
            match event["event"]:
                case "proposed":
                    open_ones.add(event["experiment"])
                    told.spent[event["experiment"]] += event["cost_usd"] or 0.0
                case "sample-finished" if event["outcome"] == "measured" and event["experiment"] in open_ones:
                    told.spent[event["experiment"]] += PRICE if event["task"] in ("sample", "fresh sample") else 0.0
                case "experiment-finished":
                    open_ones.discard(event["number"])
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
def person(name: str, folder: Path) -> Iterator[Person]:
    """Somebody with a repository of this kind."""
    chance, kind = random.Random(name), KINDS[name]
    with ChatServer(model()) as server:
        more = kind.more.replace("{}", server.base_url)
        config = CONFIG.format(experiment=kind.experiment, more=more)
        files = {"params/000.txt": "0\n", "start.sh": "loss=10000  # tune: 1..20000\n", "measure.sh": MEASURE}
        root = make_repository(folder / "toy", {**files, "autoresearch.toml": config, "program.md": "Try.\n"})
        yield Person(Toy(root), kind, chance)
