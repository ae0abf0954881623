"""`ar log --tsv`: the five columns of karpathy's autoresearch, so that what reads its `results.tsv` reads ours.

    commit  val_bpb  memory_gb  status  description

Seven letters of the commit, the metric with six decimals under its own name, gigabytes with one. What was not
measured is a `crash` with `0.000000` and `0.0`, as there; readers of the format drop such rows before they compare.
"""

from __future__ import annotations

from autoresearch.cli.render.text import clean
from autoresearch.core.experiment import Experiment
from autoresearch.core.history import History

MEMORY = ("peak_vram_mb", "ar.peak_rss_mb")
MB_PER_GB = 1024


def tsv(history: History) -> str:
    """The whole history, baseline first."""
    lines = ["\t".join(("commit", clean(history.metric_name), "memory_gb", "status", "description"))]
    lines += ["\t".join(_row(one, history.metric(one.number))) for one in history.experiments]
    return "\n".join(lines) + "\n"


def _row(one: Experiment, metric: float | None) -> tuple[str, ...]:
    if metric is None:
        return one.commit[:7], "0.000000", "0.0", "crash", _title(one)
    return one.commit[:7], f"{metric:.6f}", f"{_memory(one):.1f}", one.decision.value, _title(one)


def _title(one: Experiment) -> str:
    """Nothing is quoted in that format, but readers of tables take a quotation mark at the front for the beginning of a
    text that may hold line ends: with a single one the rest of the file would be lost.
    """
    title = clean(one.title)
    return title.replace('"', "'") if title.startswith('"') else title


def _memory(one: Experiment) -> float:
    """Gigabytes: of the GPU when the experiment printed it, else of the processes, else 0."""
    return next((one.measures[name] / MB_PER_GB for name in MEMORY if name in one.measures), 0.0)
