"""The constants in files that can be tuned: finding them, and writing other values in their place.

In Python files: upper-case assignments at module level, read with `ast`, so that only code counts. In every text file:
lines with a comment such as `# tune: 1e-4..1e-1 log` (`annotations`). Only the literals change: formatting, comments,
quotes and line ends stay byte for byte. Pure.

What is not here: values inside functions without an annotation, dictionaries, products such as `64 * 1024`, hexadecimal
numbers; and which value to try (`sampling`).
"""

from __future__ import annotations

import re
from bisect import bisect
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from autoresearch.core.regions import changeable
from autoresearch.core.seed_change import names_a_seed
from autoresearch.proposers.annotations import Literal, Note, Wish, note_on, present_value
from autoresearch.proposers.literals import read_python
from autoresearch.proposers.ranges import Domain, Interval, Options, Value, around, around_exponent, is_fixed

LINE_END = re.compile(r"\r\n|\r|\n")
BLANK = "\0"


@dataclass(frozen=True, slots=True)
class Constant:
    """One tunable value in a file."""

    path: str
    key: str
    """Unique over all files: `path:NAME`, `path:NAME[1]`, and `path:NAME#2` for a second one of that name."""
    literal: Literal
    value: Value
    domain: Domain

    @property
    def short(self) -> str:
        """The key without its path."""
        return self.key.removeprefix(f"{self.path}:")

    def text(self, value: Value) -> str:
        """The value as it is written in this place: a float stays a float, in the style of the present literal."""
        if not isinstance(value, float):
            return str(value)
        return _float_text(value, self.literal.text)

    def shown(self, value: Value) -> str:
        """For people: with the base of a power."""
        return f"{self.literal.base}**{value}" if self.literal.base else self.text(value)

    def scalar(self, value: Value) -> Value:
        """What the program computes from it."""
        return int(self.literal.base ** int(value)) if self.literal.base else value


def find(files: Mapping[str, str], *, markers: bool = False) -> list[Constant]:
    """All constants that can be tuned, by path and place; with `markers` only where a marked file may change."""
    found: list[Constant] = []
    for path in sorted(files):
        seen: Counter[str] = Counter()
        text = files[path]
        places = changeable(text) if markers else [range(len(text))]
        tunable = [one for one in _tunable(path, text) if any(one[0].start in place for place in places)]
        for literal, domain in sorted(tunable, key=lambda one: one[0].start):
            name = literal.name if literal.index is None else f"{literal.name}[{literal.index}]"
            seen[name] += 1
            key = f"{path}:{name}" + (f"#{seen[name]}" if seen[name] > 1 else "")
            found.append(Constant(path, key, literal, present_value(literal, domain), domain))
    return found


def rewrite(files: Mapping[str, str], values: Mapping[Constant, Value]) -> dict[str, str]:
    """The changed files only, with the values in place of constants that were found in exactly these files."""
    return _substitute(files, [(one, one.text(value)) for one, value in values.items() if value != one.value])


def skeleton(files: Mapping[str, str], constants: list[Constant]) -> str:
    """Everything but the values: equal for two states of the files that differ in nothing else."""
    blanked = {**files, **_substitute(files, [(one, BLANK) for one in constants])}
    return BLANK.join(f"{path}{BLANK}{blanked[path]}" for path in sorted(blanked))


def misread(files: Mapping[str, str]) -> list[str]:
    """Places (`path:line`) of comments about tuning that ask for nothing that can be done."""
    places = []
    for path in sorted(files):
        for line, note in _notes(files[path], _line_starts(files[path])):
            meant = note.literal()
            if meant is None or note.wish(meant) is Wish.PROSE:
                places.append(f"{path}:{line}")
    return places


def _line_starts(text: str) -> list[int]:
    return [0, *(match.end() for match in LINE_END.finditer(text))]


def _substitute(files: Mapping[str, str], texts: list[tuple[Constant, str]]) -> dict[str, str]:
    changed = {one.path: files[one.path] for one, _ in texts}
    for one, text in sorted(texts, key=lambda pair: -pair[0].literal.start):
        before, after = changed[one.path][: one.literal.start], changed[one.path][one.literal.end :]
        changed[one.path] = before + text + after
    return changed


def _float_text(value: float, model: str) -> str:
    """The shortest decimal that reads back as the value; with an exponent where `model` has one."""
    if "e" not in model.lower() and (value == 0 or 1e-4 <= abs(value) < 1e16):
        return repr(value)
    mantissa, exponent = f"{value:.11e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".")
    if "." in model and "." not in mantissa:
        mantissa += ".0"
    return f"{mantissa}e{int(exponent)}"


def _tunable(path: str, text: str) -> Iterator[tuple[Literal, Domain]]:
    starts = _line_starts(text)
    notes = dict(_notes(text, starts))
    code = read_python(text, starts) if path.endswith((".py", ".pyi")) else None
    literals = code.literals if code is not None else ()
    for literal in literals:
        if domain := _domain(literal, notes.get(bisect(starts, literal.start))):
            yield literal, domain
    assigned = {bisect(starts, literal.start) for literal in literals}
    for line, note in notes.items():
        if line in assigned or (code is not None and code.is_string(note.end)):
            continue
        meant = note.literal()
        if meant and (domain := _noted_domain(meant, note)):
            yield meant, domain


def _notes(text: str, starts: Sequence[int]) -> Iterator[tuple[int, Note]]:
    """The comments about tuning, with their lines, counted from 1."""
    if "tune" in text.lower():
        for line, (start, end) in enumerate(pairwise([*starts, len(text)]), 1):
            if note := note_on(text[start:end], start):
                yield line, note


def _domain(literal: Literal, note: Note | None) -> Domain | None:
    """Of an upper-case constant: tuned without being asked for, unless its name says that it is fixed."""
    wish = note.wish(literal) if note else Wish.PROSE
    if wish is Wish.PROSE:
        number = literal.number
        power = 0 if number is None else literal.base ** int(number) if literal.base else number
        return None if names_a_seed(literal.name) or is_fixed(literal.name, power) else _guess(literal)
    return _noted_domain(literal, note) if note else None


def _noted_domain(literal: Literal, note: Note) -> Domain | None:
    match note.wish(literal):
        case Wish.OFF | Wish.PROSE:
            return None
        case Wish.DEFAULT:
            return _guess(literal)
        case Interval() | Options() as domain:
            return domain


def _guess(literal: Literal) -> Domain | None:
    number = literal.number
    if number is None:
        return None
    return around_exponent(literal.base, int(number)) if literal.base else around(literal.name, number)
