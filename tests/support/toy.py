"""A small task for whole runs: its experiments take milliseconds, its changes come from a folder of patches.

Every change adds a file with one word to `params/`: a number is added to the loss, any other word is something that
happens (`crash`, `hang`, …, see MEASURE). What a call of `ar` starts carries a mark, so that nothing of it can hide.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.cli import Cli, Done
from tests.support.repositories import git, make_repository, state_of
from tests.support.running import Running, Watcher, until

MEASURE = """\
if [ "$AR_SAMPLE" = 0 ] && [ -e "$HOLD" ]; then sleep 600; fi
. ./start.sh
for file in params/*.txt; do
    read -r word < "$file"
    case $word in
        crash) echo "boom in $file" >&2; exit 3 ;;
        hang) echo waiting; sleep 600 ;;
        polite) trap 'echo asked > "$TOLD"; exit 0' TERM; echo waiting; sleep 600 & wait ;;
        stubborn) trap '' TERM; echo waiting; sleep 600; sleep 600 ;;
        orphan) setsid sleep 600 & loss=$((loss - 1)) ;;
        needs:*) [ -e "params/${word#needs:}.txt" ] || exit 4; loss=$((loss - 1)) ;;
        awaits:*) [ -e "params/${word#awaits:}.txt" ] || sleep 600; loss=$((loss - 1)) ;;
        slow) echo waiting; sleep 0.6; loss=$((loss - 1)) ;;
        *) loss=$((loss + word)) ;;
    esac
done
echo "loss: $loss"
"""
CONFIG = """\
goal = "a small loss"
editable = ["params/*.txt", "start.sh"]

[experiment]
command = "sh measure.sh"
env = {{ TOLD = "{outside}/told", HOLD = "{hold}" }}
write_paths = ["{outside}"]
{experiment}

[metric]
name = "loss"
direction = "min"
seed = "not random"
{more}
"""
PATCH = """\
Subject: {title}

diff --git a/{path} b/{path}
new file mode 100644
--- /dev/null
+++ b/{path}
@@ -0,0 +1 @@
+{word}
"""
MARK = "TOY_OF"


@dataclass
class Toy:
    """A repository with the task in it, and calls of `ar` in that repository."""

    root: Path
    tag: str = "toy"
    made: int = 0
    """So many changes were made up so far."""
    before: dict[str, str] = field(default_factory=dict)
    """The person's checkout as it was at the start."""

    @classmethod
    def make(cls, folder: Path, *, experiment: str = "", more: str = "") -> Toy:
        """`experiment` goes into the table [experiment], `more` to the end of the configuration."""
        outside = folder / "outside"
        outside.mkdir(parents=True)
        config = CONFIG.format(outside=outside, hold=folder / "hold", experiment=experiment, more=more)
        code = {"params/000.txt": "0\n", "start.sh": "loss=100\n", "measure.sh": MEASURE}
        root = make_repository(folder / "toy", {**code, "autoresearch.toml": config, "program.md": "Try.\n"})
        return cls(root, before=state_of(root))

    @property
    def told(self) -> Path:
        """There once an experiment was asked to end."""
        return self.root.parent / "outside" / "told"

    @property
    def hold(self) -> Path:
        """Where this is, the canary hangs."""
        return self.root.parent / "hold"

    def changes(self, *words: object) -> str:
        """A new folder of patches, one for each word, for `--replay`."""
        folder = self.root.parent / f"patches-{self.made}"
        folder.mkdir()
        for word in words:
            self.made += 1
            path = f"params/{self.made:03}.txt"
            patch = PATCH.format(title=f"add {word} in {self.made}", path=path, word=word)
            (folder / f"{self.made:03}.patch").write_text(patch)
        return str(folder)

    def run_arguments(self, *words: object) -> list[str]:
        """A call of `ar run` that tries these changes."""
        tag = ["--tag", self.tag] if not self.ref("run") else []
        return ["run", *tag, "--replay", self.changes(*words)]

    @property
    def cli(self) -> Cli:
        return Cli(self.root.parent / "home", {MARK: str(self.root)})

    def ar(self, *arguments: str) -> Done:
        """A call of `ar`, to its end."""
        return self.cli(self.root, *arguments)

    def run(self, *words: object, more: tuple[str, ...] = ()) -> Done:
        """Try these changes; the run must end well."""
        done = self.ar(*self.run_arguments(*words), *more)
        assert done.code == 0, done.err
        return done

    def start(self, *arguments: str) -> Running:
        return Running(self.cli.start(self.root, *arguments))

    def person(self, columns: int, rows: int, *arguments: str, **variables: str) -> Watcher:
        """A call of `ar` on a terminal."""
        call = [sys.executable, "-m", "autoresearch", *arguments]
        more = {MARK: str(self.root), "HOME": str(self.root.parent / "home"), **variables}
        enter = f"import os; os.chdir({str(self.root)!r}); os.environ.update({more!r})"
        return Watcher(["-c", f"{enter}; os.execv({sys.executable!r}, {call!r})"], columns, rows)

    # --- the record

    def ref(self, name: str) -> str:
        """What a ref of the run points to; empty when there is none."""
        return self.refs().get(f"refs/autoresearch/{self.tag}/{name}", "")

    def refs(self) -> dict[str, str]:
        """Every ref of the repository."""
        rows = git(self.root, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return dict(row.split() for row in rows)

    def experiments(self) -> dict[int, dict[str, str]]:
        """By number: the trailers of each experiment, and its `commit`; a draft has no `Outcome`."""
        return dict(self._experiments())

    def _experiments(self) -> Iterator[tuple[int, dict[str, str]]]:
        form = "--format=%(refname:lstrip=3)%00%(objectname)%00%(contents:trailers:unfold)%00"
        rows = git(self.root, "for-each-ref", form, f"refs/autoresearch/{self.tag}").split("\0")
        for name, commit, text in zip(rows[::3], rows[1::3], rows[2::3], strict=False):
            if name.strip() != "run":
                facts = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
                yield int(name), {**facts, "commit": commit}

    @property
    def branch(self) -> str:
        return git(self.root, "rev-parse", f"autoresearch/{self.tag}")

    # --- what is left

    def processes(self) -> list[str]:
        """The command lines of all processes that were started by a call of `ar` here, and that call itself."""
        return [_command(process) for process in Path("/proc").glob("[0-9]*") if self._is_ours(process)]

    def _is_ours(self, process: Path) -> bool:
        with suppress(OSError):
            return f"{MARK}={self.root}".encode() in (process / "environ").read_bytes().split(b"\0")
        return False

    def assert_clean(self) -> None:
        """Nothing of a run is left but its record, and nothing of the person's has changed."""
        until(lambda: not self.processes(), f"no process is left of {self.processes()}")
        assert not [path for path in (self.root / ".git").rglob("*.lock") if not path.name.startswith("maintenance")]
        assert not list(self.root.glob(".autoresearch/worktrees/*"))
        assert len(git(self.root, "worktree", "list").splitlines()) == 1
        assert not (self.root / ".git" / "worktrees").exists()
        assert git(self.root, "fsck", "--no-dangling", "--no-progress") == ""
        assert state_of(self.root) == self.before

    def assert_sound(self) -> None:
        """Numbers without a gap, every experiment finished, the branch at the newest kept one and made of kept ones."""
        experiments = self.experiments()
        assert sorted(experiments) == list(range(len(experiments)))
        assert all(facts["Experiment"] == str(number) and facts["Outcome"] for number, facts in experiments.items())
        kept = [facts["commit"] for facts in experiments.values() if facts["Decision"] == "keep"]
        assert git(self.root, "rev-list", "--reverse", f"main..autoresearch/{self.tag}").split() == kept
        self.assert_clean()


def _command(process: Path) -> str:
    with suppress(OSError):
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return process.name
