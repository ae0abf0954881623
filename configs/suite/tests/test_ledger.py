"""Tests of ledger.py."""

import shutil
import tempfile
import time
import unittest
from datetime import date, timedelta
from pathlib import Path

from ledger import Entry, Ledger, LedgerError, Reporter, format_amount, line_of, parse_amount, parse_line

FIRST = date(2020, 1, 1)
ACCOUNTS = ("cash", "bank", "savings")


def example(number: int) -> Entry:
    """The entry of that number in the example."""
    cents = (number * 7919) % 20_000 - 5_000
    return Entry(FIRST + timedelta(days=number), ACCOUNTS[number % 3], cents, f"Entry number {number}")


def has_same_entries(first: list[Entry], second: list[Entry]) -> bool:
    """Whether both hold the same entries, in any order."""
    return len(first) == len(second) and all(entry in second for entry in first)


class AmountTest(unittest.TestCase):
    def test_whole_amounts(self) -> None:
        self.assertEqual(parse_amount("7"), 700)

    def test_one_decimal(self) -> None:
        self.assertEqual(parse_amount("12.5"), 1250)

    def test_negative_cents(self) -> None:
        self.assertEqual(parse_amount("-0.05"), -5)

    def test_thousands(self) -> None:
        self.assertEqual(parse_amount("1,234.50"), 123450)

    def test_what_is_no_amount(self) -> None:
        for text in ("", "-", "1.", "1.234", "1.2.3", "twelve", "1e3", "--1", " 1"):
            with self.subTest(text), self.assertRaises(LedgerError):
                parse_amount(text)

    def test_there_and_back(self) -> None:
        for cents in range(-150_000, 150_000, 7):
            self.assertEqual(parse_amount(format_amount(cents)), cents)

    def test_format(self) -> None:
        self.assertEqual(format_amount(-123405), "-1,234.05")


class LedgerTest(unittest.TestCase):
    """Each test gets a ledger of twelve hundred entries."""

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.ledger = Ledger(self.folder / "ledger.txt")
        for number in range(1200):
            self.ledger.add(example(number))

    def tearDown(self) -> None:
        shutil.rmtree(self.folder)

    def test_entries_are_in_the_file(self) -> None:
        self.assertTrue(has_same_entries(Ledger(self.ledger.path).entries, [example(number) for number in range(1200)]))

    def test_order_is_that_of_adding(self) -> None:
        self.ledger.add(Entry(FIRST, "cash", 1, "late"))
        self.assertEqual(self.ledger.entries[-1].text, "late")
        self.assertEqual(Ledger(self.ledger.path).entries[-1].text, "late")

    def test_an_entry_with_a_tab_is_refused_and_none_is_added(self) -> None:
        with self.assertRaises(LedgerError):
            self.ledger.add(Entry(FIRST, "cash", 1), Entry(FIRST, "cash", 1, "a\tb"))
        self.assertEqual(len(Ledger(self.ledger.path).entries), 1200)

    def test_a_line_end_is_refused(self) -> None:
        with self.assertRaises(LedgerError):
            line_of(Entry(FIRST, "ca\nsh", 1))

    def test_a_damaged_line_is_named(self) -> None:
        with self.ledger.path.open("a") as file:
            file.write("2020-01-01\tcash\n")
        with self.assertRaisesRegex(LedgerError, "line 1201: expected 4 columns, found 2"):
            Ledger(self.ledger.path)

    def test_a_day_that_is_none_is_named(self) -> None:
        with self.assertRaisesRegex(LedgerError, "line 3: "):
            parse_line("2020-02-30\tcash\t5\t\n", 3)

    def test_balance(self) -> None:
        expected = sum(example(number).cents for number in range(0, 1200, 3))
        self.assertEqual(self.ledger.balance("cash"), expected)

    def test_balance_of_a_day_has_that_day_in_it(self) -> None:
        expected = example(0).cents + example(3).cents
        self.assertEqual(self.ledger.balance("cash", FIRST + timedelta(days=3)), expected)

    def test_balance_of_an_unknown_account(self) -> None:
        self.assertEqual(self.ledger.balance("unknown"), 0)

    def test_monthly(self) -> None:
        months = self.ledger.monthly("bank")
        self.assertEqual(sum(months.values()), self.ledger.balance("bank"))
        self.assertEqual(list(months), sorted(months))
        self.assertEqual(months["2020-01"], sum(example(number).cents for number in range(1, 31, 3)))

    def test_search_takes_all_words_in_any_case(self) -> None:
        self.ledger.add(Entry(FIRST, "cash", 1, "Old bread"), Entry(FIRST + timedelta(days=1), "cash", 1, "new BREAD"))
        self.assertEqual([entry.text for entry in self.ledger.search("bread")], ["new BREAD", "Old bread"])
        self.assertEqual([entry.text for entry in self.ledger.search("BREAD old")], ["Old bread"])

    def test_largest(self) -> None:
        self.ledger.add(Entry(FIRST, "cash", -1_000_000, "rent"), Entry(FIRST, "cash", 900_000, "wage"))
        self.assertEqual([entry.text for entry in self.ledger.largest(2)], ["rent", "wage"])

    def test_transfer(self) -> None:
        before = self.ledger.balance("bank"), self.ledger.balance("savings")
        self.ledger.transfer("bank", "savings", 500, date(2030, 1, 1))
        self.assertEqual(self.ledger.balance("bank"), before[0] - 500)
        self.assertEqual(self.ledger.balance("savings"), before[1] + 500)

    def test_transfer_of_all_there_is(self) -> None:
        self.ledger.transfer("bank", "cash", self.ledger.balance("bank"), date(2030, 1, 1))
        self.assertEqual(self.ledger.balance("bank"), 0)

    def test_transfer_of_too_much_changes_nothing(self) -> None:
        with self.assertRaisesRegex(LedgerError, "bank has only"):
            self.ledger.transfer("bank", "cash", self.ledger.balance("bank") + 1, date(2030, 1, 1))
        self.assertEqual(len(self.ledger.entries), 1200)

    def test_transfer_of_nothing(self) -> None:
        with self.assertRaises(LedgerError):
            self.ledger.transfer("bank", "cash", 0, date(2030, 1, 1))

    def test_duplicates(self) -> None:
        self.ledger.add(example(5), example(3), example(5))
        self.assertEqual(self.ledger.duplicates(), [example(3), example(5)])

    def test_compact_sorts_and_drops_duplicates(self) -> None:
        for _ in range(30):
            self.ledger.add(example(17), Entry(FIRST - timedelta(days=1), "cash", 1, "early"))
            self.ledger.compact()
        self.ledger.add(example(17))
        self.assertEqual(self.ledger.compact(), 1)
        again = Ledger(self.ledger.path)
        self.assertEqual(again.entries[0].text, "early")
        self.assertTrue(has_same_entries(again.entries, self.ledger.entries))
        self.assertEqual(list(self.folder.iterdir()), [self.ledger.path])


class ReporterTest(unittest.TestCase):
    """Each test gets a ledger of twelve hundred entries, and a reporter."""

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.ledger = Ledger(self.folder / "ledger.txt")
        for number in range(1200):
            self.ledger.add(example(number))

    def tearDown(self) -> None:
        shutil.rmtree(self.folder)

    def test_reports_are_written(self) -> None:
        with Reporter(self.ledger, self.folder) as reporter:
            reporter.ask(ACCOUNTS)
            time.sleep(0.5)
            for account in ACCOUNTS:
                self.assertTrue((self.folder / f"{account}.txt").exists())

    def test_a_report_has_the_months(self) -> None:
        with Reporter(self.ledger, self.folder) as reporter:
            reporter.ask(["bank"])
            time.sleep(0.5)
            lines = (self.folder / "bank.txt").read_text().splitlines()
        first = sum(example(number).cents for number in range(1, 31, 3))
        self.assertEqual(lines[0], f"2020-01  {format_amount(first):>12}")

    def test_waiting_is_for_all_reports(self) -> None:
        with Reporter(self.ledger, self.folder) as reporter:
            reporter.ask(ACCOUNTS)
            reporter.wait()
            self.assertEqual(len(list(self.folder.glob("*.txt"))), 4)

    def test_what_cannot_be_written_is_named(self) -> None:
        with Reporter(self.ledger, self.folder / "absent") as reporter:
            reporter.ask(["cash"])
            time.sleep(0.5)
        self.assertEqual(reporter.failed, ["cash"])


if __name__ == "__main__":
    unittest.main()
