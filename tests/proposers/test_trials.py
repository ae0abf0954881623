"""What the tuner learns from the record, in runs that are played in memory."""

from __future__ import annotations

from autoresearch.core.experiment import VETOED, Decision
from tests.support.played import Files, Run, tuner, values

CODE = "LR = 0.1\nDEPTH = 8\n"


def test_experiments_of_another_proposer_are_learned_from() -> None:
    """They changed the same constant, all for the worse on one side: the tuner goes to the other."""
    run = Run({"train.py": "LR = 0.1\n"}, lambda files: abs(values(files)["LR"] - 0.02))  # type: ignore[operator]
    for rate in ("0.15", "0.2", "0.3", "0.5"):
        run.record(f"LR {rate}", {"train.py": f"LR = {rate}\n"}, proposer="llm")
    for seed in range(10):
        assert tuner(seed=seed).propose(run.request()).params["LR"] < 0.1  # type: ignore[operator]


def test_what_was_vetoed_in_spite_of_its_number_is_no_place_to_go() -> None:
    """The option with by far the best metric breaks a constraint: it is not tried again and again."""
    code = "MODE = 'safe'  # tune: safe,fast,other\nSIZE = 10\nRATE = 0.1\n"
    run = Run({"train.py": code}, lambda files: 0.01 if values(files)["MODE"] == "fast" else 1.0)
    for size in (9, 11, 12):
        text = code.replace("'safe'", "'fast'").replace("10", str(size))
        run.record("fast", {"train.py": text}, flags=(VETOED,), decision=Decision.DISCARD)
    for seed in range(10):
        assert tuner(seed=seed).propose(run.request()).params["MODE"] != "fast"


def test_code_that_changed_meanwhile_does_not_confuse_it() -> None:
    """Another proposer halves the metric with new code: what was learned about the constant before still counts."""

    def measure(files: Files) -> float:
        rate = values(files)["LR"]
        return abs(rate - 0.02) + (0.0 if "def better" in files["train.py"] else 100.0)  # type: ignore[operator]

    run = Run({"train.py": "LR = 0.1\n"}, measure)
    for rate in ("0.15", "0.2", "0.3", "0.5"):
        run.record(f"LR {rate}", {"train.py": f"LR = {rate}\n"})
    run.record("better code", {"train.py": "LR = 0.1\ndef better(): ...\n"}, proposer="llm")
    run.record("worse code", {"train.py": "LR = 0.07\ndef worse(): ...\n"}, proposer="llm")
    for seed in range(10):
        assert tuner(seed=seed).propose(run.request()).params["LR"] < 0.1  # type: ignore[operator]


def test_experiments_with_other_constants_are_no_problem() -> None:
    run = Run({"train.py": CODE}, lambda files: 1 / len(files["train.py"]))
    run.record("one more", {"train.py": CODE + "EXTRA = 0.5\n"}, proposer="llm")
    run.record("a word", {"train.py": CODE.replace("DEPTH = 8", "DEPTH = 'deep'  # tune: deep,flat")}, proposer="llm")
    run.record("no constants", {"train.py": "pass\n"}, proposer="llm")
    run.record("all again", {"train.py": CODE + "pass\n" * 99}, proposer="llm")
    run.play(tuner(), 5)
    assert len(run.history.experiments) == 10


def test_the_work_per_proposal_does_not_grow_with_the_run() -> None:
    run = Run({"train.py": "LR = 0.1\nWD = 0.1\n"}, lambda files: float(values(files)["LR"]))  # type: ignore[arg-type]
    for number in range(1, 3000):
        run.record(f"LR {number}", {"train.py": f"LR = 0.{number + 1000}\nWD = 0.1\n"})
    proposer = tuner()
    proposer.propose(run.request())
    assert len(run.reads) == len(set(run.reads)) <= 502
    run.play(proposer, 3)
    assert len(run.reads) <= 502 + 3
