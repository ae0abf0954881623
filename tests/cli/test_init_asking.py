"""`ar init` on a terminal: every question with its default, wrong answers, the trial run, Ctrl-C."""

from __future__ import annotations

import io
import os
import sys
import termios
from pathlib import Path
from typing import Self

import pexpect
import pytest

from autoresearch.config import load
from autoresearch.runtime.lock import RunLock
from tests.support.repositories import git, make_repository, write
from tests.support.toy import until

COMMAND = "Command for one sample"
DATA = "Untracked files that it reads"
SECRETS = "may experiments have it? [y/N]"
TRIAL = "Run it once now, to see which numbers it prints?"
METRIC = "The metric: a number of the list, or a name [1]"
DIRECTION = "Which way is better, min or max"
EDITABLE = "Files that may be changed"
SEED = "The random seed"
GOAL = "The goal, in one line"
PRINTING = (
    "from solver import X\nprint('step: 1')\nprint(f'val loss: {X / 2}')\nprint(f'METRIC score={X}')\nprint('lr=0.1')\n"
)
ENTER = ""
EVALUATED = {"evaluate.py": PRINTING, "solver.py": "X = 0.5\n", "tests/test_solver.py": ""}


class Conversation:
    """`ar init` on a terminal of 80 columns, and a person who answers."""

    def __init__(self, folder: Path, *options: str) -> None:
        home = folder.parent / "home"
        home.mkdir(exist_ok=True)
        own = {"PATH": os.environ["PATH"], "HOME": str(home), "LC_ALL": "C.UTF-8", "TERM": "xterm-256color"}
        self.child = pexpect.spawn(
            sys.executable,
            ["-m", "autoresearch", "init", *options],
            cwd=str(folder),
            env={**own, "WANDB_API_KEY": "of-a-test"},  # type: ignore[arg-type]
            dimensions=(40, 80),
            encoding="utf-8",
            timeout=60,
        )
        self.child.delaybeforesend = None
        self.child.delayafterclose = self.child.delayafterterminate = self.child.ptyproc.delayafterclose = 0.01
        self._log = self.child.logfile_read = io.StringIO()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.child.close(force=True)

    def answers(self, *pairs: tuple[str, str]) -> None:
        """Wait for each question, in this order, and answer it."""
        for question, answer in pairs:
            self.child.expect_exact(question)
            self.child.sendline(answer)

    def sees(self, text: str) -> None:
        self.child.expect_exact(text)

    def ends(self) -> int:
        """The exit code; afterwards the terminal echoes and reads lines, as before."""
        self.child.expect(pexpect.EOF)
        modes = termios.tcgetattr(self.child.child_fd)[3]
        assert modes & termios.ECHO
        assert modes & termios.ICANON
        self.child.wait()
        code = self.child.exitstatus
        assert code is not None
        return code

    @property
    def text(self) -> str:
        """All that was to be seen; no traceback was."""
        text = self._log.getvalue().replace("\r\n", "\n")
        assert "Traceback" not in text.replace("| Traceback", ""), text
        return text

    @property
    def lines(self) -> list[str]:
        return [line.strip() for line in self.text.splitlines()]


def assert_untouched(repository: Path) -> None:
    """No new file, no worktree, and nobody holds the lock."""
    assert git(repository, "status", "--porcelain") == ""
    assert len(git(repository, "worktree", "list").splitlines()) == 1
    assert not list((repository / ".autoresearch").glob("worktrees/*"))
    assert not (repository / ".git" / "autoresearch.lock").exists()
    assert git(repository, "for-each-ref", "--format=%(refname)") == "refs/heads/main"


def test_enter_takes_what_was_proposed(tmp_path: Path) -> None:
    code = PRINTING + "import os\nkey = os.environ.get('WANDB_API_KEY')\n"
    repository = make_repository(tmp_path / "repo", {**EVALUATED, "evaluate.py": code, ".gitignore": "data\n"})
    write(repository, {"data/x": ""})
    with Conversation(repository) as person:
        person.answers((COMMAND, ENTER), (DATA, ENTER), (SECRETS, ENTER), (TRIAL, ENTER), (METRIC, ENTER))
        person.answers((DIRECTION, ENTER), (EDITABLE, ENTER), (SEED, ENTER), (GOAL, ENTER))
        assert person.ends() == 0
        for shown in (
            "Command for one sample [python evaluate.py]:",
            "Untracked files that it reads [data]:",
            "Run it once now, to see which numbers it prints? [y/N]:",
            "1  val loss",
            "2  score",
            "3  ar.seconds  the time that it takes, measured by ar",
            "Which way is better, min or max [min]:",
            "Files that may be changed [solver.py]:",
            "none        it is random, with a seed of its own choice",
            "not random  nothing in it is random",
            "The random seed [not random]:",
            "The goal, in one line [lower val loss]:",
            "wrote autoresearch.toml and program.md; nothing was committed",
        ):
            assert shown in person.lines
        assert max(map(len, person.lines)) <= 80
    config = load(repository / "autoresearch.toml")
    assert (config.experiment.command, config.experiment.data, config.experiment.pass_env) == (
        "python evaluate.py",
        ("data",),
        (),
    )
    assert (config.metric.name, config.metric.direction.value, config.editable) == ("val loss", "min", ("solver.py",))
    assert config.goal == "lower val loss"
    assert git(repository, "status", "--porcelain") == "?? autoresearch.toml\n?? program.md"
    assert not (repository / ".autoresearch").exists()


def test_the_metric_is_picked_from_what_the_command_printed(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repo", EVALUATED)
    with Conversation(repository) as person:
        person.answers(
            (COMMAND, ENTER),
            (TRIAL, "y"),
            (METRIC, "2"),
            (DIRECTION, ENTER),
            (EDITABLE, ENTER),
            (SEED, ENTER),
            (GOAL, "win"),
        )
        assert person.ends() == 0
        assert "running it on the files of the last commit … (Ctrl-C ends it)" in person.lines
        numbers = ["1  val loss    0.25", "2  score       0.5", "3  lr          0.1", "4  step        1"]
        assert [line for line in person.lines if line[:3] in ("1  ", "2  ", "3  ", "4  ")] == numbers
    config = load(repository / "autoresearch.toml")
    assert (config.metric.name, config.metric.direction.value, config.goal) == ("score", "max", "win")
    assert git(repository, "status", "--porcelain") == "?? autoresearch.toml\n?? program.md"
    assert not list((repository / ".autoresearch").glob("worktrees/*"))
    assert git(repository, "for-each-ref", "--format=%(refname)") == "refs/heads/main"


def test_a_wrong_answer_is_asked_for_again(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repo", {**EVALUATED, "mit leer/ü.py": "X = 1\n"})
    with Conversation(repository) as person:
        person.answers((COMMAND, ENTER), (TRIAL, "y"), (METRIC, "9"))
        person.sees("there is no 9 in the list")
        person.answers((METRIC, "quux"))
        person.sees('"quux" was not printed')
        person.answers((METRIC, "val loss"), (DIRECTION, "down"))
        person.sees('"down" is no direction: write "min" or "max"')
        person.answers((DIRECTION, "lower"), (EDITABLE, "solve.py"))
        person.sees('"solve.py" is no file that git tracks; did you mean "solver.py"?')
        person.answers((EDITABLE, "'solver.py"))
        person.sees("No closing quotation")
        person.answers((EDITABLE, "solver.py, 'mit leer/*.py'"), (SEED, "yes"))
        person.sees('write "none" or "not random"')
        person.answers((SEED, "none"), (GOAL, ENTER))
        assert person.ends() == 0
    config = load(repository / "autoresearch.toml")
    assert (config.metric.name, config.metric.direction.value) == ("val loss", "min")
    assert config.editable == ("solver.py", "mit leer/*.py")
    assert config.metric.seed == "none"


def test_a_command_that_fails_shows_its_end_and_is_asked_for_again_with_what_it_needs(tmp_path: Path) -> None:
    files = {"fit.py": "print(open('rows/x.txt').read())\nprint('rmse: 0.5')\n", ".gitignore": "rows\n"}
    repository = make_repository(tmp_path / "repo", files)
    write(repository, {"rows/x.txt": "5"})
    with Conversation(repository) as person:
        person.answers((COMMAND, "python fti.py"), (TRIAL, "y"))
        person.sees("can't open file")
        person.sees("it failed: exit code 2")
        person.answers((COMMAND, "python fit.py"), (DATA, "row"))
        person.sees('there is no "row" in ')
        person.answers((DATA, ENTER), (TRIAL, "y"))
        person.sees("FileNotFoundError")
        person.sees("the whole output: .autoresearch/runs/_init/0000/output.log")
        person.answers((COMMAND, ENTER), (DATA, "rows"), (TRIAL, "y"), (METRIC, "rmse"), (DIRECTION, ENTER))
        person.answers((EDITABLE, ENTER), (SEED, ENTER), (GOAL, ENTER))
        assert person.ends() == 0
    config = load(repository / "autoresearch.toml")
    assert (config.experiment.command, config.experiment.data) == ("python fit.py", ("rows",))
    assert (config.metric.name, config.editable) == ("rmse", ("fit.py",))


def test_where_nothing_is_found_the_command_is_needed_and_enter_runs_it(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repo", {"weights.txt": "3\n"})
    with Conversation(repository) as person:
        person.answers((COMMAND, ENTER))
        person.sees("a command is needed")
        person.answers((COMMAND, "echo speed=$(cat weights.txt)"), (TRIAL, ENTER), (METRIC, ENTER), (DIRECTION, ENTER))
        person.answers((EDITABLE, ENTER))
        person.sees("at least one file is needed")
        person.answers((EDITABLE, "weights.txt"), (SEED, ENTER), (GOAL, ENTER))
        assert person.ends() == 0
        assert "1  speed       3" in person.lines
    config = load(repository / "autoresearch.toml")
    assert (config.experiment.command, config.metric.name) == ("echo speed=$(cat weights.txt)", "speed")
    assert config.metric.direction.value == "max"


def test_a_key_is_passed_on_when_the_person_says_so_and_only_then(tmp_path: Path) -> None:
    code = "import os\nprint('loss:', len(os.environ['WANDB_API_KEY']))\n"
    repository = make_repository(tmp_path / "repo", {"train.py": code})
    with Conversation(repository) as person:
        person.answers((COMMAND, ENTER), (SECRETS, ENTER), (TRIAL, "y"))
        person.sees("KeyError: 'WANDB_API_KEY'")
        person.answers((COMMAND, ENTER), (DATA, ENTER), (SECRETS, "y"), (TRIAL, "y"), (METRIC, ENTER))
        person.answers((DIRECTION, ENTER), (EDITABLE, ENTER), (SEED, ENTER), (GOAL, ENTER))
        assert person.ends() == 0
    assert load(repository / "autoresearch.toml").experiment.pass_env == ("WANDB_API_KEY",)


def test_what_was_said_on_the_command_line_is_not_asked(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repo", EVALUATED)
    said = ("--command", "python evaluate.py", "--metric", "score", "--direction", "min", "--editable", "solver.py")
    with Conversation(repository, *said) as person:
        person.answers((SEED, ENTER), (GOAL, ENTER))
        assert person.ends() == 0
        assert not [
            line for line in person.lines if line.startswith((COMMAND, TRIAL, "The metric", DIRECTION, EDITABLE))
        ]
    config = load(repository / "autoresearch.toml")
    assert (config.metric.name, config.metric.direction.value, config.goal) == ("score", "min", "lower score")


@pytest.mark.parametrize("end", ["\x03", "\x04"])
def test_a_question_that_is_broken_off_writes_nothing(tmp_path: Path, end: str) -> None:
    repository = make_repository(tmp_path / "repo", EVALUATED)
    with Conversation(repository) as person:
        person.answers((COMMAND, ENTER))
        person.sees(TRIAL)
        person.child.send(end)
        assert person.ends() == 130
        assert person.lines[-2:] == ["nothing was written", "error: interrupted"]
    assert_untouched(repository)
    assert not (repository / ".autoresearch").exists()


def test_ctrl_c_in_the_trial_run_ends_the_command_and_writes_nothing(tmp_path: Path) -> None:
    code = "trap '' TERM INT HUP\necho $$ > started\necho loss: 1\nsleep 600\nsleep 600\n"
    repository = make_repository(tmp_path / "repo", {"train.sh": code})
    started = repository / ".autoresearch" / "worktrees" / "0" / "started"
    with Conversation(repository) as person:
        person.answers((COMMAND, ENTER), (TRIAL, "y"))
        until(lambda: started.exists() and started.read_text() != "", "the command runs")
        pid = int(started.read_text())
        person.child.sendintr()
        assert person.ends() == 130
        assert person.lines[-2:] == ["nothing was written", "error: interrupted"]
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert_untouched(repository)
    assert not (repository / ".autoresearch").exists()


@pytest.mark.parametrize("is_there", [True, False])
def test_ctrl_c_after_the_trial_run_leaves_no_folder_that_was_not_there(tmp_path: Path, is_there: bool) -> None:
    repository = make_repository(tmp_path / "repo", EVALUATED)
    if is_there:
        write(repository, {".autoresearch/.gitignore": "*\n", ".autoresearch/runs/nov23/0001/output.log": "mine\n"})
    with Conversation(repository) as person:
        person.answers((COMMAND, ENTER), (TRIAL, "y"))
        person.sees(METRIC)
        assert (repository / ".autoresearch" / "runs" / "_init").exists()
        person.child.sendintr()
        assert person.ends() == 130
    assert_untouched(repository)
    assert (repository / ".autoresearch" / "runs" / "nov23").exists() == is_there
    assert (repository / ".autoresearch").exists() == is_there


def test_while_another_run_works_here_nothing_is_tried(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repo", EVALUATED)
    with RunLock(repository / ".git", "ar run"), Conversation(repository) as person:
        person.answers((COMMAND, ENTER), (TRIAL, "y"))
        person.sees("not run: `ar run` works on this repository already")
        person.answers((COMMAND, ENTER), (DATA, ENTER), (TRIAL, ENTER), (METRIC, ENTER), (DIRECTION, ENTER))
        person.answers((EDITABLE, ENTER), (SEED, ENTER), (GOAL, ENTER))
        assert person.ends() == 0
    assert load(repository / "autoresearch.toml").metric.name == "val loss"
