"""How a project is probably run, by what its files are called and say. Each finder knows one kind of project.

Nothing is executed; a person confirms the suggestion. What the command's metric may be called is asked of
`scaffold.metrics`.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from autoresearch.core.history import Direction
from autoresearch.core.scope import Scope, literal
from autoresearch.scaffold import formats, python
from autoresearch.scaffold.scripts import named, scripts
from autoresearch.scaffold.suggestion import SECONDS, Kind, Suggestion, Which
from autoresearch.scaffold.survey import Survey

_CRITERION = r"time:\s+\[\S+ \S+ (\S+ \S+)"
_SCRIPTS = ("bench.sh", "benchmark.sh", "measure.sh", "eval.sh", "train.sh", "run.sh")
_TARGETS = ("bench", "benchmark", "perf", "train", "eval")


def suggestions(survey: Survey, which: Which) -> list[Suggestion]:
    """Everything that looks as if it could be run, the best guess first. Empty where nothing does."""
    finders = (*formats.FINDERS, python.script, _make, _rust, _go, _node, _cmake, _shell, python.pytest)
    found = [one for finder in finders for one in finder(survey, which)]
    return sorted(found, key=lambda one: one.kind)


def given(survey: Survey, command: str, best: Suggestion) -> Suggestion:
    """What goes with a command of the person's: the files that it names, and what those import.

    Where it names none, and in a repository that was made for another tool, what may change stays as in `best`.
    """
    extras = replace(best.extras, timeout="", adapter=None, prints_metrics=False)
    everything = tuple(dict.fromkeys((*best.reads, *survey.texts)))
    kept = replace(best, command=command, because="", setup="", pattern="", reads=everything, extras=extras)
    files = named(command, survey.tracked)
    run = scripts(command, survey.tracked) or [path for path in files if path in survey.texts]
    if best.kind is Kind.MADE_FOR_A_TOOL or not run:
        return kept
    if not run[0].endswith(".py"):
        return Suggestion(Kind.RUNS, command, "", survey.all_sources(but=run[0]), reads=everything, extras=extras)
    found = [python.around(survey, path) for path in run]
    editable = tuple(dict.fromkeys(glob for globs, _ in found for glob in globs))
    context = tuple(dict.fromkeys(path for _, paths in found for path in paths))
    may_change = Scope(editable).is_editable
    reads = dict.fromkeys((*run, *context, *filter(may_change, survey.texts)))
    return Suggestion(Kind.RUNS, command, "", editable, tuple(map(literal, context)), tuple(reads), extras=extras)


def _make(survey: Survey, _which: Which) -> Iterator[Suggestion]:
    path = survey.first("Makefile", "makefile")
    if path is None or "/" in path:
        return
    for name in _TARGETS:
        if any(survey.search(rf"^{name}\s*:(?!=)", [path])):
            kind = Kind.RUNS if name in ("train", "eval") else Kind.MEASURES
            because = f"{path} has the target {name}"
            yield Suggestion(kind, f"make {name}", because, survey.all_sources(), reads=tuple(survey.texts))


def _rust(survey: Survey, _which: Which) -> Iterator[Suggestion]:
    if "Cargo.toml" not in survey.tracked:
        return
    found = Suggestion(
        kind=Kind.TESTS,
        command="cargo test --release",
        because="Cargo.toml is there",
        editable=survey.all_sources(),
        setup="cargo build --release",
        cache=("target",),
        metric=SECONDS,
        direction=Direction.MIN,
    )
    if survey.holds("benches"):
        bench = replace(found, command="cargo bench", because="benches/ is there", setup="cargo bench --no-run")
        criterion = any(survey.search(r"\bcriterion\b", ["Cargo.toml"]))
        yield replace(bench, kind=Kind.MEASURES, metric="time", pattern=_CRITERION) if criterion else bench
    if "src/main.rs" in survey.tracked:
        reads = tuple(survey.sources("Rust"))
        yield replace(found, kind=Kind.RUNS, command="cargo run --release", reads=reads, metric="", direction=None)
    yield replace(found, setup="cargo test --release --no-run")


def _go(survey: Survey, _which: Which) -> Iterator[Suggestion]:
    if "go.mod" not in survey.tracked:
        return
    found = Suggestion(
        kind=Kind.TESTS,
        command="go test ./...",
        because="go.mod is there",
        editable=survey.all_sources(),
        metric=SECONDS,
        direction=Direction.MIN,
    )
    for hit in islice(survey.search(r"^func (Benchmark\w+)\("), 1):
        yield replace(
            found,
            kind=Kind.MEASURES,
            # It runs for about a second whatever the code does: the time per operation is the metric.
            command=f"go test -run '^$' -bench '^{hit.match[1]}$' ./...",
            because=f"{hit.path} holds {hit.match[1]}",
            metric="ns/op",
            pattern=rf"^{hit.match[1]}\S*\s+\d+\s+([\d.]+) ns/op",
        )
    yield found


def _node(survey: Survey, _which: Which) -> Iterator[Suggestion]:
    try:
        package = json.loads(survey.texts.get("package.json", "null"))
    except ValueError:
        return
    scripts = package.get("scripts") if isinstance(package, dict) else None
    for name in (*_TARGETS, "test"):
        if isinstance(scripts, dict) and name in scripts:
            kind = Kind.TESTS if name == "test" else Kind.MEASURES
            reads = () if kind is Kind.TESTS else tuple(survey.texts)
            because = f"package.json has the script {name}"
            yield Suggestion(kind, f"npm run {name}", because, survey.all_sources(), reads=reads)


def _cmake(survey: Survey, _which: Which) -> Iterator[Suggestion]:
    if "CMakeLists.txt" in survey.tracked:
        yield Suggestion(
            kind=Kind.TESTS,
            command="ctest --test-dir build --output-on-failure",
            because="CMakeLists.txt is there",
            editable=survey.all_sources(),
            setup="cmake -S . -B build -DCMAKE_BUILD_TYPE=Release && cmake --build build",
            cache=("build",),
            metric=SECONDS,
            direction=Direction.MIN,
        )


def _shell(survey: Survey, _which: Which) -> Iterator[Suggestion]:
    if path := survey.first(*_SCRIPTS):
        reads = (path, *(name for name in survey.texts if name != path))
        editable = survey.all_sources(but=path)
        yield Suggestion(Kind.RUNS, f"sh {shlex.quote(path)}", f"{path} is there", editable, reads=reads)
