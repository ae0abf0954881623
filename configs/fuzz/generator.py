"""The editable half of the task: makes inputs for parsers and writes them to inputs.jsonl.

Each input is a text from a grammar, with some mistakes made in it. The weights say how often an alternative is taken.
What the inputs reach, measure.py says. The seed comes from AR_SEED.
"""

import json
import os
import random
import re
from pathlib import Path

INPUTS = 900  # as many as measure.py takes: three rounds of 300  # tune: off
LONGEST = 400  # characters that measure.py takes of each  # tune: off

# Sizes
LINES = 2  # most lines of one text  # tune: 1..40 log
DEPTH = 2  # values in values: below this only plain ones are made  # tune: 1..8
WORD = 6  # most characters of a word  # tune: 1..20 log

# Mistakes; the last four are weights of their kinds
MISTAKES = 0.02  # share of the texts with any  # tune: 0.0..1.0
MISTAKES_EACH = 1  # most mistakes in one text  # tune: 1..10
CUT = 1.0  # the text ends early  # tune: off
LOSE = 1.0  # a character is lost  # tune: off
DOUBLE = 1.0  # a piece stands there twice  # tune: off
NOISE = 1.0  # a character comes in  # tune: off
CHARACTERS = "\"'\\[]{}<>&=#;:,.-+/!?_ \t\n\r\x00\x0b0x9eZé\u2028"

# How often each kind of text is made
SHARES = {
    "toml": 1.0,  # tune: 0.03..10 log
    "ini": 1.0,  # tune: 0.03..10 log
    "html": 1.0,  # tune: 0.03..10 log
    "mail": 1.0,  # tune: 0.03..10 log
}

# How often each alternative of the grammar is taken
WEIGHTS = {
    "common": 10.0,
    "usual": 2.0,  # tune: 0.03..30 log
    "nested": 0.5,  # tune: 0.03..30 log
    "rare-line": 0.1,  # tune: 0.03..30 log
    "rare-value": 0.1,  # tune: 0.03..30 log
}

# The alternatives of each rule, with their weights; `name` stands for a rule, or for `word` (letters) and `digits`
GRAMMAR = {
    "toml": [
        ("common", "`toml key` = `toml value`\n"),
        ("usual", "[`toml key`]\n"),
        ("usual", "# `word`\n"),
        ("rare-line", "[[`toml key`]]\n"),
    ],
    "toml key": [("common", "`word`"), ("usual", '"`word`"'), ("rare-value", "`word`.`toml key`")],
    "toml value": [
        ("common", "true"),
        ("usual", '"`escapes`"'),
        ("usual", "'`word`'"),
        ("usual", "`toml number`"),
        ("nested", "[`toml value`, `toml value`]"),
        ("nested", "{`toml key` = `toml value`, `word` = `toml value`}"),
        ("rare-value", '"""`word`\n"`escapes`"""'),
        ("rare-value", "'''`word`\n'`word`'''"),
        ("rare-value", "19`digits`-01-1`digits`T0`digits`:30:00`zone`"),
    ],
    "toml number": [
        ("common", "`digits`"),
        ("usual", "-`digits`.`digits`e`digits`"),
        ("rare-value", "0x`digits`"),
        ("rare-value", "inf"),
    ],
    "escapes": [("common", "`word`"), ("rare-value", "\\n`word`\\u00e9"), ("rare-value", "\\`word`")],
    "zone": [("common", ""), ("usual", "Z"), ("rare-value", "+0`digits`:00")],
    "ini": [
        ("common", "`word` = `ini value`\n"),
        ("usual", "[`word`]\n`word`: `ini value`\n"),
        ("usual", "; `word`\n"),
        ("rare-line", "  `word`\n\n"),
        ("rare-line", "`word`\n"),
    ],
    "ini value": [
        ("common", "`word`"),
        ("usual", "`digits`"),
        ("nested", "`word`\n  `word`\n"),
        ("rare-value", "%(`word`)s"),
        ("rare-value", "${`word`:`word`}"),
        ("rare-value", "%%`word` ; `word`"),
    ],
    "html": [
        ("common", "`word` "),
        ("usual", "<`word``attributes`>`html`</`word`>"),
        ("usual", "<`word``attributes`/>"),
        ("nested", "&`word`;"),
        ("nested", "&#`digits`;"),
        ("nested", "&#x`digits`"),
        ("rare-line", "<!DOCTYPE `word` [<!ENTITY `word` '`word`'>]>"),
        ("rare-line", "<![CDATA[`word`]]>"),
        ("rare-line", "<?`word` `word`?>"),
        ("usual", "<!-- `word` -->"),
        ("rare-line", "<script>`word`</`word`></script>"),
    ],
    "attributes": [
        ("common", ""),
        ("nested", " `word`=`word``attributes`"),
        ("usual", ' `word`="&`word`;"`attributes`'),
        ("rare-value", " `word` = '`word`'`word`"),
    ],
    "mail": [
        ("common", "`mail address`"),
        ("rare-line", "`word`: `mail address`, `mail address`;"),
    ],
    "mail address": [
        ("common", "`word`@`word`.`word`"),
        ("common", "`mail name` <`word`@`word`>"),
        ("rare-line", '"`escapes`"@[`digits`.`digits`]'),
        ("rare-line", "<@`word`,@`word`:`word`@`word`>"),
    ],
    "mail name": [
        ("common", "`word`"),
        ("usual", '"`escapes`"'),
        ("rare-value", "(`word` (`escapes`))"),
        ("rare-value", "=?utf-8?q?`word`=`digits`?="),
        ("rare-value", "=?utf-8?b?`word`?= =?latin-1?q?`word`?="),
        ("nested", "`word`. `mail name`"),
    ],
}
JOINTS = {"mail": ", "}  # between the lines of a text
HOLE = re.compile("`([a-z ]+)`")
PLAIN = 0  # the alternative from DEPTH on, the first: it must come to an end  # tune: off


def expand(rng: random.Random, rule: str, depth: int = 0) -> str:
    """A text of that rule."""
    if rule == "word":
        return "".join(rng.choices("abcdefgxyz", k=rng.randint(1, WORD)))
    if rule == "digits":
        return str(rng.randint(0, 10 ** rng.randint(1, 3)))
    alternatives = GRAMMAR[rule]
    weights = [WEIGHTS[name] for name, _ in alternatives]
    template = rng.choices(alternatives, weights)[0][1] if depth < DEPTH else alternatives[PLAIN][1]
    return HOLE.sub(lambda found: expand(rng, found[1], depth + 1), template)


def with_mistake(rng: random.Random, text: str) -> str:
    """The text with one thing wrong."""
    start = rng.randrange(len(text) + 1)
    piece = text[start : start + rng.randint(1, 8)]
    variants = {
        text[:start]: CUT,
        text[:start] + text[start + 1 :]: LOSE,
        text[:start] + piece + text[start:]: DOUBLE,
        text[:start] + rng.choice(CHARACTERS) + text[start:]: NOISE,
    }
    return rng.choices(list(variants), list(variants.values()))[0]


def make(rng: random.Random) -> dict[str, str]:
    """One input: which parser, and the text."""
    kind = rng.choices(list(SHARES), list(SHARES.values()))[0]
    text = JOINTS.get(kind, "").join(expand(rng, kind) for _ in range(rng.randint(1, LINES)))
    if rng.random() < MISTAKES:
        for _ in range(rng.randint(1, MISTAKES_EACH)):
            text = with_mistake(rng, text)
    return {"parser": kind, "text": text[:LONGEST]}


def main() -> None:
    rng = random.Random(int(os.environ.get("AR_SEED") or 0))
    inputs = [make(rng) for _ in range(INPUTS)]
    Path("inputs.jsonl").write_text("".join(json.dumps(one) + "\n" for one in inputs), encoding="ascii")
    print(f"{len(inputs)} inputs, {sum(len(one['text']) for one in inputs)} characters")


if __name__ == "__main__":
    main()
