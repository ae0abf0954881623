"""A text without its random seeds, by patterns: configurations, scripts, commands and source in any language. Pure.

    seed = 1   "seed": 1,   --seed 1   SEED=${SEED:-1}   #define SEED 1   srand(1)   mt19937 rng(1)   seeds: [1, 2]

What is not here: Python (`seed_python`), which is read by its grammar. No pattern looks back or takes more than linear
time, so that a file of a megabyte is read in a second.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from autoresearch.core.seed_names import LONGEST_NAME, names_a_seed, names_seeds, sets_a_seed

GONE = "\0"
"""Stands for a seed."""

_HINT = re.compile(r"seed|rand|rng|19937|twister|pcg|ranlux|xoshiro", re.IGNORECASE)
_NAME = re.compile(r"(?<!\w)[A-Za-z_][\w-]*")
_NUMERAL = r"[-+]?(?:0[xX][0-9a-fA-F_]{1,40}|\d[\d_]{0,40})(?:[uUlLnN]{1,3}|[ui](?:8|16|32|64|128|size))?(?!\w|\.\d)"
_VARIABLE = r"\$\{[^{}\r\n]{0,200}\}|\$\(\w{1,80}\)|\$\w{1,80}"
_PLAIN = rf"{_VARIABLE}|{_NUMERAL}"
_VALUE = rf"(?:\"(?:{_PLAIN})\"|'(?:{_PLAIN})'|{_PLAIN}|(?:null|None|none|nil|NULL|~)(?![\w.(]))"
_REFERENCE = re.compile(r"[A-Za-z_][\w.]{0,79}(?![\w(\[])")
_ONE = re.compile(_NUMERAL)
_SOME = re.compile(
    rf"{_VALUE}(?:,{_NUMERAL})*"
    rf"|\[[\s\d,_+-]*\]"
    rf"|(?:[ \t]*\r?\n[ \t]*-[ \t]+{_NUMERAL})+"  # YAML
)
_SIGN = re.compile(r"[\"']?\]?(?:[ \t]{0,40}:[ \t]{0,4}[\w<>]{1,40})?[ \t]{0,40}(?:\?=|:=|:-|=>|<-|=|:)[ \t]{0,40}")
_OPTION_SIGN = re.compile(r"(?:=|[ \t]{1,40}|[\"'][ \t]{0,40},\s{0,80})")
_DEFAULT_SIGN = re.compile(r"[\"'][^\r\n)]{0,120}?\bdefault(?:_value(?:_t)?)?[\"']?[ \t]{0,40}[=:(][ \t]{0,40}")
_MORE = re.compile(rf"(?:[ \t]{_NUMERAL})*")
_BARE = re.compile(r"(?:\A|[\r\n])[ \t]*(?:(?:ENV|ARG|set|setenv|#[ \t]*define)[ \t]+)?\Z")
_BARE_VALUE = re.compile(rf"[ \t]{{1,40}}{_VALUE}(?=[ \t]*(?:[\r\n]|\Z))")
_CALL = re.compile(rf"(!?(?:<[\w:]{{0,40}}>)?[ \t]{{0,40}}[({{]\s{{0,40}}){_VALUE}\s{{0,40}}(?=[,)}}])")
_ENGINE = re.compile(rf"([ \t]{{1,40}}\w{{1,80}}[ \t]{{0,40}}[({{]\s{{0,40}}){_VALUE}\s{{0,40}}(?=[,)}}])")
_OWNER = re.compile(r"(?<!\w)(\w{1,80})(?:\(\))?(?:\.|::|->)\Z")
_CALLS = frozenset(
    "srand srand48 srandom NewSource NewPCG MersenneTwister Xoshiro SplittableRandom StableRNG seedrandom PRNGKey "
    "default_rng RandomState Random rng seed_from_u64 curand_init".split()
)
_ENGINES = re.compile(r"mt19937(?:_64)?|minstd_rand0?|default_random_engine|ranlux\w{0,8}|knuth_b|pcg(?:32|64)\w{0,8}")
_OPEN_OPTION = re.compile(r"(\s*--)?([A-Za-z_][\w-]*)[= ]\Z")


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as it counts: `plain` without comments and formatting, `rest` without its seeds too."""

    plain: str
    rest: str


@dataclass(frozen=True, slots=True)
class _Seed:
    """What stands from `start` to `end` of the text becomes `text`."""

    start: int
    end: int
    text: str


def without_seeds(text: str) -> str:
    """Options are left out whole, of everything else the name stays, and one sign for each value."""
    if not _HINT.search(text):
        return text
    parts, at = [], 0
    for name in _NAME.finditer(text):
        if name.start() < at or name.end() - name.start() > LONGEST_NAME:
            continue
        if seed := _seed_of(name):
            parts += [text[at : seed.start].rstrip(" \t") if not seed.text else text[at : seed.start], seed.text]
            at = seed.end
    return "".join([*parts, text[at:]])


def _seed_of(name: re.Match[str]) -> _Seed | None:
    if names_a_seed(name[0]) and (seed := _option(name) or _assigned(name)):
        return seed
    if _ENGINES.fullmatch(name[0]):
        return _argument(name, _ENGINE) or _argument(name, _CALL)
    owner = _owner(name)
    if name[0] in _CALLS or sets_a_seed(name[0], owner) or (names_a_seed(name[0]) and not owner):
        return _argument(name, _CALL)
    return None


def _owner(name: re.Match[str]) -> str:
    if name.string[name.start() - 1 : name.start()] not in (".", ":", ">"):
        return ""
    found = _OWNER.search(name.string[max(0, name.start() - LONGEST_NAME) : name.start()])
    return found[1] if found else ""


def _option(name: re.Match[str]) -> _Seed | None:
    """`--seed 1`, `--seed=1`, `"--seed", "1"`, `"--seed", type=int, default=1`"""
    text = name.string
    if text[name.start() - 2 : name.start()] != "--":
        return None
    if declared := _DEFAULT_SIGN.match(text, name.end()):
        return _put_behind(name, declared, kept=declared[0])
    sign = _OPTION_SIGN.match(text, name.end())
    value = _SOME.match(text, sign.end()) if sign else None
    if not sign or not value:
        return None
    if names_seeds(name[0]):
        end = more.end() if (more := _MORE.match(text, value.end())) else value.end()
        return _Seed(name.end(), end, GONE * len(_ONE.findall(text, sign.end(), end)))
    quoted = text[name.end()] in "\"'"
    return _put_behind(name, sign) if quoted or "," in value[0] else _Seed(name.start() - 2, value.end(), "")


def _assigned(name: re.Match[str]) -> _Seed | None:
    text = name.string
    if sign := _SIGN.match(text, name.end()):
        return _put_behind(name, sign)
    if _BARE.search(text[max(0, name.start() - 40) : name.start()]) and (value := _BARE_VALUE.match(text, name.end())):
        return _Seed(name.end(), value.end(), GONE)
    return None


def _put_behind(name: re.Match[str], sign: re.Match[str], kept: str = "") -> _Seed | None:
    """The values behind the `sign` that stands between them and the name; of several their number stays."""
    text = name.string
    if value := _SOME.match(text, sign.end()):
        several = value[0].startswith("[") or "," in value[0] or "\n" in value[0]
        count = 1 + len(_ONE.findall(value[0])) if several else 1
        return _Seed(name.end(), value.end(), kept + GONE * count)
    value = _REFERENCE.match(text, sign.end())
    if value and names_a_seed(value[0].rpartition(".")[2]):
        return _Seed(name.end(), value.end(), kept + GONE)
    return None


def _argument(name: re.Match[str], pattern: re.Pattern[str]) -> _Seed | None:
    found = pattern.match(name.string, name.end())
    return _Seed(name.end(), found.end(), found[1].rstrip() + GONE) if found else None


def names_an_option(text: str) -> bool:
    """Is it `--seed`, or another option for one?"""
    return text.startswith("-") and names_a_seed(text.lstrip("-"))


def without_option(text: str) -> str | None:
    """A command that goes on with a seed's value, without its last option; None for any other."""
    tail = text[-2 * LONGEST_NAME :]
    found = _OPEN_OPTION.search(tail)
    if not found or not names_a_seed(found[2]):
        return None
    kept = text[: len(text) - len(tail) + found.start()]
    return kept if found[1] else kept + found[2] + GONE
