"""The pump's parts: lines, ends, the log."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from autoresearch.core.secrets import MASK, NO_SECRETS, Secrets
from autoresearch.runtime.output import KEPT_AT_EACH_END, LONGEST_LINE, Glance, Lines, OutputLog, Pump, Tail
from autoresearch.runtime.text import last_error, plain


def lines_of(*chunks: bytes) -> list[str]:
    lines = Lines()
    return [line for chunk in chunks for line in lines.feed(chunk)] + list(lines.end())


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([b"a\nb\n"], ["a", "b"]),
        ([b"a", b"b\nc"], ["ab", "c"]),
        ([b"a\r\n", b"b\r", b"\nc"], ["a", "b", "c"]),
        ([b"\n\na\n\n"], ["a"]),
        ([b"10 %\r20 %\rdone\n"], ["done"]),
        ([b"10 %\r", b"20 %\r", b"done\n"], ["done"]),
        ([b"\r10 %", b"\r20 %", b"\n"], ["20 %"]),
        ([b"caf\xc3", b"\xa9\n\xff\n"], ["café", "\N{REPLACEMENT CHARACTER}"]),
    ],
)
def test_a_stream_is_cut_into_lines_however_it_arrives(chunks: list[bytes], expected: list[str]) -> None:
    assert lines_of(*chunks) == expected


def test_a_long_line_keeps_its_beginning() -> None:
    assert lines_of(b"x" * LONGEST_LINE, b"y" * 10, b"z\nnext") == ["x" * LONGEST_LINE, "next"]


def test_a_progress_bar_without_end_does_not_hide_the_line_after_it() -> None:
    assert lines_of(*[b"x" * 1000 + b"\r"] * 100, b"loss: 1\n") == ["loss: 1"]


def test_a_tail_keeps_the_last_bytes_and_starts_with_a_whole_line() -> None:
    tail = Tail(10)
    for number in range(1000):
        tail.add(f"line {number}\n".encode())
    assert tail.content() == b"\nline 999\n"
    assert tail.text() == "line 999\n"
    assert tail.total == 8890


def written(path: Path, *chunks: bytes) -> bytes:
    with OutputLog(path, "sample 1 (seed 7)") as log:
        for chunk in chunks:
            log.add(chunk)
    return path.read_bytes()


def test_the_log_has_a_header_and_ends_its_last_line(tmp_path: Path) -> None:
    path = tmp_path / "new" / "output.log"
    assert written(path, b"one\n", b"two") == b"--- sample 1 (seed 7) ---\none\ntwo\n"
    assert written(path, b"three\n").endswith(b"two\n--- sample 1 (seed 7) ---\nthree\n")


def test_the_head_can_be_read_while_the_command_runs(tmp_path: Path) -> None:
    path = tmp_path / "output.log"
    with OutputLog(path, "sample 1") as log:
        log.add(b"working\n")
        assert path.read_bytes().endswith(b"working\n")


def test_the_middle_of_a_flood_is_left_out_and_said_to_be(tmp_path: Path) -> None:
    chunk = b"x" * 64 * 1024
    content = written(tmp_path / "output.log", b"first\n", *[chunk] * 64, b"last\n")
    cut = 6 + 64 * len(chunk) + 5 - 2 * KEPT_AT_EACH_END
    assert content.startswith(b"--- sample 1 (seed 7) ---\nfirst\nx")
    assert f"x\n--- {cut} bytes left out ---\nx".encode() in content
    assert content.endswith(b"xlast\n")


def test_what_just_fits_is_not_cut(tmp_path: Path) -> None:
    body = b"x" * (2 * KEPT_AT_EACH_END - 1) + b"\n"
    assert written(tmp_path / "output.log", body) == b"--- sample 1 (seed 7) ---\n" + body


def test_at_most_ten_lines_a_second_are_shown() -> None:
    shown: list[str] = []
    glance = Glance(shown.append)
    started = time.monotonic()
    glance.add(1, b"\x1b[1mfirst\x1b[0m\nsec")
    for number in range(1000):
        glance.add(1, b"%d\n" % number)
    assert shown[0] == "first"
    assert len(shown) <= 2 + 10 * (time.monotonic() - started)


class Pumped:
    """What everybody saw of what was written into the two pipes, piece by piece; they stay open."""

    def __init__(self, path: Path, pieces: list[tuple[str, bytes]], secrets: Secrets = NO_SECRETS) -> None:
        pipes = {"out": os.pipe(), "err": os.pipe()}
        self.lines: list[str] = []
        self.shown: list[str] = []
        try:
            with OutputLog(path, "sample") as log:
                out, err = pipes["out"][0], pipes["err"][0]
                pump = Pump(out, err, on_line=self.lines.append, show=self.shown.append, log=log, secrets=secrets)
                for name, piece in pieces:
                    os.write(pipes[name][1], piece)
                    pump.read(pipes[name][0])
                pump.finish()
        finally:
            for descriptor in (*pipes["out"], *pipes["err"]):
                os.close(descriptor)
        self.log = path.read_text().partition("\n")[2]
        self.tails = [pump.both.text(), *(tail.text() for tail in pump.tails.values())]


def test_nobody_sees_a_secret_however_it_arrives(tmp_path: Path) -> None:
    secrets = Secrets.of({"A_KEY": "Zq9x8Y7w6V5u"})
    pieces = [
        ("out", b"a Zq9x8Y"),
        ("err", b"b Zq9x8"),
        ("out", b"7w6V5u c\n"),
        ("err", b"Y7w6V5u d\n"),
        ("out", b"Zq9x"),
    ]
    seen = Pumped(tmp_path / "log", pieces, secrets)
    assert seen.lines == [f"a {MASK} c", "Zq9x"]
    assert seen.tails == [f"a b {MASK} c\n{MASK} d\nZq9x", f"a {MASK} c\nZq9x", f"b {MASK} d\n"]
    assert seen.log == f"{seen.tails[0]}\n"
    assert seen.shown == [f"a {MASK} c"]


def test_a_secret_over_the_edge_of_what_is_kept_leaves_no_piece(tmp_path: Path) -> None:
    pieces = [("out", b"x" * 40_000)] * 27 + [("out", b"Zq9x8Y7w6V5u")] * 1000 + [("out", b"x" * 40_000)] * 27
    seen = Pumped(tmp_path / "log", pieces, Secrets.of({"A_KEY": "Zq9x8Y7w6V5u"}))
    assert "bytes left out" in seen.log
    assert "Zq9x" not in seen.log


def test_without_secrets_everything_is_passed_on_at_once(tmp_path: Path) -> None:
    seen = Pumped(tmp_path / "log", [("out", b"a\nb"), ("err", b"c\n"), ("out", b"\n")])
    assert (seen.lines, seen.log) == (["a", "b"], "a\nbc\n\n")


def test_escapes_and_control_characters_are_not_shown() -> None:
    text = "\x1b[31mred\x1b[0m \x1b]0;title\x07bell\x07 \x1b]8;;http://x\x1b\\link\x1b(B\ttab\u202eback\x9b"
    assert plain(text) == "red bell link\ttabback"


TRACEBACK = """noise
Traceback (most recent call last):
  File "train.py", line 3, in <module>
    main()
torch.OutOfMemoryError: CUDA out of memory.
Tried to allocate 20 GiB
wandb: synced 5 files
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TRACEBACK, "torch.OutOfMemoryError: CUDA out of memory."),
        (
            "Traceback (most recent call last):\n  x\nSystemExit: a\nTraceback (most recent call last):\nKeyError: 1\n",
            "KeyError: 1",
        ),
        ("one\n\x1b[31mtwo\x1b[0m\n\n", "two"),
        ("", ""),
        ("x" * 1000, "x" * 300),
    ],
)
def test_the_line_that_says_what_went_wrong_is_found(text: str, expected: str) -> None:
    assert last_error(text) == expected
