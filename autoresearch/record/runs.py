"""The runs of a repository: one commit per call of `ar run` on `refs/autoresearch/<tag>/run`.

Its tree holds the configuration and the instructions as they were used, so that the record explains itself. What is not
here: the experiments (`journal`), and the choice between going on and starting anew (`resume`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from autoresearch.core.edit import Change
from autoresearch.core.final_check import FinalCheck
from autoresearch.errors import RecordError, UsageError
from autoresearch.record.pipes import ZERO, RefChange
from autoresearch.record.repository import RefRow, Repository
from autoresearch.record.trailers import Trailers, message, parse
from autoresearch.record.trees import changed_tree

CONFIG_NAME, INSTRUCTIONS_NAME = "autoresearch.toml", "program.md"
FINAL_CHECK, FINAL_HOLDOUT = "Final-Check", "Final-Holdout"
TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*")


@dataclass(frozen=True, slots=True)
class Opening:
    """What one call of `ar run` works with."""

    base: str
    base_tree: str
    snapshot_of: str
    """The commit that was checked out, when the base is a snapshot on top of it; else empty."""
    config_path: str
    """Repository-relative path of autoresearch.toml."""
    config_text: str
    instructions_text: str
    budget: str
    isolation: str
    version: str


@dataclass(frozen=True, slots=True)
class Run:
    """One run as its newest commit has it."""

    tag: str
    commit: str
    opening: Opening
    started: datetime
    why: str
    """Why the last call ended; empty while it runs, or when it was killed."""
    final_check: FinalCheck | None = None
    """Of the last call."""
    final_holdout: str = ""
    """The best experiment of the last call, and what the holdout measured for it, sealed."""

    @property
    def branch(self) -> str:
        return f"autoresearch/{self.tag}"

    @property
    def branch_ref(self) -> str:
        return f"refs/heads/{self.branch}"

    @property
    def prefix(self) -> str:
        return f"refs/autoresearch/{self.tag}"


def runs(repository: Repository) -> list[Run]:
    """All runs, the one that was worked on last at the end."""
    found = [_read(repository, row) for row in _newest_commits(repository)]
    return sorted(found, key=lambda run: run.started)


def _newest_commits(repository: Repository) -> Iterator[RefRow]:
    """The `run` ref of every run.

    To list them git opens every loose ref there is, a tenth of a second at 10,000 experiments: where refs are files,
    the folders' names and the packed ones say as much.
    """
    if (repository.common_dir / "reftable").exists():
        yield from repository.refs("refs/autoresearch/*/run")
        return
    loose = repository.common_dir.glob("refs/autoresearch/*/run")
    packed = repository.common_dir / "packed-refs"
    text = packed.read_text(errors="replace") if packed.exists() else ""
    tags = {path.parent.name for path in loose} | set(re.findall(r"^\w+ refs/autoresearch/([^/\n]+)/run$", text, re.M))
    for tag in sorted(tags):
        if row := repository.row(f"refs/autoresearch/{tag}/run"):
            yield row


def find_run(repository: Repository, tag: str | None, config_path: str | None = None) -> Run | None:
    """The run with that tag, or the newest of that configuration. Raises UsageError for a tag that does not exist."""
    return pick(runs(repository), tag, config_path)


def pick(known: Sequence[Run], tag: str | None, config_path: str | None = None) -> Run | None:
    """The same among the runs that `runs` gave. Raises UsageError for a tag that does not exist."""
    if tag is None:
        mine = [run for run in known if config_path in (None, run.opening.config_path)]
        return mine[-1] if mine else None
    for run in known:
        if run.tag == tag:
            return run
    names = ", ".join(run.tag for run in known) or "none"
    raise UsageError(f"there is no run {tag}", hint=f"runs of this repository: {names}")


def free_tag(repository: Repository, today: datetime) -> str:
    """Month and day (`nov23`), with `-2`, `-3` … where that is taken. Raises UsageError where no run can be begun."""
    _check_namespace(repository)
    stem = f"{today:%b}".lower() + str(today.day)
    taken = {row.ref.split("/")[2] for row in _newest_commits(repository)}
    taken |= {row.ref.split("/")[3] for row in repository.refs("refs/heads/autoresearch/")}
    names = [stem, *(f"{stem}-{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


def check_tag(repository: Repository, tag: str) -> str:
    """The tag, when it can name a new run. Raises UsageError."""
    if not TAG.fullmatch(tag) or tag.endswith(".lock"):
        raise UsageError(f"{tag!r} cannot name a run", hint="letters, digits, - and _, for example --tag nov23-wide")
    _check_namespace(repository)
    if repository.ref(f"refs/heads/autoresearch/{tag}") or repository.ref(f"refs/autoresearch/{tag}/run"):
        raise UsageError(f"the run {tag} exists already", hint=f"ar run --tag {tag} goes on with it; or another --tag")
    return tag


def _check_namespace(repository: Repository) -> None:
    """Branches lie like files in folders, so `a` and `a/b` exclude each other."""
    if repository.ref("refs/heads/autoresearch"):
        raise UsageError(
            "a branch is called autoresearch, so autoresearch/<tag> cannot be made",
            hint="git branch -m autoresearch NAME",
        )


def begin(repository: Repository, tag: str, opening: Opening, previous: Run | None) -> Run:
    """Record that a call of `ar run` begins; a new run gets its branch, at the base, in the same transaction."""
    now = datetime.now(UTC)
    facts = [
        ("Base", opening.base),
        ("Base-Tree", opening.base_tree),
        ("Snapshot-Of", opening.snapshot_of),
        ("Config-Path", opening.config_path),
        ("Budget", opening.budget),
        ("Isolation", opening.isolation),
        ("Ar-Version", opening.version),
        ("Started", now.isoformat(timespec="milliseconds")),
    ]
    files = Change({CONFIG_NAME: opening.config_text, INSTRUCTIONS_NAME: opening.instructions_text})
    tree = changed_tree(repository, "", files)
    if not isinstance(tree, str):
        raise RecordError(tree.reason)
    parents = [previous.commit] if previous else []
    commit = repository.commit(tree, parents, message(f"ar run {tag}", "", facts), now)
    run = Run(tag, commit, opening, now, "")
    moves = [RefChange(f"{run.prefix}/run", commit, previous.commit if previous else ZERO)]
    if previous is None:
        moves.append(RefChange(run.branch_ref, opening.base, ZERO))
    remove_locks(repository, run)
    repository.move(*moves)
    return run


def remove_locks(repository: Repository, run: Run) -> None:
    """Remove what a killed git left locked of this run's refs: nobody else moves them while we hold the run's lock."""
    common = repository.common_dir
    for lock in (*(common / run.prefix).glob("*.lock"), common / f"{run.branch_ref}.lock"):
        with suppress(FileNotFoundError, NotADirectoryError):
            lock.unlink()


def end(repository: Repository, run: Run, why: str, unbilled_usd: float, more: Iterable[tuple[str, str]] = ()) -> None:
    """Record that the call ended, with the reason, the money that no experiment carries, and `more` facts."""
    now = datetime.now(UTC)
    _, _, facts = parse(repository.message(run.commit))
    kept = [(name, value) for name, values in facts.items() for value in values]
    added = [("Ended", now.isoformat(timespec="milliseconds")), ("Why", why), *more]
    if unbilled_usd:
        added.append(("Cost-USD", repr(unbilled_usd)))
    text = message(f"ar run {run.tag} ended: {why}", "", [*kept, *added])
    commit = repository.commit(repository.tree_of(run.commit), [run.commit], text, now)
    repository.move(RefChange(f"{run.prefix}/run", commit, run.commit))


def samples_checked(repository: Repository, run: Run) -> int:
    """The running count of samples after the last final check of the run; 0 without one."""
    lines = repository.git("log", f"--format=%(trailers:key={FINAL_CHECK},valueonly)", run.commit).splitlines()
    checks = (FinalCheck.read(line.strip()) for line in lines)
    return max((check.last for check in checks if check is not None), default=0)


def unbilled_usd(repository: Repository, run: Run) -> float:
    """Dollars that were spent in all calls of the run and are on no experiment."""
    texts = repository.git("log", "--format=%(trailers:key=Cost-USD,valueonly)", run.commit).split()
    return sum(float(text) for text in texts)


def _read(repository: Repository, row: RefRow) -> Run:
    _, _, facts = parse(row.message)
    opening = Opening(
        base=_fact(facts, "Base"),
        base_tree=_fact(facts, "Base-Tree"),
        snapshot_of=_fact(facts, "Snapshot-Of"),
        config_path=_fact(facts, "Config-Path"),
        config_text=repository.blob(f"{row.commit}:{CONFIG_NAME}").decode("utf-8-sig", "replace"),
        instructions_text=repository.blob(f"{row.commit}:{INSTRUCTIONS_NAME}").decode("utf-8", "replace"),
        budget=_fact(facts, "Budget"),
        isolation=_fact(facts, "Isolation"),
        version=_fact(facts, "Ar-Version"),
    )
    tag = row.ref.split("/")[2]
    newest = max(_fact(facts, "Started"), _fact(facts, "Ended"))
    final = FinalCheck.read(_fact(facts, FINAL_CHECK))
    return Run(
        tag,
        row.commit,
        opening,
        datetime.fromisoformat(newest),
        _fact(facts, "Why"),
        final,
        _fact(facts, FINAL_HOLDOUT),
    )


def _fact(facts: Mapping[str, list[str]] | Trailers, name: str) -> str:
    return facts.get(name, [""])[0]
