"""The fixed half of the task: a mixed load of reads and writes on SQLite, with the settings of a file.

A disk that is shared has its moods, which change within seconds by more than any setting does. So two databases are
loaded in turn, a twentieth of a second each: one with these settings and one as SQLite comes. What counts is how many
times the operations of the second one the first one does.

Covered: reading settings.toml (only settings and values that are known here), filling the databases, the load, how
durable a commit is with these settings, and whether everything that was committed is in the file afterwards.
Not covered: more than one connection; whether this machine's disk keeps what it says that it has; and whether the
directory is synced, too, which of the journal modes only `delete` needs (see `durability`).

Environment: AR_SEED (integer) decides which rows are read and written.
"""

import os
import random
import sqlite3
import sys
import tempfile
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Settings = Mapping[str, Any]

SECONDS = 2.0  # of load for each of the two
TURN = 0.05  # seconds until it is the other's turn
ACCOUNTS = 20_000
WORDS = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et".split()
PRAGMAS = {  # what each setting may be: words, or the least and the largest number
    "page_size": (512, 65536),
    "auto_vacuum": ("none", "full", "incremental"),
    "journal_mode": ("delete", "truncate", "persist", "memory", "wal", "off"),
    "synchronous": ("off", "normal", "full", "extra"),
    "locking_mode": ("normal", "exclusive"),
    "cache_kib": (0, 64_000),
    "mmap_kib": (0, 65_536),
    "temp_store": ("default", "file", "memory"),
    "wal_autocheckpoint": (1, 20_000),
}
STATEMENTS = {"index_scores": (False, True), "prepared": (0, 1000)}
SAFE_JOURNALS = ("delete", "truncate", "persist", "wal")


def read_settings(path: Path) -> tuple[Settings, Settings]:
    """The pragmas and the other settings; ends the program with what is wrong."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        sys.exit(f"{path}: {error}")
    statements = found.pop("statements", {})
    check(path, found, PRAGMAS)
    check(path, statements, STATEMENTS)
    return found, statements


def as_it_comes() -> tuple[Settings, Settings]:
    """The settings of SQLite itself: those that settings.toml begins with."""
    pragmas = {"page_size": 4096, "journal_mode": "delete", "synchronous": "full", "cache_kib": 2000, "mmap_kib": 0}
    return pragmas, {"index_scores": False, "prepared": 128}


def check(path: Path, found: Settings, known: Mapping[str, tuple[Any, ...]]) -> None:
    """End the program unless every setting is known and its value allowed."""
    for name, value in found.items():
        allowed = known.get(name) or sys.exit(f'{path}: there is no setting "{name}"')
        if type(value) is not type(allowed[0]):
            sys.exit(f"{path}: {name} = {value!r} is not of the right kind: {type(allowed[0]).__name__} is")
        if isinstance(value, str | bool) and value not in allowed:
            sys.exit(f"{path}: {name} is one of {', '.join(map(str, allowed))}, not {value!r}")
        if not isinstance(value, str | bool) and not allowed[0] <= value <= allowed[1]:
            sys.exit(f"{path}: {name} is between {allowed[0]} and {allowed[1]}, not {value}")
    if missing := ", ".join(known.keys() - found.keys()):
        sys.exit(f"{path}: {missing} is missing")


def connect(file: Path, pragmas: Settings, prepared: int) -> sqlite3.Connection:
    """A connection with these settings, in their order."""
    connection = sqlite3.connect(file, isolation_level=None, cached_statements=prepared)
    for name, value in pragmas.items():
        match name:
            case "cache_kib":
                connection.execute(f"PRAGMA cache_size = {-value}")
            case "mmap_kib":
                connection.execute(f"PRAGMA mmap_size = {value * 1024}").fetchall()
            case _:
                connection.execute(f"PRAGMA {name} = {value}").fetchall()
    return connection


def fill(connection: sqlite3.Connection, index_scores: bool) -> None:
    """Accounts with three events each."""
    rng = random.Random(0)
    connection.execute("CREATE TABLE account (id INTEGER PRIMARY KEY, score INTEGER, note TEXT)")
    connection.execute("CREATE TABLE event (id INTEGER PRIMARY KEY, account INTEGER, what TEXT)")
    connection.execute("BEGIN")
    notes = ((i, rng.randrange(1_000_000), " ".join(rng.choices(WORDS, k=30))) for i in range(ACCOUNTS))
    connection.executemany("INSERT INTO account VALUES (?, ?, ?)", notes)
    events = ((rng.randrange(ACCOUNTS), " ".join(rng.choices(WORDS, k=5))) for _ in range(3 * ACCOUNTS))
    connection.executemany("INSERT INTO event (account, what) VALUES (?, ?)", events)
    connection.execute("CREATE INDEX event_account ON event (account)")
    if index_scores:
        connection.execute("CREATE INDEX account_score ON account (score)")
    connection.execute("COMMIT")


def durability(connection: sqlite3.Connection) -> int:
    """What a power failure leaves of the database and of the commits that were reported.

    2: the database is whole, and each commit waited until the disk had what it wrote. All of them stay, with one
    exception: `delete` commits by removing the journal, and only with `extra` it waits for the directory as well. With
    `full`, which is how SQLite comes, the journal can be back after the power failure, and undoes the last commit.
    1: the database is whole, the last commits may be gone. 0: neither is certain.
    """
    journal = connection.execute("PRAGMA journal_mode").fetchone()[0]
    waits = connection.execute("PRAGMA synchronous").fetchone()[0]
    if journal not in SAFE_JOURNALS:
        return 0
    return 2 if waits >= 2 else int(waits == 1 and journal == "wal")


@dataclass
class Load:
    """One of the databases, and what was done to it so far."""

    connection: sqlite3.Connection
    rng: random.Random
    operations: int = 0
    committed: int = 0
    seconds: float = 0.0

    def turn(self) -> None:
        """Operations for TURN seconds."""
        start = time.perf_counter()
        while (elapsed := time.perf_counter() - start) < TURN:
            self.committed += one_operation(self.connection, self.rng)
            self.operations += 1
        self.seconds += elapsed

    @property
    def rate(self) -> float:
        """Operations per second."""
        return self.operations / self.seconds


def one_operation(connection: sqlite3.Connection, rng: random.Random) -> int:
    """Of a hundred: 55 read an account and its events, 20 write, 20 read a page of accounts, 5 make a report.

    Returns how many events were committed.
    """
    kind, account = rng.randrange(100), rng.randrange(ACCOUNTS)
    if kind < 55:
        connection.execute("SELECT score, note FROM account WHERE id = ?", (account,)).fetchone()
        connection.execute("SELECT what FROM event WHERE account = ? ORDER BY id DESC LIMIT 5", (account,)).fetchall()
        return 0
    if kind < 75:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO event (account, what) VALUES (?, 'visited the shop')", (account,))
        connection.execute("UPDATE account SET score = score + 1 WHERE id = ?", (account,))
        connection.execute("COMMIT")
        return 1
    if kind < 95:
        connection.execute("SELECT id, note FROM account WHERE id >= ? LIMIT 50", (account,)).fetchall()
        return 0
    top = "SELECT id, score FROM account WHERE score BETWEEN ? AND ? ORDER BY score DESC LIMIT 20"
    connection.execute(top, (account * 50, account * 50 + 1000)).fetchall()
    return 0


def verify(file: Path, events: int) -> None:
    """End the program unless the file is sound and holds every event that was committed."""
    connection = sqlite3.connect(file)
    found = connection.execute("SELECT count(*) FROM event").fetchone()[0]
    sound = connection.execute("PRAGMA quick_check").fetchone()[0]
    connection.close()
    if found != events or sound != "ok":
        sys.exit(f"the database is not what was written: {found} events of {events}, quick_check: {sound}")


def opened(file: Path, pragmas: Settings, statements: Settings) -> Load:
    """A database with its rows, ready for the load; every one gets the same operations."""
    connection = connect(file, pragmas, statements["prepared"])
    fill(connection, statements["index_scores"])
    return Load(connection, random.Random(int(os.environ.get("AR_SEED") or 0)))


def main() -> None:
    pragmas, statements = read_settings(Path("settings.toml"))
    # in this folder, not in the one for temporary files: that is often no disk at all
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        file = Path(folder) / "tuned.db"
        tuned, other = opened(file, pragmas, statements), opened(Path(folder) / "other.db", *as_it_comes())
        while tuned.seconds < SECONDS:
            tuned.turn()
            other.turn()
        print(f"durability: {durability(tuned.connection)}")
        tuned.connection.close()
        other.connection.close()
        print(f"megabytes: {file.stat().st_size / 1e6:.1f}")
        verify(file, 3 * ACCOUNTS + tuned.committed)
    print(f"operations_per_second: {tuned.rate:.1f}")
    print(f"as_it_comes_per_second: {other.rate:.1f}")
    print(f"throughput: {tuned.rate / other.rate:.4f}")


if __name__ == "__main__":
    main()
