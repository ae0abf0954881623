"""The tuner's proposals, in runs that are played in memory."""

from __future__ import annotations

import json
from itertools import islice

import pytest

from autoresearch.core.edit import Refusal, Replace, Write, apply
from autoresearch.core.experiment import Outcome, Usage
from autoresearch.core.history import Direction
from autoresearch.core.ports import Attempt, Proposer
from autoresearch.errors import ProposalsExhausted, ProposerBroken
from autoresearch.proposers.constants import find
from autoresearch.proposers.space import Axis
from autoresearch.proposers.tuner import Sampler, _all_combinations, edits_of
from tests.support.played import Files, Run, tuner, values

TRAIN = """\
MATRIX_LR = 0.04  # the rate
BETAS = (0.9, 0.95)
TOTAL_BATCH_SIZE = 2**19
DEPTH = 8
ACTIVATION = "gelu"  # tune: gelu,relu,tanh
"""
OPTIMUM = {"MATRIX_LR": 0.02, "BETAS[0]": 0.8, "BETAS[1]": 0.98, "TOTAL_BATCH_SIZE": 18, "DEPTH": 10}
EVERY = pytest.mark.parametrize("sampler", list(Sampler))


def distance(files: Files) -> float | None:
    """Smaller is better; a deep model with a large rate crashes."""
    found = {one.short: one for one in find(files)}
    cost = 0.2 if found["ACTIVATION"].value == "gelu" else 0.0
    for name, best in OPTIMUM.items():
        domain, value = found[name].domain, found[name].value
        cost += (domain.unit(value) - domain.unit(best)) ** 2  # type: ignore[arg-type]
    return None if values(files)["MATRIX_LR"] > 0.08 else cost  # type: ignore[operator]


@EVERY
def test_a_proposal_changes_literals_and_says_which(sampler: Sampler) -> None:
    run = Run({"train.py": TRAIN, "notes.txt": "nothing here\n"}, distance)
    proposer: Proposer = tuner(sampler)
    proposal = proposer.propose(run.request())
    after, before = values(run.edited(proposal)), values(run.files)
    assert {edit.path for edit in proposal.edits} == {"train.py"}
    assert after != before
    changed = [name for name in before if after[name] != before[name]]
    assert changed[0] in proposal.title
    assert f"{len(changed)} of 6 constants" in proposal.hypothesis
    assert proposal.proposer == "tuner"
    assert (proposal.usage, proposal.model) == (Usage(), "")
    shown = {**after, "TOTAL_BATCH_SIZE": 2 ** after["TOTAL_BATCH_SIZE"]}  # type: ignore[operator]
    assert json.loads(json.dumps(proposal.params)) == shown


@EVERY
def test_a_seed_is_left_alone(sampler: Sampler) -> None:
    run = Run({"train.py": "SEED = 1337\nTORCH_RANDSEED = 7\nLR = 0.1\n"})
    proposal = tuner(sampler).propose(run.request())
    assert list(proposal.params) == ["LR"]
    with pytest.raises(ProposerBroken, match="nothing to tune"):
        tuner(sampler).propose(Run({"train.py": "SEED = 1337\n"}).request())


def test_a_title_names_old_and_new_value_as_they_are_written() -> None:
    run = Run({"train.py": "N = 2**19  # tune: 18..19\n"})
    assert tuner().propose(run.request()).title == "N 2**19 → 2**18"


def test_a_long_title_is_cut_and_counts_the_rest() -> None:
    lines = [f"A_CONSTANT_WITH_QUITE_A_LONG_NAME_{number} = 0.125" for number in range(20)]
    run = Run({"train.py": "\n".join(lines) + "\n"})
    title = next(title for title in _titles(run, 20) if " more" in title)
    assert len(title) <= 72
    assert title.split(" and ")[-1].split()[0].isdigit()


def _titles(run: Run, count: int) -> list[str]:
    run.play(tuner(), count)
    titles = [one.title for one in run.history.experiments[1:]]
    assert all(0 < len(title) <= 72 for title in titles)
    return titles


def test_constants_of_one_name_in_two_files_are_told_apart() -> None:
    run = Run({"a.py": "LR = 0.1\nWD = 0.1\n", "b.py": "LR = 0.1\n"})
    assert set(tuner().propose(run.request()).params) == {"a.py:LR", "WD", "b.py:LR"}


@EVERY
def test_the_same_record_gives_the_same_proposal_whatever_was_asked_before(sampler: Sampler) -> None:
    run, old = Run({"train.py": TRAIN}, distance), tuner(sampler)
    run.play(old, 25)
    assert old.propose(run.request()) == tuner(sampler).propose(run.request())
    assert old.propose(run.request()) != tuner(sampler, seed=2).propose(run.request())


@EVERY
def test_after_a_refusal_something_else_is_proposed(sampler: Sampler) -> None:
    run = Run({"train.py": "N = 3  # tune: 1..5\n"})
    attempts: list[Attempt] = []
    for _ in range(4):
        attempts.append(Attempt(tuner(sampler).propose(run.request(tuple(attempts))), "this tree was tried"))
    assert sorted(one.proposal.params["N"] for one in attempts) == [1, 2, 4, 5]
    with pytest.raises(ProposalsExhausted):
        tuner(sampler).propose(run.request(tuple(attempts)))


def test_what_is_in_flight_is_not_proposed_again() -> None:
    run = Run({"train.py": "N = 2  # tune: 1..3\n"})
    assert tuner().propose(run.request(in_flight=("N 2 → 1",))).title == "N 2 → 3"


@EVERY
def test_every_combination_is_tried_once_and_then_the_run_ends(sampler: Sampler) -> None:
    text = 'N = 2  # tune: 1..4\nACT = "a"  # tune: a,b,c\n'
    run = Run({"train.py": text})
    played = [tuple(values(files).values()) for files in run.play(tuner(sampler), 11)]
    assert len({*played, (2, "a")}) == 12
    with pytest.raises(ProposalsExhausted, match=r"every combination .* \(N, ACT\)") as raised:
        tuner(sampler).propose(run.request())
    assert "# tune:" in raised.value.hint


def test_an_interrupted_experiment_may_be_proposed_again_and_a_rejected_one_not() -> None:
    run = Run({"train.py": "N = 1  # tune: 1..2\n"})
    proposal = tuner().propose(run.request())
    run.record(proposal.title, run.edited(proposal), params=proposal.params, outcome=Outcome.INTERRUPTED)
    assert tuner().propose(run.request()).title == proposal.title
    run.record(proposal.title, run.files, params=proposal.params, outcome=Outcome.REJECTED)
    with pytest.raises(ProposalsExhausted):
        tuner().propose(run.request())


@EVERY
def test_one_constant_on_a_plateau_never_repeats(sampler: Sampler) -> None:
    run = Run({"train.py": "LR = 0.1\n"})
    played = [values(files)["LR"] for files in run.play(tuner(sampler), 60)]
    assert len({0.1, *played}) == 61


@EVERY
def test_a_dozen_experiments_keep_something(sampler: Sampler) -> None:
    run = Run({"train.py": TRAIN}, distance)
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


def test_without_constants_the_error_shows_the_line_to_write() -> None:
    run = Run({"train.py": "lr = 0.1\n", "a.conf": "x = 5  # tune: 1-9\n"})
    with pytest.raises(ProposerBroken, match=r"nothing to tune.*not understood: a\.conf:1") as raised:
        tuner().propose(run.request())
    assert "LR = 3e-4  # tune: 1e-5..1e-2 log" in raised.value.hint


def test_a_change_says_line_by_line_what_is_changed_so_that_it_fits_other_files_too() -> None:
    before, after = "A = 1\nB = 2\nC = 3\n", "A = 1\nB = 5\nC = 4\n"
    edits = (Replace("x.py", "B = 2\n", "B = 5\n"), Replace("x.py", "C = 3\n", "C = 4\n"))
    assert edits_of("x.py", before, after) == edits


def test_a_change_of_a_line_is_none_of_another_line_that_begins_alike() -> None:
    edits = edits_of("x.py", "B = 6\nLR = 0.1\n", "B = 8\nLR = 0.2\n")
    assert isinstance(apply(edits[:1], {"x.py": "B = 64\n"}, exactly=True), Refusal)
    assert isinstance(apply(edits[1:], {"x.py": "LR = 0.15\n"}, exactly=True), Refusal)


@pytest.mark.parametrize("text", ["BIG = 1e308", "TINY = 5e-324", f"LONG = {'9' * 39}", "N = 5  # tune: 0..1e20"])
def test_numbers_of_any_size_do_not_end_the_search(text: str) -> None:
    run = Run({"train.py": f"{text}\nLR = 0.1\n"}, lambda files: float(values(files)["LR"]))  # type: ignore[arg-type]
    assert len(run.play(tuner(), 30)) == 30
    list(islice(_all_combinations({one.key: Axis(one.domain, one.value) for one in find(run.files)}), 10))


@pytest.mark.parametrize(("before", "after"), [("B = 2\nB = 2\n", "B = 5\nB = 2\n"), ("A = 1\nB = 2", "A = 1\nB = 5")])
def test_where_a_line_is_not_the_only_one_of_its_kind_the_whole_text_is_written(before: str, after: str) -> None:
    [edit] = edits_of("x.py", before, after)
    assert edit == Write("x.py", after)
