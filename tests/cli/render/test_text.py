"""Cleaning and cutting text that models and experiments wrote."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from rich.text import Text

from autoresearch.cli.render.text import clean, clean_lines, fit, folded, mark
from autoresearch.core.experiment import Decision, Outcome
from tests.support.experiments import experiment


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("  two\n lines\tand tab ", "two lines and tab"),
        ("\x1b[1;31mred\x1b[0m \x1b(B\x1b7ok", "red ok"),
        ("\x1b]0;title\x07shown \x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "shown link"),
        ("\x1b]0;never ended", ""),
        ("\x1bPdevice\x1b\\after", "after"),
        ("bell\x07 \x9b31m \x00 back\x08space", "bell 31m backspace"),
        ("left\u202eright\u200b \u2066x", "leftright x"),
        ("漢字 🎉 é → [bold]", "漢字 🎉 é → [bold]"),
        ("lone \udcff surrogate", "lone surrogate"),
        ("a\u2028b\u00a0c", "a b c"),
    ],
)
def test_clean_text_is_one_harmless_line(text: str, expected: str) -> None:
    assert clean(text) == expected


def test_lines_keep_their_indentation() -> None:
    assert clean_lines("  a\n\tb\r\n\x1b[1mc\x1b[0m\n") == ["  a", "    b", "c"]


@pytest.mark.parametrize("text", ["abc", "abcdef", "漢字漢字", "a漢b字c", "🎉🎉🎉🎉", ""])
@pytest.mark.parametrize("width", range(8))
def test_fitted_text_is_never_too_wide_and_says_when_it_was_cut(text: str, width: int) -> None:
    fitted = fit(text, width)
    assert cell_len(fitted) <= width
    assert fitted == text or fitted.endswith("…") or width == 0


def test_folded_text_keeps_its_words_and_fits() -> None:
    lines = folded(Text("one two three " + "x" * 25), 10)
    assert [line.plain for line in lines] == ["one two", "three", "x" * 10, "x" * 10, "x" * 5]


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_has_a_symbol_and_a_short_word(outcome: Outcome) -> None:
    sign = mark(experiment(1, outcome=outcome), short=True)
    assert sign.symbol in ("·", "✗", "–")
    assert 0 < len(sign.word) <= 9
    assert (sign.style == "red") == outcome.is_failure


def test_kept_experiments_say_which_kind_they_are() -> None:
    kept = experiment(3, 3.0, decision=Decision.KEEP)
    assert [mark(one).word for one in (experiment(0, 3.0), kept)] == ["baseline", "kept"]
    assert mark(kept, reverted=True).word == "reverted"


@pytest.mark.parametrize(
    ("flags", "full", "short"),
    [
        (("simplification",), "kept, simpler", "simpler"),
        (("suspicious",), "kept, suspicious", "suspect"),
        (("simplification", "suspicious"), "kept, suspicious", "suspect"),
        (("one seed",), "kept", "kept"),
    ],
)
def test_what_was_kept_for_another_reason_or_with_doubts_says_so(flags: tuple[str, ...], full: str, short: str) -> None:
    kept = experiment(3, 3.0, decision=Decision.KEEP, flags=flags)
    assert [mark(kept).word, mark(kept, short=True).word] == [full, short]
    assert mark(kept).symbol == "✓"
    assert mark(kept, reverted=True).word == "reverted"
    assert mark(experiment(3, 3.0, flags=flags)).word == "discarded"


def test_failed_checks_are_called_so() -> None:
    failed = experiment(3, outcome=Outcome.CHECKS_FAILED)
    assert [mark(failed).word, mark(failed, short=True).word] == ["checks failed", "checks"]
