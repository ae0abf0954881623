"""Which number is likely to be the metric, and which way it improves, judged by its name alone.

Guesses for a person to confirm: nothing here reads a value for the record (`core` does, strictly).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from autoresearch.core.history import Direction
from autoresearch.scaffold.survey import Survey


def _words(name: str) -> set[str]:
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
    return set(re.split(r"[^a-z0-9]+", spaced.lower()))


_LESS = _words(
    "loss losses error errors err time latency seconds secs ms us ns bpb bpc perplexity ppl mse rmse mae mape nll cost "
    "size bytes memory mem rss wer cer fid duration runtime elapsed regret gap distance makespan violations conflicts "
    "misses failures failed cycles instructions wall brier logloss crossentropy entropy divergence kl"
)
_MORE = _words(
    "acc accuracy score throughput f1 reward rewards return auc auroc auprc roc precision recall map bleu rouge ndcg "
    "mrr iou miou dice r2 psnr ssim hits solved passed speed speedup ops qps rps fps flops gflops tflops tps mfu win "
    "wins winrate correct coverage fitness objective elo"
)
_DURATIONS = _words("time seconds secs ms us ns duration elapsed wall runtime memory mem rss")
_SETTINGS = _words(
    "step steps epoch epochs iter iteration iterations lr learning seed params parameters batch depth width layers id "
    "version rank device tokens vocab"
)
_JUDGED_ON = _words("val valid validation test eval dev heldout holdout best final")
_PER_TIME = re.compile(r"per[_ -]?s(ec(ond)?)?\b|/s(ec)?\b|_ps\b")

LONGEST_LINE = 1000
"""Longer lines are generated code."""
_NAME = r"[A-Za-z][\w./@-]*(?: [A-Za-z][\w./@-]*){0,3}"
_PRINTS = r"print|echo|console\.log|logg?(?:er|ing)?\.|fmt\.P|cout|cat\(|puts"
_PRINTED = (
    rf"METRIC\s+(?P<a>{_NAME})=",
    rf"""(?:["'`\s,|(])(?P<b>{_NAME})\s*[:=]\s*(?:\$?\{{|%[-+.\d]*[a-z]|["']\s*[,+<]|\$)""",
    rf"""["'](?P<c>{_NAME})["']\s*:\s*[A-Za-z_(]""",
)


@dataclass(frozen=True, slots=True)
class Guess:
    """A likely metric; `direction` is None where the name does not tell."""

    name: str
    direction: Direction | None
    value: float | None = None


def guess_direction(name: str) -> Direction | None:
    """`val_loss` improves downwards, `accuracy` upwards; None for names that say nothing."""
    words = _words(name)
    if _PER_TIME.search(name.lower()):
        return Direction.MAX
    if words & set(_LESS):
        return Direction.MIN
    return Direction.MAX if words & set(_MORE) else None


def pick_metric(candidates: Sequence[tuple[str, float, int]]) -> list[Guess]:
    """Numbers that a program printed (name, last value, how often), as guesses, the likeliest first.

    Settings and counters (`step`, `lr`, `num_params`) come last.
    """
    last = {name: (value, position, count) for position, (name, value, count) in enumerate(candidates)}
    ranked = sorted(last, key=lambda name: (*_rank(name), last[name][2] > 1, -last[name][1]))
    return [Guess(name, guess_direction(name), last[name][0]) for name in ranked]


def printed_metrics(survey: Survey, paths: Sequence[str]) -> list[str]:
    """Names that these files seem to print with a number: likely metrics, the likeliest first.

    Where no name says which way it improves, all but settings and counters.
    """
    found: dict[str, int] = {}
    for path in paths:
        for line in survey.texts.get(path, "").split("\n"):
            if len(line) <= LONGEST_LINE and (re.search(_PRINTS, line) or "METRIC " in line):
                for name in _names(line):
                    found.setdefault(name, len(found))
    possible = [name for name in found if not _is_setting(name)]
    likely = [name for name in possible if guess_direction(name) is not None]
    return sorted(likely or possible, key=lambda name: (*_rank(name), found[name]))


def _names(line: str) -> list[str]:
    matches = [match for pattern in _PRINTED for match in re.finditer(pattern, line)]
    return [next(filter(None, match.groups())).removeprefix("METRIC ") for match in matches]


def _is_setting(name: str) -> bool:
    return bool(_words(name) & set(_SETTINGS)) and not _PER_TIME.search(name.lower())


def _rank(name: str) -> tuple[bool, bool, bool, bool]:
    """Sorts the likeliest first: quality before time and memory, judged data before training data."""
    words = _words(name)
    return (
        _is_setting(name),
        guess_direction(name) is None,
        bool(words & _DURATIONS),
        not words & set(_JUDGED_ON),
    )
