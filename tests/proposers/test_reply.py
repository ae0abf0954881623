from __future__ import annotations

import pytest

from autoresearch.core.edit import Create, Delete, Refusal, Replace
from autoresearch.proposers.reply import PROSE_LIMIT, ParsedReply, parse

ONE = ("train.py",)
SEVERAL = ("src/model.py", "src/train.py", "my notes.txt")
HEAD = "Title: raise the rate\nHypothesis: It is too low.\nExpected: 1 % less\n\n"
BLOCK = "<<<<<<< SEARCH\nrate = 1\n=======\nrate = 2\n>>>>>>> REPLACE\n"
EDIT = Replace("train.py", "rate = 1\n", "rate = 2\n")


def parsed(text: str, editable: tuple[str, ...] = ONE) -> ParsedReply:
    reply = parse(text, editable)
    assert isinstance(reply, ParsedReply), reply
    return reply


def refused(text: str, editable: tuple[str, ...] = ONE) -> str:
    reply = parse(text, editable)
    assert isinstance(reply, Refusal), reply
    return reply.reason


def test_a_reply_in_the_documented_form() -> None:
    reply = parsed(f"{HEAD}train.py\n{BLOCK}")
    assert reply == ParsedReply("raise the rate", "It is too low.", "1 % less", (EDIT,))


def test_the_path_is_optional_with_one_editable_file() -> None:
    assert parsed(HEAD + BLOCK).edits == (EDIT,)


def test_several_files_and_blocks_in_the_order_of_the_reply() -> None:
    reply = parsed(f"{HEAD}src/model.py\n{BLOCK}\nand\n\nsrc/train.py\n{BLOCK}\n{BLOCK}Delete: my notes.txt\n", SEVERAL)
    assert [edit.path for edit in reply.edits] == ["src/model.py", "src/train.py", "src/train.py", "my notes.txt"]
    assert reply.edits[3] == Delete("my notes.txt")


@pytest.mark.parametrize(
    "line",
    [
        "src/train.py",
        "  src/train.py  ",
        "`src/train.py`",
        "**src/train.py**",
        "**`src/train.py`**:",
        "# src/train.py",
        "### `src/train.py`",
        "File: src/train.py",
        "**File:** `src/train.py`",
        "path: ./src/train.py",
        '"src/train.py"',
        "train.py",
    ],
)
def test_the_path_may_be_decorated_or_shortened(line: str) -> None:
    assert parsed(f"{HEAD}{line}\n{BLOCK}", SEVERAL).edits[0].path == "src/train.py"


@pytest.mark.parametrize("line", ["my notes.txt", "`my notes.txt`", "File: my notes.txt"])
def test_a_path_may_hold_spaces(line: str) -> None:
    assert parsed(f"{HEAD}{line}\n{BLOCK}", SEVERAL).edits[0].path == "my notes.txt"


def test_a_shortened_path_that_could_mean_two_files_is_left_as_it_is() -> None:
    assert parsed(f"{HEAD}train.py\n{BLOCK}", ("a/train.py", "b/train.py")).edits[0].path == "train.py"


def test_a_path_that_is_not_editable_is_left_to_the_gate() -> None:
    assert parsed(f"{HEAD}evaluate.py\n{BLOCK}").edits[0].path == "evaluate.py"


def test_prose_above_a_block_is_no_path() -> None:
    assert parsed(f"{HEAD}Then e.g. the file src/x.py needs this:\n{BLOCK}").edits == (EDIT,)


@pytest.mark.parametrize(
    "text",
    [
        f"train.py\n```python\n{BLOCK}```\n",
        f"```\ntrain.py\n{BLOCK}```\n",
        "train.py\n<<<<<<< SEARCH\n```python\nrate = 1\n```\n=======\n```python\nrate = 2\n```\n>>>>>>> REPLACE\n",
    ],
)
def test_code_fences_around_a_block_or_its_halves_do_not_matter(text: str) -> None:
    assert parsed(HEAD + text).edits == (EDIT,)


def test_a_fence_in_one_half_only_is_part_of_the_text() -> None:
    block = "<<<<<<< SEARCH\nrate = 1\n=======\n```\nrate = 2\n```\n>>>>>>> REPLACE\n"
    assert parsed(HEAD + block).edits == (Replace("train.py", "rate = 1\n", "```\nrate = 2\n```\n"),)


@pytest.mark.parametrize(("opening", "divider", "closing"), [(5, 5, 5), (9, 9, 9), (7, 6, 8), (8, 7, 7)])
def test_markers_may_be_counted_badly(opening: int, divider: int, closing: int) -> None:
    block = f"{'<' * opening} SEARCH\nrate = 1\n{'=' * divider}\nrate = 2\n{'>' * closing} REPLACE\n"
    assert parsed(HEAD + block + "\n" + BLOCK).edits == (EDIT, EDIT)


def test_carriage_returns_are_line_ends() -> None:
    assert parsed((HEAD + BLOCK).replace("\n", "\r\n")).edits == (EDIT,)


def test_an_empty_search_creates_a_file() -> None:
    block = "<<<<<<< SEARCH\n=======\na = 1\n\nb = 2\n>>>>>>> REPLACE\n"
    assert parsed(f"{HEAD}src/new.py\n{block}").edits == (Create("src/new.py", "a = 1\n\nb = 2\n"),)


def test_a_created_file_may_stand_in_a_fence() -> None:
    block = "<<<<<<< SEARCH\n\n=======\n```python\na = 1\n```\n>>>>>>> REPLACE\n"
    assert parsed(f"{HEAD}src/new.py\n{block}").edits == (Create("src/new.py", "a = 1\n"),)


def test_a_created_file_may_hold_divider_lines() -> None:
    block = "<<<<<<< SEARCH\n=======\nTitle\n=======\ntext\n>>>>>>> REPLACE\n"
    assert parsed(f"{HEAD}new.rst\n{block}").edits == (Create("new.rst", "Title\n=======\ntext\n"),)


def test_a_created_file_needs_a_path_even_with_one_editable_file() -> None:
    assert "put its path alone" in refused(f"{HEAD}<<<<<<< SEARCH\n=======\na\n>>>>>>> REPLACE\n")


def test_an_empty_replacement_takes_the_lines_away() -> None:
    block = "<<<<<<< SEARCH\nrate = 1\n=======\n>>>>>>> REPLACE\n"
    assert parsed(HEAD + block).edits == (Replace("train.py", "rate = 1\n", ""),)


def test_text_that_holds_marker_lines_is_edited_with_longer_markers() -> None:
    inner = "Heading\n=======\n<<<<<<< SEARCH\n>>>>>>> REPLACE\n"
    block = f"<<<<<<<<< SEARCH\n{inner}=========\n{inner}more\n>>>>>>>>> REPLACE\n"
    assert parsed(HEAD + block).edits == (Replace("train.py", inner, f"{inner}more\n"),)


def test_two_possible_dividers_are_refused_with_the_way_out() -> None:
    reason = refused(f"{HEAD}<<<<<<< SEARCH\nA\n=======\nB\n=======\nC\n>>>>>>> REPLACE\n")
    assert "2 lines that could divide" in reason
    assert "<<<<<<<<< SEARCH" in reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<<<<<<< SEARCH\nrate = 1\n=======\nrate = 2\n", "no closing line"),
        ("<<<<<<< SEARCH\nrate = 1\n>>>>>>> REPLACE\n", "no line ======="),
        ("rate = 2\n>>>>>>> REPLACE\n", "no line <<<<<<< SEARCH opened"),
        ("Delete: the old optimiser\n", "does not name a file"),
    ],
)
def test_one_bad_block_spoils_the_whole_reply(text: str, reason: str) -> None:
    assert reason in refused(f"{HEAD}{BLOCK}\n{text}")


def test_a_block_that_names_no_file_is_refused_with_the_files_there_are() -> None:
    reason = refused(HEAD + BLOCK, SEVERAL)
    assert reason.startswith("edit 1:")
    assert "src/model.py" in reason


@pytest.mark.parametrize("text", ["", "I would rather wait.", "```python\nrate = 2\n```\n", f"{HEAD}nothing"])
def test_a_reply_without_an_edit_is_refused(text: str) -> None:
    assert "no edit was found" in refused(text)


def test_headers_may_be_bold_and_go_on_over_lines() -> None:
    reply = parsed(f"**Title:** *faster*\n**Hypothesis**: one\nand two.\n\nmore prose\n> expected: up\n\n{BLOCK}")
    assert (reply.title, reply.hypothesis, reply.expected) == ("faster", "one and two.", "up")


def test_a_header_inside_a_block_is_text_of_the_file() -> None:
    block = "<<<<<<< SEARCH\nTitle: old\n=======\nTitle: new\n>>>>>>> REPLACE\n"
    assert parsed(f"Title: real\n{block}").title == "real"


def test_the_first_prose_line_stands_in_for_a_missing_title() -> None:
    reply = parsed(f"\nA smaller step.\nBecause.\n\ntrain.py\n{BLOCK}")
    assert (reply.title, reply.hypothesis) == ("A smaller step.", "A smaller step.")


def test_the_edit_stands_in_for_a_missing_title_without_prose() -> None:
    assert parsed(BLOCK).title == "Replace train.py"


def test_titles_and_hypotheses_are_clean_single_lines_of_bounded_length() -> None:
    nasty = "\x1b[31mred\x1b[0m\x07 \x1b]0;window\x07\u202eevil\u200b\x00 \ud800"
    reply = parsed(f"Title: {nasty} {'long ' * 100}\nHypothesis: {nasty}{'x' * 5000}\n{BLOCK}")
    assert reply.title.startswith("red evil ? long")
    assert len(reply.title) <= 72
    assert reply.title.isprintable()
    assert reply.hypothesis.isprintable()
    assert len(reply.hypothesis) == PROSE_LIMIT


def test_lone_surrogates_do_not_reach_a_file() -> None:
    edit = parsed(BLOCK.replace("rate = 2", "rate = '\ud800'")).edits[0]
    assert edit == Replace("train.py", "rate = 1\n", "rate = '?'\n")


def test_thinking_aloud_before_the_reply_is_left_out() -> None:
    thoughts = "<think>\nTitle: wrong\n<<<<<<< SEARCH\nunfinished\n</think>\n"
    assert parsed(thoughts + HEAD + BLOCK).edits == (EDIT,)


@pytest.mark.parametrize(
    "text",
    [
        "train.py\n" * 60_000 + BLOCK,
        f"Hypothesis: a\n{'b ' * 300_000}\n" + "c\n" * 180_000 + BLOCK,
        "<" * 1_000_000,
        "<<<<<<< SEARCH\n" * 60_000,
        "a/" * 500_000 + ":\n" + BLOCK,
        "x.y\n" * 250_000,
        "*" * 1_000_000,
    ],
)
def test_a_hostile_megabyte_is_read_without_effort(text: str) -> None:
    for editable in (ONE, SEVERAL):
        parse(text, editable)


@pytest.mark.parametrize(
    "path", ["src/\x1b[2Jevil.py", "src/\u202eyp.live", "src/a\u200bb.py", "src/a\x07.py", "a\x00b.py"]
)
@pytest.mark.parametrize(
    "edit", ["{path}\n<<<<<<< SEARCH\n=======\na\n>>>>>>> REPLACE\n", "File: {path}\n" + BLOCK, "Delete: {path}"]
)
def test_a_path_with_characters_that_cannot_be_seen_is_refused_in_words_that_can(path: str, edit: str) -> None:
    reason = refused(edit.format(path=path), SEVERAL)
    assert reason.isprintable()
    assert "cannot be seen" in reason
    assert ascii(path)[1:-1] in reason


def test_an_odd_path_that_is_there_already_may_be_edited() -> None:
    path = "src/caf\u200be.py"
    assert parsed(f"File: {path}\n{BLOCK}", (path, "b.py")).edits[0].path == path


@pytest.mark.parametrize("nothing", ["\x1b[31m\x1b[0m", "\u200b\u200b", "\x07\x07"])
def test_a_title_of_nothing_that_can_be_seen_is_replaced(nothing: str) -> None:
    reply = parsed(f"Title: {nothing}\nHypothesis: {nothing}\n\n{nothing}\n\n{BLOCK}")
    assert (reply.title, reply.hypothesis) == ("Replace train.py", "Replace train.py")
