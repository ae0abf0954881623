"""What a configuration may say, and what people are told about one that is wrong."""

from pathlib import Path

import pytest

from autoresearch.config import Config, load, parse, parse_direction
from autoresearch.core.history import Direction
from autoresearch.core.quantity import Gain
from autoresearch.errors import ConfigError

SMALLEST = """\
editable = ["train.py"]

[experiment]
command = "python train.py"

[metric]
name = "val_bpb"
direction = "min"
"""

EVERYTHING = """\
goal = "lower validation bits per byte"
instructions = "program.md"
editable = ["train.py", "src/**/*.py"]
context = ["README.md"]

[experiment]
command = ["python", "train.py", "--seed", "{seed}"]
setup = "cargo build --release"
timeout = "1h30m"
checks = ["pytest -q", "ruff check ."]
data = ["data", ".venv"]
cache = ["target"]
artifacts = ["out/best.pt"]
env = { OMP_NUM_THREADS = "1" }
pass_env = ["WANDB_API_KEY"]
pythonpath = ["src"]
canary = false
seed = 7
stop_grace = "500ms"
price = "2.49 usd/h"
cost = "cost_usd"
feedback = "out/feedback.md"

[metric]
name = "val bpb"
direction = "lower"
min_gain = "0.5%"
pattern = 'bpb=(\\d+)'
metrics_file = "out/metrics.json"
seed = "not random"
max_samples = 9
timing = true

[decision]
rule = "keep-if-better"
baseline_samples = 5
final_check = false
allow_seed_change = true

[constraints]
peak_vram_mb = " <= 48000 "
accuracy = ">= 0.98x"

[proposer]
kind = "llm"
model = "anthropic/claude-sonnet-4-5"
api_base = "http://127.0.0.1:8000/v1"
temperature = 1
max_tokens = 4000
fallback_models = ["openai/gpt-5"]
repair_attempts = 0
price_in = "3usd"
price_out = "15 usd"
sampler = "tpe"

[budget]
time = "8h"
experiments = "50x"
cost = "5usd"
tokens = "2Mtok"
run_cost = "50usd"

[holdout]
command = ["python", "holdout.py"]
metric = "accuracy"
direction = "higher"
when = "end"

[simplify]
max_loss = "0.1%"
"""


def changed(old: str, new: str, text: str = SMALLEST) -> str:
    assert old in text
    return text.replace(old, new)


def refusal(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        parse(text, "autoresearch.toml")
    return caught.value


def test_the_smallest_file_gets_every_default():
    config = parse(SMALLEST, "autoresearch.toml")
    assert config.instructions == "program.md"
    assert config.metric.direction is Direction.MIN
    assert config.metric.min_gain == Gain()
    assert config.experiment.timeout is None
    assert config.experiment.stop_grace == 5.0
    assert config.experiment.pythonpath is None
    assert config.experiment.canary is True
    assert (config.experiment.seed, config.metric.seed) == (0, "")
    assert config.proposer.kind == "auto"
    assert config.decision.rule == "proved"
    assert (config.decision.baseline_samples, config.decision.final_check) == ("auto", True)
    assert config.decision.allow_seed_change is False
    assert (config.metric.max_samples, config.metric.timing) == (6, False)
    assert (config.experiment.checks, config.experiment.price, config.experiment.cost) == ((), None, "")
    assert (config.experiment.feedback, config.constraints, config.holdout.command) == ("", {}, "")
    assert (config.holdout.direction, config.holdout.when) == (None, "keep")
    assert config.simplify.max_loss == Gain()
    assert config.budget.time is None


def test_every_key_that_works_now_is_read_with_its_unit(tmp_path: Path):
    path = tmp_path / "autoresearch.toml"
    path.write_text(EVERYTHING)
    config = load(path)
    assert config.experiment.command == ("python", "train.py", "--seed", "{seed}")
    assert (config.experiment.timeout, config.experiment.stop_grace) == (5400.0, 0.5)
    assert config.experiment.env == {"OMP_NUM_THREADS": "1"}
    assert config.metric.min_gain == Gain(relative=0.005)
    assert config.metric.pattern == r"bpb=(\d+)"
    assert (config.proposer.price_in, config.proposer.price_out, config.proposer.temperature) == (3.0, 15.0, 1.0)
    budget = config.budget
    assert (budget.time, budget.experiments, budget.cost) == (28800.0, 50, 5.0)
    assert (budget.tokens, budget.run_cost) == (2_000_000, 50.0)


def test_every_key_about_decisions_is_read_with_its_unit():
    config = parse(EVERYTHING, "autoresearch.toml")
    experiment, metric, decision, holdout = config.experiment, config.metric, config.decision, config.holdout
    assert experiment.checks == ("pytest -q", "ruff check .")
    assert (experiment.price, experiment.cost, experiment.feedback) == (2.49, "cost_usd", "out/feedback.md")
    assert (metric.seed, metric.max_samples, metric.timing) == ("not random", 9, True)
    assert (decision.rule, decision.baseline_samples) == ("keep-if-better", 5)
    assert (decision.final_check, decision.allow_seed_change) == (False, True)
    assert config.constraints == {"peak_vram_mb": "<= 48000", "accuracy": ">= 0.98x"}
    assert (holdout.command, holdout.metric) == (("python", "holdout.py"), "accuracy")
    assert (holdout.direction, holdout.when) == (Direction.MAX, "end")
    assert config.simplify.max_loss == Gain(relative=0.001)


@pytest.mark.parametrize("limit", ["<= 48000", ">= 0.9", "< 1.1x", "> -1e3", "<=.5", "  >=  2x "])
def test_a_constraint_is_a_sign_and_a_number_alone_or_times_the_baseline(limit: str):
    assert parse(with_setting("constraints", f'"peak vram" = "{limit}"'), "x").constraints["peak vram"] == limit.strip()


@pytest.mark.parametrize(
    ("word", "direction"),
    [
        *((word, Direction.MIN) for word in ("min", "minimize", "lower")),
        *((word, Direction.MAX) for word in ("max", "maximize", "higher")),
    ],
)
def test_all_words_for_a_direction_are_understood(word: str, direction: Direction):
    assert parse(changed('"min"', f'"{word}"'), "x").metric.direction is direction
    assert parse_direction(word) is direction


def test_a_configuration_cannot_be_changed():
    config = parse(SMALLEST, "x")
    with pytest.raises(ValueError, match="frozen"):
        config.goal = "other"  # type: ignore[misc]


def test_numbers_may_stand_where_their_unit_is_clear():
    text = SMALLEST + "min_gain = 0.01\n[budget]\nexperiments = 50\ntokens = 1000\n"
    config = parse(text, "x")
    assert config.metric.min_gain == Gain(absolute=0.01)
    assert (config.budget.experiments, config.budget.tokens) == (50, 1000)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"train.py"]', '"a"]\neditble = ["b"]', "autoresearch.toml:2: `editble` is no key; did you mean `editable`?"),
        ("name =", 'directon = "min"\nname =', "7: `[metric] directon` is no key; did you mean `direction`?"),
        ("[metric]", "[metrics]\nx = 1\n[metric]", "6: `metrics` is no key; did you mean `[metric]`?"),
        (
            "[metric]",
            "[metric]\ntimeout = '5m'",
            "7: `[metric] timeout` is no key; `timeout` belongs below `[experiment]`",
        ),
        (
            "[metric]",
            "[metric]\ncontext = []",
            "7: `[metric] context` is no key; `context` belongs above the first table",
        ),
        ("[metric]", "[metric]\nqqqq = 1", "7: `[metric] qqqq` is no key; the keys are: name, direction, min_gain"),
        ("[metric]", "[metric]\n'na me' = 1", "7: `[metric] na me` is no key; did you mean `name`?"),
        ('name = "val_bpb"', "name = 3", "7: `[metric] name` must be text, not 3"),
        ('["train.py"]', '"train.py"', '1: `editable` must be a list of globs, not "train.py"'),
        ('["train.py"]', '["train.py", 3]', "1: `editable` must be a list of globs, not 3"),
        ('["train.py"]', "[]", "1: `editable` must not be empty"),
        ('["train.py"]', '["/etc/x"]', '1: `editable`: must be relative to the folder of this file, not "/etc/x"'),
        ('"python train.py"', '" "', "4: `[experiment] command`: must not be empty"),
        ('"python train.py"', "[]", "4: `[experiment] command`: must not be empty"),
        ('"python train.py"', "7", "4: `[experiment] command` must be text or a list of texts, not 7"),
        ('"min"', '"down"', '8: `[metric] direction`: "down" is no direction: write "min" or "max"'),
        ('"min"', "true", '8: `[metric] direction` must be "min" or "max", not true'),
        (
            "[metric]",
            "timeout = 600\n[metric]",
            '6: `[experiment] timeout` must be a duration, as "90s" or "1h30m", not 600',
        ),
        (
            "[metric]",
            'timeout = "10"\n[metric]',
            '6: `[experiment] timeout`: "10" has no unit: write "10s", "10m" or "10h"',
        ),
        ("[metric]", 'timeout = "0s"\n[metric]', '6: `[experiment] timeout` must be more than 0, not "0s"'),
        ("[metric]", 'timeout = "soon"\n[metric]', '6: `[experiment] timeout`: "soon" is no duration: write it like'),
        (
            "[metric]",
            "timeout = 07:32:00\n[metric]",
            '6: `[experiment] timeout` must be a duration, as "90s" or "1h30m", not 07:',
        ),
        ("[metric]", 'canary = "no"\n[metric]', '6: `[experiment] canary` must be true or false, not "no"'),
        ("[metric]", "seed = 1.5\n[metric]", "6: `[experiment] seed` must be a whole number, not 1.5"),
        ("[metric]", "seed = true\n[metric]", "6: `[experiment] seed` must be a whole number, not true"),
        ("[metric]", "seed = -1\n[metric]", "6: `[experiment] seed` must be at least 0, not -1"),
        ("[metric]", "env = { A = 1 }\n[metric]", "6: `[experiment] env.A` must be text, not 1"),
        (
            "[metric]",
            'data = ["~/data"]\n[metric]',
            "6: `[experiment] data`: must be relative to the folder of this file",
        ),
        ('"val_bpb"', '"val=bpb"', "7: `[metric] name`: must be made of letters, digits, _ . / - @ and single spaces"),
        ('"val_bpb"', '""', "7: `[metric] name`: must be made of letters"),
        ("[metric]", "[metric]\npattern = '('", "7: `[metric] pattern`: is no regular expression: missing )"),
        (
            "[metric]",
            "[metric]\npattern = '(a)(b)'",
            "7: `[metric] pattern`: must have one (group), round the number, not 2",
        ),
        ("[metric]", "[metric]\nmin_gain = -1", '7: `[metric] min_gain`: "-1" is no gain: write a number'),
        (
            "[metric]",
            "[metric]\nmin_gain = true",
            '7: `[metric] min_gain` must be a number, or text as "0.5%", not true',
        ),
        ("[metric]", "[metric]\nseed = 'fixed'", '7: `[metric] seed` must be "", "none" or "not random", not "fixed"'),
        (
            "[metric]",
            "[proposer]\nkind = 'gpt'\n[metric]",
            '7: `[proposer] kind` must be "auto", "llm" or "tuner", not "gpt"',
        ),
        ("[metric]", "[proposer]\ntemperature = 3\n[metric]", "7: `[proposer] temperature` must be at most 2, not 3"),
        ("[metric]", "[proposer]\ntemperature = nan\n[metric]", "7: `[proposer] temperature` must be"),
        ("[metric]", "[proposer]\nprice_in = 3\n[metric]", '7: `[proposer] price_in` must be money, as "3usd", not 3'),
        (
            "[metric]",
            "[budget]\ntime = 8\n[metric]",
            '7: `[budget] time` must be a duration, as "90s" or "1h30m", not 8',
        ),
        (
            "[metric]",
            "[budget]\ncost = '5'\n[metric]",
            '7: `[budget] cost`: "5" is no amount of money: write it in US dollars',
        ),
        ("[metric]", "[budget]\nexperiments = 0\n[metric]", "7: `[budget] experiments` must be more than 0, not 0"),
        ("[metric]", "budget = 3\n[metric]", "6: `[experiment] budget` is no key"),
        (
            'editable = ["train.py"]',
            'editable = ["a"]\nbudget = "8h"',
            '2: `[budget]` must be a table, headed [budget], not "8h"',
        ),
        (
            'editable = ["train.py"]',
            'editable = ["a"]\ngoal = "a\\nb"',
            "2: `goal`: must be one line without control characters",
        ),
        ('name = "val_bpb"\n', "", "6: `[metric] name` is missing"),
        ('direction = "min"\n', "", "6: `[metric] direction` is missing"),
    ],
)
def test_a_wrong_value_is_named_with_file_line_and_key(old: str, new: str, message: str):
    error = refusal(changed(old, new))
    assert message in error.message
    assert error.message.startswith("autoresearch.toml:")
    assert error.hint == ""
    assert error.exit_code == 2


@pytest.mark.parametrize(
    ("table", "setting", "named"),
    [
        ("proposer", 'kind = "hybrid"', '[proposer] kind = "hybrid"'),
        ("proposer", 'kind = "command"', '[proposer] kind = "command"'),
    ],
)
def test_what_comes_later_is_refused_and_not_ignored(table: str, setting: str, named: str):
    error = refusal(with_setting(table, setting))
    assert error.message.endswith(f": `{named}` is not available yet")
    assert error.message.split(":")[1].isdigit()


@pytest.mark.parametrize(
    ("table", "setting", "problem"),
    [
        ("experiment", 'checks = "pytest -q"', '`[experiment] checks` must be a list of texts, not "pytest -q"'),
        ("experiment", "checks = [3]", "`[experiment] checks` must be a list of texts, not 3"),
        ("experiment", 'checks = ["true", " "]', "`[experiment] checks`: must not be empty"),
        ("experiment", 'price = "2.49usd"', '`[experiment] price`: "2.49usd" is no price per hour: write it like'),
        (
            "experiment",
            'price = "2.49/h"',
            '`[experiment] price`: "2.49" is no amount of money: write it in US dollars',
        ),
        ("experiment", "price = 2.49", '`[experiment] price` must be money per hour, as "2.49usd/h", not 2.49'),
        ("experiment", "cost = 3", "`[experiment] cost` must be text, not 3"),
        (
            "experiment",
            'feedback = "../x"',
            '`[experiment] feedback`: must lie below the folder of this file, not "../x"',
        ),
        (
            "metric",
            'metrics_file = "/x"',
            '`[metric] metrics_file`: must be relative to the folder of this file, not "/x"',
        ),
        (
            "holdout",
            'metric = "a=b"',
            "`[holdout] metric`: must be made of letters, digits, _ . / - @ and single spaces",
        ),
        ("experiment", "feedback = true", "`[experiment] feedback` must be a path, not true"),
        ("metric", "max_samples = 1", "`[metric] max_samples` must be at least 2, not 1"),
        ("metric", 'max_samples = "auto"', '`[metric] max_samples` must be a whole number, not "auto"'),
        ("metric", "timing = 1", "`[metric] timing` must be true or false, not 1"),
        ("decision", 'rule = "best"', '`[decision] rule` must be "proved" or "keep-if-better", not "best"'),
        ("decision", "baseline_samples = 0", "`[decision] baseline_samples` must be at least 1, not 0"),
        ("decision", 'baseline_samples = "3"', "`[decision] baseline_samples` must be a whole number or "),
        ("decision", 'final_check = "no"', '`[decision] final_check` must be true or false, not "no"'),
        ("decision", "allow_seed_change = 1", "`[decision] allow_seed_change` must be true or false, not 1"),
        ("constraints", 'peak_vram_mb = "small"', '`[constraints] peak_vram_mb` must be text such as "<= 48000"'),
        ("constraints", 'peak_vram_mb = "48000"', '`[constraints] peak_vram_mb` must be text such as "<= 48000"'),
        ("constraints", 'peak_vram_mb = "== 1"', '`[constraints] peak_vram_mb` must be text such as "<= 48000"'),
        ("constraints", 'peak_vram_mb = "<= nan"', '`[constraints] peak_vram_mb` must be text such as "<= 48000"'),
        ("constraints", "peak_vram_mb = 48000", '`[constraints] peak_vram_mb` must be text such as "<= 48000"'),
        ("holdout", "command = 3", "`[holdout] command` must be text or a list of texts, not 3"),
        ("holdout", 'direction = "down"', '`[holdout] direction`: "down" is no direction'),
        ("holdout", 'when = "always"', '`[holdout] when` must be "keep" or "end", not "always"'),
        ("holdout", "seed = 3", "`[holdout] seed` is no key; `seed` belongs below"),
        ("simplify", 'max_loss = "-1%"', '`[simplify] max_loss`: "-1%" is no gain: write a number'),
        ("simplify", 'max_loss = "a little"', '`[simplify] max_loss`: "a little" is no gain: write a number'),
        ("simplify", "max_loss = true", '`[simplify] max_loss` must be a number, or text as "0.5%", not true'),
    ],
)
def test_a_wrong_value_of_a_key_about_decisions_is_refused(table: str, setting: str, problem: str):
    assert problem in refusal(with_setting(table, setting)).message


def with_setting(table: str, setting: str) -> str:
    if f"[{table}]" in SMALLEST:
        return changed(f"[{table}]", f"[{table}]\n{setting}")
    return f"{SMALLEST}\n[{table}]\n{setting}\n"


@pytest.mark.parametrize(
    ("table", "setting", "problem"),
    [
        ("experiment", "memory = 3", "must be a size"),
        ("experiment", 'memory = "3"', "is no size"),
        ("run", "workers = 0", "must be at least 1"),
        ("run", "lookahead = -1", "must be at least 0"),
        ("experiment", "gpus = -1", "must be at least 0"),
    ],
)
def test_what_comes_later_is_checked_all_the_same(table: str, setting: str, problem: str):
    assert problem in refusal(with_setting(table, setting)).message


@pytest.mark.parametrize(
    ("table", "setting"),
    [
        ("experiment", "gpus = 1"),
        ("run", "workers = 1"),
        ("executor", 'kind = "local"'),
        ("executor", ""),
    ],
)
def test_a_later_key_may_be_set_to_what_it_is_anyway(table: str, setting: str):
    assert isinstance(parse(with_setting(table, setting), "x"), Config)


def test_all_problems_are_told_at_once_in_the_order_of_the_file():
    error = refusal('editable = []\ngaol = 1\n[experiment]\ncommand = ""\n[metric]\nname = "a"\ndirection = "up"\n')
    assert error.message == "autoresearch.toml:1: `editable` must not be empty"
    assert error.hint.split("\n") == [
        "also autoresearch.toml:2: `gaol` is no key; did you mean `goal`?",
        "also autoresearch.toml:4: `[experiment] command`: must not be empty",
        'also autoresearch.toml:7: `[metric] direction`: "up" is no direction: write "min" or "max"',
    ]


def test_a_file_of_nonsense_does_not_fill_the_screen():
    error = refusal("".join(f"zzz{number} = 1\n" for number in range(100)))
    assert error.hint.count("\n") == 20
    assert error.hint.endswith("and 82 more")


def test_an_empty_file_says_what_it_needs():
    error = refusal("")
    told = f"{error.message}\n{error.hint}"
    for key in ("`editable`", "`[experiment]`", "`[metric]`"):
        assert f"{key} is missing" in told


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("a = 1\nname = val_bpb\n", "autoresearch.toml:2: broken TOML: Invalid value", "look at: name = val_bpb"),
        ("a = 1\n\n[metric\n", "autoresearch.toml:3: broken TOML: Expected ']'", "look at: [metric"),
        ('a = 1\nb = "x', "autoresearch.toml:2: broken TOML: ", 'look at: b = "x'),
        ("a = 1\na = 2\n", "autoresearch.toml:2: broken TOML: Cannot overwrite a value", "look at: a = 2"),
    ],
)
def test_broken_toml_is_shown_where_it_breaks(text: str, message: str, hint: str):
    error = refusal(text)
    assert error.message.startswith(message)
    assert error.hint.startswith(hint)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"autoresearch\.toml: cannot be read: No such file or directory"):
        load(tmp_path / "autoresearch.toml")


def test_a_folder_in_its_place_is_an_error(tmp_path: Path):
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path)


def test_a_file_that_is_not_utf_8_names_the_line(tmp_path: Path):
    path = tmp_path / "autoresearch.toml"
    path.write_bytes(b'# first\ngoal = "caf\xe9"\n')
    with pytest.raises(ConfigError, match=r"autoresearch\.toml:2: not UTF-8"):
        load(path)


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path):
    path = tmp_path / "autoresearch.toml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALLEST.replace("\n", "\r\n").encode())
    assert load(path).metric.name == "val_bpb"
