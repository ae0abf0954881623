"""The fixed half of the task: does the suite still notice when ledger.py is wrong?

One thing at a time is broken, and the suite must fail; unbroken, it must succeed twice more. Exit code 0: it did. The
runs are like the one that measure.py times, and no file is changed: the faults are only in the module that the tests
import. This takes as long as some runs of the suite, so it is asked only about what would be kept.
Not covered: tests that notice the faults by other means than trying `ledger`, by its compiled code for instance; and
faults that are not among these. A suite that sets out to deceive can; that is what reading the diff is for.
"""

import sys
from concurrent.futures import ThreadPoolExecutor

from run import MODULE, run

FAULTS = [
    ('sign = -1 if text.startswith("-") else 1', "sign = 1"),
    ("len(rest) > 2", "len(rest) > 3"),
    ("if len(parts) != 4:", "if len(parts) > 4:"),
    ('or "\\n" in entry.account + entry.text', ""),
    ("self.entries.extend(entries)", "self.entries[:0] = entries"),
    ("if self.balance(source, day) < cents:", "if self.balance(source, day) <= cents:"),
    ("entry.day <= day", "entry.day < day"),
    ("return dict(sorted(sums.items()))", "return dict(sorted(sums.items(), reverse=True))"),
    ("all(word in entry.text.casefold()", "any(word in entry.text.casefold()"),
    ("key=lambda entry: abs(entry.cents)", "key=lambda entry: entry.cents"),
    ("if count > 1)", "if count > 2)"),
    ("kept = sorted(set(self.entries))", "kept = sorted(self.entries)"),
    ("draft.replace(self.path)", "self.path.write_bytes(draft.read_bytes())"),
    ("self.failed.append(account)", "pass"),
    ('f"{account}.txt"', 'f"{account}.text"'),
]


def succeeds(text: str) -> bool:
    """Whether the suite succeeds with that text of ledger.py."""
    return run(text).tests > 0


def broken(text: str, old: str, new: str) -> str:
    """The text with one thing wrong."""
    if text.count(old) != 1:
        sys.exit(f"{MODULE.name} has {text.count(old)} places with {old!r}, expected one")
    return text.replace(old, new)


def main() -> None:
    text = MODULE.read_text(encoding="utf-8")
    with ThreadPoolExecutor(2) as pool:
        if not all(pool.map(succeeds, [text, text])):
            sys.exit("the suite does not succeed each time")
        results = pool.map(succeeds, [broken(text, old, new) for old, new in FAULTS])
        unnoticed = [old for (old, _), succeeded in zip(FAULTS, results, strict=True) if succeeded]
    if unnoticed:
        sys.exit("the suite no longer notices what is wrong with: " + "; ".join(unnoticed))
    print(f"{len(FAULTS)} faults, all noticed")


if __name__ == "__main__":
    main()
