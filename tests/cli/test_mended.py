"""Small things that once went wrong in `ar run` and `ar revert`, each from the outside."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.support.chat_server import ChatServer, HttpFault
from tests.support.cli import Cli, config, finish, improvements, patches, toy
from tests.support.repositories import git, state_of, write
from tests.support.running import Running, until
from tests.support.toy import Toy

INTERRUPTED = 130
MODEL = '[proposer]\nmodel = "openai/stub"\napi_base = "{}"\nprice_in = "1usd"\nprice_out = "2usd"'
RUN_COST = "[budget]\nrun_cost = '0.05usd'"
HANG = "loss=99\n[ -e params/001.txt ] || { echo waiting; sleep 600; }\n"


@pytest.fixture
def ar(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "home")


def amend(root: Path, old: str, new: str) -> None:
    """Another configuration, in place."""
    text = (root / "autoresearch.toml").read_text()
    assert old in text
    write(root, {"autoresearch.toml": text.replace(old, new)})


def reply(word: str) -> str:
    """A model's answer that makes this happen."""
    edit = f"<<<<<<< SEARCH\n0\n=======\n{word}\n>>>>>>> REPLACE\n"
    return f"Title: {word}\nHypothesis: none\nExpected: lower\n\nparams/000.txt\n{edit}"


def test_a_revert_measures_nothing_when_the_task_is_another_one_now(tmp_path: Path) -> None:
    toy = Toy.make(tmp_path)
    toy.run(-1)
    amend(toy.root, '"sh measure.sh"', '"sh measure.sh; true"')
    before = toy.refs()
    refused = toy.ar("revert", "1")
    assert (refused.code, toy.refs()) == (1, before)
    assert refused.error == "that state cannot be measured as the others were: command changed since toy"
    assert "ar revert 1 --no-measure" in refused.hints
    assert toy.ar("revert", "1", "--no-measure").code == 0


def test_a_revert_that_the_checkout_of_the_branch_cannot_follow_changes_nothing(tmp_path: Path) -> None:
    toy = Toy.make(tmp_path)
    toy.run(-1)
    assert toy.ar("revert", "1", "--no-measure").code == 0
    git(toy.root, "switch", "--quiet", "autoresearch/toy")
    write(toy.root, {"params/001.txt": "mine\n"})
    before = toy.refs(), state_of(toy.root)
    refused = toy.ar("revert", "--to", "1")
    assert refused.code == 1
    assert "which cannot follow: " in refused.error
    assert "params/001.txt" in refused.error
    assert (toy.refs(), state_of(toy.root)) == before


def test_ctrl_c_ends_the_sample_of_a_revert_and_nothing_is_taken_back(tmp_path: Path) -> None:
    toy = Toy.make(tmp_path)
    toy.run(-1)
    folder = patches(tmp_path / "edit", ("start.sh", "loss=100\n", HANG))
    assert toy.ar("run", "--replay", str(folder)).code == 0
    before = toy.branch
    process = toy.cli.start(toy.root, "revert", "1")
    until(lambda: any("sleep 600" in one for one in toy.processes()), "the sample runs")
    process.send_signal(signal.SIGINT)
    done = finish(process)
    assert (done.code, done.err) == (INTERRUPTED, "")
    assert done.out.startswith("measuring … (at most ")
    assert "nothing was taken back" in done.out
    assert toy.branch == before
    assert toy.experiments()[3]["Outcome"] == "interrupted"
    toy.assert_sound()


def test_a_sample_that_cannot_end_in_time_is_not_started_after_a_resume_either(tmp_path: Path) -> None:
    toy = Toy.make(tmp_path)
    toy.run("slow")
    ended = toy.ar(*toy.run_arguments(-1), "--budget", "0.4s")
    assert ended.code == 0, ended.err
    assert "an experiment takes up to" in ended.out
    assert list(toy.experiments()) == [0, 1]


def test_what_a_killed_call_had_spent_counts_for_the_whole_run(tmp_path: Path) -> None:
    with ChatServer([reply("hang")], usage=(60_000, 20)) as server:
        toy = Toy.make(tmp_path, more=f"{MODEL.format(server.base_url)}\n{RUN_COST}")
        running = toy.start("run", "--tag", "toy", "--json")
        running.sees("sample-started", experiment=1)
        running.kill()
        until(lambda: not toy.processes(), "nothing of it runs any more")
        ended = toy.ar("run", "--json")
        assert len(server.requests) == 1
    assert ended.named("run-finished")[0]["why"] == "the run money budget of 0.05 usd is used up"


def test_a_configuration_with_a_byte_order_mark_goes_on_with_its_run(tmp_path: Path) -> None:
    toy = Toy.make(tmp_path)
    text = (toy.root / "autoresearch.toml").read_text()
    (toy.root / "autoresearch.toml").write_text(f"\ufeff{text}")
    git(toy.root, "commit", "--quiet", "--all", "--message", "with a mark")
    toy.run(-1)
    assert "going on with toy" in toy.ar("run", "--replay", toy.changes(-1)).out


def test_the_canary_takes_no_more_time_than_there_is(ar: Cli, tmp_path: Path) -> None:
    waits = "import time\n\ntime.sleep(600)\nimport solve\n"
    root = toy(tmp_path / "repo", {"evaluate.py": waits}, experiment="")
    done = ar(root, "run", "--budget", "0.5s", "--replay", str(improvements(tmp_path / "p")))
    assert done.code == 1
    assert "not proved that the editable files are used: no time" in done.out


def test_an_experiment_that_crashed_is_recorded_when_its_repair_ends_the_run(tmp_path: Path) -> None:
    refused = HttpFault(401, "wrong key", code="invalid_api_key")
    with ChatServer([reply("crash")], [None, refused]) as server:
        toy = Toy.make(tmp_path, more=MODEL.format(server.base_url))
        running = Running(toy.cli.start(toy.root, "run", "--tag", "toy", "--json"))
        done = running.ends()
    assert done.code == 1
    assert "wrong key" in done.err
    assert toy.experiments()[1].items() >= {"Outcome": "crashed", "Decision": "discard"}.items()
    assert running.finished.keys() == {0, 1}


@pytest.mark.parametrize("command", ["no-such-program --fast", ["no-such-program", "--fast"]])
def test_a_run_that_fails_is_not_called_done_and_no_empty_output_is_offered(
    ar: Cli, tmp_path: Path, command: list[str] | str
) -> None:
    root = toy(tmp_path / "repo", command=command)
    done = ar(root, "run", "--replay", str(improvements(tmp_path / "p")))
    assert "\nstopped: the baseline failed: command not found" in done.out
    assert "done:" not in done.out
    shown = ar(root, "log", "0", "--output").out.splitlines()
    assert ("ar log 0 --output" in done.hints) == any(not line.startswith("--- ") for line in shown)


def test_the_tuner_looks_for_constants_before_the_baseline_is_measured(ar: Cli, tmp_path: Path) -> None:
    root = toy(tmp_path / "repo", {"solve.py": "x = 1\n", "autoresearch.toml": config(experiment="")})
    done = ar(root, "run", "--json")
    assert done.code == 1
    assert done.error.startswith("nothing to tune")
    assert not done.named("sample-started")
