"""The tuner in runs that are played in memory: a record, files by commit, and a function in place of the command."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest

from autoresearch.core.edit import Write
from autoresearch.core.experiment import Decision, Experiment, Outcome, Proposal, Usage
from autoresearch.core.history import Direction, History
from autoresearch.core.ports import Attempt, Proposer, Request
from autoresearch.errors import ProposalsExhausted, ProposerBroken
from autoresearch.proposers.constants import find
from autoresearch.proposers.tuner import Sampler, TunerProposer
from tests.support.experiments import experiment

Files = Mapping[str, str]
TRAIN = """\
MATRIX_LR = 0.04  # the rate
BETAS = (0.9, 0.95)
TOTAL_BATCH_SIZE = 2**19
DEPTH = 8
ACTIVATION = "gelu"  # tune: gelu,relu,tanh
"""
OPTIMUM = {"MATRIX_LR": 0.02, "BETAS[0]": 0.8, "BETAS[1]": 0.98, "TOTAL_BATCH_SIZE": 18, "DEPTH": 10}
EVERY = pytest.mark.parametrize("sampler", list(Sampler))


def values(files: Files) -> dict[str, object]:
    return {one.short: one.value for one in find(files)}


def distance(files: Files) -> float | None:
    """Smaller is better; a deep model with a large rate crashes."""
    found = {one.short: one for one in find(files)}
    cost = 0.2 if found["ACTIVATION"].value == "gelu" else 0.0
    for name, best in OPTIMUM.items():
        domain, value = found[name].domain, found[name].value
        cost += (domain.unit(value) - domain.unit(best)) ** 2  # type: ignore[arg-type]
    return None if values(files)["MATRIX_LR"] > 0.08 else cost  # type: ignore[operator]


@dataclass
class Run:
    """A run in memory: what the loop would do with each proposal, by keep-if-better."""

    files: Files
    measure: Callable[[Files], float | None] = distance
    direction: Direction = Direction.MIN
    history: History = field(init=False)
    commits: dict[str, Files] = field(default_factory=dict)
    reads: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.history = History(self.direction)
        self.record("baseline", self.files)

    def record(self, title: str, files: Files, **fields: object) -> Experiment:
        number, value, best = self.history.next_number, self.measure(files), self.history.incumbent
        known = self.history.metric(best.number) if best else None
        kept = value is not None and (known is None or self.direction.improves(value, known))
        decision = Decision.KEEP if kept else Decision.DISCARD
        done = experiment(number, value, **{"title": title, "decision": decision, **fields})
        self.commits[done.commit] = files
        self.history.add(done)
        return done

    def source(self, commit: str) -> Files:
        self.reads.append(commit)
        return self.commits[commit]

    def request(self, attempts: tuple[Attempt, ...] = (), in_flight: tuple[str, ...] = ()) -> Request:
        parent = self.history.incumbent
        assert parent is not None
        files, record = self.commits[parent.commit], self.history.digest()
        number = self.history.next_number
        return Request(number, parent, files, {}, "", record, self.source, "", in_flight, attempts)

    def edited(self, proposal: Proposal) -> Files:
        writes = {edit.path: edit.text for edit in proposal.edits if isinstance(edit, Write)}
        assert len(writes) == len(proposal.edits)
        return {**self.request().files, **writes}

    def play(self, tuner: Proposer, experiments: int) -> list[Files]:
        played = []
        for _ in range(experiments):
            proposal = tuner.propose(self.request())
            played.append(self.edited(proposal))
            self.record(proposal.title, played[-1], params=proposal.params)
        return played


def tuner(sampler: Sampler = Sampler.LOCAL, *, direction: Direction = Direction.MIN, seed: int = 1) -> TunerProposer:
    return TunerProposer(sampler=sampler, direction=direction, seed=seed)


@EVERY
def test_a_proposal_changes_literals_and_says_which(sampler: Sampler) -> None:
    run = Run({"train.py": TRAIN, "notes.txt": "nothing here\n"})
    proposer: Proposer = tuner(sampler)
    proposal = proposer.propose(run.request())
    after, before = values(run.edited(proposal)), values(run.files)
    assert [edit.path for edit in proposal.edits] == ["train.py"]
    assert after != before
    changed = [name for name in before if after[name] != before[name]]
    assert changed[0] in proposal.title
    assert f"{len(changed)} of 6 constants" in proposal.hypothesis
    assert proposal.proposer == "tuner"
    assert (proposal.usage, proposal.model) == (Usage(), "")
    shown = {**after, "TOTAL_BATCH_SIZE": 2 ** after["TOTAL_BATCH_SIZE"]}  # type: ignore[operator]
    assert json.loads(json.dumps(proposal.params)) == shown


def test_a_title_names_old_and_new_value_as_they_are_written() -> None:
    run = Run({"train.py": "N = 2**19  # tune: 18..19\n"}, measure=lambda files: 1.0)
    assert tuner().propose(run.request()).title == "N 2**19 → 2**18"


def test_a_long_title_is_cut_and_counts_the_rest() -> None:
    lines = [f"A_CONSTANT_WITH_QUITE_A_LONG_NAME_{number} = 0.125" for number in range(20)]
    run = Run({"train.py": "\n".join(lines) + "\n"}, measure=lambda files: 1.0)
    title = next(title for title in _titles(run, 20) if " more" in title)
    assert len(title) <= 72
    assert title.split(" and ")[-1].split()[0].isdigit()


def _titles(run: Run, count: int) -> list[str]:
    run.play(tuner(), count)
    titles = [one.title for one in run.history.experiments[1:]]
    assert all(0 < len(title) <= 72 for title in titles)
    return titles


def test_constants_of_one_name_in_two_files_are_told_apart() -> None:
    run = Run({"a.py": "LR = 0.1\nWD = 0.1\n", "b.py": "LR = 0.1\n"}, measure=lambda files: 1.0)
    assert set(tuner().propose(run.request()).params) == {"a.py:LR", "WD", "b.py:LR"}


@EVERY
def test_the_same_record_gives_the_same_proposal_whatever_was_asked_before(sampler: Sampler) -> None:
    run, old = Run({"train.py": TRAIN}), tuner(sampler)
    run.play(old, 25)
    assert old.propose(run.request()) == tuner(sampler).propose(run.request())
    assert old.propose(run.request()) != tuner(sampler, seed=2).propose(run.request())


@EVERY
def test_after_a_refusal_something_else_is_proposed(sampler: Sampler) -> None:
    run = Run({"train.py": "N = 3  # tune: 1..5\n"}, measure=lambda files: 1.0)
    attempts: list[Attempt] = []
    for _ in range(4):
        attempts.append(Attempt(tuner(sampler).propose(run.request(tuple(attempts))), "this tree was tried"))
    assert sorted(one.proposal.params["N"] for one in attempts) == [1, 2, 4, 5]
    with pytest.raises(ProposalsExhausted):
        tuner(sampler).propose(run.request(tuple(attempts)))


def test_what_is_in_flight_is_not_proposed_again() -> None:
    run = Run({"train.py": "N = 2  # tune: 1..3\n"}, measure=lambda files: 1.0)
    assert tuner().propose(run.request(in_flight=("N 2 → 1",))).title == "N 2 → 3"


@EVERY
def test_every_combination_is_tried_once_and_then_the_run_ends(sampler: Sampler) -> None:
    text = 'N = 2  # tune: 1..4\nACT = "a"  # tune: a,b,c\n'
    run = Run({"train.py": text}, measure=lambda files: 1.0)
    played = [tuple(values(files).values()) for files in run.play(tuner(sampler), 11)]
    assert len({*played, (2, "a")}) == 12
    with pytest.raises(ProposalsExhausted, match=r"every combination .* \(N, ACT\)") as raised:
        tuner(sampler).propose(run.request())
    assert "# tune:" in raised.value.hint


def test_an_interrupted_experiment_may_be_proposed_again_and_a_rejected_one_not() -> None:
    run = Run({"train.py": "N = 1  # tune: 1..2\n"}, measure=lambda files: 1.0)
    proposal = tuner().propose(run.request())
    run.record(proposal.title, run.edited(proposal), params=proposal.params, outcome=Outcome.INTERRUPTED)
    assert tuner().propose(run.request()).title == proposal.title
    run.record(proposal.title, run.files, params=proposal.params, outcome=Outcome.REJECTED)
    with pytest.raises(ProposalsExhausted):
        tuner().propose(run.request())


@EVERY
def test_one_constant_on_a_plateau_never_repeats(sampler: Sampler) -> None:
    run = Run({"train.py": "LR = 0.1\n"}, measure=lambda files: 1.0)
    played = [values(files)["LR"] for files in run.play(tuner(sampler), 60)]
    assert len({0.1, *played}) == 61


@EVERY
def test_a_dozen_experiments_keep_something(sampler: Sampler) -> None:
    run = Run({"train.py": TRAIN})
    run.play(tuner(sampler), 12)
    assert len(run.history.kept) > 1


def test_the_default_finds_most_of_the_gain_in_fifty_experiments() -> None:
    for direction in Direction:
        sign = 1 if direction is Direction.MIN else -1

        def measure(files: Files, sign: int = sign) -> float | None:
            cost = distance(files)
            return None if cost is None else sign * cost

        run = Run({"train.py": TRAIN}, measure, direction)
        run.play(tuner(direction=direction), 50)
        best, start = run.history.incumbent, run.history.baseline
        assert best is not None
        assert start is not None
        assert best.metric is not None
        assert start.metric is not None
        assert best.metric * sign < 0.3 * start.metric * sign


def test_it_learns_where_experiments_fail() -> None:
    def fails_above(files: Files) -> float | None:
        rate = values(files)["LR"]
        return None if rate > 0.1 else 1.0  # type: ignore[operator]

    run = Run({"train.py": "LR = 0.1\n"}, fails_above)
    run.play(tuner(), 30)
    failed = [one.outcome.is_failure for one in run.history.experiments[1:]]
    assert sum(failed[:10]) > sum(failed[20:])


def test_experiments_of_another_proposer_are_learned_from() -> None:
    """They changed the same constant, all for the worse on one side: the tuner goes to the other."""
    run = Run({"train.py": "LR = 0.1\n"}, lambda files: abs(values(files)["LR"] - 0.02))  # type: ignore[operator]
    for rate in ("0.15", "0.2", "0.3", "0.5"):
        run.record(f"LR {rate}", {"train.py": f"LR = {rate}\n"}, proposer="llm")
    for seed in range(10):
        assert tuner(seed=seed).propose(run.request()).params["LR"] < 0.1  # type: ignore[operator]


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
    run = Run({"train.py": TRAIN}, lambda files: 1 / len(files["train.py"]))
    run.record("one more", {"train.py": TRAIN + "EXTRA = 0.5\n"}, proposer="llm")
    run.record("a word", {"train.py": TRAIN.replace("DEPTH = 8", "DEPTH = 'deep'  # tune: deep,flat")}, proposer="llm")
    run.record("no constants", {"train.py": "print('nothing to tune, and longer than all of the others')\n" * 9})
    run.record("all again", {"train.py": TRAIN + "pass\n" * 99}, proposer="llm")
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


def test_without_constants_the_error_shows_the_line_to_write() -> None:
    run = Run({"train.py": "lr = 0.1\n", "a.conf": "x = 5  # tune: 1-9\n"}, measure=lambda files: 1.0)
    with pytest.raises(ProposerBroken, match=r"nothing to tune.*not understood: a\.conf:1") as raised:
        tuner().propose(run.request())
    assert "LR = 3e-4  # tune: 1e-5..1e-2 log" in raised.value.hint
