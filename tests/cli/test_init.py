"""`ar init` without a conversation, and the ready tasks: what is written, what is refused, what is left alone."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from autoresearch.config import Config, load
from tests.support.cli import Cli, Done
from tests.support.repositories import git, make_repository, state_of, write

TRAIN = """\
import argparse
from churn.model import fit
from churn.data import load

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
RATE = 0.1
for epoch in range(3):
    print(f"epoch {epoch}: train_loss={0.5:.3f}")
print(f"val_accuracy: {fit(load(), RATE):.4f}")
print(f"training_seconds: {1.0:.1f}")
"""
PYTHON = {
    "train.py": TRAIN,
    "churn/__init__.py": "",
    "churn/model.py": "def fit(x, rate):\n    return x + rate\n",
    "churn/data.py": "def load():\n    return 0.5\n",
    "churn/metrics.py": "",
    "tests/test_model.py": "def test_model(): pass\n",
    ".gitignore": "data/\n.venv/\n",
}
NEW = "?? autoresearch.toml\n?? program.md"


@pytest.fixture
def ar(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "home")


def written(ar: Cli, folder: Path, *options: str) -> Config:
    """`ar init --yes` in the folder, and the configuration that it wrote."""
    done = ar(folder, "init", "--yes", *options)
    assert done.code == 0, done.err
    config = load(folder / "autoresearch.toml")
    assert_readable(done, but=str(config.experiment.command))
    return config


def assert_readable(done: Done, but: str = "\n") -> None:
    """On a terminal of 80 columns, without colours: it is no terminal. A line with `but` may be as long as that is."""
    assert [line for line in done.out.splitlines() if len(line) > 80 and but not in line] == []
    assert "\x1b" not in done.out + done.err


def test_a_python_project_gets_a_configuration_that_runs_and_nothing_else_changes(ar: Cli, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repo", PYTHON)
    write(repository, {"data/train.csv": "1\n", "churn/data.py": "def load():\n    return 0.6\n"})
    git(repository, "add", "churn/data.py")
    before = state_of(repository)

    config = written(ar, repository)
    assert state_of(repository) == {**before, "status": f"{before['status']}\n{NEW}"}
    assert config.experiment.command == "python train.py --seed {seed}"
    assert (config.metric.name, config.metric.direction.value) == ("val_accuracy", "max")
    assert config.editable == ("train.py", "churn/__init__.py", "churn/model.py")
    assert config.context == ("churn/data.py", "churn/metrics.py")
    assert config.experiment.data == ("data",)
    assert config.goal == "raise val_accuracy"
    assert "Make `val_accuracy` higher" in (repository / "program.md").read_text()

    shown = ar(repository, "run", "--budget", "1x", "--dry-run", "--committed")
    assert shown.code == 0, shown.err
    assert "command: python train.py --seed {seed}" in shown.out
    assert "editable: churn/__init__.py, churn/model.py, train.py" in shown.out


def test_what_is_said_on_the_way_is_short_and_names_what_was_found(ar: Cli, tmp_path: Path) -> None:
    code = "import os, wandb\nSEED = 3\nkey = os.environ['WANDB_API_KEY']\nprint(f'loss: {1.0}')\n"
    repository = make_repository(tmp_path / "repo", {"train.py": code, "tests/test_a.py": ""})
    done = ar(repository, "init")
    assert_readable(done)
    assert done.out.splitlines() == [
        "- mainly Python",
        "- train.py is there: python train.py",
        "- also possible: python -m pytest -q",
        "- likely metrics: loss",
        "- the code reads WANDB_API_KEY: no experiment gets it unless pass_env names it",
        "- a fixed random seed in train.py:2 (SEED = 3)",
        "- let it take its seed from AR_SEED, or a lucky seed may be taken for a gain",
        "wrote autoresearch.toml and program.md; nothing was committed",
        "  runs      python train.py",
        "  measures  loss: lower is better",
        "  may edit  train.py",
        "  note      edited code could forge the number: see `evaluate` in the file",
        "next:  ar init --check    takes three samples: time, noise, experiments a night",
        "       ar run --model NAME --budget 5m",
    ]
    assert_pleasant((repository / "autoresearch.toml").read_text().splitlines())


def assert_pleasant(lines: list[str]) -> None:
    """The file can be read: five settings, the keys in short groups, comments that stand in one column."""
    assert max(map(len, lines)) <= 100
    assert [line for line in lines if line != line.rstrip()] == []
    settings = [line for line in lines if line and not line.startswith(("#", "["))]
    assert [line.split("  ")[0] for line in settings] == [
        'goal = "lower loss"',
        'editable = ["train.py"]',
        'command = "python train.py"',
        'name = "loss"',
        'direction = "min"',
        'seed = "none"',
    ]
    assert {line.index("# ", 2) for line in lines[3:] if "  # " in line} == {32}
    assert lines.index("[experiment]") < 12
    assert [line for line in lines if line.startswith('# pass_env = ["WANDB_API_KEY"] ')] != []


KINDS = {
    "rust": (
        {"Cargo.toml": "[package]\n", "src/lib.rs": "", "src/parse.rs": "", "tests/smoke.rs": "", "benches/b.rs": ""},
        ("cargo bench", "ar.seconds", "min", ("src/lib.rs", "src/parse.rs")),
    ),
    "go": (
        {"go.mod": "module x\n", "sort.go": "", "sort_test.go": "func BenchmarkSort(b *testing.B) {}\n"},
        ("go test -run '^$' -bench '^BenchmarkSort$' ./...", "ns/op", "min", ("sort.go",)),
    ),
    "node": (
        {
            "package.json": '{"scripts": {"test": "node --test", "bench": "node bench/run.js"}}',
            "src/index.js": "",
            "bench/run.js": "console.log(`ops_per_sec: ${n}`)\n",
            "src/index.test.js": "",
            "jest.config.js": "",
        },
        ("npm run bench", "ops_per_sec", "max", ("src/index.js",)),
    ),
    "make": (
        {"Makefile": "bench: main\n\t./main\n", "main.c": 'printf("elapsed_ms: %f", t);\n', "test_main.c": ""},
        ("make bench", "elapsed_ms", "min", ("main.c",)),
    ),
    "evaluator": (
        {"evaluate.py": "from solver import X\nprint(f'score: {X}')\n", "solver.py": "import deep\n", "deep.py": ""},
        ("python evaluate.py", "score", "max", ("solver.py", "deep.py")),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_projects_of_every_kind_are_known(ar: Cli, tmp_path: Path, kind: str) -> None:
    files, expected = KINDS[kind]
    config = written(ar, make_repository(tmp_path / "repo", files))
    metric = config.metric
    assert (config.experiment.command, metric.name, metric.direction.value, config.editable) == expected


def test_karpathy_s_three_files_are_taken_as_they_are(ar: Cli, tmp_path: Path) -> None:
    train = "import prepare\nLR = 0.1\nprint(f'val_bpb:          {1.0:.6f}')\nprint(f'training_seconds: {1.0}')\n"
    files = {"prepare.py": "def evaluate(): ...\n", "train.py": train, "analysis.ipynb": "{}"}
    repository = make_repository(tmp_path / "repo", files)
    program = "# autoresearch\r\nnever stop — ünï\n\n   ".encode()
    (repository / "program.md").write_bytes(program)
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "three files")

    config = written(ar, repository)
    assert (repository / "program.md").read_bytes() == program
    assert git(repository, "status", "--porcelain") == "?? autoresearch.toml"
    assert config.experiment.command == "python train.py"
    assert (config.metric.name, config.metric.direction.value) == ("val_bpb", "min")
    assert (config.editable, config.context, config.instructions) == (("train.py",), ("prepare.py",), "program.md")
    again = ar(repository, "init", "--yes", "--force", "--metric", "val_loss")
    assert "- program.md is there, and is kept" in again.out
    assert (repository / "program.md").read_bytes() == program


def test_what_is_said_on_the_command_line_counts(ar: Cli, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repo", {**PYTHON, "größe und maß/日本.py": "WIDTH = 4\n"})
    command = "python -m churn.model '{print $1}' \"ä\" # \\ {seed}"
    options = ["--metric", "tour length @ 50 km/h", "--direction", "maximize", "--command", command]
    config = written(ar, repository, *options, "--editable", "größe und maß/*.py", "--editable", "churn/**/*.py")
    assert (config.experiment.command, config.metric.name) == (command, "tour length @ 50 km/h")
    assert config.metric.direction.value == "max"
    assert config.editable == ("größe und maß/*.py", "churn/**/*.py")
    assert config.goal == "raise tour length @ 50 km/h"
    shown = ar(repository, "run", "--budget", "1x", "--dry-run")
    assert shown.code == 0, shown.err
    assert f"command: {command}\n" in shown.out
    assert "größe und maß/日本.py" in shown.out


def test_a_subdirectory_is_set_up_with_paths_of_its_own_also_in_a_linked_worktree(ar: Cli, tmp_path: Path) -> None:
    files = {f"tools/fit it/{name}": text for name, text in PYTHON.items()} | {"train.py": "print('loss: 1')\n"}
    make_repository(tmp_path / "main", files)
    git(tmp_path / "main", "worktree", "add", "--quiet", str(tmp_path / "linked"))
    for repository in (tmp_path / "main", tmp_path / "linked"):
        folder = repository / "tools" / "fit it"
        write(folder, {"data/x": ""})
        config = written(ar, folder)
        assert config.editable == ("train.py", "churn/__init__.py", "churn/model.py")
        assert config.experiment.data == ("data",)
        assert git(repository, "status", "--porcelain", "-uall").splitlines() == [
            '?? "tools/fit it/autoresearch.toml"',
            '?? "tools/fit it/program.md"',
        ]
    shown = ar(tmp_path / "linked" / "tools" / "fit it" / "churn", "run", "--budget", "1x", "--dry-run")
    assert shown.code == 0, shown.err
    assert "editable: tools/fit it/churn/__init__.py" in shown.out


def test_a_file_that_is_there_is_replaced_only_by_force_and_then_kept(ar: Cli, tmp_path: Path) -> None:
    mine = "# mine\n"
    repository = make_repository(tmp_path / "repo", {"train.py": "print(f'loss: {1}')\n", "autoresearch.toml": mine})
    refused = ar(repository, "init", "--yes")
    assert refused.code == 2
    assert refused.error == "autoresearch.toml is here already; nothing was written"
    assert "ar init --force" in refused.hints
    assert git(repository, "status", "--porcelain", "--ignored") == ""

    forced = ar(repository, "init", "--yes", "--force")
    assert forced.code == 0, forced.err
    assert "what stood there is in autoresearch.toml.orig" in forced.out
    assert (repository / "autoresearch.toml.orig").read_text() == mine
    assert load(repository / "autoresearch.toml").metric.name == "loss"


LOSS = {"train.py": "print(f'loss: {1.0}')\n"}
REFUSED = {
    "no metric": (
        {"train.py": "print('done')\n"},
        ["--yes"],
        "found no metric here: say it with --metric",
        "ar init --metric NAME --direction min\n--metric ar.seconds    is the time that the command takes",
    ),
    "a number whose name says nothing": (
        {"train.py": "print(f'tour_length: {1.0}')\n"},
        ["--yes"],
        "found no metric here: say it with --metric",
        "ar init --metric tour_length --direction min\n",
    ),
    "nothing at all": (
        {"notes.txt": "x"},
        [],
        "found no command, no metric, no editable file here: say it with --command, --metric, --editable",
        "ar init --command COMMAND --metric NAME --direction min --editable GLOB",
    ),
    "only notebooks": (
        {"explore it.ipynb": "{}"},
        ["--yes"],
        "there are only notebooks here (explore it.ipynb): a command has to run what is measured",
        "jupyter nbconvert --to script 'explore it.ipynb'",
    ),
    "a direction": (LOSS, ["--yes", "--direction", "down"], '--direction: "down" is no direction', ""),
    "no direction": (LOSS, ["--yes", "--metric", "quux"], "which way quux improves cannot be told", "--direction min"),
    "a name": (LOSS, ["--yes", "--metric", "a=b"], '--metric: "a=b" is no name: letters, digits', ""),
    "a glob": (
        LOSS,
        ["--yes", "--editable", "trian.py"],
        '--editable: "trian.py" is no file that git tracks; did you mean "train.py"?',
        "",
    ),
    "a folder": (LOSS, ["gpt"], "gpt: a folder is only named with --from", "ar init --from gpt "),
    "an answer to no question": (LOSS, ["--check", "--metric", "x"], "--metric has no meaning with --check", ""),
    "a check of nothing": (LOSS, ["--check"], "there is no autoresearch.toml in ", "ar init"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_one_clear_error_and_nothing_is_written(ar: Cli, tmp_path: Path, case: str) -> None:
    files, options, error, hint = REFUSED[case]
    repository = make_repository(tmp_path / "repo", files)
    done = ar(repository, "init", *options)
    assert done.code == 2
    assert error in done.error
    assert hint in done.hints
    assert git(repository, "status", "--porcelain", "--ignored") == ""
    assert git(repository, "for-each-ref", "--format=%(refname)") == "refs/heads/main"


def test_a_file_that_git_does_not_know_yet_is_named_so(ar: Cli, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repo", LOSS)
    write(repository, {"new.py": "X = 1\n"})
    done = ar(repository, "init", "--yes", "--editable", "new.py")
    assert (done.code, done.error) == (
        2,
        '--editable: "new.py" is there, but git does not track it: git add, git commit',
    )
    assert git(repository, "status", "--porcelain") == "?? new.py"


def test_a_file_whose_name_is_a_pattern_is_set_up_and_named(ar: Cli, tmp_path: Path) -> None:
    files = {"[id].js": "console.log('loss: 1')\n", "run.sh": "echo loss: 1\n", "a\nb.js": ""}
    repository = make_repository(tmp_path / "repo", files)
    config = written(ar, repository, "--command", "sh run.sh", "--metric", "loss")
    assert config.editable == ("[[]id].js",)
    assert "editable: [id].js\n" in ar(repository, "run", "--proposer", "tuner", "--dry-run").out
    for name, said in (
        ("[id].js", '--editable: "[id].js" is read as a pattern: the file of that name is written "[[]id].js"'),
        ("a\nb.js", "--editable: 'a\\nb.js' holds control characters"),
    ):
        assert ar(repository, "init", "--yes", "--force", "--editable", name).error == said


def test_what_is_written_is_what_ar_run_accepts_whatever_command_was_given(ar: Cli, tmp_path: Path) -> None:
    seeded = "import os, random\nrandom.seed(os.environ['AR_SEED'])\nprint('loss:', random.random())\n"
    bad = "RATE = 0.1\nprint('score:', RATE)\n"
    repository = make_repository(tmp_path / "repo", {"fit.py": seeded, "bad.py": bad, "lib/x.py": ""})
    given = ("--command", "python bad.py", "--metric", "score", "--direction", "max")
    for options in (("--editable", "bad.py"), ("--force",)):
        config = written(ar, repository, *given, *options)
        assert (config.editable, config.metric.seed) == (("bad.py",), "not random")
        shown = ar(repository, "run", "--proposer", "tuner", "--dry-run")
        assert shown.code == 0, shown.err
    config = written(ar, repository / "lib", *given, "--command", "python ../bad.py", "--editable", "../bad.py")
    assert config.editable == ("../bad.py",)


def test_a_program_md_that_was_deleted_is_written_anew(ar: Cli, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repo", {**LOSS, "program.md": "mine\n"})
    (repository / "program.md").unlink()
    done = ar(repository, "init", "--yes")
    assert "program.md is there" not in done.out
    assert "wrote autoresearch.toml and program.md" in done.out
    assert "`loss`" in (repository / "program.md").read_text()


def test_without_a_repository_a_commit_or_files_it_says_what_to_do(ar: Cli, tmp_path: Path) -> None:
    plain, unborn, bare = (tmp_path / name for name in ("plain", "unborn", "bare.git"))
    write(plain, LOSS)
    write(unborn, LOSS)
    git(unborn, "init", "--quiet")
    git(tmp_path, "init", "--quiet", "--bare", str(bare))
    contents = sorted(bare.iterdir())
    for folder, error, hint in (
        (plain, "is not in a git repository", "git init, and a first commit"),
        (unborn, "this repository has no commit yet", "git add . && git commit"),
        (bare, "this repository is bare", "git worktree add"),
    ):
        done = ar(folder, "init", "--yes")
        assert done.code == 2
        assert error in done.error
        assert hint in done.hints
    assert [path.name for path in plain.iterdir()] == ["train.py"]
    assert sorted(path.name for path in unborn.iterdir()) == [".git", "train.py"]
    assert sorted(bare.iterdir()) == contents


# --- ready tasks


def test_the_ready_tasks_are_listed(ar: Cli, tmp_path: Path) -> None:
    tmp_path.joinpath("plain").mkdir()
    done = ar(tmp_path / "plain", "init", "--list")
    assert done.code == 0
    assert_readable(done)
    assert re.search(r"^gpt +lower the validation bits per byte", done.out, re.MULTILINE)
    assert "ar init --from " in done.out
    assert list((tmp_path / "plain").iterdir()) == []


def test_a_ready_task_is_a_repository_of_its_own_inside_another_with_hooks_and_no_identity(
    ar: Cli, tmp_path: Path
) -> None:
    outer = make_repository(tmp_path / "outer", {"a.txt": "a\n"})
    hook = "#!/bin/sh\necho no >&2\nexit 1\n"
    for name in ("pre-commit", "commit-msg", "post-commit", "reference-transaction", "post-index-change"):
        write(tmp_path, {f"hooks/{name}": hook, f"home/template/hooks/{name}": hook})
        (tmp_path / "hooks" / name).chmod(0o755)
        (tmp_path / "home" / "template" / "hooks" / name).chmod(0o755)
    settings = {
        "core": f"hooksPath = {tmp_path}/hooks",
        "init": f"templateDir = {tmp_path}/home/template",
        "commit": "gpgSign = true",
        "user": "useConfigOnly = true",
        "gpg": "program = /bin/false",
    }
    write(tmp_path, {"home/.gitconfig": "".join(f"[{name}]\n\t{line}\n" for name, line in settings.items())})
    before = state_of(outer)

    done = ar(outer, "init", "--from", "gpt", "my demo")
    demo = outer / "my demo"
    assert done.code == 0, done.err
    assert_readable(done)
    assert "cd 'my demo'\n       ar run --budget 5m\n" in done.out
    assert git(demo, "rev-parse", "--show-toplevel") == str(demo)
    assert git(demo, "log", "--format=%an <%ae> %s") == "ar <ar@localhost> the gpt task of ar"
    assert git(demo, "status", "--porcelain", "--ignored") == ""
    assert {"autoresearch.toml", "program.md", "prepare.py", "train.py"} <= set(git(demo, "ls-files").splitlines())
    assert state_of(outer) == {**before, "status": '?? "my demo/"'}

    shown = ar(demo, "run", "--budget", "1x", "--dry-run")
    assert shown.code == 0, shown.err
    assert "command: python train.py" in shown.out


def test_a_repository_s_root_is_filled_and_nothing_is_committed(ar: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    git(tmp_path, "init", "--quiet", str(folder))
    done = ar(folder, "init", "--from", "gpt", ".")
    assert done.code == 0, done.err
    assert "next:  git add --all && git commit" in done.out
    assert set(git(folder, "status", "--porcelain").splitlines()) >= {"?? autoresearch.toml", "?? train.py"}
    assert git(folder, "for-each-ref") == ""
    assert git(folder, "ls-files") == ""


def test_the_default_folder_is_the_name_and_one_that_holds_something_is_left_alone(ar: Cli, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    done = ar(tmp_path / "work", "init", "--from", "gpt")
    assert "copied the task gpt to gpt, a repository of its own" in done.out
    assert git(tmp_path / "work" / "gpt", "log", "--format=%s") == "the gpt task of ar"
    before = state_of(tmp_path / "work" / "gpt")
    again = ar(tmp_path / "work", "init", "--from", "gpt")
    assert (again.code, again.error) == (2, "gpt is not empty; nothing was written")
    assert state_of(tmp_path / "work" / "gpt") == before

    unknown = ar(tmp_path / "work", "init", "--from", "gtp", "new")
    assert (unknown.code, unknown.error) == (2, 'there is no task "gtp"; did you mean "gpt"?')
    assert "ar init --list" in unknown.hints
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["gpt"]


def test_the_help_shows_every_option_and_an_example(ar: Cli, tmp_path: Path) -> None:
    tmp_path.joinpath("plain").mkdir()
    done = ar(tmp_path / "plain", "init", "--help")
    assert done.code == 0
    assert_readable(done)
    for option in (
        "--yes",
        "--command",
        "--metric",
        "--direction",
        "--editable",
        "--force",
        "--from",
        "--list",
        "--check",
    ):
        assert option in done.out
    assert shlex.join(["ar", "init", "--from", "gpt", "demo"]) in done.out


def test_where_edited_code_could_forge_the_number_that_is_said_and_nothing_is_set(ar: Cli, tmp_path: Path) -> None:
    files = {"evaluate.py": "from solve import X\nprint(f'score: {X}')\n", "solve.py": "X = 1.0\n"}
    root = make_repository(tmp_path / "repo", files)
    done = ar(root, "init", "--yes")
    assert done.code == 0, done.err
    assert_readable(done)
    assert "  note      edited code could forge the number: see `evaluate` in the file\n" in done.out
    assert "# evaluate.py imports solve.py, which may be edited" in (root / "autoresearch.toml").read_text()
    assert load(root / "autoresearch.toml").experiment.evaluate == ""


def test_where_it_could_not_nothing_is_said_about_it(ar: Cli, tmp_path: Path) -> None:
    root = make_repository(
        tmp_path / "repo", {"Makefile": "bench:\n\t./bench\n", "bench.c": 'printf("score: %f", x);\n'}
    )
    done = ar(root, "init", "--yes", "--direction", "max", "--editable", "bench.c")
    assert done.code == 0, done.err
    assert "forge" not in done.out + (root / "autoresearch.toml").read_text()
