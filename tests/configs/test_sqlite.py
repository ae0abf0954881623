"""The ready task `configs/sqlite`: which settings it takes, what it says of them, and what a short run keeps.

Not covered: how many operations a second there are, and how durable the disk is.
"""

import tomllib

import pytest

from tests.support.ready import ONE_SAMPLE, Ready, swap

SMALL = {"workload.py": [("SECONDS = 2.0", "SECONDS = 0.5"), ("ACCOUNTS = 20_000", "ACCOUNTS = 5_000")]}


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    """For tests that only call its scripts, and first write the settings."""
    return Ready(tmp_path_factory.mktemp("sqlite"), "sqlite", SMALL)


def test_the_settings_it_begins_with_are_those_of_sqlite(task):
    task.edit("settings.toml", swap())
    done = task.python("workload.py")
    numbers = dict(line.split(": ") for line in done.stdout.splitlines())
    assert numbers["durability"] == "2"
    assert 0.3 < float(numbers["throughput"]) < 3
    assert [path.name for path in task.root.iterdir() if path.is_dir()] == [".git"]


@pytest.mark.parametrize(
    ("journal", "synchronous", "durability"),
    [
        ("delete", "extra", 2),
        ("wal", "full", 2),
        ("wal", "normal", 1),
        ("delete", "normal", 0),
        ("wal", "off", 0),
        ("memory", "full", 0),
        ("off", "full", 0),
    ],
)
def test_the_durability_is_that_of_the_connection(task, journal, synchronous, durability):
    task.edit("settings.toml", swap(('"delete"', f'"{journal}"'), ('"full"', f'"{synchronous}"')))
    code = (
        "import workload, sqlite3\n"
        "from pathlib import Path\n"
        "pragmas, statements = workload.read_settings(Path('settings.toml'))\n"
        "print('durability:', workload.durability(workload.connect(Path('a.db'), pragmas, 10)))\n"
    )
    assert task.number("durability", "-c", code) == durability


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"delete"', '"fast"', "journal_mode is one of delete, truncate"),
        ('"full"', '"full; DROP TABLE account"', "synchronous is one of"),
        ("= 2000", '= "2000"', "cache_kib = '2000' is not of the right kind: int is"),
        ("= 2000", "= 9000000", "cache_kib is between 0 and 64000, not 9000000"),
        ("= false", "= 0", "index_scores = 0 is not of the right kind: bool is"),
        ("mmap_kib = 0 ", "", "settings.toml: "),
        ("page_size", "pagesize", 'there is no setting "pagesize"'),
        ("temp_store = ", "# ", "temp_store is missing"),
    ],
)
def test_a_setting_that_cannot_be_is_named(task, old, new, words):
    task.edit("settings.toml", swap((old, new)))
    done = task.python("workload.py")
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.thorough
def test_what_helps_is_kept_and_what_gives_up_durability_is_not(tmp_path):
    task = Ready(tmp_path, "sqlite", SMALL | ONE_SAMPLE)
    wal = ('journal_mode = "delete"', 'journal_mode = "wal"')
    safe = ("settings.toml", swap(wal, ("index_scores = false", "index_scores = true")))
    unsafe = ("settings.toml", swap(('synchronous = "full"', 'synchronous = "off"'), ("= false", "= true")))
    baseline, fast, faster = task.replay(unsafe, safe)
    assert fast["decision"] == "discard"
    assert "durability >= 2: it is 0" in fast["reason"]
    assert faster["decision"] == "keep"
    assert faster["metric"] > 1.05 * baseline["metric"]


@pytest.mark.thorough
def test_the_tuner_changes_values_in_the_settings_and_nothing_else(tmp_path):
    task = Ready(tmp_path, "sqlite", SMALL)
    before = tomllib.loads((task.root / "settings.toml").read_text())
    known = {**before, **before["statements"]}
    _, *tried = task.run("--proposer", "tuner", "--budget", "3x")
    assert len(tried) == 3
    for one in tried:
        assert one["outcome"] == "measured", one["reason"]
        names = {step.split(" ")[0] for step in one["title"].partition(" and ")[0].split(", ")}
        assert names
        assert names <= known.keys()
