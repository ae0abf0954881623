"""Marked regions: what may change, what may not, and the words for it."""

from __future__ import annotations

import pytest

from autoresearch.core.regions import change_outside, changeable, has_region, is_marked, regions

FILE = """\
import math
# EVOLVE-BLOCK-START
RATE = 0.1
def step(x):
    return x * RATE
# EVOLVE-BLOCK-END

def run():
    return step(2)
    # EVOLVE-BLOCK-START
WIDTH = 3
    # EVOLVE-BLOCK-END
"""
ONLY = ": only what stands between the EVOLVE-BLOCK markers may change"


def problem(old: str, new: str | None, path: str = "solve.py") -> str:
    return change_outside({path: old}, {path: new})


@pytest.mark.parametrize(
    "change",
    [
        ("RATE = 0.1", "RATE = 0.2\nimport os"),
        ("WIDTH = 3\n", ""),
        ("    return x * RATE", "    # EVOLVE-BLOCK-START\n    # EVOLVE-BLOCK-END\n    return x"),
    ],
)
def test_what_stands_between_the_markers_may_change(change: tuple[str, str]) -> None:
    assert FILE.count(change[0]) == 1
    assert problem(FILE, FILE.replace(*change)) == ""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("import math", "import cmath", 'solve.py: line 1, "import math", is outside'),
        ("import math\n", "", 'solve.py: line 1, "import math", is outside'),
        ("return step(2)", "return 42", 'solve.py: line 9, "return step(2)", is outside'),
        (
            "step(2)\n    #",
            "step(2) #",
            'solve.py: line 10, "# EVOLVE-BLOCK-START", is a marker, and stays where it is',
        ),
        ("# EVOLVE-BLOCK-END\n\n", "\n", 'solve.py: line 6, "# EVOLVE-BLOCK-END", is a marker, and stays where it is'),
        ("# EVOLVE-BLOCK-END\n\n", "# EVOLVE-BLOCK-END!\n\n", 'solve.py: line 6, "# EVOLVE-BLOCK-END", is a marker'),
        ("RATE = 0.1\n", "# EVOLVE-BLOCK-END\nX = 1\n# EVOLVE-BLOCK-START\n", "solve.py: the change adds EVOLVE-BLOCK"),
        (
            "    # EVOLVE-BLOCK-END\n",
            "    # EVOLVE-BLOCK-END\nrun = None\n",
            '"run = None" would stand outside, behind',
        ),
    ],
)
def test_what_stands_outside_may_not_and_the_line_is_named(old: str, new: str, said: str) -> None:
    assert FILE.count(old) == 1
    found = problem(FILE, FILE.replace(old, new))
    assert said in found
    assert found.endswith(ONLY)


def test_a_marked_file_is_not_removed_and_files_without_markers_are_free() -> None:
    assert problem(FILE, None) == f"solve.py would be removed{ONLY}"
    assert problem("x = 1\n", None) == ""
    assert problem("x = 1\n", "x = 2\n") == ""
    assert change_outside({"solve.py": FILE}, {"new.py": FILE}) == ""


@pytest.mark.parametrize(
    "style",
    [
        "# {}",
        "//{}",
        "  ! {}",
        "<!-- {} -->",
        "(* {} *)",
        "/* {} */",
        "-- {}",
        "; {}",
        "{}",
        "## {}",
        "/// {}",
        "# --- {} ---",
        '"""{}"""',
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_language_has_its_comments(style: str, end: str) -> None:
    start, stop = (style.format(f"EVOLVE-BLOCK-{word}") for word in ("START", "END"))
    text = end.join(["before", start, "inside", stop, "behind", ""])
    assert [text[one.start : one.stop] for one in regions(text)] == [f"inside{end}"]
    assert problem(text, text.replace("inside", f"other{end}lines")) == ""
    assert 'line 5, "behind", is outside' in problem(text, text.replace("behind", "beyond"))


@pytest.mark.parametrize(
    "text",
    ["# the EVOLVE-BLOCK-START line opens it\n", "x = '# EVOLVE-BLOCK-START'\n", "# EVOLVE-BLOCK-STARTED\n", "x = 1\n"],
)
def test_words_about_markers_are_no_markers(text: str) -> None:
    assert not is_marked(text)
    assert problem(text, "anything\n") == ""


@pytest.mark.parametrize("text", ["a\n# EVOLVE-BLOCK-START\nb\n", "a\n# EVOLVE-BLOCK-END\nb\n"])
def test_half_a_pair_opens_nothing(text: str) -> None:
    assert is_marked(text)
    assert not has_region(text)
    assert "without its other half, so nothing in it may change" in problem(text, text.replace("b", "c"))
    assert changeable(text) == []


def test_places_are_inside_or_outside() -> None:
    inside, outside = FILE.index("0.1"), FILE.index("step(2)")
    assert any(inside in one for one in changeable(FILE))
    assert not any(outside in one for one in changeable(FILE))
    assert changeable("x = 1\n") == [range(6)]


def test_a_line_feed_alone_ends_a_line() -> None:
    text = "a\x0cb\u2028c\n# EVOLVE-BLOCK-START\nx\n# EVOLVE-BLOCK-END\ntail\n"
    assert 'line 5, "tail", is outside' in problem(text, text.replace("tail", "head"))
