"""`ar status`: while a run goes on, after it was killed, without any, and again and again."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

from autoresearch.core.edit import Change
from autoresearch.record.pipes import RefChange
from autoresearch.record.repository import Repository
from autoresearch.record.trees import changed_tree
from tests.support.cli import Cli, config, patches, solve, toy
from tests.support.repositories import write
from tests.support.running import until
from tests.support.toy import Toy


def facts(text: str) -> dict[str, str]:
    """The page's lines by their label."""
    return {line[:13].strip(): line[13:] for line in text.splitlines()[1:]}


def test_before_the_first_run_there_is_a_hint_and_no_error(tmp_path: Path) -> None:
    toy = Toy.make(tmp_path)
    for options in ([], ["--watch"]):
        done = toy.ar("status", *options)
        assert (done.code, done.out, done.hints) == (0, "no run yet\n", "ar run --budget 5m")
    # A program would take those words for JSON.
    done = toy.ar("status", "--json")
    assert (done.code, done.out, done.error, done.hints) == (2, "", "no run yet", "ar run --budget 5m")
    assert toy.ar("status", "--tag", "nov23").error == "there is no run nov23"
    assert not (toy.root / ".autoresearch").exists()


def test_it_follows_a_run_and_knows_when_it_was_killed(tmp_path: Path) -> None:
    toy = Toy.make(tmp_path)
    running = toy.start(*toy.run_arguments(-1, 1, "crash", "hang"), "--budget", "20x", "--budget", "1h", "--json")
    running.sees("sample-started", experiment=4)
    until(lambda: any("sleep 600" in process for process in toy.processes()), "the experiment runs")
    page = toy.ar("status").out
    assert page.splitlines()[0] == "autoresearch/toy   a small loss"
    assert re.fullmatch(r"running: sampling #4 for \d+ m?s of 1m( \d+s)?", facts(page)["state"])
    assert facts(page)["loss"] == "100 → 99 (−1.0 %), best is #1"
    assert facts(page)["tried"] == "3, 1 kept (33 %)"
    assert facts(page)["not kept"] == "1 not better, 1 crashed"
    assert "budget       experiments 3 of 20" in page.splitlines()
    assert facts(page)["isolation"].startswith("guarded; not confined: reads")
    known = json.loads(toy.ar("status", "--json").out)
    assert known["running"]
    assert known["live"].items() >= {"phase": "sampling", "number": 4, "pid": running.process.pid}.items()
    assert [share["label"] for share in known["budget"]] == ["time", "experiments"]

    with toy.person(80, 24, "status", "--watch") as person:
        person.sees("running: sampling #4")
        running.kill()
        person.sees("not running; `ar run` goes on")
        person.child.sendintr()
        assert person.ends() == 130
        assert not person.screen.cursor.hidden
        assert sum("autoresearch/toy" in line for line in person.lines) == 1
    after = facts(toy.ar("status").out)
    assert (after["state"], after["loss"]) == ("not running; `ar run` goes on", "100 → 99 (−1.0 %), best is #1")
    known = json.loads(toy.ar("status", "--json").out)
    assert (known["running"], known["live"], known["budget"]) == (False, None, [])
    assert "Outcome" not in toy.experiments()[4]


def test_the_record_of_another_version_with_other_keys_can_be_read(tmp_path: Path) -> None:
    toy = Toy.make(tmp_path)
    toy.run(-1)
    write(toy.root, {"sub/empty": ""})
    repository, ref, old = Repository(toy.root), "refs/autoresearch/toy/run", toy.ref("run")
    text = (toy.root / "autoresearch.toml").read_text().replace("editable =", "changeable =")
    tree = changed_tree(repository, repository.tree_of(old), Change({"autoresearch.toml": text}))
    assert isinstance(tree, str)
    repository.move(RefChange(ref, repository.commit(tree, [old], repository.message(old), datetime.now(UTC)), old))
    repository.close()
    assert toy.ar("status").out.startswith("autoresearch/toy   a small loss\n")
    assert toy.cli(toy.root / "sub", "log", "1", "--sha").out.strip() == toy.ref("0001")


NOISY = """\
import os
from solve import X

print("score:", X + int(os.environ["AR_SEED"]) % 100 / 10000)
"""


def test_the_final_check_is_the_number_everywhere(tmp_path: Path) -> None:
    repository = toy(tmp_path / "repo", {"evaluate.py": NOISY})
    ar = Cli(tmp_path / "home")
    changes = patches(tmp_path / "patches", ("solve.py", solve(), solve(x=2.0)))
    done = ar(repository, "run", "--replay", str(changes), "--budget", "60x")
    assert done.code == 0, done.err
    [first] = [line for line in done.out.splitlines() if line.startswith("1 kept of 1")]
    assert re.fullmatch(r"1 kept of 1 · 3\.\d+ → 2\.\d+ \(−33\.\d % ± [\d.]+\) · final check, 3 pairs", first)
    assert done.out.count("(the final check)") == 6
    assert ar(repository, "log").out.splitlines()[0] == first
    page = facts(ar(repository, "status").out)
    assert page["final check"] == first.split(" · ")[1] + ", 3 pairs"
    known = json.loads(ar(repository, "status", "--json").out)
    assert known["final_check"].keys() == {"baseline", "best", "pairs"}
    assert known["final_check"]["pairs"] == 3
    assert known["holdout"] is None


def test_the_noise_of_a_fixed_seed_is_called_the_machines(tmp_path: Path) -> None:
    timed = "import time\n\nprint('score:', time.time_ns() % 1000 + 5)\n"
    text = config().replace("'not random'", "'none'")
    repository = toy(tmp_path / "repo", {"evaluate.py": timed, "autoresearch.toml": text})
    ar = Cli(tmp_path / "home")
    assert ar(repository, "init", "--check").code == 0
    assert facts(ar(repository, "status").out)["noise"].endswith(
        " per sample, the script's own seed: perhaps only the machine's"
    )


def test_money_that_no_experiment_carries_is_spent_all_the_same(tmp_path: Path) -> None:
    """That of the final check is the run's."""
    paid = {"evaluate.py": f"{NOISY}print('usd: 0.25')\n"}
    repository = toy(tmp_path / "repo", paid, experiment="canary = false\ncost = 'usd'")
    ar = Cli(tmp_path / "home")
    changes = patches(tmp_path / "patches", ("solve.py", solve(), solve(x=2.0)))
    done = ar(repository, "run", "--tag", "t", "--replay", str(changes), "--budget", "60x")
    assert "final check, 3 pairs" in done.out
    outputs = repository.glob(".autoresearch/runs/t/*/output.log")
    usd = 0.25 * sum(output.read_text().count("usd: 0.25") for output in outputs)
    assert usd > 1.5
    assert json.loads(ar(repository, "status", "--json").out)["cost_usd"] == usd
    assert f" {usd:.2f} usd" in facts(ar(repository, "status").out)["spent"]
