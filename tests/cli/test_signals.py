"""Ctrl-C, TERM and HUP at every stage of `ar run`: what ran is recorded as interrupted, and nothing stays."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.support.chat_server import ChatServer, Hang
from tests.support.repositories import write
from tests.support.running import PATIENCE, Running, until
from tests.support.toy import Toy

INTERRUPTED = 130
MODEL = '[proposer]\nmodel = "openai/stub"\napi_base = "{}"'


def started(toy: Toy, word: str) -> Running:
    """A run whose experiment is under way."""
    toy.told.unlink(missing_ok=True)
    running = toy.start(*toy.run_arguments(word), "--json")
    running.sees("proposed", title=f"add {word} in {toy.made}")
    until(lambda: any("sleep 600" in process for process in toy.processes()), "the experiment runs")
    return running


def newest(toy: Toy) -> dict[str, str]:
    experiments = toy.experiments()
    return experiments[max(experiments)]


def test_a_signal_ends_the_experiment_gently_a_second_one_at_once(tmp_path: Path) -> None:
    toy = Toy.make(tmp_path, experiment='stop_grace = "30m"')
    for number, why in (
        (signal.SIGINT, "interrupted"),
        (signal.SIGTERM, "interrupted by SIGTERM"),
        (signal.SIGHUP, "interrupted by SIGHUP"),
    ):
        running = started(toy, "polite")
        running.signal(number)
        assert running.ends().code == INTERRUPTED
        assert toy.told.exists()
        assert newest(toy)["Outcome"] == "interrupted"
        assert newest(toy)["Reason"] == f"stopped: {why}"
        assert running.events[-1].items() >= {"event": "run-finished", "why": why, "exit_code": INTERRUPTED}.items()
    running = started(toy, "stubborn")
    running.signal(signal.SIGINT)
    running.sees("warning")
    running.signal(signal.SIGINT)
    assert running.ends().code == INTERRUPTED
    assert newest(toy)["Outcome"] == "interrupted"
    toy.assert_sound()


def test_what_does_not_end_by_itself_is_killed_after_the_grace_period(tmp_path: Path) -> None:
    toy = Toy.make(tmp_path, experiment='stop_grace = "0.2s"')
    running = started(toy, "stubborn")
    running.signal(signal.SIGINT)
    assert running.ends().code == INTERRUPTED
    assert newest(toy)["Outcome"] == "interrupted"
    toy.assert_sound()


def test_a_signal_that_was_ignored_at_the_start_stays_ignored(tmp_path: Path) -> None:
    toy = Toy.make(tmp_path)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        running = toy.start(*toy.run_arguments("slow", -1), "--json")
    finally:
        signal.signal(signal.SIGHUP, before)
    running.sees("sample-started", experiment=1)
    running.signal(signal.SIGHUP)
    assert running.ends().code == 0
    assert [facts["Outcome"] for facts in toy.experiments().values()] == ["measured"] * 3


def test_while_a_model_is_asked_and_while_the_canary_runs_ctrl_c_ends_the_run_too(tmp_path: Path) -> None:
    with ChatServer(faults=[Hang()]) as server:
        toy = Toy.make(tmp_path, more=MODEL.format(server.base_url))
        toy.hold.touch()
        canary = toy.start("run", "--tag", toy.tag, "--json")
        until(lambda: any("sleep 600" in process for process in toy.processes()), "the canary runs")
        canary.signal(signal.SIGINT)
        assert canary.ends().code == INTERRUPTED
        assert toy.experiments() == {}
        toy.assert_clean()
        toy.hold.unlink()
        proposing = toy.start("run", "--json")
        assert server.arrived.wait(PATIENCE)
        proposing.signal(signal.SIGINT)
        assert proposing.ends().code == INTERRUPTED
    assert list(toy.experiments()) == [0]
    toy.assert_sound()


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_gives_the_terminal_back_with_the_summary_on_it(tmp_path: Path, times: int) -> None:
    toy = Toy.make(tmp_path, experiment='stop_grace = "30m"')
    with toy.person(80, 24, *toy.run_arguments(-1, "polite" if times == 1 else "stubborn")) as person:
        person.sees("waiting")
        assert not person.echoes
        person.child.sendintr()
        person.sees("Ctrl-C ends it at once")
        if times == 2:
            person.child.sendintr()
        assert person.ends() == INTERRUPTED
        assert person.echoes
        assert not person.screen.cursor.hidden
        assert any(line.startswith("1 kept of 1 · 100 → 99 (−1.0 %)") for line in person.visible)
        assert any(line.split() == ["go", "on", "ar", "run"] for line in person.visible)
        assert not any("sampling" in line for line in person.visible)
    assert newest(toy)["Outcome"] == "interrupted"
    toy.assert_sound()


def test_ctrl_c_at_the_question_about_uncommitted_files_changes_nothing(tmp_path: Path) -> None:
    toy = Toy.make(tmp_path)
    write(toy.root, {"measure.sh": "echo changed\n"})
    refs = toy.refs()
    with toy.person(80, 24, "run") as person:
        person.sees("Start from")
        person.child.sendintr()
        assert person.ends() == INTERRUPTED
    assert toy.refs() == refs
    assert (toy.root / "measure.sh").read_text() == "echo changed\n"
    assert not (toy.root / ".autoresearch").exists()
