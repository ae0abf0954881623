"""The live screen on a real pseudo-terminal, as a person sees it."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from autoresearch.cli.render.terminal import can_show_live
from tests.support.terminal import PATIENCE, ROOT, Person

DRIVER = str(ROOT / "tests" / "support" / "screen_driver.py")
SIZES = [(80, 24), (200, 50)]
ROW = re.compile(r"^ {1,3}(\d+) ")


def run_some(person: Person, first: int, last: int) -> None:
    for number in range(first, last + 1):
        person.types("crash" if number % 5 == 3 else f"{'discard' if number % 2 else 'keep'} {3.3 - number / 100:.2f}")
    person.waits(lambda: numbers(person.visible)[-1:] == [last], f"for #{last}")


def numbers(lines: list[str]) -> list[int]:
    return [int(match[1]) for line in lines if (match := ROW.match(line))]


def frame_is_narrower(person: Person, columns: int) -> bool:
    at = next((index for index, line in enumerate(person.visible) if "lower the loss" in line), None)
    return at is not None and all(len(line) < columns for line in person.visible[at:])


@contextmanager
def watching(columns: int, rows: int) -> Iterator[Person]:
    with Person([DRIVER], columns, rows) as person:
        person.sees("one moment")
        assert not person.echoes
        yield person


@pytest.mark.parametrize(("columns", "rows"), SIZES)
def test_every_experiment_is_shown_once_in_order_above_the_header(columns: int, rows: int) -> None:
    with watching(columns, rows) as person:
        run_some(person, 0, 60)
        person.types("sampling 24")
        person.sees("#61 sampling")
        assert numbers(person.lines) == list(range(61))
        at = next(index for index, line in enumerate(person.visible) if "lower the loss" in line)
        assert max(index for index, line in enumerate(person.visible) if ROW.match(line)) == at - 1
        assert at + 6 == rows
        assert sum("lower the loss" in line for line in person.lines) == 1
        assert any(line.startswith("   #  commit   val_bpb") for line in person.visible)


def test_the_screen_says_everything_in_eighty_columns() -> None:
    with watching(80, 24) as person:
        for step in ("keep 3.28121", "keep 3.20412", "discard 3.21", "crash", "sampling 24", "output step 7"):
            person.types(step)
        person.sees("step 7")
        person.waits(lambda: " 0 s of" not in "".join(person.visible), "for the clock to tick without an event")
        lines = [line for line in person.visible if line]
        assert re.fullmatch(r" #4 sampling  [━─]{13}  \d+ s of 24 s  change 4", lines.pop(-2))
        assert lines == [
            "   #  commit   val_bpb     change  decision       took  hypothesis",
            "   0  0000000  3.28121             ✓ baseline     12 s  change 0",
            "   1  0000001  3.20412     −2.3 %  ✓ kept         12 s  change 1",
            "   2  0000002  3.21       +0.18 %  · discarded    12 s  change 2",
            "   3  0000003  –                   ✗ crashed      12 s  change 3",
            "── lower the loss ─────────────────────────────────────── autoresearch/nov23 ──",
            " val_bpb 3.20412   −2.3 % since the baseline 3.28121               1 kept of 3",
            " time   ━━━━━━━━━━━━━─────────────  2m 30s of 5m",
            " money  ━━━━━─────────────────────  0.60 usd of 3 usd",
            "    step 7",
        ]


def test_resizing_leaves_no_garbage_and_doubles_nothing() -> None:
    with watching(80, 24) as person:
        run_some(person, 0, 30)
        last = 30
        for columns, rows in ((200, 50), (120, 50), (120, 20), (60, 20), (200, 24), (80, 24)):
            person.resizes(columns, rows)
            last += 1
            run_some(person, last, last)
            person.waits(partial(frame_is_narrower, person, columns), "for a frame of the new width")
            assert sum("lower the loss" in line for line in person.lines) == 1
            assert max(Counter(numbers(person.lines)).values()) == 1
            assert numbers(person.visible)[-5:] == list(range(last - 4, last + 1))


def test_a_small_terminal_shows_what_fits_and_is_never_overflowed() -> None:
    with watching(30, 5) as person:
        run_some(person, 0, 9)
        person.types("sampling 24")
        person.sees("#10 sampling")
        assert sum("lower" in line for line in person.lines) == 1
        assert numbers(person.lines) == list(range(10))


def test_text_of_models_and_experiments_cannot_touch_the_screen() -> None:
    with watching(80, 24) as person:
        person.types("sampling 24")
        person.types(r"output \x1b[2J\x1b[31m[bold]loss[/bold]\x07 \u6f22\u5b57 50\r\x1b]0;title\x07%")
        person.sees("    [bold]loss[/bold] 漢字 50 %")
        person.types("warn [red]careful[/red]")
        person.sees("warning: [red]careful[/red]")
        assert person.screen.title == ""


def test_warnings_and_stray_prints_go_above_and_long_ones_are_folded() -> None:
    with watching(80, 24) as person:
        person.types("keep 3.2")
        person.types("warn " + "beware " * 20)
        person.types("print a library says hello")
        person.types("discard 3.3")
        person.sees("change 1")
        lines = person.visible
        assert lines[2:5] == [
            "warning: " + " ".join(["beware"] * 10),
            " ".join(["beware"] * 10),
            "a library says hello",
        ]
        assert sum("library" in line for line in person.lines) == 1


def test_the_terminal_is_restored_after_leaving() -> None:
    with watching(80, 24) as person:
        run_some(person, 0, 2)
        assert person.screen.cursor.hidden
        person.types("leave")
        person.sees("left")
        assert not person.screen.cursor.hidden
        assert person.echoes
        assert [line for line in person.visible if line][-2:] == [
            "   2  0000002  3.28       −0.61 %  ✓ kept         12 s  change 2",
            "left",
        ]


def test_a_line_that_was_never_ended_is_shown_at_the_end() -> None:
    with watching(80, 24) as person:
        for step in ("mutter half", "mutter  a line", "leave"):
            person.types(step)
        person.sees("left")
        assert [line for line in person.visible if line] == ["half a line", "left"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="stopping a program needs a shell with job control")
def test_ctrl_z_gives_the_terminal_back_and_fg_takes_it_again() -> None:
    with Person(["-c", "import os; os.execlp('bash', 'bash', '--norc', '-i')"], 80, 24) as person:
        person.types(f"{sys.executable} {DRIVER}")
        person.sees("one moment")
        person.child.sendcontrol("z")
        person.sees("Stopped")
        assert not person.screen.cursor.hidden
        assert not any("lower the loss" in line for line in person.visible)
        person.types("fg")
        person.sees("one moment")
        person.types("keep 3.2")
        person.sees("change 0")
        assert person.screen.cursor.hidden
        assert sum("lower the loss" in line for line in person.lines) == 1


@pytest.mark.parametrize("how", ["raise oh no", "\x03"])
def test_the_terminal_is_restored_after_an_exception_and_ctrl_c(how: str) -> None:
    with watching(80, 24) as person:
        run_some(person, 0, 2)
        person.types(how)
        person.sees("KeyboardInterrupt" if how == "\x03" else "RuntimeError: oh no")
        assert not person.screen.cursor.hidden
        assert pyte_wraps(person)
        assert not any("lower the loss" in line for line in person.visible)


def pyte_wraps(person: Person) -> bool:
    return 7 << 5 in person.screen.mode


def test_a_run_goes_on_when_its_terminal_is_closed(tmp_path: Path) -> None:
    done = tmp_path / "done"
    program = (
        "import contextlib, pathlib, signal, sys\n"
        "from tests.support.screen_driver import Driver, LiveScreen\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "driver = Driver()\n"
        "with LiveScreen(driver.view, sys.stdout) as screen:\n"
        "    driver.step(screen, 'keep', '3.2')\n"
        "    with contextlib.suppress(OSError):\n"
        "        sys.stdin.readline()\n"
        "    driver.step(screen, 'keep', '3.1')\n"
        f"pathlib.Path({str(done)!r}).write_text('done')\n"
    )
    with Person(["-c", program], 80, 24) as person:
        person.sees("change 0")
        person.closes_the_window()
        person.child.wait()
    assert done.read_text() == "done"


@pytest.mark.parametrize("how", ["suspended", "full"])
def test_a_terminal_that_takes_nothing_holds_up_nobody(tmp_path: Path, how: str) -> None:
    done = tmp_path / "done"
    program = (
        "import os, pathlib, select, sys, termios, time\n"
        "from tests.support.screen_driver import Driver, LiveScreen\n"
        "driver = Driver()\n"
        "with LiveScreen(driver.view, sys.stdout) as screen:\n"
        "    sys.stdin.readline()\n"
        "    if sys.argv[1] == 'suspended':\n"
        "        termios.tcflow(1, termios.TCOOFF)\n"
        "    for _ in range(20_000):\n"
        "        screen.print('x' * 60)\n"
        "    while select.select([], [1], [], 0)[1]:\n"
        "        time.sleep(0.01)\n"
        "    screen.restore()\n"
        "echoes = termios.tcgetattr(1)[3] & termios.ECHO\n"
        f"pathlib.Path({str(done)!r}).write_text('echoes' if echoes else 'silent')\n"
        "os._exit(0)\n"
    )
    with Person(["-c", program, how], 80, 24) as person:
        person.sees("one moment")
        person.types("go")
        until(lambda: done.exists() and done.read_text() != "")
        assert done.read_text() == "echoes"


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def test_a_pipe_and_a_dumb_terminal_get_no_live_screen() -> None:
    assert not can_show_live(io.StringIO(), {"TERM": "xterm"})
    assert not can_show_live(sys.__stdout__ or sys.stdout, {"TERM": "dumb"})


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux folds lines when it is resized, as most terminals do")
def test_a_terminal_that_folds_lines_shows_no_garbage_after_resizing(tmp_path: Path) -> None:
    def tmux(*arguments: str) -> str:
        command = ["tmux", "-S", str(tmp_path / "socket"), "-f", "/dev/null", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout

    def sees(text: str) -> list[str]:
        deadline = time.monotonic() + PATIENCE
        while text not in (shown := tmux("capture-pane", "-p", "-J", "-S", "-", "-t", "a")):
            assert time.monotonic() < deadline, shown
            time.sleep(0.05)
        return shown.splitlines()

    tmux("new-session", "-d", "-s", "a", "-x", "200", "-y", "50", f"PYTHONPATH=. {sys.executable} {DRIVER}")
    try:
        last = 0
        sees("one moment")
        for columns, rows in ((200, 50), (80, 24), (60, 12), (200, 50), (90, 24)):
            tmux("resize-window", "-t", "a", "-x", str(columns), "-y", str(rows))
            for number in range(last, last + 8):
                tmux("send-keys", "-t", "a", f"keep {4 - number / 100:.2f}", "Enter")
            last += 8
            lines = sees(f"change {last - 1}")
            assert sum("lower the loss" in line for line in lines) == 1
            assert numbers(lines) == list(range(last))
    finally:
        tmux("kill-server")
