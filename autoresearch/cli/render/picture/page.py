"""`ar log --html FILE`: one page with the chart, the table, and of every experiment its hypothesis and its change.

Nothing is fetched, by a policy in the page too. Titles and hypotheses are a model's words: all of it is escaped, and no
script runs but ours. Not in here: the chart (`svg`), and where the diffs come from.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from html import escape
from importlib import resources

from autoresearch.cli.render.columns import metric_text, recorded_row
from autoresearch.cli.render.picture.model import Kind, Picture
from autoresearch.cli.render.picture.svg import svg
from autoresearch.cli.render.text import clean, clean_lines, mark, paid, sample_text
from autoresearch.core.experiment import SUSPICIOUS, Experiment
from autoresearch.core.history import History
from autoresearch.core.quantity import format_change, format_duration, format_metric

LINES_SHOWN, LETTERS_SHOWN = 400, 400
"""Of one diff so many lines, of one line so many letters: a page that a telephone can open."""
HEADINGS = {"number": "#", "metric": "", "change": "change", "decision": "decision", "took": "took", "what": "what"}
SIGNS = {"+++": "b", "---": "b", "diff": "b", "@@": "b", "+": "ins", "-": "del"}
"""By a line's beginning, the element that it stands in; the longer beginnings come first."""


def page(picture: Picture, history: History, diff_of: Callable[[Experiment], str]) -> Iterator[str]:
    """The page's lines, newest experiment first as in the list; `diff_of` gives a change as git prints it, or ""."""
    style, script = (_part(name) for name in ("page.css", "page.js"))
    policy = f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'"
    title = escape(picture.title or picture.metric_name)
    yield f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n<link rel="icon" href="data:,">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n<style>{style}</style>\n</head>\n<body>'
    yield f"<h1>{title}</h1>\n<p>{escape(picture.headline)}</p>"
    yield f'<div class="chart">{svg(picture)}</div>'
    yield f'<ul class="key">{"".join(_key(picture))}</ul>'
    is_timed = bool(history.seconds)
    names = {name: word for name, word in HEADINGS.items() if name != "took" or is_timed}
    names["metric"] = escape(picture.metric_name)
    heads = "".join(f'<th class="{name}" scope="col">{word}</th>' for name, word in names.items())
    yield f"<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>"
    for one in reversed(history.experiments):
        yield _row(one, history, diff_of(one), is_timed=is_timed)
    yield f"</tbody>\n</table>\n<script>{script}</script>\n</body>\n</html>"


def _part(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _key(picture: Picture) -> Iterator[str]:
    kinds = {point.kind for point in picture.points}
    signs = {Kind.KEPT: "●", Kind.REVERTED: "○", Kind.DISCARDED: "·", Kind.FAILED: "×", Kind.STOPPED: "–"}
    yield from (f"<li><b>{sign}</b> {kind.value}</li>" for kind, sign in signs.items() if kind in kinds)
    yield from (f"<li><b>{edge.sign}</b> {edge.word}, beyond the edge</li>" for edge in picture.beyond)
    yield "<li><b>─</b> running best</li>" if picture.stairs else ""
    yield (
        f"<li>band: ±{format_metric(float(f'{picture.noise:.2g}'))}, noise of one sample</li>" if picture.noise else ""
    )
    if any(point.error is not None for point in picture.points):
        yield "<li><b>┃</b> standard error</li>"
    yield "<li><b>◆</b> holdout</li>" if picture.holdout else ""


def _row(one: Experiment, history: History, diff: str, *, is_timed: bool) -> str:
    row = recorded_row(one, history)
    sign = mark(one, reverted=row.reverted)
    change, gained = "", ""
    if row.metric is not None and row.against is not None:
        change, gained = format_change(row.metric, row.against), repr(row.metric - row.against)
    cells = [
        ("number", one.number, str(one.number)),
        ("metric", "" if row.metric is None else repr(row.metric), metric_text(row.metric, row.values)),
        ("change", gained, change),
        ("decision", sign.word, f"{sign.symbol} {sign.word}"),
        *([("took", one.seconds, format_duration(one.seconds))] if is_timed else []),
    ]
    texts = "".join(f'<td class="{name}" data-sort="{key}">{escape(text)}</td>' for name, key, text in cells)
    kind = "suspicious" if SUSPICIOUS in one.flags else "failed" if one.outcome.is_failure else one.decision.value
    return f'<tr id="e{one.number}" class="{kind}">{texts}<td class="what">{_details(one, history, diff)}</td></tr>'


def _details(one: Experiment, history: History, diff: str) -> str:
    facts = "".join(f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in _facts(one, history) if text)
    hypothesis = escape("\n".join(clean_lines(one.hypothesis)))
    why = f'<p class="why">{hypothesis}</p>' if hypothesis.strip() else ""
    changed = f"<pre>{_diff(diff)}</pre>" if diff.strip() else ""
    title = escape(clean(one.title)) or f"#{one.number}"
    return f"<details><summary>{title}</summary>{why}<dl>{facts}</dl>{changed}</details>"


def _facts(one: Experiment, history: History) -> Iterator[tuple[str, str]]:
    yield one.decision.value, clean(one.reason)
    yield "samples", " ".join(format_metric(value) for value in history.values(one.number))
    yield "holdout", " ".join(format_metric(value) for value in history.holdout(one.number))
    yield "lost", " ".join(sample_text(sample) for sample in one.samples if sample_text(sample).startswith("!"))
    yield "measures", ", ".join(f"{clean(name)} {format_metric(value)}" for name, value in one.measures.items())
    yield "proposer", clean(" ".join((one.proposer, one.model)))
    yield "cost", paid(one.usage)
    yield "parent", "" if one.parent is None else f"#{one.parent}"
    yield "commit", one.commit


def _diff(diff: str) -> str:
    lines = clean_lines(diff)
    shown = [_diff_line(line[:LETTERS_SHOWN] + "…" * (len(line) > LETTERS_SHOWN)) for line in lines[:LINES_SHOWN]]
    more = len(lines) - LINES_SHOWN
    return "\n".join([*shown, *([f"<b>… {more} more lines</b>"] if more > 0 else [])])


def _diff_line(line: str) -> str:
    element = next((element for start, element in SIGNS.items() if line.startswith(start)), None)
    return f"<{element}>{escape(line)}</{element}>" if element else escape(line)
