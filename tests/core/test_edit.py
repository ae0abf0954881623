"""Edits applied to texts: exact, tolerant of white space, refused in words."""

import random
import textwrap

import pytest

from autoresearch.core.edit import Change, Create, Delete, Refusal, Replace, Write, apply

TRAIN = textwrap.dedent(
    """\
    LR = 0.1
    DEPTH = 4

    def train(model):
        for step in range(10):
            loss = model(step)
            if loss > 3:
                print("bad")
            model.update(loss)
        return model
    """
)


def applied(search, replacement, text=TRAIN):
    result = apply([Replace("train.py", search, replacement)], {"train.py": text})
    assert isinstance(result, Change), result
    return result.files["train.py"]


def refused(edits, files=None):
    result = apply(edits, {"train.py": TRAIN} if files is None else files)
    assert isinstance(result, Refusal)
    return result.reason


def test_a_unique_exact_text_is_replaced():
    assert applied("LR = 0.1\n", "LR = 0.2\n") == TRAIN.replace("0.1", "0.2")
    assert applied("0.1", "0.2") == TRAIN.replace("0.1", "0.2")


def test_any_unique_text_is_replaced_as_python_would_do_it():
    rng = random.Random(7)
    replaced = 0
    for _ in range(400):
        text = "".join(rng.choice("ab \n\tx") for _ in range(rng.randint(1, 60)))
        start = rng.randrange(len(text))
        search = text[start : start + rng.randint(1, 12)]
        replacement = "".join(rng.choice("cd \n") for _ in range(rng.randint(0, 8)))
        places = [at for at in range(len(text)) if text.startswith(search, at)]
        if search.endswith("\n"):
            places = [at for at in places if at == 0 or text[at - 1] == "\n"]
        count = len(places)
        result = apply([Replace("f", search, replacement)], {"f": text})
        if count == 1 and search != replacement:
            replaced += 1
            assert result == Change({"f": text[: places[0]] + replacement + text[places[0] + len(search) :]})
        elif count > 1:
            assert isinstance(result, Refusal)
            assert "more than once" in result.reason
    assert replaced > 100


def test_edits_apply_in_order_and_see_each_other():
    edits = [
        Replace("train.py", "LR = 0.1", "RATE = 0.1"),
        Replace("train.py", "RATE = 0.1", "RATE = 0.3"),
        Create("a/new.py", "x = 1\n"),
        Replace("a/new.py", "1", "2"),
        Delete("old.py"),
        Create("old.py", "again\n"),
        Write("w.py", "w"),
    ]
    result = apply(edits, {"train.py": TRAIN, "old.py": "old\n", "w.py": "v", "same.py": "s"})
    assert result == Change(
        {"train.py": TRAIN.replace("LR = 0.1", "RATE = 0.3"), "a/new.py": "x = 2\n", "old.py": "again\n", "w.py": "w"}
    )


def test_one_bad_edit_spoils_all_and_changes_nothing():
    files = {"train.py": TRAIN}
    assert "line" in refused([Replace("train.py", "LR", "RATE"), Replace("train.py", "DEPTH = 5", "")], files)
    assert files == {"train.py": TRAIN}


def test_only_real_differences_are_in_a_change():
    edits = [
        Write("a", "1"),
        Replace("b", "2", "3"),
        Replace("b", "3", "2"),
        Create("t", "x"),
        Delete("t"),
        Write("c", ""),
    ]
    assert apply(edits, {"a": "1", "b": "2"}) == Change({"c": ""})


@pytest.mark.parametrize(
    "edits",
    [
        [],
        [Replace("train.py", "LR = 0.1", "LR = 0.1")],
        [Write("train.py", TRAIN)],
        [Create("n", ""), Delete("n")],
        [Delete("train.py"), Create("train.py", TRAIN)],
    ],
)
def test_a_proposal_that_changes_nothing_is_refused(edits):
    assert "nothing changed" in refused(edits)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (Replace("trian.py", "a", "b"), ["trian.py", "no such file", "train.py?"]),
        (Replace("zzz", "a", "b"), ["zzz", "no such file"]),
        (Delete("zzz"), ["zzz", "no such file"]),
        (Create("train.py", ""), ["train.py", "exists already"]),
        (Replace("train.py", "", "x"), ["train.py", "empty"]),
        (Create("train.py/x", "x"), ["train.py/x", "is a file"]),
        (Replace("train.py", "l", "L"), ["lines 4, 6, 7, 9, 10:"]),
        (Replace("train.py", "model", "m"), ["train.py", "more than once", "lines 4, 6, 9, 10"]),
        (Replace("train.py", "e", "E"), ["lines 4, 5, 6, 9, 10:"]),
        (Replace("train.py", " ", ""), ["lines 1, 2, 4, 5, 6 and more"]),
    ],
)
def test_a_refusal_says_what_is_wrong_and_where(edit, words):
    reason = refused([edit])
    assert [word for word in words if word not in reason] == []


@pytest.mark.parametrize(
    ("search", "replacement", "old", "new"),
    [
        ("DEPTH = 4   \n", "DEPTH = 5\n", "DEPTH = 4\n", "DEPTH = 5\n"),
        ("DEPTH = 4\r\n\r\ndef train(model):\r\n", "DEPTH = 5\r\n", "DEPTH = 4\n\ndef train(model):\n", "DEPTH = 5\n"),
        (
            "if loss > 3:\n    print('bad')\n".replace("'", '"'),
            "if loss > 4:\n    print(loss)\n\n    raise\n",
            '        if loss > 3:\n            print("bad")\n',
            "        if loss > 4:\n            print(loss)\n\n            raise\n",
        ),
        (
            '            if loss > 3:\n                print("bad")\n',
            "            if loss > 4:\n                print(1)\n",
            '        if loss > 3:\n            print("bad")\n',
            "        if loss > 4:\n            print(1)\n",
        ),
        ("DEPTH = 4 \n \ndef train(model):\n", "", "DEPTH = 4\n\ndef train(model):\n", ""),
        ("DEPTH = 4 \n", "A = 1\nB = 2", "DEPTH = 4\n", "A = 1\nB = 2\n"),
    ],
)
def test_white_space_may_differ_when_the_place_is_unique(search, replacement, old, new):
    assert search not in TRAIN
    assert TRAIN.count(old) == 1
    assert applied(search, replacement) == TRAIN.replace(old, new)


def test_a_place_with_the_right_indentation_goes_before_one_that_is_only_alike():
    text = "if a:\n    x = 1 \nx = 1 # \nx = 1  \n"
    assert applied("x = 1\t\n", "x = 2\n", text) == "if a:\n    x = 1 \nx = 1 # \nx = 2\n"


def test_a_text_found_twice_but_for_white_space_is_refused():
    text = "a = 1 \nb\na = 1\t\nb\n"
    assert "lines 1, 3" in refused([Replace("f", "a = 1\nb\n", "c\n")], {"f": text})
    text = "  a = 1\n  b\n    a = 1\n    b\n"
    assert "lines 1, 3" in refused([Replace("f", "a = 1\nb\n", "c\n")], {"f": text})


def test_blank_lines_in_a_shifted_block_may_hold_anything_blank():
    text = "def f():\n    a = 1\n\n    b = 2\n  \n    c = 3\n"
    assert applied("a = 1\n   \nb = 2\n\nc = 3\n", "d = 4\n\ne = 5\n", text) == "def f():\n    d = 4\n\n    e = 5\n"
    assert applied("\nb = 2\n", "d = 4\n", text) == "def f():\n    a = 1\n    d = 4\n  \n    c = 3\n"


@pytest.mark.parametrize(
    "search",
    [
        "if loss > 3:\n  print('bad')\n",
        "for step in range(10):\nloss = model(step)\n",
        "\tif loss > 3:\n\t\tprint('bad')\n",
    ],
)
def test_an_indentation_that_differs_from_line_to_line_is_no_match(search):
    search = search.replace("'", '"')
    assert "not in the file" in refused([Replace("train.py", search, "pass\n")])


def test_a_replacement_that_cannot_be_dedented_is_refused():
    search = '            if loss > 3:\n                print("bad")\n'
    assert "not in the file" in refused([Replace("train.py", search, "if 1:\n  pass\n")])


def test_tabs_are_kept_when_the_whole_block_is_shifted():
    text = "def f():\n\tif x:\n\t\treturn 1\n\treturn 2\n"
    new = applied("if x:\n\treturn 1\n", "if y:\n\treturn 3\n", text)
    assert new == "def f():\n\tif y:\n\t\treturn 3\n\treturn 2\n"


@pytest.mark.parametrize(
    ("text", "search", "replacement", "expected"),
    [
        ("a\r\nb\r\nc\r\n", "b\n", "x\ny\n", "a\r\nx\r\ny\r\nc\r\n"),
        ("a\r\nb\r\nc\r\n", "b", "x\ny", "a\r\nx\r\ny\r\nc\r\n"),
        ("a\r\nb\r\nc", "b\nc\n", "x\ny\n", "a\r\nx\r\ny"),
        ("a\nb\nc", "b\nc\n", "x\ny\n", "a\nx\ny"),
        ("a\nb\nc\n", "b", "x\r\ny", "a\nx\ny\nc\n"),
        ("a\r\nb\nc\n", "b", "x\r\ny", "a\r\nx\r\ny\nc\n"),
        ("a", "a", "b\r\n", "b\r\n"),
        ("a\r\nb\r\n", "a\nb\n", "", ""),
        ("a\nb\n", "b\n", "", "a\n"),
    ],
)
def test_a_file_keeps_its_line_ends(text, search, replacement, expected):
    assert applied(search, replacement, text) == expected


def test_the_tolerant_way_gives_what_the_exact_way_would():
    rng = random.Random(3)
    for _ in range(200):
        lines = [" " * rng.choice((0, 4, 8)) + rng.choice("abcdef") * rng.randint(1, 3) for _ in range(12)]
        text = "\n".join([*lines, f"unique {rng.random()}", *lines]) + "\n"
        start = rng.randint(8, 12)
        wanted = text.split("\n")[start : start + 5]
        search, replacement = "\n".join(wanted) + "\n", "new\n  line\n"
        sloppy = "".join(line + " " * rng.randint(1, 3) + rng.choice(("\n", "\r\n")) for line in wanted)
        assert applied(sloppy, replacement, text) == text.replace(search, replacement)


@pytest.mark.parametrize(
    ("search", "shown"),
    [
        ("DEPTH = 5\n", "line 2:\nDEPTH = 4"),
        (
            "    for step in range(11):\n        loss = model(step)\n",
            "line 5:\n    for step in range(10):\n        loss",
        ),
        ("foo\n        if lost > 3 and bad:\n", "line 6:\n        loss = model(step)\n        if loss > 3:"),
        ("loss = model(step)\nmodel.update()\nfoo\nbar\nbaz\nx\ny\n", "line 6:\n        loss = model(step)\n"),
    ],
)
def test_the_closest_place_is_shown(search, shown):
    reason = refused([Replace("train.py", search, "x")])
    assert shown in reason
    assert reason.count("\n") <= 5


def test_nothing_like_it_is_said_too():
    assert "nor anything like it" in refused([Replace("train.py", "§§§§§§§§\n", "x")])
    assert "nor anything like it" in refused([Replace("f", "abc", "x")], {"f": ""})
    assert "nor anything like it" in refused([Replace("f", "\n\n \n", "x")], {"f": "abc"})


def test_the_closest_place_is_found_in_a_long_file():
    lines = [f"value_{number} = compute({number})" for number in range(15_000)]
    reason = refused([Replace("f", "value_x = compute(12345)\nother\n", "x")], {"f": "\n".join(lines)})
    assert "the closest place is line " in reason
    same = "\n".join(["}"] * 20_000)
    assert "more than once" in refused([Replace("f", "} \n" * 500, "x")], {"f": same})
    assert "not in the file" in refused([Replace("f", "} \n" * 500 + "x\n", "x")], {"f": same})


def test_whole_lines_do_not_match_inside_longer_ones() -> None:
    edit = Replace("a.py", "X = 3\n", "X = 4\n")
    assert apply([edit], {"a.py": "MAX_X = 3\nX = 3\n"}) == Change({"a.py": "MAX_X = 3\nX = 4\n"})
    assert isinstance(apply([edit], {"a.py": "MAX_X = 3\n"}), Refusal)
