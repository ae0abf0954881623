"""`ar run` from the outside: a process, a real repository, a real chat server; what it records, prints and leaves."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from tests.support.chat_server import ChatServer, Content, Hang, HttpFault
from tests.support.cli import PYTHON, Cli, finish, improvements, patches, solve, toy
from tests.support.repositories import git, make_repository, state_of, write

EVALUATE = """import runpy
from pathlib import Path

shape = runpy.run_path("model/shape.py")
scale = runpy.run_path("model/scale.py")
rate = runpy.run_path("training/rate.py")
print("loss:", abs(shape["WIDTH"] - 8) + abs(scale["SCALE"] - 1) + abs(rate["RATE"] - 0.5))
"""
CONFIG = f"""
goal = "a low loss"
editable = ["model/*.py", "training/rate.py"]
context = ["evaluate.py"]
[experiment]
command = "{PYTHON} evaluate.py"
[metric]
name = "loss"
direction = "min"
seed = "not random"
[proposer]
model = "openai/stub"
api_base = "URL"
price_in = "1usd"
price_out = "2usd"
"""
FILES = {
    "model/shape.py": "WIDTH = 2\nDEPTH = 1\n",
    "model/scale.py": "SCALE = 4\n",
    "training/rate.py": "RATE = 0.1\n",
    "training/notes.md": "nobody shows this\n",
    "evaluate.py": EVALUATE,
    "program.md": "Lower the loss.\n",
}


@pytest.fixture
def ar(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "home")


def replace(title: str, *edits: tuple[str, str, str]) -> str:
    """A reply of a model: the edits are path, old text, new text."""
    blocks = (f"{path}\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n" for path, old, new in edits)
    return f"Title: {title}\nHypothesis: because {title}\nExpected: lower\n\n" + "\n".join(blocks)


def asking(folder: Path, server: ChatServer, rest: str = "") -> Path:
    """The repository with three editable files in two folders, whose model is the chat server."""
    return make_repository(folder, {**FILES, "autoresearch.toml": CONFIG.replace("URL", server.base_url) + rest})


def facts(repository: Path, commit: str) -> dict[str, str]:
    """The trailers of a commit, as git reads them."""
    lines = git(repository, "log", "-1", "--format=%(trailers:only,unfold)", commit).splitlines()
    return dict(line.split(": ", 1) for line in lines if line)


PROTECTED = replace("print a better number", ("evaluate.py", 'print("loss:",', 'print("loss:", 0 *'))
REPLIES = [
    replace(
        "wider and faster",
        ("model/shape.py", "WIDTH = 2", "WIDTH = 6"),
        ("training/rate.py", "RATE = 0.1", "RATE = 0.4"),
    ),
    PROTECTED,
    PROTECTED,
    PROTECTED,
    replace("a typing error", ("model/scale.py", "SCALE = 4", "SCALE = Four")),
    replace("the error mended", ("model/scale.py", "SCALE = 4", "SCALE = 2")),
    replace("far too wide", ("model/shape.py", "WIDTH = 6", "WIDTH = 90")),
]


def test_a_model_improves_three_files_in_two_folders_and_nothing_else_is_touched(ar: Cli, tmp_path: Path) -> None:
    faults = [HttpFault(429, "slow down", {"Retry-After": "0"}), Content("I would rather talk.")]
    with ChatServer(REPLIES, faults) as server:
        # The replies are for experiments that come one after the other.
        repository = asking(tmp_path / "repo", server, "[run]\nlookahead = 0\n")
        write(repository, {"training/notes.md": "stashed\n"})
        git(repository, "stash")
        before = state_of(repository)
        done = ar(repository, "run", "--tag", "t", "--budget", "4x", "--json")
    assert done.code == 0, done.err
    ends = [(one["outcome"], one["decision"]) for one in done.named("experiment-finished")]
    assert ends == [
        ("measured", "keep"),
        ("measured", "keep"),
        ("rejected", "discard"),
        ("measured", "keep"),
        ("measured", "discard"),
    ]
    assert state_of(repository) == before
    assert git(repository, "status", "--porcelain", "--ignored") == "!! .autoresearch/"

    prompts = [request.prompt for request in server.requests[2:]]
    assert "evaluate.py is protected" in prompts[2]
    assert "name 'Four' is not defined" in prompts[5]
    assert "Lower the loss." in prompts[0]
    assert "nobody shows this" not in "".join(prompts)

    titles = git(repository, "log", "--format=%s", "autoresearch/t").splitlines()
    assert titles == ["the error mended", "wider and faster", "baseline", "first"]
    assert git(repository, "show", "autoresearch/t:model/scale.py") == "SCALE = 2"
    kept = facts(repository, "refs/autoresearch/t/0003")
    assert (kept["Outcome"], kept["Decision"], kept["Metric"]) == ("measured", "keep", "loss=3.1")
    assert (kept["Tokens"], float(kept["Cost-USD"])) == ("200 40", pytest.approx(280e-6))
    assert facts(repository, "refs/autoresearch/t/0002")["Tokens"] == "300 60"
    assert done.named("run-finished")[0]["best"] == pytest.approx(3.1)

    text = (repository / "autoresearch.toml").read_text()
    write(repository, {"autoresearch.toml": f"{text}[budget]\nrun_cost = '0.001usd'\n"})
    spent = ar(repository, "run", "--json")
    assert spent.named("run-finished")[0]["why"] == "the run money budget of 0.001 usd is used up"
    assert len(server.requests) == 9

    shown = [ar(repository, "log", "--all"), ar(repository, "status")]
    shutil.rmtree(repository / ".autoresearch")
    assert shown[0].out.startswith("2 kept of 4")
    assert [ar(repository, "log", "--all"), ar(repository, "status")] == shown


def test_useless_replies_are_warnings_and_a_refused_key_ends_the_run(ar: Cli, tmp_path: Path) -> None:
    faults = [*(None,) * 6, HttpFault(401, "wrong key", code="invalid_api_key")]
    program = tmp_path / "repo" / "program.md"

    def steered(prompt: str) -> str:
        program.write_text("Try something else.\n")
        return "No."

    with ChatServer(steered, faults) as server:
        repository = asking(tmp_path / "repo", server)
        done = ar(repository, "run", "--tag", "t", "--json", OPENAI_API_KEY="sk-of-a-test")
    assert done.code == 1
    assert "wrong key" in done.error
    assert "OPENAI_API_KEY" in done.hints
    assert "sk-of-a-test" not in done.out + done.err
    assert sum(one["message"].startswith("no proposal: ") for one in done.named("warning")) == 2
    assert [one["exit_code"] for one in done.named("run-finished")] == [1]
    steering = ["Try something else." in request.prompt for request in server.requests]
    assert steering == [False] * 3 + [True] * 4
    assert float(facts(repository, "refs/autoresearch/t/run")["Cost-USD"]) == pytest.approx(6 * 140e-6)


def test_a_model_that_never_answers_does_not_hold_up_the_end(ar: Cli, tmp_path: Path) -> None:
    with ChatServer(faults=[Hang()]) as server:
        repository = asking(tmp_path / "repo", server)
        process = ar.start(repository, "run", "--json")
        assert server.arrived.wait(60)
        process.send_signal(signal.SIGINT)
        done = finish(process)
    assert done.code == 130
    assert done.named("run-finished")[0]["why"] == "interrupted"
    assert git(repository, "worktree", "list").count("\n") == 0


def test_the_key_of_a_model_is_missed_before_anything_happens(ar: Cli, tmp_path: Path) -> None:
    repository = toy(tmp_path / "repo")
    before = git(repository, "for-each-ref")
    done = ar(repository, "run", "--model", "anthropic/claude-sonnet-4-5")
    assert (done.code, done.out) == (2, "")
    assert "ANTHROPIC_API_KEY" in done.error
    assert "export ANTHROPIC_API_KEY" in done.hints
    assert git(repository, "for-each-ref") == before
    assert not (repository / ".autoresearch").exists()


def test_the_server_in_the_configuration_is_not_that_of_another_provider(ar: Cli, tmp_path: Path) -> None:
    with ChatServer(REPLIES) as server:
        repository = asking(tmp_path / "repo", server)
        done = ar(repository, "run", "--model", "groq/llama-3", OPENAI_API_KEY="sk-of-a-test")
    assert (done.code, done.out) == (2, "")
    assert "GROQ_API_KEY is not set" in done.error
    assert server.requests == []


def test_without_a_model_the_tuner_proposes_and_a_line_says_how_to_use_one(ar: Cli, tmp_path: Path) -> None:
    repository = toy(tmp_path / "repo")
    before = git(repository, "for-each-ref")
    shown = ar(repository, "run", "--dry-run")
    assert (shown.code, shown.err) == (0, "")
    assert "proposer: tuner" in shown.out
    assert (git(repository, "for-each-ref"), (repository / ".autoresearch").exists()) == (before, False)
    done = ar(repository, "run", "--tag", "t", "--budget", "3x")
    assert (done.code, done.err) == (0, "")
    assert "ar run --model NAME" in done.out
    assert {facts(repository, f"refs/autoresearch/t/000{number}")["Proposer"] for number in (1, 2, 3)} == {"tuner"}
    assert facts(repository, "refs/autoresearch/t/run")["Why"] == "the experiment budget of 3 is used up"


def test_a_dry_run_shows_the_prompt_and_the_price_and_writes_nothing(ar: Cli, tmp_path: Path) -> None:
    with ChatServer(REPLIES) as server:
        repository = asking(tmp_path / "repo", server)
        before = git(repository, "for-each-ref")
        done = ar(repository, "run", "--dry-run", "--budget", "5m")
    assert (done.code, done.err) == (0, "")
    assert server.requests == []
    for shown in ("Lower the loss.", "WIDTH = 2", "tokens in", "USD", "evaluate.py", "5m"):
        assert shown in done.out
    assert git(repository, "for-each-ref") == before
    assert not (repository / ".autoresearch").exists()


def test_patches_are_tried_one_by_one_and_one_that_does_not_fit_is_rejected(ar: Cli, tmp_path: Path) -> None:
    repository = toy(tmp_path / "repo")
    folder = improvements(tmp_path / "patches")
    done = ar(repository, "run", "--replay", str(folder), "--tag", "t")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert "#1 keep 3.25 (−48.0 %)" in done.out
    assert "#2 keep 1.25" in done.out
    [rejected] = [line for line in lines if line.startswith("#3 discard")]
    assert rejected.endswith("03.patch does not apply: solve.py: patch does not apply")
    assert lines[0].startswith("run autoresearch/t from ")
    assert "git merge --squash autoresearch/t" in done.out
    assert "\x1b" not in done.out
    assert git(repository, "show", "autoresearch/t:solve.py") == solve(2.0, -1.0).rstrip()
    assert ar(repository, "log", PYTHONIOENCODING="ascii").out.startswith("2 kept of 3 ? 6.25 ? 1.25 (?80.0 %)")

    git(repository, "gc", "--quiet", "--prune=now")
    again = ar(repository, "run", "--new", "--tag", "again", "--replay", "2,1", "--json")
    assert [one["metric"] for one in again.named("experiment-finished")] == [6.25, 4.25, 1.25]
    ranged = ar(repository, "run", "--new", "--tag", "range", "--replay", "autoresearch/t~1..autoresearch/t", "--json")
    assert [one["metric"] for one in ranged.named("experiment-finished")] == [6.25, 4.25]


def test_a_run_ends_at_a_target_or_when_patience_is_lost(ar: Cli, tmp_path: Path) -> None:
    repository = toy(tmp_path / "repo")
    good = str(improvements(tmp_path / "good"))
    worse = (("solve.py", solve(), solve(x=number)) for number in (7.0, 8.0, 9.0))
    bad = str(patches(tmp_path / "bad", *worse))
    reached = ar(repository, "run", "--replay", good, "--target", "4", "--json")
    assert reached.named("run-finished")[0]["why"] == "the target 4 is reached"
    assert len(reached.named("experiment-finished")) == 2
    lost = ar(repository, "run", "--new", "--replay", bad, "--patience", "2", "--json")
    assert len(lost.named("experiment-finished")) == 3
    assert (lost.code, lost.named("run-finished")[0]["kept"]) == (0, 0)


def test_what_runs_when_the_time_is_up_is_recorded_as_interrupted_and_not_judged(ar: Cli, tmp_path: Path) -> None:
    slow = "import time\nfrom solve import X\n\ntime.sleep(0 if X == 3 else 600)\nprint(f'score: {X}')\n"
    repository = toy(tmp_path / "repo", {"evaluate.py": slow}, rest="[budget]\nexperiments = 7\ntime = '8h'")
    folder = str(improvements(tmp_path / "patches"))
    done = ar(repository, "run", "--tag", "t", "--budget", "4s", "--replay", folder, "--json")
    assert done.code == 0
    assert done.named("run-finished")[0]["why"] == "the time budget is used up"
    last = done.named("experiment-finished")[-1]
    assert (last["number"], last["outcome"], last["decision"]) == (1, "interrupted", "discard")
    assert "budget: 4 s, 7 experiments" in done.err
    assert "Budget: 4 s, 7 experiments" in git(repository, "log", "-1", "--format=%B", "refs/autoresearch/t/run")


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        (["20"], "has no unit"),
        (["20x", "30x"], "given twice"),
        (["0x"], "nothing to spend"),
        (["3parsecs"], "3parsecs"),
    ],
)
def test_a_budget_that_could_be_misread_is_refused(ar: Cli, tmp_path: Path, budget: list[str], said: str) -> None:
    repository = toy(tmp_path / "repo")
    done = ar(repository, "run", *(f"--budget={one}" for one in budget))
    assert (done.code, done.out) == (2, "")
    assert said in done.error
    for form in ("8h", "50x", "3usd", "2Mtok"):
        assert form in done.hints


def test_every_event_is_a_line_of_json_with_its_fields(ar: Cli, tmp_path: Path) -> None:
    broken = "from solve import X\n\nprint('score: nan' if X == 2 else f'score: {X}')\n"
    repository = toy(tmp_path / "repo", {"evaluate.py": broken})
    done = ar(
        repository, "run", "--tag", "t", "--budget", "2x", "--replay", str(improvements(tmp_path / "p")), "--json"
    )
    # Whether there is something to warn about depends on who runs the tests.
    told = [one for one in done.events if one["event"] != "warning"]
    fields = {one["event"]: set(one) - {"event", "time"} for one in told}
    assert fields == {
        "run-started": {"tag", "branch", "base", "isolation"},
        "proposed": {"experiment", "title", "hypothesis", "cost_usd"},
        "sample-started": {"experiment", "sample", "limit", "task", "slot"},
        "sample-finished": {"experiment", "sample", "value", "seconds", "outcome", "task", "slot"},
        "experiment-finished": {
            *("number", "commit", "outcome", "decision", "reason", "metric", "samples", "seconds", "cost_usd", "flags"),
            "title",
        },
        "run-finished": {"why", "best", "kept", "discarded", "exit_code"},
    }
    [lost] = [one for one in done.named("sample-finished") if one["experiment"] == 1]
    assert {one["task"] for one in done.named("sample-started") + done.named("sample-finished")} == {"sample"}
    assert (lost["value"], lost["outcome"]) == (None, "no metric")
    for one in done.named("experiment-finished"):
        assert git(repository, "rev-parse", f"refs/autoresearch/t/{one['number']:04}") == one["commit"]


def test_deleting_the_folder_of_ar_while_it_runs_loses_nothing(ar: Cli, tmp_path: Path) -> None:
    deleting = (
        "import shutil\nfrom pathlib import Path\nfrom solve import X, Y\n\n"
        "if X == 2:\n    shutil.rmtree(Path.cwd().parents[1])\nprint(f'score: {abs(X) + abs(Y)}')\n"
    )
    repository = toy(tmp_path / "repo", {"evaluate.py": deleting}, experiment='canary = false\nisolation = "basic"')
    before = state_of(repository)
    folder = patches(tmp_path / "p", *(("solve.py", solve(), text) for text in (solve(x=2.0), solve(y=-1.0))))
    done = ar(repository, "run", "--replay", str(folder), "--json")
    assert done.code == 0, done.err
    ended = [(one["outcome"], one["metric"]) for one in done.named("experiment-finished")]
    # Whether its worktree was tampered with cannot be seen any more: it is not judged, and may be tried again.
    assert ended == [("measured", 5.0), ("interrupted", None), ("measured", 4.0)]
    assert state_of(repository) == before
    assert git(repository, "worktree", "list").count("\n") == 0
    assert "1 kept of 1" in ar(repository, "log").out


@pytest.mark.parametrize("json", [(), ("--json",)])
def test_a_reader_that_goes_away_does_not_end_the_run(ar: Cli, tmp_path: Path, json: tuple[str, ...]) -> None:
    repository = toy(tmp_path / "repo")
    process = ar.start(repository, "run", "--tag", "t", "--replay", str(improvements(tmp_path / "p")), *json)
    assert process.stdout is not None
    assert "autoresearch/t" in process.stdout.readline()
    process.stdout.close()
    done = finish(process)
    assert done.code == 0, done.err
    assert facts(repository, "refs/autoresearch/t/run")["Why"] == "all 3 changes have been replayed"


def test_hooks_signatures_and_a_missing_name_do_not_matter(ar: Cli, tmp_path: Path) -> None:
    repository = toy(tmp_path / "repo")
    for name in ("pre-commit", "commit-msg", "reference-transaction", "post-checkout"):
        hook = repository / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch '{tmp_path / 'hook-ran'}'\nexit 1\n")
        hook.chmod(0o755)
    for name, value in {"commit.gpgSign": "true", "user.signingKey": "nobody", "user.useConfigOnly": "true"}.items():
        git(repository, "config", name, value)
    before = state_of(repository)
    done = ar(repository, "run", "--tag", "t", "--replay", str(improvements(tmp_path / "p")))
    assert (done.code, done.err) == (0, "")
    assert not (tmp_path / "hook-ran").exists()
    assert state_of(repository) == before
    assert git(repository, "log", "-1", "--format=%an %G?", "autoresearch/t") == "ar N"

    git(repository, "config", "user.name", "Grace Hopper")
    git(repository, "config", "user.email", "grace@example.org")
    ar(repository, "run", "--new", "--tag", "u", "--budget", "1x", "--replay", str(tmp_path / "p"))
    assert git(repository, "log", "-1", "--format=%an <%ce>", "autoresearch/u") == "Grace Hopper <grace@example.org>"
