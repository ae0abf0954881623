"""What is proposed for small projects of every kind, and what a person is told about them."""

import subprocess
from pathlib import Path

import pytest

from autoresearch.config import parse
from autoresearch.core.history import Direction
from autoresearch.core.metric import Convention, MetricReader, MetricSpec, Reading
from autoresearch.errors import ConfigError, UsageError
from autoresearch.scaffold import Detected, choose, detect, template

TRAIN = """\
import torch
import wandb
from model import Net
from dataset import load

SEED = 1337
torch.manual_seed(SEED)
wandb.init(key=os.environ["WANDB_API_KEY"], entity=os.environ.get("TEAM"))
for step in range(10):
    print(f"step: {step} train_loss: {loss:.3f}")
print(f"val_loss: {val:.4f}")
print(f"seconds: {seconds:.1f}")
"""


def files(root: Path, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def tracked(root: Path) -> list[str]:
    """Everything that git would track, asked of a real repository."""

    def git(*words: str) -> str:
        return subprocess.run(["git", "-C", root, *words], check=True, capture_output=True, text=True).stdout

    git("init", "-q")
    return [name for name in git("ls-files", "-z", "--others", "--exclude-standard").split("\0") if name]


def look(root: Path, texts: dict[str, str], *on_path: str) -> Detected:
    files(root, texts)
    return detect(root, tracked(root), lambda name: f"/bin/{name}" if name in ("python", *on_path) else None)


def test_a_karpathy_project_is_known(tmp_path: Path):
    texts = {"program.md": "# go", "prepare.py": "", "train.py": "print(f'val_bpb: {x}')"}
    found = look(tmp_path, texts)
    assert (found.command, found.metric, found.direction) == ("python train.py", "val_bpb", Direction.MIN)
    assert (found.editable, found.context) == (("train.py",), ("prepare.py",))
    assert found.has_program
    assert "program.md is there, and is kept" in found.notes


@pytest.mark.parametrize(
    ("extra", "on_path", "command"),
    [
        ("uv.lock", ("uv",), "uv run train.py"),
        ("uv.lock", (), "python train.py"),
        ("poetry.lock", ("poetry",), "poetry run python train.py"),
        ("README.md", (), "python train.py"),
    ],
)
def test_python_is_called_as_the_project_does_it(tmp_path: Path, extra: str, on_path: tuple[str, ...], command: str):
    texts = {"program.md": "", "prepare.py": "", "train.py": "", extra: ""}
    assert look(tmp_path, texts, *on_path).command == command


def test_the_project_s_own_environment_comes_before_any_other_python(tmp_path: Path):
    found = look(tmp_path, {".gitignore": ".venv\n", "train.py": "", ".venv/bin/python": ""})
    assert (found.command, found.data) == (".venv/bin/python train.py", (".venv",))


def test_without_python_there_is_python3(tmp_path: Path):
    files(tmp_path, {"train.py": ""})
    assert detect(tmp_path, ["train.py"], lambda _: None).command == "python3 train.py"


def test_a_training_script_brings_what_it_imports(tmp_path: Path):
    found = look(tmp_path, {"train.py": TRAIN, "model.py": "", "dataset.py": "", "unrelated.py": ""})
    assert found.command == "python train.py"
    assert found.editable == ("train.py", "model.py")
    assert found.context == ("dataset.py",)
    assert (found.metric, found.direction) == ("val_loss", Direction.MIN)
    assert found.metrics == ("val_loss", "train_loss", "seconds")


def test_secrets_are_suggested_and_never_passed_on(tmp_path: Path):
    found = look(tmp_path, {"train.py": TRAIN, "b.js": "process.env.HF_TOKEN", "c.py": "os.getenv('HOME')"})
    assert found.pass_env == ("WANDB_API_KEY", "HF_TOKEN")
    choices = choose(found)
    assert (choices.pass_env, choices.suggested_pass_env) == ((), ("WANDB_API_KEY", "HF_TOKEN"))


def test_a_fixed_seed_is_told(tmp_path: Path):
    found = look(tmp_path, {"train.py": TRAIN})
    assert found.metric_seed == "none"
    assert any(note.startswith("a fixed random seed in train.py:6 (SEED = 1337)") for note in found.notes)


@pytest.mark.parametrize(
    "line",
    ["torch.manual_seed(1)", "np.random.seed( 42 )", "rng = np.random.default_rng(0)", "seed: int = 3", "cfg.seed = 3"],
)
def test_every_usual_way_to_fix_a_seed_is_seen(tmp_path: Path, line: str):
    assert look(tmp_path, {"train.py": f"import x\n{line}\n"}).metric_seed == "none"


@pytest.mark.parametrize(
    ("code", "seed"),
    [
        ("import random\nprint('loss: 1')\n", "none"),
        ("import os, random, time\nprint('loss:', random.gauss(0, 1))\n", "none"),
        ("import os as o, random as r\nprint('loss:', r.random())\n", "none"),
        ("from numpy import array, random\n", "none"),
        ("x = np.random.randn(3)\n", "none"),
        ("import os\nx = os.urandom(3)\n", "none"),
        ("import os, randomly\nrandom_name = 3\nprint('random numbers: loss')\n", "not random"),
        ("from torch import nn\nprint('loss: 1')\n", "none"),
        ("x = np.random.normal()\n", "none"),
        ("import os, random\nrandom.seed(int(os.environ['AR_SEED']))\n", ""),
        ("print('loss:', 3)\n", "not random"),
    ],
)
def test_what_chance_does_is_written_down(tmp_path: Path, code: str, seed: str):
    found = look(tmp_path, {"train.py": code})
    assert found.metric_seed == seed
    chosen = {"metric": "loss", "direction": "min", "editable": ("train.py",)}
    assert choose(found, command="sh other.sh", **chosen).metric_seed == seed
    assert choose(found, command="sh other.sh --seed {seed}", **chosen).metric_seed == ""
    assert choose(found, **{**chosen, "metric": "ar.seconds"}).metric_seed == ""


@pytest.mark.parametrize("line", ["import os, random", "x = np.random.randn()", "rng = np.random.default_rng()"])
def test_a_seed_that_nobody_gives_is_told(tmp_path: Path, line: str):
    notes = look(tmp_path, {"train.py": f"print('loss: 1')\n{line}\n"}).notes
    assert any(note.startswith("random, with a seed that nobody gives it: train.py:2 (") for note in notes)
    assert "let it take its seed from AR_SEED, or a lucky seed may be taken for a gain" in notes
    assert not any("fixed" in note for note in notes)


SEEDED = "import os, random\nrandom.seed(int(os.environ['AR_SEED']))\nprint('loss: 1')\n"
PLAIN = {"bad.py": "from parts import X\nprint('score:', X)\n", "parts.py": "X = 1\n", "fit.py": SEEDED}


def test_with_a_command_of_the_person_s_the_files_that_it_runs_are_looked_at(tmp_path: Path):
    found = look(tmp_path, PLAIN)
    assert (found.command, found.editable, found.metric_seed) == ("python fit.py", ("fit.py",), "")
    chosen = choose(found, command="python3 -O bad.py")
    assert (chosen.editable, chosen.metric, chosen.metric_seed) == (("bad.py", "parts.py"), "score", "not random")
    as_module = choose(found, command="python -m bad", direction="max")
    assert (as_module.editable, as_module.direction) == (("bad.py", "parts.py"), Direction.MAX)
    told = detect(tmp_path, sorted(PLAIN), lambda _: None, command="python bad.py")
    assert (told.command, told.metrics) == ("python bad.py", ("score",))
    assert "nothing random was seen in it; if it is random all the same: [metric] seed" in told.notes
    assert not any("fit.py" in note for note in told.notes)


def test_a_command_that_names_no_file_may_change_what_was_found(tmp_path: Path):
    found = look(tmp_path, PLAIN)
    chosen = choose(found, command="make it")
    assert (chosen.editable, chosen.metric_seed) == (("fit.py",), "")
    shell = look(tmp_path, {**PLAIN, "run.sh": "python bad.py\n"})
    assert choose(shell, command="sh run.sh").editable == ("bad.py", "fit.py", "parts.py")


def test_a_seed_that_ar_run_does_not_see_has_to_be_written(tmp_path: Path):
    found = look(tmp_path, {"train.py": "import helper\nprint('loss:', 1)\n", "helper.py": SEEDED})
    assert choose(found).metric_seed == ""
    assert choose(found, editable=("train.py",)).metric_seed == "none"


def test_names_with_wildcards_are_written_so_that_they_match(tmp_path: Path):
    texts = {"[a]/train.py": "import net\nprint('loss: 1')\n", "[a]/net.py": "", "[a]/data.py": ""}
    found = look(tmp_path, texts)
    assert (found.command, found.editable) == ("python '[a]/train.py'", ("[[]a]/train.py", "[[]a]/net.py"))
    page = look(tmp_path / "other", {"Makefile": "bench:\n\tx", "[id].js": "console.log('loss: ', x)", "a\nb.js": ""})
    assert page.editable == ("[[]id].js",)
    many = look(tmp_path / "many", {"Makefile": "bench:\n\tx", **{f"x*[y]/{n}.c": "" for n in range(9)}})
    assert many.editable == ("x[*][[]y]/**/*.c",)


def test_a_seed_that_can_be_given_is_given(tmp_path: Path):
    found = look(tmp_path, {"train.py": 'parser.add_argument("--seed", default=1)\nseed = 3\n'})
    assert (found.command, found.metric_seed) == ("python train.py --seed {seed}", "")


def test_a_script_that_reads_ar_seed_needs_nothing(tmp_path: Path):
    found = look(tmp_path, {"train.py": 'SEED = 3\nseed = os.environ.get("AR_SEED", SEED)\n'})
    assert (found.command, found.metric_seed) == ("python train.py", "")


def test_ignored_data_and_environments_are_linked(tmp_path: Path):
    texts = {".gitignore": "data\nnode_modules\n__pycache__\nwandb\n", "train.py": ""}
    ignored = {"data/a.bin": "", "node_modules/x/y.js": "", "__pycache__/z.pyc": "", "wandb/run": ""}
    assert look(tmp_path, texts | ignored).data == ("data", "node_modules")


def test_of_a_folder_that_is_tracked_in_part_the_rest_is_linked(tmp_path: Path):
    texts = {".gitignore": "*.bin\nraw\n", "data/words/prepare.py": "", "data/words/train.bin": "", "data/raw/x": ""}
    assert look(tmp_path, {**texts, "train.py": ""}).data == ("data/raw", "data/words/train.bin")


def test_tracked_data_needs_no_link(tmp_path: Path):
    assert look(tmp_path, {"data/a.csv": "1", "train.py": ""}).data == ()


def test_a_benchmark_changes_the_code_and_not_itself(tmp_path: Path):
    texts = {
        "bench.py": "from fast import f\nprint('ops_per_second:', f())",
        "fast/__init__.py": "",
        "fast/core.py": "",
    }
    found = look(tmp_path, texts)
    assert (found.command, found.editable) == ("python bench.py", ("fast/**/*.py",))
    assert (found.metric, found.direction) == ("ops_per_second", Direction.MAX)


def test_a_src_layout_is_found(tmp_path: Path):
    found = look(tmp_path, {"scripts/benchmark.py": "import pack", "src/pack/__init__.py": "", "src/pack/a.py": ""})
    assert (found.command, found.editable) == ("python scripts/benchmark.py", ("src/pack/**/*.py",))


def test_with_tests_only_their_duration_is_the_metric(tmp_path: Path):
    found = look(tmp_path, {"lib/a.py": "", "lib/b.py": "", "tests/test_a.py": ""})
    assert (found.command, found.metric, found.direction) == ("python -m pytest -q", "ar.seconds", Direction.MIN)
    assert found.editable == ("lib/a.py", "lib/b.py")


def test_many_files_are_named_by_folder_but_never_a_test(tmp_path: Path):
    texts = {f"lib/m{number}.py": "" for number in range(9)} | {"lib/sub/x.py": "", "lib/sub/test_x.py": ""}
    found = look(tmp_path, texts | {f"core/c{number}.py": "" for number in range(3)})
    assert "core/**/*.py" in found.editable
    assert "lib/m3.py" in found.editable
    assert not any(glob.startswith("lib/**") or "test" in glob for glob in found.editable)


def test_a_rust_crate_keeps_its_build_folder(tmp_path: Path):
    found = look(
        tmp_path,
        {"Cargo.toml": "[package]", "src/lib.rs": "", "tests/t.rs": "", "target/x": "", ".gitignore": "target"},
    )
    assert found.command == "cargo test --release"
    assert (found.setup, found.cache) == ("cargo test --release --no-run", ("target",))
    assert found.editable == ("src/lib.rs",)


def test_a_rust_crate_with_benches_is_benchmarked(tmp_path: Path):
    found = look(tmp_path, {"Cargo.toml": "[package]", "src/lib.rs": "", "benches/b.rs": ""})
    assert (found.command, found.metric, found.editable) == ("cargo bench", "ar.seconds", ("src/lib.rs",))


def test_a_rust_program_s_own_metric_is_found(tmp_path: Path):
    found = look(
        tmp_path,
        {"Cargo.toml": "", "src/main.rs": 'fn main() { println!("tour length = {}", d); println!("score: {s}") }'},
    )
    assert (found.command, found.metric, found.direction) == ("cargo run --release", "score", Direction.MAX)


def test_a_go_module_with_benchmarks_is_benchmarked(tmp_path: Path):
    found = look(tmp_path, {"go.mod": "", "a.go": "", "a_test.go": "func BenchmarkA(b *testing.B) {"})
    assert (found.command, found.editable) == ("go test -run '^$' -bench '^BenchmarkA$' ./...", ("a.go",))
    reader = MetricReader(MetricSpec(found.metric, found.pattern))
    for line in ("goos: linux", "BenchmarkA-8   \t    1000\t   1234.5 ns/op", "ok  \tx\t1.2s"):
        reader.feed(line)
    assert reader.read(None) == Reading(1234.5, {}, Convention())
    assert parse(template(choose(found)), "x").metric.pattern == found.pattern


def test_a_rust_crate_with_criterion_is_measured_by_what_that_prints(tmp_path: Path):
    texts = {"Cargo.toml": "[dev-dependencies]\ncriterion = '0.5'", "src/lib.rs": "", "benches/b.rs": ""}
    found = look(tmp_path, texts)
    assert (found.command, found.setup, found.metric) == ("cargo bench", "cargo bench --no-run", "time")
    reader = MetricReader(MetricSpec(found.metric, found.pattern))
    reader.feed("fib 20                  time:   [26.029 µs 26.251 µs 26.505 µs]")
    reading = reader.read(None)
    assert isinstance(reading, Reading)
    assert (reading.value, reading.convention.unit) == (26.251, "µs")


def test_the_scripts_of_package_json_are_used(tmp_path: Path):
    found = look(tmp_path, {"package.json": '{"scripts": {"test": "x", "bench": "y"}}', "index.js": ""})
    assert (found.command, found.editable) == ("npm run bench", ("index.js",))
    assert "also possible: npm run test" in found.notes


def test_a_broken_package_json_is_no_obstacle(tmp_path: Path):
    assert look(tmp_path, {"package.json": '["scripts"', "index.js": ""}).command == ""


def test_a_make_target_is_used(tmp_path: Path):
    texts = {"Makefile": "CC := gcc\nbench: all\n\t./x\n", "main.c": 'printf("latency: %.3f ms\\n", t);'}
    found = look(tmp_path, texts)
    assert (found.command, found.metric, found.editable) == ("make bench", "latency", ("main.c",))


def test_cmake_builds_first(tmp_path: Path):
    found = look(tmp_path, {"CMakeLists.txt": "", "main.cpp": ""})
    assert found.setup.startswith("cmake -S . -B build")
    assert found.cache == ("build",)


def test_a_script_with_spaces_in_its_path_is_quoted(tmp_path: Path):
    found = look(tmp_path, {"my scripts/bench.sh": "echo METRIC speed=$x", "a.py": ""})
    assert (found.command, found.metric) == ("sh 'my scripts/bench.sh'", "speed")


def test_only_notebooks_are_refused_with_the_way_on(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"only notebooks here \(a b\.ipynb\)") as caught:
        look(tmp_path, {"a b.ipynb": "{}", "README.md": ""})
    assert "jupyter nbconvert --to script 'a b.ipynb'" in caught.value.hint


def test_an_unknown_project_leaves_everything_to_the_person(tmp_path: Path):
    found = look(tmp_path, {"notes.txt": "x"})
    assert found == Detected(metric_seed="not random")
    with pytest.raises(UsageError, match="found no command, no metric, no editable file here") as caught:
        choose(found)
    assert caught.value.hint.startswith("ar init --command COMMAND --metric NAME --direction min --editable GLOB\n")


def test_numbers_whose_names_say_nothing_are_shown_and_none_is_chosen(tmp_path: Path):
    found = look(tmp_path, {"train.py": "print(f'tour_length: {x}')\nprint(f'epoch: {x}')"})
    assert (found.metric, found.direction, found.metrics) == ("", None, ("tour_length",))
    assert "numbers that it seems to print: tour_length" in found.notes
    with pytest.raises(UsageError, match="found no metric here: say it with --metric") as caught:
        choose(found)
    assert caught.value.hint.startswith("ar init --metric tour_length --direction min\n")


def test_what_measures_or_holds_the_data_is_shown_and_not_changed(tmp_path: Path):
    package = {f"net/{name}.py": "" for name in ("__init__", "model", "data", "metrics", "test_model")}
    found = look(
        tmp_path, {"train.py": "from net.model import f\nimport helper", "helper.py": "import deep", **package}
    )
    assert found.editable == ("train.py", "net/__init__.py", "net/model.py", "helper.py")
    assert found.context == ("net/data.py", "net/metrics.py")
    bench = look(tmp_path / "other", {"bench.py": "import net", **package})
    assert (bench.editable, bench.context) == (found.editable[1:3], ("bench.py", *found.context))


@pytest.mark.parametrize("name", ["metrics.c", "score.c", "lib_test.c", "grader.c", "evals/a.c", "__tests__/a.c"])
def test_what_measures_is_never_editable(tmp_path: Path, name: str):
    found = look(tmp_path, {"Makefile": "bench:\n\tx", "main.c": 'printf("loss: %f")', name: ""})
    assert found.editable == ("main.c",)


def test_unreadable_and_binary_files_do_no_harm(tmp_path: Path):
    (tmp_path / "train.py").write_bytes(b"\xff\xfe\x00print('loss:', x)")
    found = detect(tmp_path, ["train.py", "gone.py", "train.py/x.py"], lambda _: None)
    assert (found.command, found.metric) == ("python3 train.py", "loss")


def test_what_is_detected_makes_a_file_that_loads(tmp_path: Path):
    assert 'name = "val_loss"' in template(choose(look(tmp_path, {"train.py": TRAIN})))


def test_the_person_has_the_last_word(tmp_path: Path):
    found = look(tmp_path, {"train.py": TRAIN, "Cargo.toml": ""})
    choices = choose(found, command="make it", metric="acc", editable=("src/*.py",), model="openai/gpt-5")
    assert (choices.command, choices.metric, choices.editable) == ("make it", "acc", ("src/*.py",))
    assert (choices.direction, choices.metric_seed, choices.model) == (Direction.MAX, "none", "openai/gpt-5")
    assert choose(found, direction="higher").direction is Direction.MAX


def test_a_metric_whose_name_says_nothing_needs_a_direction(tmp_path: Path):
    found = look(tmp_path, {"train.py": TRAIN})
    with pytest.raises(UsageError, match="which way quux improves"):
        choose(found, metric="quux")
    with pytest.raises(UsageError, match='--direction: "down" is no direction'):
        choose(found, direction="down")
