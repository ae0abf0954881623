"""The runs of a repository: one commit per call of `ar run` on `refs/autoresearch/<tag>/run`.

Its tree holds the configuration and the instructions as they were used, so that the record explains itself. What is not
here: the experiments (`journal`), the choice between going on and starting anew (`resume`), and free names (`tags`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from autoresearch.core.edit import Change
from autoresearch.core.final_check import FinalCheck
from autoresearch.core.secrets import NO_SECRETS, Secrets
from autoresearch.core.utilisation import Used
from autoresearch.errors import RecordError, UsageError
from autoresearch.record.pipes import ZERO, RefChange
from autoresearch.record.repository import RefRow, Repository
from autoresearch.record.scratch import remove_dead
from autoresearch.record.trailers import Trailers, message, parse
from autoresearch.record.trees import changed_tree

CONFIG_NAME, INSTRUCTIONS_NAME = "autoresearch.toml", "program.md"
COST = "Cost-USD"
FINAL_CHECK, FINAL_HOLDOUT, UTILISATION = "Final-Check", "Final-Holdout", "Utilisation"


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
    used: Used | None = None
    """How well the last call used its slots; None while it runs, when it was killed, and where nothing was counted."""

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


def begin(
    repository: Repository, tag: str, opening: Opening, previous: Run | None, secrets: Secrets = NO_SECRETS
) -> Run:
    """Record that a call of `ar run` begins; a new run gets its branch, at the base, in the same transaction.

    Later than every other run's newest commit, also when the clock was set back: the newest run is found by time.
    """
    latest = max((run.started for run in runs(repository)), default=None)
    now = _after(latest)
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
    texts = {CONFIG_NAME: opening.config_text, INSTRUCTIONS_NAME: opening.instructions_text}
    tree = changed_tree(repository, "", Change({name: secrets.redact(text) for name, text in texts.items()}))
    if not isinstance(tree, str):
        raise RecordError(tree.reason)
    parents = [previous.commit] if previous else []
    commit = repository.commit(tree, parents, message(f"ar run {tag}", "", facts), now)
    run = Run(tag, commit, opening, now, "")
    moves = [RefChange(f"{run.prefix}/run", commit, previous.commit if previous else ZERO)]
    if previous is None:
        moves.append(RefChange(run.branch_ref, opening.base, ZERO))
    remove_locks(repository)
    repository.move(*moves)
    return run


def _after(instant: datetime | None) -> datetime:
    """Now, or a millisecond after the instant where the clock says that it has not come yet."""
    now = datetime.now(UTC)
    return now if instant is None else max(now, instant + timedelta(milliseconds=1))


def remove_locks(repository: Repository) -> None:
    """Remove what a killed git left locked of the refs of all runs, and what was half made when `ar` was killed.

    Nobody else moves these refs while we hold the lock of the repository.
    """
    common = repository.common_dir
    for place in (common, common / "objects"):
        remove_dead(place)
    for lock in (*common.glob("refs/autoresearch/*/*.lock"), *common.glob("refs/heads/autoresearch/*.lock")):
        with suppress(OSError):
            lock.unlink()


def hold(repository: Repository, run: Run, usd: float, standing: str) -> str:
    """Record dollars that no experiment carries yet, in place of what was held before; the new commit of the run's ref.

    `standing` is where that ref is.
    """
    commit = run.commit
    if usd:
        text = message(f"ar run {run.tag}: paid, and not begun", "", [*_facts_of(repository, run), (COST, repr(usd))])
        commit = repository.commit(repository.tree_of(run.commit), [run.commit], text, datetime.now(UTC))
    if commit != standing:
        repository.move(RefChange(f"{run.prefix}/run", commit, standing))
    return commit


def _facts_of(repository: Repository, run: Run) -> list[tuple[str, str]]:
    _, _, facts = parse(repository.message(run.commit))
    return [(name, value) for name, values in facts.items() for value in values]


def end(
    repository: Repository,
    run: Run,
    why: str,
    unbilled_usd: float,
    more: Iterable[tuple[str, str]] = (),
    standing: str = "",
) -> None:
    """Record that the call ended, with the reason, the money that no experiment carries, and `more` facts.

    `standing`: where the run's ref is, when money was held.
    """
    now = _after(run.started)
    kept = _facts_of(repository, run)
    added = [("Ended", now.isoformat(timespec="milliseconds")), ("Why", why), *more]
    if unbilled_usd:
        added.append((COST, repr(unbilled_usd)))
    text = message(f"ar run {run.tag} ended: {why}", "", [*kept, *added])
    commit = repository.commit(repository.tree_of(run.commit), [run.commit], text, now)
    repository.move(RefChange(f"{run.prefix}/run", commit, standing or run.commit))


def samples_checked(repository: Repository, run: Run) -> int:
    """The running count of samples after the last final check of the run; 0 without one."""
    lines = repository.git("log", f"--format=%(trailers:key={FINAL_CHECK},valueonly)", run.commit).splitlines()
    checks = (FinalCheck.read(line.strip()) for line in lines)
    return max((check.last for check in checks if check is not None), default=0)


def unbilled_usd(repository: Repository, run: Run) -> float:
    """Dollars that were spent in all calls of the run and are on no experiment."""
    usd = 0.0
    commits: tuple[str, ...] = (run.commit,)
    while commits:
        _, _, facts = parse(repository.message(commits[0]))
        usd += sum(map(float, facts.get(COST, ())))
        commits = repository.parents(commits[0])
    return usd


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
        Used.read(_fact(facts, UTILISATION)),
    )


def _fact(facts: Mapping[str, list[str]] | Trailers, name: str) -> str:
    return facts.get(name, [""])[0]
