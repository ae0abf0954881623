"""The ready task `configs/fuzz`: what is counted, what is refused, and what a short run does.

Not covered: how many branches are reached in five minutes.
"""

import json

import pytest

from tests.support.ready import Ready, swap


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    """For tests that only call its scripts, and first write the inputs."""
    return Ready(tmp_path_factory.mktemp("fuzz"), "fuzz")


def measured(task, *inputs):
    """What measure.py prints about inputs, each a parser and a text: a line for each round, then the mean."""
    lines = (json.dumps({"parser": parser, "text": text}) + "\n" for parser, text in inputs)
    (task.root / "inputs.jsonl").write_text("".join(lines))
    done = task.python("measure.py")
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def branches(task, *inputs):
    """How many are reached in all three rounds, as a sum."""
    return round(3 * float(measured(task, *inputs)[-1].removeprefix("branches: ")))


PLAIN, RICH = ("toml", "a = 1\n"), ("toml", "a = [1, {b = 'c'}]\n")


def test_branches_are_counted_once_however_often_they_are_reached(task):
    once = branches(task, PLAIN)
    assert once > 0
    assert branches(task, *[PLAIN] * 300) == once
    assert branches(task, PLAIN, RICH) > once


def test_each_round_counts_for_itself_and_what_is_left_over_does_not(task):
    once, both = branches(task, PLAIN), branches(task, PLAIN, RICH)
    assert branches(task, *[PLAIN] * 301) == 2 * once
    assert branches(task, *[PLAIN] * 600, RICH, *[PLAIN] * 299) == 2 * once + both
    assert branches(task, *[PLAIN] * 900, RICH) == 3 * once


def test_only_so_many_characters_count(task):
    assert branches(task, ("toml", "#" * 400 + "\n" + RICH[1])) == branches(task, ("toml", "#" * 400))


def test_each_parser_has_its_file_and_their_sum_is_the_number(task):
    inputs = {"toml": "a = 1", "ini": "[a]\nb = c", "html": "<!p>", "mail": "a@b.c"}
    found = dict(text.split(" ", 1) for text in measured(task, *inputs.items())[0].split(", "))
    assert found.keys() == {"_parser.py", "configparser.py", "parser.py", "_markupbase.py", "_header_value_parser.py"}
    assert sum(int(text.split()[0]) for text in found.values()) == branches(task, *inputs.items())
    assert measured(task, ("mail", "a@b.c"))[0].split()[0] == "_header_value_parser.py"


def test_texts_that_a_parser_refuses_count_too(task):
    assert branches(task, PLAIN, ("toml", "= 1")) > branches(task, PLAIN)


def test_a_fault_of_a_parser_is_told_and_ends_nothing(task):
    told, *_ = measured(task, ("mail", '"yaxaf" <xgbcc@'), ("toml", "a = 1"))
    assert told.startswith("a fault of the parser, IndexError(") or "_parser.py" in told  # mended in some Pythons


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a = 1", "line 1: expected"),
        ('{"parser": "toml"}', "line 1: expected"),
        ("[1, 2]", "line 1: expected"),
        ('{"parser": "os", "text": ""}', "line 1: the parser is one of toml, ini, html, mail"),
        ('{"parser": "toml", "text": 5}', "line 1: the parser is one of"),
        ('{"parser": ["toml"], "text": ""}', "line 1: the parser is one of"),
    ],
)
def test_what_is_no_input_is_refused(task, line, words):
    (task.root / "inputs.jsonl").write_text(line)
    done = task.python("measure.py")
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_without_coverage_it_is_said_what_to_install(task):
    done = task.python("-S", "measure.py")
    assert done.returncode == 1
    assert done.stderr == "this task needs coverage.py: pip install coverage\n"


def test_the_inputs_follow_from_the_seed(task):
    texts = []
    for seed in ("1", "1", "2"):
        assert task.python("generator.py", AR_SEED=seed).returncode == 0
        texts.append((task.root / "inputs.jsonl").read_text())
    assert texts[0] == texts[1] != texts[2]
    assert len(texts[0].splitlines()) == 900


@pytest.mark.thorough
def test_a_generator_that_reaches_more_is_kept(tmp_path):
    task = Ready(tmp_path, "fuzz")
    often = swap(('"rare-value": 0.1', '"rare-value": 1.5'), ("MISTAKES = 0.02", "MISTAKES = 0.4"))
    fewer = swap(("DEPTH = 2", "DEPTH = 1"))
    baseline, worse, better = task.replay(("generator.py", fewer), ("generator.py", often))
    assert worse["decision"] == "discard"
    assert better["decision"] == "keep"
    assert "proved" in better["reason"]
    assert better["metric"] > 1.05 * baseline["metric"]


@pytest.mark.thorough
def test_the_tuner_moves_weights_in_a_table(tmp_path):
    task = Ready(tmp_path, "fuzz")
    _, *tried = task.run("--proposer", "tuner", "--budget", "3x")
    assert [one["outcome"] for one in tried] == ["measured"] * 3
    assert len({one["title"] for one in tried}) == 3
