"""`ar run` with a model that fails, asks too much or says too much: what it costs, what is told, what is sent."""

from __future__ import annotations

import re
import signal
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
    assert done.error.startswith("10 proposals in a row failed, the last with: no reply of openai/stub could be used")
    assert "no edit was found" in done.error
    assert len(server.requests) == 30
    assert sum("no proposal" in one["message"] for one in done.named("warning")) == 9
    assert float(facts(repository, "refs/autoresearch/t/run")["Cost-USD"]) == pytest.approx(30 * 0.003)


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
