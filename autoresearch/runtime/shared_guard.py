"""What all experiments of a run could reach together, at a level that lets them: git's settings and hooks, its branches
and tags, and the data that is linked in.

There is one truth of how it was, for all slots: as it is when a sample begins while no other runs. So what a person
changes meanwhile stays. While samples run, a change may be anybody's, also one of theirs: then settings and hooks are
put back, once, with what was found kept aside, and every sample that was running is told, for nobody can know whose
doing it was. Where slots are never all idle, a person who changes git's settings finds their own ones aside, and has to
make the change between two calls of `ar run`. Branches, tags and data are not put back: what was found is from then on
how they are.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from autoresearch.errors import RecordError
from autoresearch.runtime.git import git
from autoresearch.runtime.protection import SETTINGS, Restorable, Trace, below, differences, traces


@dataclass(frozen=True, slots=True)
class Open:
    """What an experiment could reach, and must not change."""

    common: Path
    """Where the repository's settings are."""
    data: tuple[Path, ...]
    own_branch: str
    """`ar` itself moves this one."""


@dataclass(frozen=True, slots=True, eq=False)
class Stay:
    """A sample that runs."""

    aside: Path
    """Where that is kept which was found in the place of settings and hooks."""
    found: list[str] = field(default_factory=list)
    """What was changed while it ran, in words; complete once it has ended."""


class SharedGuard:
    """One for all slots. May be used by several threads."""

    def __init__(self, reach: Open | None) -> None:
        """`reach` is None where the level keeps everything outside from being written."""
        self._reach = reach
        self._lock = threading.Lock()
        self._running: list[Stay] = []
        self._settings: Restorable | None = None
        self._before: dict[str, Trace] = {}
        self._refs: dict[str, str] = {}

    def look(self) -> None:
        """Put right what those who run have done by now: git is about to be called here, and would do as it is told."""
        if self._reach is not None:
            with self._lock:
                self._look(self._reach)

    @contextmanager
    def watch(self, aside: Path) -> Iterator[Stay]:
        """For as long as anything of a sample runs, its `setup` included."""
        stay = Stay(aside)
        if self._reach is None:
            yield stay
            return
        with self._lock:
            self._begin(self._reach)
            self._running.append(stay)
        try:
            yield stay
        finally:
            with self._lock:
                try:
                    self._look(self._reach)
                finally:
                    self._running.remove(stay)

    def _begin(self, reach: Open) -> None:
        # What those who run have done by now is not the new one's.
        self._look(reach)
        if self._running:
            return
        self._settings = Restorable(reach.common)
        self._before = {**_settings(reach), **_data(reach)}
        self._refs = _refs(reach)

    def _look(self, reach: Open) -> None:
        """Compare, put back, and tell those who run; where nobody does, nothing is wrong."""
        if not self._running:
            return
        data = _data(reach)
        self._tell(differences(self._before, {**_settings(reach), **data}))
        aside = self._running[0].aside
        restored = self._settings.restore(aside) if self._settings else []
        if restored:
            self._tell([f"{', '.join(path.name for path in restored)} put back (what was found is in {aside})"])
        # Settings are known by their content as well: what is changed between here and there is found the next time.
        self._before = {**_settings(reach), **data}
        now, before = _refs(reach), self._refs
        self._refs = now
        moved = sorted(name for name in {*now, *before} if now.get(name) != before.get(name))
        self._tell([f"{name} (it was at {before.get(name, 'no commit')[:12]})" for name in moved])

    def _tell(self, words: list[str]) -> None:
        for stay in self._running:
            stay.found.extend(word for word in words if word not in stay.found)


def _settings(reach: Open) -> dict[str, Trace]:
    return traces(reach.common, below(*(reach.common / name for name in SETTINGS)))


def _data(reach: Open) -> dict[str, Trace]:
    return traces(reach.common, below(*reach.data))


def _refs(reach: Open) -> dict[str, str]:
    """Where branches and tags are; nothing where the repository is broken, which somebody else will tell."""
    try:
        rows = git(["for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/tags"], reach.common)
    except RecordError:
        return {}
    found = dict(row.rsplit(" ", 1) for row in rows.splitlines())
    found.pop(reach.own_branch, None)
    return found
