"""A ledger of money that came and went, in a text file; and a thread that writes reports about it.

The file has one entry a line: day, account, amount in cents, text, separated by tabs. It is only ever added to, but for
`compact`. Not covered: several programs that write at the same time.
"""

from __future__ import annotations

import queue
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path


class LedgerError(ValueError):
    """An entry, an amount or a line of the file that makes no sense."""


@dataclass(frozen=True, order=True)
class Entry:
    """Money that came (cents above zero) or went on a day."""

    day: date
    account: str
    cents: int
    text: str = ""


def parse_amount(text: str) -> int:
    """The cents of `12`, `12.5`, `-0.05` or `1,234.50`. Raises LedgerError for anything else."""
    sign = -1 if text.startswith("-") else 1
    whole, point, rest = text.removeprefix("-").partition(".")
    digits = whole.replace(",", "")
    if not digits.isdecimal() or len(rest) > 2 or (point and not rest.isdecimal()):
        raise LedgerError(f"{text!r} is no amount")
    return sign * (int(digits) * 100 + int(rest.ljust(2, "0")))


def format_amount(cents: int) -> str:
    """`1,234.50`: the opposite of `parse_amount`."""
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100:,}.{abs(cents) % 100:02}"


def parse_line(line: str, number: int) -> Entry:
    """The entry in a line of the file. Raises LedgerError, with the line's number."""
    parts = line.rstrip("\n").split("\t")
    if len(parts) != 4:
        raise LedgerError(f"line {number}: expected 4 columns, found {len(parts)}")
    try:
        return Entry(date.fromisoformat(parts[0]), parts[1], int(parts[2]), parts[3])
    except ValueError as error:
        raise LedgerError(f"line {number}: {error}") from error


def line_of(entry: Entry) -> str:
    """The line of an entry, as `parse_line` reads it. Raises LedgerError for what has no place in a line."""
    if "\t" in entry.account + entry.text or "\n" in entry.account + entry.text:
        raise LedgerError("neither account nor text may have a tab or a line end")
    return f"{entry.day.isoformat()}\t{entry.account}\t{entry.cents}\t{entry.text}\n"


class Ledger:
    """All entries of one file, in the order in which they were added."""

    def __init__(self, path: Path) -> None:
        """Read the file, if there is one. Raises LedgerError."""
        self.path = path
        self.entries: list[Entry] = []
        if path.exists():
            with path.open(encoding="utf-8") as lines:
                self.entries = [parse_line(line, number) for number, line in enumerate(lines, 1) if line.strip()]

    def add(self, *entries: Entry) -> None:
        """Add entries, and write them to the file at once; all of them or, with a LedgerError, none."""
        text = "".join(line_of(entry) for entry in entries)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(text)
        self.entries.extend(entries)

    def transfer(self, source: str, target: str, cents: int, day: date) -> None:
        """Move money between two accounts. Raises LedgerError when there is too little on the first one."""
        if cents <= 0:
            raise LedgerError("what is moved must be more than nothing")
        if self.balance(source, day) < cents:
            raise LedgerError(f"{source} has only {format_amount(self.balance(source, day))}")
        self.add(Entry(day, source, -cents, f"to {target}"), Entry(day, target, cents, f"from {source}"))

    def balance(self, account: str, day: date | None = None) -> int:
        """The cents on an account, at the end of a day or after all entries."""
        of_account = (entry for entry in self.entries if entry.account == account)
        return sum(entry.cents for entry in of_account if day is None or entry.day <= day)

    def monthly(self, account: str) -> dict[str, int]:
        """What came minus what went, by month as `2024-05`, in the order of the months."""
        sums: defaultdict[str, int] = defaultdict(int)
        for entry in self.entries:
            if entry.account == account:
                sums[f"{entry.day:%Y-%m}"] += entry.cents
        return dict(sorted(sums.items()))

    def search(self, words: str) -> list[Entry]:
        """The entries whose text has all these words, in upper or lower case; the newest day first."""
        wanted = words.casefold().split()
        found = [entry for entry in self.entries if all(word in entry.text.casefold() for word in wanted)]
        return sorted(found, key=lambda entry: entry.day, reverse=True)

    def largest(self, count: int) -> list[Entry]:
        """The entries that moved most, in either direction."""
        return sorted(self.entries, key=lambda entry: abs(entry.cents), reverse=True)[:count]

    def duplicates(self) -> list[Entry]:
        """Entries that are there more than once, each of them once, sorted."""
        return sorted(entry for entry, count in Counter(self.entries).items() if count > 1)

    def compact(self) -> int:
        """Sort the entries by day and write the file anew, without duplicates; how many went."""
        kept = sorted(set(self.entries))
        gone = len(self.entries) - len(kept)
        draft = self.path.with_suffix(".draft")
        draft.write_text("".join(line_of(entry) for entry in kept), encoding="utf-8")
        draft.replace(self.path)
        self.entries = kept
        return gone


class Reporter:
    """Writes reports in a thread of its own, for a large ledger takes a while. Use it in `with`."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        self.ledger = ledger
        self.folder = folder
        self.failed: list[str] = []
        self._wanted: queue.Queue[str | None] = queue.Queue()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> Reporter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._wanted.put(None)
        self._thread.join()

    def ask(self, accounts: Iterable[str]) -> None:
        """Ask for a report about each account; it comes as `ACCOUNT.txt`, some time later."""
        for account in accounts:
            self._wanted.put(account)

    def wait(self) -> None:
        """Return when all that was asked for is written."""
        self._wanted.join()

    def _work(self) -> None:
        while (account := self._wanted.get()) is not None:
            try:
                rows = [
                    f"{month}  {format_amount(cents):>12}\n" for month, cents in self.ledger.monthly(account).items()
                ]
                (self.folder / f"{account}.txt").write_text("".join(rows), encoding="utf-8")
            except OSError:
                self.failed.append(account)
            self._wanted.task_done()
