"""`ar log` for the whole history: pictures, the page in a real browser, other tools' files in and out."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from autoresearch.cli.browsed import difference, differences
from autoresearch.cli.view import open_record
from tests.support.browser import CHROMIUM, Browser
from tests.support.cli import Cli
from tests.support.repositories import write
from tests.support.toy import Toy

RESULTS = """\
commit\tval_bpb\tmemory_gb\tstatus\tdescription
a1b2c3d\t0.990000\t44.0\tkeep\tbaseline
b2c3d4e\t0.970000\t44.5\tkeep\tshorter warmup
c3d4e5f\t0.000000\t0.0\tcrash\ttoo wide
d4e5f6a\t0.980000\t44.0\tdiscard\tlonger warmup
"""


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """A run with the baseline, two kept changes, a discarded one and a crash. Tests only read it."""
    toy = Toy.make(tmp_path_factory.mktemp("whole"))
    toy.run(-1, 1, "crash", -2)
    return toy


@pytest.fixture
def elsewhere(tmp_path: Path) -> tuple[Cli, Path]:
    """A folder that is in no repository, with somebody's results in it."""
    write(tmp_path / "plain", {"results.tsv": RESULTS})
    return Cli(tmp_path / "home"), tmp_path / "plain"


def test_the_picture_is_as_large_as_the_terminal(toy: Toy) -> None:
    with toy.person(80, 24, "log", "--plot", PAGER="false") as person:
        assert person.ends() == 0
        lines = person.visible
    assert lines[0] == "2 kept of 4 · 100 → 97 (−3.0 %)"
    assert len([line for line in lines if line]) == 23
    assert any(line.endswith("●") for line in lines)
    assert sum(line.count("×") for line in lines[2:-2]) == 1


def test_without_a_terminal_it_is_plain_text_of_eighty_columns(toy: Toy) -> None:
    done = toy.ar("log", "--plot")
    lines = done.out.splitlines()
    assert (done.code, done.err, len(lines)) == (0, "", 23)
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in done.out


def test_a_picture_in_a_file_says_where_it_is(toy: Toy, tmp_path: Path) -> None:
    for name in ("p.png", "p.SVG"):
        done = toy.ar("log", "--plot", str(tmp_path / name))
        assert (done.code, done.out, done.err) == (0, f"wrote {tmp_path / name}\n", "")
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    text = "".join(ET.fromstring((tmp_path / "p.SVG").read_text()).itertext())
    assert "add -2 in 4" in text
    assert "loss (lower is better)" in text


def test_without_matplotlib_it_is_said_how_to_get_it_and_the_terminal_works(toy: Toy, tmp_path: Path) -> None:
    write(tmp_path / "hidden", {"matplotlib.py": "raise ModuleNotFoundError(\"No module named 'matplotlib'\")\n"})
    without = {"PYTHONPATH": str(tmp_path / "hidden")}
    done = toy.cli(toy.root, "log", "--plot", str(tmp_path / "p.png"), **without)
    assert (done.code, done.out) == (2, "")
    assert done.error == "a picture in a file needs matplotlib (No module named 'matplotlib')"
    assert done.hints.splitlines()[0] == "pip install 'autoresearch-loop[plot]'"
    assert toy.cli(toy.root, "log", "--plot", **without).code == 0
    assert toy.cli(toy.root, "log", "--html", str(tmp_path / "p.html"), **without).code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--plot 12", "12 is no name of a picture: it ends in .png or .svg"),
        ("--plot p.pdf", "p.pdf is no name of a picture: it ends in .png or .svg"),
        ("--plot no/p.png", "no/p.png cannot be written: no such file or directory"),
        ("--html no/p.html", "no/p.html cannot be written: no such file or directory"),
        ("--html measure.sh", "measure.sh is no name of a page: it ends in .html or .htm"),
        ("--html -", "- is no name of a page: it ends in .html or .htm"),
        ("--html best", "best is no name of a page: it ends in .html or .htm"),
        ("--html p.html 3", "--html prints the whole list, not one experiment"),
        ("--jsonl 3", "--jsonl prints the whole list, not one experiment"),
        ("--plot --kept", "--plot shows the whole history, and no selection of it"),
        ("--jsonl -n 3", "--jsonl shows the whole history, and no selection of it"),
        ("--plot --diff", "--diff needs an experiment"),
        ("--plot --tsv", "--tsv and --plot cannot be had at once"),
        ("--direction max", "--direction is for --import: a run of ours knows its own"),
        ("--import x.tsv --tag nov23", "--tag is for runs of this repository; --import reads a file"),
        ("--import x.tsv", "x.tsv: no such file or directory"),
    ],
)
def test_what_does_not_go_together_is_refused_and_nothing_is_written(toy: Toy, arguments: str, message: str) -> None:
    before = sorted(toy.root.iterdir())
    done = toy.ar("log", *arguments.split())
    assert (done.code, done.out, done.error) == (2, "", message)
    assert done.hints
    assert sorted(toy.root.iterdir()) == before


def test_before_the_first_number_there_is_nothing_to_draw(elsewhere: tuple[Cli, Path]) -> None:
    ar, folder = elsewhere
    write(folder, {"crashes.tsv": "commit\tloss\tstatus\nabc\t0.0\tcrash\n"})
    for form in (["--plot"], ["--html", "p.html"]):
        done = ar(folder, "log", "--import", "crashes.tsv", *form)
        assert (done.code, done.error) == (2, "no experiment has a number yet: there is nothing to draw")


def test_many_changes_are_read_at_once_and_are_the_same_as_one_by_one(toy: Toy) -> None:
    record = open_record(toy.root / "autoresearch.toml", None)
    assert record is not None
    experiments = record.history.experiments
    found = differences(record.repository, experiments)
    one_by_one = {one.commit: difference(record.repository, one) for one in experiments if one.parent is not None}
    record.repository.close()
    assert len(found) == 4
    assert found == one_by_one


# --- the page


@pytest.mark.skipif(CHROMIUM is None, reason="a browser")
@pytest.mark.parametrize("width", [390, 1200])
def test_the_page_in_a_browser_sorts_opens_changes_and_asks_for_nothing(toy: Toy, tmp_path: Path, width: int) -> None:
    file = tmp_path / "page.html"
    assert toy.ar("log", "--html", str(file)).out == f"wrote {file}\n"
    rows = "[...document.querySelectorAll('tbody tr')].map(row => row.id).join(' ')"
    heading = "[...document.querySelectorAll('th button')].find(one => one.textContent == '{}').click()"
    with Browser(tmp_path / "profile", width) as browser:
        browser.opens(file.as_uri())
        assert browser.says(rows) == "e4 e3 e2 e1 e0"
        browser.says(heading.format("loss"))
        assert browser.says(rows) == "e4 e1 e2 e0 e3"
        browser.says(heading.format("loss"))
        assert browser.says(rows) == "e2 e0 e1 e4 e3"
        browser.says(heading.format("#"))
        assert browser.says(rows) == "e0 e1 e2 e3 e4"
        assert browser.says("document.documentElement.scrollWidth <= window.innerWidth") is True
        assert browser.says("document.querySelector('#e4 pre').checkVisibility()") is False
        browser.says("document.querySelector('#e4 summary').click()")
        assert browser.says("document.querySelector('#e4 pre').checkVisibility()") is True
        assert "+-2" in browser.says("document.querySelector('#e4 pre').innerText").splitlines()
        assert [one for one in browser.requests if not one.startswith("data:")] == [file.as_uri()]
        assert browser.complaints == []


# --- other tools' files


def test_somebodys_results_are_a_run_to_look_at_and_nothing_is_written(elsewhere: tuple[Cli, Path]) -> None:
    ar, folder = elsewhere
    look = ("log", "--import", "results.tsv")
    listed = ar(folder, *look)
    assumed = "note: results.tsv: lower is taken to be better: --direction max    if not\n"
    assert (listed.code, listed.err) == (0, assumed)
    assert listed.out.splitlines() == [
        "1 kept of 3 · 0.99 → 0.97 (−2.0 %)",
        "   #  commit   val_bpb     change  decision            hypothesis",
        "   3  d4e5f6a  0.98        +1.0 %  · discarded         longer warmup",
        "   2  c3d4e5f  –                   ✗ crashed           too wide — recorded as a crash",
        "   1  b2c3d4e  0.97        −2.0 %  ✓ kept              shorter warmup",
        "   0  a1b2c3d  0.99                ✓ baseline          baseline",
    ]
    assert ar(folder, *look, "best").out.splitlines() == [
        "#1 ✓ kept  shorter warmup",
        "decision   keep: recorded as kept",
        "val_bpb    0.97, −2.0 % against 0.99 of #0",
        "samples    0.97@2",
        "measures   peak_vram_mb 45568",
        "parent     #0",
        "commit     b2c3d4e",
    ]
    kept = ar(folder, *look, "--kept", "--sort", "metric").out
    assert [line.split()[0] for line in kept.splitlines()[2:]] == ["1", "0"]
    assert ar(folder, *look, "b2c3", "--sha").out == "b2c3d4e\n"
    assert ar(folder, *look, "1", "--diff").error == "an imported history has no diff"
    assert "×" in ar(folder, *look, "--plot").out
    assert [path.name for path in folder.iterdir()] == ["results.tsv"]


def test_the_larger_is_better_where_that_is_said(elsewhere: tuple[Cli, Path]) -> None:
    ar, folder = elsewhere
    higher = ar(folder, "log", "--import", "results.tsv", "--direction", "max", "best")
    assert higher.out.startswith("#0 ✓ baseline")
    assert higher.err == ""


def test_what_is_imported_is_exported_unchanged(elsewhere: tuple[Cli, Path]) -> None:
    ar, folder = elsewhere
    assert ar(folder, "log", "--import", "results.tsv", "--tsv").out == RESULTS
    log = ar(folder, "log", "--import", "results.tsv", "--jsonl").out
    write(folder, {"log.jsonl": log})
    assert ar(folder, "log", "--import", "log.jsonl", "--tsv").out == RESULTS
    assert [json.loads(line)["status"] for line in log.splitlines()[1:]] == ["keep", "keep", "crash", "discard"]


def test_what_was_left_out_is_said_beside_the_list(elsewhere: tuple[Cli, Path]) -> None:
    ar, folder = elsewhere
    write(folder, {"odd.tsv": RESULTS.replace("0.980000", "nan")})
    done = ar(folder, "log", "--import", "odd.tsv")
    assert (done.code, done.err) == (
        0,
        "note: odd.tsv: 1 without a number that can be read: counted as failed\n"
        "note: odd.tsv: lower is taken to be better: --direction max    if not\n",
    )


def test_what_was_taken_back_unmeasured_is_no_best_and_no_crash_anywhere(tmp_path: Path) -> None:
    toy = Toy.make(tmp_path)
    toy.run(-1, -2)
    assert toy.ar("revert", "last", "--no-measure").code == 0
    rows = [line.split("\t") for line in toy.ar("log", "--tsv").out.splitlines()[1:]]
    assert [(row[1], row[3]) for row in rows] == [
        ("100.000000", "keep"),
        ("99.000000", "keep"),
        ("97.000000", "discard"),
    ]
    runs = [json.loads(line) for line in toy.ar("log", "--jsonl").out.splitlines()[1:]]
    assert [(one["metric"], one["status"]) for one in runs] == [(100, "keep"), (99, "keep"), (97, "discard")]
    plot = toy.ar("log", "--plot").out
    assert "● kept  ○ taken back" in plot
    assert "stopped" not in plot


def test_our_run_as_pi_writes_it(toy: Toy) -> None:
    config, *runs = [json.loads(line) for line in toy.ar("log", "--jsonl").out.splitlines()]
    assert (config["name"], config["metricName"], config["bestDirection"]) == ("a small loss", "loss", "lower")
    assert [(one["run"], one["status"], one["metric"]) for one in runs] == [
        (1, "keep", 100),
        (2, "keep", 99),
        (3, "discard", 100),
        (4, "crash", 0),
        (5, "keep", 97),
    ]
    assert all(one["timestamp"] > 1_600_000_000_000 for one in runs)
