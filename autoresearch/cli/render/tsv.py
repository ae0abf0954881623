"""`ar log --tsv`: the five columns of karpathy's autoresearch, so that what reads its `results.tsv` reads ours.

    commit  val_bpb  memory_gb  status  description

Seven letters of the commit, the metric with six decimals under its own name (one that these do not say, with six
digits), gigabytes with one. What was not measured is a `crash` with `0.000000` and `0.0`, as there; readers of the
format drop such rows before they compare. What was taken back is a `discard`: the best of what is kept is then the best
that there is. A return to an earlier state that has no number yet is left out: it is no crash, and there is no other
word for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from autoresearch.cli.render.text import clean
from autoresearch.core.experiment import Decision, Experiment
from autoresearch.core.history import History

MEMORY = ("peak_vram_mb", "ar.peak_rss_mb")
MB_PER_GB = 1024
SIXTH_DIGIT = 5e-6
"""How far six decimals may be from the number, as a part of it: nearer, and they say its first six digits."""


def tsv(history: History) -> str:
    """The whole history, baseline first."""
    lines = ["\t".join(("commit", clean(history.metric_name), "memory_gb", "status", "description"))]
    lines += ["\t".join(_row(one, history)) for one in told(history)]
    return "\n".join(lines) + "\n"


def told(history: History) -> Iterator[Experiment]:
    """All but what was kept and has no number: of such a one other tools know nothing."""
    return (one for one in history.experiments if not one.is_kept or history.metric(one.number) is not None)


def decision(one: Experiment, history: History) -> Decision:
    """What has become of it by now: other tools do not know that something kept can be taken back."""
    return Decision.DISCARD if history.is_reverted(one.number) else one.decision


def _row(one: Experiment, history: History) -> tuple[str, ...]:
    metric = history.metric(one.number)
    if metric is None:
        return one.commit[:7], "0.000000", "0.0", "crash", _title(one)
    return one.commit[:7], _number(metric), f"{_memory(one):.1f}", decision(one, history).value, _title(one)


def _number(metric: float) -> str:
    text = f"{metric:.6f}"
    return text if math.isclose(float(text), metric, rel_tol=SIXTH_DIGIT) else f"{metric:.6g}"


def _title(one: Experiment) -> str:
    """Nothing is quoted in that format, but readers of tables take a quotation mark at the front for the beginning of a
    text that may hold line ends: with a single one the rest of the file would be lost.
    """
    title = clean(one.title)
    return title.replace('"', "'") if title.startswith('"') else title


def _memory(one: Experiment) -> float:
    """Gigabytes: of the GPU when the experiment printed it, else of the processes, else 0."""
    return next((one.measures[name] / MB_PER_GB for name in MEMORY if name in one.measures), 0.0)
