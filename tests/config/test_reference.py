"""The keys as data: nothing undocumented, nothing that differs from what is read."""

import tomllib

import pytest

from autoresearch.config import parse, reference, reference_table, toml_key, toml_value

NAMED = {
    "": "goal instructions editable context markers",
    "experiment": "command setup timeout checks data cache artifacts env pass_env pythonpath canary seed memory gpus "
    "stop_grace isolation network write_paths evaluate price cost feedback",
    "metric": "name direction min_gain max_samples timing pattern metrics_file seed",
    "decision": "rule baseline_samples final_check allow_seed_change",
    "constraints": "peak_vram_mb",
    "proposer": "kind model api_base temperature max_tokens fallback_models repair_attempts price_in price_out sampler",
    "budget": "time cost experiments tokens run_cost",
    "run": "workers lookahead",
    "executor": "kind address",
    "holdout": "command metric direction when",
    "simplify": "max_loss",
}


def test_every_key_is_there_once_and_documented():
    found = [(doc.table, doc.key) for doc in reference()]
    assert len(found) == len(set(found))
    assert set(found) == {(table, key) for table, keys in NAMED.items() for key in keys.split()}
    for doc in reference():
        assert doc.doc, doc.name
        assert "\n" not in doc.doc
        assert doc.type_text, doc.name


def test_tables_come_in_one_piece():
    tables = [doc.table for doc in reference()]
    assert [one for one, before in zip(tables, ["?", *tables], strict=False) if one != before] == list(NAMED)


@pytest.mark.parametrize("doc", [doc for doc in reference() if doc.default_text], ids=lambda doc: doc.name)
def test_the_default_that_is_shown_is_the_one_that_is_used(doc):
    plain = 'editable = ["a"]\n{}\n[experiment]\ncommand = "x"\n{}\n[metric]\nname = "m"\ndirection = "min"\n{}\n{}'
    setting = f"{doc.key} = {doc.default_text}"
    places = ["", "experiment", "metric"]
    slots = [setting if doc.table == place else "" for place in places]
    slots.append(f"[{doc.table}]\n{setting}" if doc.table not in places else "")
    assert parse(plain.format(*slots), "x") == parse(plain.format("", "", "", ""), "x")


@pytest.mark.parametrize("doc", [doc for doc in reference() if doc.example_text], ids=lambda doc: doc.name)
def test_every_example_is_toml(doc):
    assert tomllib.loads(f"x = {doc.example_text}")


def test_the_readme_table_has_a_row_for_every_key():
    rows = reference_table().rstrip("\n").split("\n")
    assert len(rows) == len(reference()) + 2
    assert '| `[experiment] stop_grace` | a duration, as "90s" or "1h30m" | `"5s"` |' in reference_table()
    assert "| `[metric] name` | text | required |" in reference_table()
    assert "| `[metric] timing` | true or false | `false` | the metric is a duration" in reference_table()
    assert "| `[run] workers` | a whole number" in reference_table()
    assert "| samples that run at the same time; auto: one for each free GPU |" in reference_table()
    assert all(row.count("|") == 5 for row in rows)


@pytest.mark.parametrize(
    "value",
    ["", 'say "hi"', "back\\slash", "a\tb", "naïve 🚀", "line\nbreak", "\x7f", 3, -0.5, 1e-30, True, [], ["a", 'b"'],
     {}, {"a b": [1, {"c": "d"}], "π": "x"}],
)  # fmt: skip
def test_values_survive_being_written(value):
    written = toml_value(value)
    assert "\n" not in written
    assert tomllib.loads(f"x = {written}") == {"x": value}


@pytest.mark.parametrize("key", ["plain", "with space", 'quo"te', "ünï", "", "a.b"])
def test_keys_survive_being_written(key):
    assert tomllib.loads(f"{toml_key(key)} = 1") == {key: 1}


def test_what_toml_cannot_hold_is_refused():
    with pytest.raises(TypeError):
        toml_value(None)
