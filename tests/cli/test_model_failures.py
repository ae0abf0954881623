"""`ar run` with a model that fails, asks too much or says too much: what it costs, what is told, what is sent."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.chat_server import ChatServer, Content, Hang, HttpFault
from tests.support.cli import Cli, finish, solve, toy
from tests.support.repositories import git, write

pytestmark = pytest.mark.thorough

MODEL = """
[proposer]
model = "openai/stub"
api_base = "{url}"
price_in = "10usd"
price_out = "100usd"
max_tokens = 2000
"""
MOST = 0.2 + 0.05
"""USD: 2,000 tokens of a reply, and more than a prompt of these tests can come to."""


@pytest.fixture
def ar(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "home")


def asking(folder: Path, server: ChatServer, rest: str = "", **settings: str) -> Path:
    """The toy, whose model is the chat server."""
    return toy(folder, rest=MODEL.format(url=server.base_url) + rest, **settings)


def change(old: float, new: float, title: str = "a change") -> str:
    """A reply that changes X; the score is better the nearer X is to 1."""
    block = f"<<<<<<< SEARCH\nX = {old}\n=======\nX = {new}\n>>>>>>> REPLACE\n"
    return f"Title: {title}\nHypothesis: {title}\n\n{block}"


def facts(repository: Path, ref: str) -> dict[str, str]:
    lines = git(repository, "log", "-1", "--format=%(trailers:only,unfold)", ref).splitlines()
    return dict(line.split(": ", 1) for line in lines if line)


def test_ten_useless_proposals_in_a_row_end_the_run_with_the_last_reason(ar: Cli, tmp_path: Path) -> None:
    with ChatServer(["\x1b[2JI would rather talk."]) as server:
        repository = asking(tmp_path / "repo", server)
        done = ar(repository, "run", "--tag", "t", "--json")
    assert done.code == 1
    assert done.error.startswith(
        "10 proposals in a row came to nothing, the last with: no reply of openai/stub could be used"
    )
    assert "no edit was found" in done.error
    assert len(server.requests) == 30
    assert sum("no proposal" in one["message"] for one in done.named("warning")) == 9
    assert float(facts(repository, "refs/autoresearch/t/run")["Cost-USD"]) == pytest.approx(30 * 0.003)


SLOW = "import time\nfrom solve import X\n\ntime.sleep(3600)\nprint(f'score: {X}')\n"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--budget", "3usd"), "the price of openai/stub is not known, so the money budget could not be kept"),
        (("--model", "gpt5"), "gpt5: LiteLLM cannot tell whose model that is"),
    ],
)
def test_what_can_never_be_asked_ends_the_run_before_a_baseline_of_hours(
    ar: Cli, tmp_path: Path, options: tuple[str, str], words: str
) -> None:
    with ChatServer([change(3.0, 2.5)]) as server:
        unpriced = "".join(line for line in MODEL.splitlines(keepends=True) if not line.startswith("price"))
        repository = toy(tmp_path / "repo", rest=unpriced.format(url=server.base_url), experiment="canary = false")
        write(repository, {"evaluate.py": SLOW})
        git(repository, "commit", "--quiet", "--all", "--message", "slow")
        done = ar(repository, "run", "--tag", "t", *options)
    assert (done.code, done.error) == (1, words)
    assert facts(repository, "refs/autoresearch/t/run")["Why"] == words
    assert server.requests == []


def test_a_model_that_is_asked_again_is_told_of_at_once(ar: Cli, tmp_path: Path) -> None:
    with ChatServer([change(3.0, 2.5)], [HttpFault(500, "down")]) as server:
        done = ar(asking(tmp_path / "repo", server), "run", "--budget", "1x")
    assert done.code == 0, done.err
    assert re.search(r"warning: openai/stub \(500\): down: asked again in \d+ s\n", done.out)
    assert "1 kept of 1" in done.out


BREAKS = """\
import sys
from dataclasses import replace

from autoresearch.cli import app, sources
from autoresearch.core.edit import Replace
from autoresearch.core.experiment import Proposal, Usage


class Breaks:
    name, is_free, count = "llm", False, 0

    def propose(self, request):
        self.count += 1
        if self.count == 3:
            raise TypeError("a defect")
        edit = Replace("solve.py", "X = 3.0", f"X = {3 + self.count}.0")
        return Proposal(f"{self.count}", "", (edit,), "llm", Usage(10, 10, 0.5), "m")


make = sources.make_source
sources.make_source = lambda *arguments: replace(make(*arguments), proposer=Breaks())
sys.argv = ["ar", "run", "--tag", "t"]
app.main()
"""


def test_a_defect_of_ours_loses_no_dollar(ar: Cli, tmp_path: Path) -> None:
    repository = toy(tmp_path / "repo", rest="[run]\nlookahead = 2\n", experiment="canary = false")
    script = tmp_path / "breaks.py"
    script.write_text(BREAKS)
    ar.home.mkdir()
    command = [sys.executable, str(script)]
    done = subprocess.run(command, cwd=repository, env=ar.environment, capture_output=True, text=True, check=False)
    assert (done.returncode, "unexpected TypeError" in done.stderr) == (1, True), done.stderr
    assert json.loads(ar(repository, "status", "--json").out)["cost_usd"] == 1.0


def test_a_budget_that_covers_no_call_ends_the_run_well_before_anything_is_sent(ar: Cli, tmp_path: Path) -> None:
    with ChatServer([change(3.0, 2.5)]) as server:
        repository = asking(tmp_path / "repo", server)
        done = ar(repository, "run", "--budget", "0.05usd")
    assert done.code == 0, done.err
    assert server.requests == []
    words = r"the money left does not cover another call: 0\.0500 usd left, and one can cost 0\.1\d\d\d usd"
    assert re.search(words, done.out)


def test_money_of_experiments_is_not_there_for_the_model(ar: Cli, tmp_path: Path) -> None:
    with ChatServer([change(3.0, 2.5), change(2.5, 2.0)]) as server:
        evaluate = "from solve import X\n\nprint(f'score: {X}')\nprint('cost_usd: 0.5')\n"
        experiment = "canary = false\ncost = 'cost_usd'"
        repository = asking(tmp_path / "repo", server, "[decision]\nrule = 'keep-if-better'\n", experiment=experiment)
        write(repository, {"evaluate.py": evaluate})
        git(repository, "commit", "--quiet", "--all", "--message", "costs")
        done = ar(repository, "run", "--tag", "t", "--budget", "1.05usd", "--json")
        ended = done.named("run-finished")[0]
        assert (done.code, len(done.named("experiment-finished"))) == (0, 2), done.err
        assert "the money left does not cover another call" in ended["why"]
        assert len(server.requests) == 1


def test_what_a_call_can_have_cost_that_was_left_behind_is_in_the_record(ar: Cli, tmp_path: Path) -> None:
    with ChatServer(faults=[Hang()]) as server:
        repository = asking(tmp_path / "repo", server, "[budget]\nrun_cost = '0.3usd'\n")
        process = ar.start(repository, "run", "--tag", "t", "--json")
        assert server.arrived.wait(60)
        process.send_signal(signal.SIGINT)
        assert finish(process).code == 130
        spent = float(facts(repository, "refs/autoresearch/t/run")["Cost-USD"])
        assert 0.2 < spent < MOST
        again = ar(repository, "run", "--json")
        assert again.code == 0, again.err
        assert "left for the whole run does not cover another call" in again.named("run-finished")[0]["why"]
        assert len(server.requests) == 1


NASTY = "\x1b[2J\x1b]0;gone\x07\u202e\x9b31m\x00\x7f\u2028\u200bevil"
CREATE = "File: sub/{name}.py\n<<<<<<< SEARCH\n=======\nA = 1\n>>>>>>> REPLACE\n"
HOSTILE = [
    change(3.0, 2.5, NASTY),
    f"Title: a path\n\n{CREATE.format(name=NASTY)}",
    f"Title: {NASTY}\n\nDelete: {NASTY}.py\n",
    change(2.5, 1.5, NASTY).replace("X = 1.5", "X = 1.5  # \x1b[2J\x1b]0;gone\x07\u202eevil"),
    f"Title: {NASTY}\n\nsolve.py\n<<<<<<< SEARCH\n{NASTY}\n=======\n{NASTY}\n>>>>>>> REPLACE\n",
]
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028]")
UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u200b\u202e]")


def test_nothing_that_a_model_says_reaches_the_terminal_or_the_record_raw(ar: Cli, tmp_path: Path) -> None:
    faults = [HttpFault(500, NASTY, {"Retry-After": "0"}), None, Content(NASTY, finish="content_filter")]
    with ChatServer(HOSTILE, faults) as server:
        repository = asking(tmp_path / "repo", server)
        runs = [
            ar(repository, "run", "--tag", "t", "--budget", "2x"),
            ar(repository, "run", "--tag", "t", "--budget", "1x", "--json"),
        ]
    shown = [*runs, *(ar(repository, *args) for args in (["log", "--all"], ["status"], ["log", "--tsv"]))]
    shown += [ar(repository, "log", number) for number in ("2", "3")]
    shown.append(ar(repository, "run", "--dry-run"))
    assert [one.code for one in shown] == [0] * len(shown)
    assert not UNSEEN.search("".join(one.out + one.err for one in shown).replace("\\u", ""))
    assert "\nwarning: no proposal: openai/stub refused to answer" in runs[0].out
    assert [one["outcome"] for one in runs[1].named("experiment-finished")] == ["rejected"]
    messages = git(repository, "log", "--format=%B", "--glob=refs/autoresearch/t/*")
    assert not CONTROL.search(messages)
    assert "evil" in messages


def test_only_what_the_parent_commit_holds_in_scope_is_ever_sent(ar: Cli, tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("SECRET outside")
    with ChatServer([change(3.0, 2.5), change(2.5, 2.0)]) as server:
        # The second reply builds on the first.
        rest = "[run]\nlookahead = 0\n"
        repository = asking(tmp_path / "repo", server, rest, top="context = ['*.txt', 'docs/**']")
        write(repository, {"docs/shown.md": "SHOWN", "docs/.env": "SHOWN too", "other.md": "SECRET protected"})
        write(repository, {".gitignore": "ignored.txt\n"})
        (repository / "link.txt").symlink_to(tmp_path / "outside.txt")
        git(repository, "add", "--all")
        git(repository, "commit", "--quiet", "--message", "more")
        write(repository, {"docs/shown.md": "SECRET not committed", "new.txt": "SECRET", "ignored.txt": "SECRET"})
        write(repository, {"solve.py": solve() + "SECRET = 1\n"})
        done = ar(repository, "run", "--committed", "--budget", "2x")
    assert done.code == 0, done.err
    prompts = [request.prompt for request in server.requests]
    assert len(prompts) == 2
    for prompt in prompts:
        assert "SHOWN too" in prompt
        assert "SECRET" not in prompt
        assert "outside" not in prompt
