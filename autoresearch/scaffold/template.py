"""The text of `autoresearch.toml` with every key in it, and of a first `program.md`.

The keys, their defaults and their one line each come from `config.reference`, so that a key cannot be forgotten here.
Not in here: what to choose (`scaffold.detect`), and writing the files (`scaffold.files`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from textwrap import wrap

from autoresearch.config import KeyDoc, parse, reference, toml_value
from autoresearch.core.history import Direction
from autoresearch.core.scope import CONFIG_NAME
from autoresearch.scaffold.choices import Choices

COMMENT_COLUMN = 32
"""Where the comments begin, where the value is not longer."""
WIDTH = 100
"""A comment that would end beyond goes on the line above its key."""
_HEADER = """\
# What `ar run` works on. A key behind a # shows its default, or an example where it has none.
# Keys marked "later" belong to a coming version and are refused until then.
"""


def template(choices: Choices) -> str:
    """The whole file: what is chosen is set, every other key is a comment.

    It loads as it is: raises ConfigError where a choice is something that a configuration cannot hold.
    """
    chosen, examples = _chosen(choices), _examples(choices)
    lines = [_HEADER]
    for table, docs in groupby(reference(), key=lambda doc: doc.table):
        lines += ["", f"[{table}]"] if table else []
        for doc in docs:
            lines += _advice(choices) if (table, doc.key) == ("experiment", "evaluate") else []
            lines += _entry(doc, chosen.get((table, doc.key)), examples.get((table, doc.key), doc.example_text))
    text = "\n".join(lines) + "\n"
    parse(text, CONFIG_NAME)
    return text


def _chosen(choices: Choices) -> Mapping[tuple[str, str], str]:
    extras = choices.extras
    adapter = (extras.adapter.name,) if extras.adapter else ()
    values = {
        ("", "goal"): choices.purpose,
        ("", "instructions"): extras.instructions,
        ("", "editable"): choices.editable,
        ("", "markers"): extras.markers,
        ("experiment", "timeout"): extras.timeout,
        ("experiment", "checks"): extras.checks,
        ("budget", "experiments"): extras.experiments,
        ("", "context"): choices.context,
        ("experiment", "command"): choices.command,
        ("experiment", "setup"): choices.setup,
        ("experiment", "data"): (*choices.data, *choices.awaited, *adapter),
        ("experiment", "cache"): choices.cache,
        ("experiment", "pass_env"): choices.pass_env,
        ("metric", "name"): choices.metric,
        ("metric", "direction"): choices.direction.value,
        ("metric", "pattern"): choices.pattern,
        ("metric", "seed"): choices.metric_seed,
        ("proposer", "model"): choices.model,
    }
    found = {key: toml_value(value) for key, value in values.items() if value}
    if choices.pattern and "'" not in choices.pattern:
        found["metric", "pattern"] = f"'{choices.pattern}'"
    return found


def _examples(choices: Choices) -> Mapping[tuple[str, str], str]:
    suggested = choices.suggested_pass_env
    return {("experiment", "pass_env"): toml_value(suggested)} if suggested else {}


def _advice(choices: Choices) -> list[str]:
    """Nothing is changed for the person: two commands are another way to work."""
    if not choices.forging:
        return []
    said = (
        f"{choices.forging}: edited code could forge the number. Where that matters, let `command` only make something "
        "(`artifacts`), and let `evaluate` measure it: it runs where no edited code is."
    )
    return wrap(said, WIDTH, initial_indent="# ", subsequent_indent="# ", break_long_words=False)


def _entry(doc: KeyDoc, value: str | None, example: str) -> Iterator[str]:
    setting = f"{doc.key} = {value}" if value is not None else f"# {doc.key} = {example}"
    comment = f"# {doc.doc}" if doc.available else f"# later: {doc.doc}"
    column = max(COMMENT_COLUMN, len(setting) + 1)
    if column + len(comment) <= WIDTH:
        yield f"{setting:<{column}}{comment}"
    else:
        yield comment
        yield setting


def program_text(choices: Choices) -> str:
    """A first program.md: what the proposer is told, with room for the person's own ideas."""
    better = "lower" if choices.direction is Direction.MIN else "higher"
    context = [f"- Read these first, they stay as they are: {_listed(choices.context)}."] if choices.context else []
    parts = [
        f"# {choices.purpose}",
        "",
        "This file is read again before each proposal: edit it to steer a running search.",
        "",
        "## Goal",
        f"Make `{choices.metric}` {better}. It is measured by running `{choices.command}`.",
        "",
        "## What may change",
        f"- {_listed(choices.editable)}. Anything in there is fair game: structure, algorithms, constants.",
        *(["- There, only what stands between the EVOLVE-BLOCK markers."] if choices.extras.markers else []),
        "",
        "## What is fixed",
        "- Every other file, the command, and how the metric is computed and printed.",
        *context,
        "- No new dependencies.",
        "",
        "## How it is judged",
        f"- One change at a time, against the best so far. A {better} `{choices.metric}` is kept, all else is not.",
        "- A crash, a run that takes too long and a missing metric are failures.",
        "- Of two ways to the same gain, the simpler one is better; code that is removed cannot break.",
        "- A gain must come from the change: not from the random seed, the measurement or the machine.",
        "",
        *_own_words(choices),
        "## Ideas",
        "What you know about this problem, what was tried before, what looks promising:",
        "",
        "- ",
    ]
    return "\n".join(parts).rstrip() + "\n"


def _own_words(choices: Choices) -> list[str]:
    words = choices.extras.words
    return ["## What the task says itself", words, ""] if words else []


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)
