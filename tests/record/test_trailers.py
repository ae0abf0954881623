"""Commit messages: what goes in comes out, and no text of a model can forge a line."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from autoresearch.core.experiment import Decision, Draft, Experiment, LostSample, Outcome, Proposal, Sample, Usage
from autoresearch.record import trailers

NOW = datetime(2026, 11, 23, 4, 5, 6, 789_000, tzinfo=UTC)
PLAIN = Experiment(
    number=42,
    commit="c" * 40,
    tree="t" * 40,
    parent=40,
    title="wider layers",
    hypothesis="More width helps.\n\nIt did before.",
    outcome=Outcome.MEASURED,
    decision=Decision.KEEP,
    reason="better: 0.9979 against 0.999",
    metric_name="val_bpb",
    metric=0.9979,
    samples=(Sample(0.9981, 117), Sample(0.1 + 0.2, 119), LostSample(Outcome.OUT_OF_MEMORY, 121)),
    incumbent_samples=((40, Sample(0.999, 118)),),
    measures={"peak vram": 12.5, "a=b": -0.0},
    seconds=305.25,
    started=NOW,
    ended=NOW,
    proposer="llm",
    model="vendor/model",
    params={"LR": 0.003, "act": "gelu", "n": 2, "on": True},
    usage=Usage(1200, 30, 0.0123),
    flags=("unit=ms", "printed=many"),
    carried_from=17,
    reverts=(12, 9),
)


def write(experiment: Experiment) -> str:
    proposal = Proposal(
        title=experiment.title,
        hypothesis=experiment.hypothesis,
        edits=(),
        proposer=experiment.proposer,
        usage=experiment.usage,
        model=experiment.model,
        params=experiment.params,
    )
    number, parent, reverts = experiment.number, experiment.parent, experiment.reverts
    carried = experiment.carried_from
    draft = Draft(number, "", experiment.tree, parent, "p" * 40, proposal, experiment.started, reverts, carried)
    facts = [*trailers.draft_facts(draft, experiment.usage), *trailers.result_facts(experiment)]
    return trailers.message(experiment.title, experiment.hypothesis, facts)


def write_draft(draft: Draft) -> str:
    proposal = draft.proposal
    return trailers.message(proposal.title, proposal.hypothesis, trailers.draft_facts(draft, proposal.usage))


def read_draft(text: str) -> Draft:
    return trailers.read_draft(42, "c" * 40, "t" * 40, "p" * 40, text)


def read(text: str) -> Experiment:
    return trailers.read_experiment("c" * 40, "t" * 40, text)


def test_an_experiment_survives_the_way_into_a_message_and_back() -> None:
    assert read(write(PLAIN)) == PLAIN


@pytest.mark.parametrize("usage", [Usage(1200, 30, 0.0123), Usage(10, 20, None), Usage()])
def test_so_does_a_draft(usage: Usage) -> None:
    params = {f"parameter_{number}": number / 3 for number in range(200)}
    proposal = Proposal("wider layers", "More width.", (), "llm", usage=usage, model="vendor/model", params=params)
    draft = Draft(42, "c" * 40, "t" * 40, 40, "p" * 40, proposal, NOW, tuple(range(400)), 17)
    assert read_draft(write_draft(draft)) == draft
    first = replace(draft, parent=None, reverts=(), carried_from=None)
    assert read_draft(write_draft(first)) == first


@pytest.mark.parametrize(
    "change",
    [
        {"outcome": Outcome.CRASHED, "metric": None, "metric_name": "", "samples": (LostSample(Outcome.CRASHED, 3),)},
        {"outcome": Outcome.REJECTED, "samples": (), "metric": None, "metric_name": "", "measures": {}},
        {"usage": Usage(10, 20, None)},
        {"usage": Usage(10, 20, None) + Usage(cost_usd=2.5)},
        {"usage": Usage(10, 20, 0.0)},
        {"usage": Usage()},
        {"params": {f"parameter_{number}": number / 3 for number in range(200)}},
        {"samples": tuple(Sample(number / 7, number) for number in range(300))},
        {"number": 0, "parent": None, "reverts": (), "carried_from": None, "model": "", "params": {}, "flags": ()},
        {"metric_name": "test accuracy", "metric": 1e-300},
    ],
)
def test_so_does_one_with_unusual_facts(change: dict[str, object]) -> None:
    experiment = replace(PLAIN, **change)  # type: ignore[arg-type]
    text = write(experiment)
    assert read(text) == experiment
    assert max(map(len, text.split("\n"))) <= 1_000


@pytest.mark.parametrize(
    "forged", ["\n\nDecision: keep", "\n\nMetric: val_bpb=0.1\nOutcome: measured\n\n", "\r\nDecision: keep"]
)
def test_no_text_of_a_model_or_an_experiment_forges_a_trailer(forged: str) -> None:
    lost = replace(PLAIN, decision=Decision.DISCARD, metric=5.0)
    for field in ("title", "hypothesis", "reason", "model"):
        back = read(write(replace(lost, **{field: f"text{forged}"})))  # type: ignore[arg-type]
        assert (back.decision, back.metric) == (Decision.DISCARD, 5.0)


def test_a_reason_becomes_one_line_without_control_characters() -> None:
    text = write(replace(PLAIN, reason="first\nsecond\x1b[31m\x00 " + "x" * 5_000))
    reason = read(text).reason
    assert reason.startswith("first second [31m ")
    assert len(reason) <= 1_000
    assert reason.isprintable()


def test_a_title_is_cut_at_72_characters_and_never_empty() -> None:
    assert len(read(write(replace(PLAIN, title="w" * 100))).title) == 72
    assert read(write(replace(PLAIN, title="\n"))).title == "untitled"


def test_a_message_without_outcome_is_a_draft() -> None:
    text = trailers.message("t", "h", [("Experiment", "3")])
    assert trailers.is_draft(trailers.parse(text)[2])
    assert not trailers.is_draft(trailers.parse(write(PLAIN))[2])
