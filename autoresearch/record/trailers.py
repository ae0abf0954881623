"""An experiment as a commit message, and back.

    subject      the change, at most 72 characters
    body         the hypothesis
    last part    trailers: one fact a line, at most 1,000 characters, no control characters

Only the last paragraph is ever read back, and nothing that a model or an experiment wrote can begin a line of it: so no
text of theirs can forge a result. A message without `Outcome` is a draft. What is not here: git.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import groupby

from autoresearch.core.experiment import (
    AnySample,
    Decision,
    Draft,
    Experiment,
    LostSample,
    Outcome,
    Proposal,
    Sample,
    Scalar,
    Usage,
)

SUBJECT_LENGTH = 72
LINE_LENGTH = 1_000
VALUE_LENGTH = LINE_LENGTH - 100
"""Of a fact that may take several lines: `clean` never cuts one."""
HOLDOUT, INCUMBENT_HOLDOUT = "Holdout", "Incumbent-Holdout"
PARTIAL_COST = "Partial-Cost"
"""What the holdout measured, sealed (`record.sealed`); no part of an `Experiment`."""
BODY_LENGTH = 4_000
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")

Trailers = Mapping[str, list[str]]


def clean(text: str, length: int = LINE_LENGTH) -> str:
    """One line: control characters become a space, what is too long is cut."""
    line = CONTROL.sub(" ", text.encode("utf-8", "replace").decode()).strip()
    return line if len(line) <= length else line[: length - 1] + "…"


def message(subject: str, body: str, facts: Iterable[tuple[str, str]]) -> str:
    """The whole commit message. Facts with an empty value are left out."""
    text = "\n".join(clean(line) for line in body.splitlines()).strip()[:BODY_LENGTH]
    lines = [f"{name}: {value}" for name, value in ((name, clean(value)) for name, value in facts) if value]
    parts = [clean(subject, SUBJECT_LENGTH) or "untitled", text, "\n".join(lines)]
    return "\n\n".join(part for part in parts if part) + "\n"


def parse(text: str) -> tuple[str, str, Trailers]:
    """Subject, body and trailers of a message that `message` wrote."""
    head, _, last = text.rstrip("\n").rpartition("\n\n")
    subject, _, body = head.partition("\n\n")
    facts: defaultdict[str, list[str]] = defaultdict(list)
    for line in last.split("\n"):
        name, separator, value = line.partition(": ")
        if separator:
            facts[name].append(value)
    # A name that is not there must be an error again, not an empty list.
    facts.default_factory = None
    return subject, body, facts


def draft_facts(draft: Draft, usage: Usage) -> Iterator[tuple[str, str]]:
    """What is known before the experiment runs."""
    proposal = draft.proposal
    yield "Experiment", str(draft.number)
    if draft.parent is not None:
        yield "Parent-Experiment", str(draft.parent)
    yield "Started", draft.started.isoformat(timespec="milliseconds")
    yield "Proposer", proposal.proposer
    yield "Model", proposal.model
    yield from (("Params", chunk) for chunk in _params(proposal.params))
    if usage.tokens:
        yield "Tokens", f"{usage.tokens_in} {usage.tokens_out}"
    # Nothing paid for tokens is a fact, too: without it the price would read as unknown.
    if usage.cost_usd is not None and (usage.cost_usd or usage.tokens):
        yield "Cost-USD", repr(usage.cost_usd)
    if usage.is_partial:
        yield PARTIAL_COST, "of a part the price is not known"
    yield from (("Reverts", line) for line in _lines(map(str, draft.reverts)))
    if draft.carried_from is not None:
        yield "Carried-From", str(draft.carried_from)


def read_draft(number: int, commit: str, tree: str, parent_commit: str, text: str) -> Draft:
    """The draft of a commit that has no result. Raises ValueError or KeyError when it is not one of ours."""
    subject, body, facts = parse(text)
    proposal = Proposal(
        title=subject,
        hypothesis=body,
        edits=(),
        proposer=_first(facts, "Proposer"),
        usage=read_usage(facts),
        model=_first(facts, "Model"),
        params=read_params(facts),
    )
    return Draft(
        number=number,
        commit=commit,
        tree=tree,
        parent=_integer(facts, "Parent-Experiment"),
        parent_commit=parent_commit,
        proposal=proposal,
        started=datetime.fromisoformat(facts["Started"][0]),
        reverts=_reverts(facts),
        carried_from=_integer(facts, "Carried-From"),
    )


def result_facts(experiment: Experiment) -> Iterator[tuple[str, str]]:
    """What is known once it is decided."""
    yield "Outcome", experiment.outcome
    yield "Decision", experiment.decision
    yield "Reason", experiment.reason
    if experiment.metric is not None:
        yield "Metric", f"{experiment.metric_name}={experiment.metric!r}"
    yield from (("Samples", line) for line in _lines(_sample(one) for one in experiment.samples))
    for number, pairs in groupby(experiment.incumbent_samples, key=lambda pair: pair[0]):
        yield from (("Incumbent-Samples", f"{number} {line}") for line in _lines(_sample(one) for _, one in pairs))
    yield from (("Measure", f"{name}={value!r}") for name, value in experiment.measures.items())
    yield "Duration", repr(round(experiment.seconds, 3))
    yield "Ended", experiment.ended.isoformat(timespec="milliseconds")
    yield "Isolation", experiment.isolation
    yield "Slot", str(experiment.slot)
    yield "Flags", " ".join(experiment.flags)


def is_draft(facts: Trailers) -> bool:
    """The experiment was written down, and the process ended before its result was."""
    return "Outcome" not in facts


def is_kept(facts: Trailers) -> bool:
    """The experiment is finished, and on the branch."""
    return _first(facts, "Decision") == Decision.KEEP


def read_experiment(commit: str, tree: str, text: str) -> Experiment:
    """The experiment of a finished commit. Raises ValueError or KeyError when it is not one of ours."""
    return experiment_of(commit, tree, parse(text))


def experiment_of(commit: str, tree: str, parsed: tuple[str, str, Trailers]) -> Experiment:
    """The same, where the message was parsed already."""
    subject, body, facts = parsed
    name, metric = _metric(_first(facts, "Metric"))
    return Experiment(
        number=int(facts["Experiment"][0]),
        commit=commit,
        tree=tree,
        parent=_integer(facts, "Parent-Experiment"),
        title=subject,
        hypothesis=body,
        outcome=Outcome(facts["Outcome"][0]),
        decision=Decision(facts["Decision"][0]),
        reason=_first(facts, "Reason"),
        metric_name=name,
        metric=metric,
        samples=tuple(_read_sample(word) for line in facts.get("Samples", ()) for word in line.split()),
        incumbent_samples=tuple(_read_incumbent_samples(facts.get("Incumbent-Samples", ()))),
        measures=dict(_read_measures(facts.get("Measure", ()))),
        seconds=float(facts["Duration"][0]),
        started=datetime.fromisoformat(facts["Started"][0]),
        ended=datetime.fromisoformat(facts["Ended"][0]),
        proposer=_first(facts, "Proposer"),
        model=_first(facts, "Model"),
        params=read_params(facts),
        usage=read_usage(facts),
        isolation=_first(facts, "Isolation"),
        slot=_integer(facts, "Slot") or 0,
        flags=tuple(_first(facts, "Flags").split()),
        carried_from=_integer(facts, "Carried-From"),
        reverts=_reverts(facts),
    )


def read_params(facts: Trailers) -> dict[str, Scalar]:
    """The parameters, joined from all their lines."""
    params: dict[str, Scalar] = {}
    for line in facts.get("Params", ()):
        params.update(json.loads(line))
    return params


def read_usage(facts: Trailers) -> Usage:
    """Tokens and money. Tokens without money: the price was not known."""
    tokens = [int(word) for word in _first(facts, "Tokens").split()] or [0, 0]
    cost = _first(facts, "Cost-USD")
    usd = float(cost) if cost else (None if sum(tokens) else 0.0)
    return Usage(tokens[0], tokens[1], usd, PARTIAL_COST in facts)


def sealed_numbers(number: int, facts: Trailers) -> dict[int, str]:
    """By experiment: what the holdout measured, sealed, as far as it stands on the commit of experiment `number`."""
    sealed = {}
    if HOLDOUT in facts:
        sealed[number] = facts[HOLDOUT][0]
    if INCUMBENT_HOLDOUT in facts:
        parent, _, word = facts[INCUMBENT_HOLDOUT][0].partition(" ")
        sealed[int(parent)] = word
    return sealed


def _first(facts: Trailers, name: str) -> str:
    return facts.get(name, [""])[0]


def _integer(facts: Trailers, name: str) -> int | None:
    return int(facts[name][0]) if name in facts else None


def _reverts(facts: Trailers) -> tuple[int, ...]:
    return tuple(int(word) for line in facts.get("Reverts", ()) for word in line.split())


def _metric(text: str) -> tuple[str, float | None]:
    name, _, value = text.rpartition("=")
    return (name, float(value)) if value else ("", None)


def _sample(sample: AnySample) -> str:
    match sample:
        case Sample(value, at):
            return f"{value!r}@{at}"
        case LostSample(outcome, at):
            return f"!{outcome.replace(' ', '-')}@{at}"


def _read_sample(word: str) -> AnySample:
    value, _, at = word.rpartition("@")
    if value.startswith("!"):
        return LostSample(Outcome(value[1:].replace("-", " ")), int(at))
    return Sample(float(value), int(at))


def _read_incumbent_samples(lines: Iterable[str]) -> Iterator[tuple[int, Sample]]:
    for line in lines:
        number, *words = line.split()
        for sample in map(_read_sample, words):
            if isinstance(sample, Sample):
                yield int(number), sample


def _read_measures(lines: Iterable[str]) -> Iterator[tuple[str, float]]:
    for line in lines:
        name, _, value = line.rpartition("=")
        yield name, float(value)


def _lines(words: Iterable[str]) -> Iterator[str]:
    """Words joined by spaces, broken before a line gets too long."""
    line = ""
    for word in words:
        if line and len(line) + len(word) >= VALUE_LENGTH:
            yield line
            line = ""
        line = f"{line} {word}" if line else word
    if line:
        yield line


def _params(params: Mapping[str, Scalar]) -> Iterator[str]:
    """JSON objects of one line each, in pieces that fit; a single value that does not fit is left out."""
    piece: dict[str, Scalar] = {}
    for name, value in params.items():
        if piece and len(json.dumps({**piece, name: value})) >= VALUE_LENGTH:
            yield json.dumps(piece)
            piece = {}
        if len(json.dumps({name: value})) < VALUE_LENGTH:
            piece[name] = value
    if piece:
        yield json.dumps(piece)
