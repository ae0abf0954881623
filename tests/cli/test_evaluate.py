"""A command that only makes something, and another that measures it where no edited code is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli import PYTHON, Cli, Done, patches, toy
from tests.support.repositories import git, write

pytestmark = pytest.mark.thorough

MAKE = """\
import os
from pathlib import Path

X = 3.0
out = Path("out")
out.mkdir(exist_ok=True)
made = out / "made.txt"
made.write_text(str(X))
"""
RULES = "def score(x):\n    return (x - float(open('answer.txt').read())) ** 2\n"
EVALUATE = "from rules import score\nprint('score:', score(float(open('out/made.txt').read())))\n"
TWO = f'canary = false\nartifacts = ["out/made.txt"]\nevaluate = "{PYTHON} evaluate.py"\n'
FILES = {"make.py": MAKE, "rules.py": RULES, "evaluate.py": EVALUATE, "answer.txt": "1.0\n", "out/.keep": ""}


def make(x: float = 3.0, more: str = "") -> str:
    return MAKE.replace("X = 3.0", f"X = {x}") + more


@pytest.fixture
def ar(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "home")


class Lab:
    """A task in two commands; the score is 4 as it stands, 0 with X = 1."""

    def __init__(
        self, ar: Cli, folder: Path, files: dict[str, str] | None = None, *, experiment: str = TWO, **settings: str
    ) -> None:
        self.ar = ar
        self.folder = folder
        command = settings.pop("command", f"{PYTHON} make.py")
        self.root = toy(
            folder / "repo",
            {**FILES, **(files or {})},
            command=command,
            experiment=experiment,
            editable=("make.py",),
            **settings,
        )
        self.count = 0

    @property
    def tag(self) -> list[str]:
        return [] if "refs/autoresearch" in git(self.root, "for-each-ref") else ["--tag", "t"]

    def run(self, *texts: str, more: tuple[str, ...] = ()) -> Done:
        """A call of `ar run` that replays other texts of make.py."""
        self.count += 1
        folder = patches(self.folder / f"patches-{self.count}", *(("make.py", MAKE, text) for text in texts))
        return self.ar(self.root, "run", "--json", *self.tag, "--replay", str(folder), *more)

    def tried(self, *texts: str, more: tuple[str, ...] = ()) -> list[dict[str, object]]:
        """The experiments after the baseline."""
        done = self.run(*texts, more=more)
        assert done.code == 0, done.err
        return [event for event in done.named("experiment-finished") if event["number"]]

    def shown(self, number: int) -> str:
        return self.ar(self.root, "log", str(number)).out


# --- what it is for


def test_the_number_is_that_of_evaluate_and_a_better_artefact_is_kept(ar: Cli, tmp_path: Path) -> None:
    lab = Lab(ar, tmp_path)
    worse, better = lab.tried(make(4.0), make(2.0))
    assert (better["decision"], better["metric"]) == ("keep", 1.0)
    assert (worse["decision"], worse["metric"]) == ("discard", 9.0)
    assert (lab.root / ".autoresearch/artifacts/t/0002/out/made.txt").read_text() == "2.0"
    assert "evaluate, sample 1" in ar(lab.root, "log", "2", "--output").out


ATTACKS = {
    "patches the evaluator in its own process": "import rules\nrules.score = lambda x: 0.0\n",
    "prints a metric": "print('score: 0')\nprint('METRIC score=0')\n",
    "plants files that Python runs at its start": (
        "for place in ('.', 'out', '..', '../0-evaluate'):\n"
        "    for name in ('sitecustomize.py', 'usercustomize.py', 'conftest.py', 'rules.pyc', 'a.pth', 'json.py'):\n"
        "        try:\n"
        "            Path(place, name).write_text('import rules; rules.score = lambda x: 0.0')\n"
        "        except OSError:\n"
        "            pass\n"
    ),
    "plants a compiled evaluator": (
        "import py_compile\nPath('f.py').write_text('def score(x): return 0.0')\n"
        "for place in ('__pycache__', '../0-evaluate/__pycache__'):\n"
        "    try:\n"
        "        py_compile.compile('f.py', f'{place}/rules.cpython-311.pyc', invalidation_mode="
        "py_compile.PycInvalidationMode.UNCHECKED_HASH)\n"
        "    except OSError:\n"
        "        pass\n"
    ),
    "replaces the evaluator": "Path('evaluate.py').write_text(\"print('score: 0')\")\n",
    "replaces it and puts it back": (
        "text = Path('rules.py').read_text()\nold = os.stat('rules.py')\nPath('rules.py').write_text('x')\n"
        "Path('rules.py').write_text(text)\nos.utime('rules.py', ns=(old.st_atime_ns, old.st_mtime_ns))\n"
    ),
    "replaces the clean checkout's": (
        "try:\n    Path('../0-evaluate/evaluate.py').write_text(\"print('score: 0')\")\nexcept OSError:\n    pass\n"
    ),
    "makes it a link to the answer": "made.unlink()\nmade.symlink_to('../answer.txt')\n",
    "makes it a link to another file": "made.unlink()\nmade.symlink_to('/etc/passwd')\n",
    "makes its folder a link": (
        "import shutil\nshutil.rmtree('out')\nPath('made.txt').write_text('1.0')\nPath('out').symlink_to('.')\n"
    ),
    "makes it a folder": "made.unlink()\nmade.mkdir()\n(made / 'x').write_text('1')\n",
    "makes it a pipe": "made.unlink()\nos.mkfifo(made)\n",
    "makes it a folder with pipes": "made.unlink()\nmade.mkdir()\nos.mkfifo(made / 'pipe')\n",
    "makes it huge": "os.truncate(made, 2**42)\n",
    "makes none": "made.unlink()\n",
    "leaves a process that waits": (
        "if not os.fork():\n    os.setsid()\n    import time\n    while True:\n"
        "        try:\n            Path('../0-evaluate/out/made.txt').write_text('1.0')\n"
        "        except OSError:\n            pass\n        time.sleep(0.001)\n"
    ),
}


@pytest.mark.parametrize("level", ["basic", "guarded"])
def test_nothing_that_edited_code_does_gives_it_a_score_it_has_not(ar: Cli, tmp_path: Path, level: str) -> None:
    lab = Lab(ar, tmp_path)
    tried = lab.tried(*(make(more=text) for text in ATTACKS.values()), make(2.0), more=("--isolation", level))
    assert len(tried) == len(ATTACKS) + 1
    for name, experiment in zip(ATTACKS, tried, strict=False):
        assert experiment["decision"] == "discard", name
        assert experiment["metric"] in (None, 4.0), name
    found = {name: (one["outcome"], one["reason"]) for name, one in zip(ATTACKS, tried, strict=False)}
    assert found["prints a metric"][0] == "measured"
    assert found["plants files that Python runs at its start"][0] == "measured"
    assert found["replaces the evaluator"][0] == "tampered"
    assert "rules.py (rewritten and put back)" in found["replaces it and puts it back"][1]
    assert found["makes it a link to the answer"] == (
        "no metric",
        "the command made no out/made.txt to evaluate (out/made.txt is a link that leads elsewhere)",
    )
    assert found["makes it a pipe"] == (
        "no metric",
        "the command made no out/made.txt to evaluate (out/made.txt is no regular file)",
    )
    assert found["makes it a folder"][0] == "crashed"
    assert str(found["makes it a folder"][1]).startswith("evaluate: exit code 1: IsADirectoryError")
    assert found["makes it huge"][0] == "over limits"
    assert "out/made.txt takes 4.1e+03 GiB" in found["makes it huge"][1]
    assert found["makes none"] == ("no metric", "the command made no out/made.txt to evaluate")
    # And the run goes on, with what is really better.
    assert (tried[-1]["decision"], tried[-1]["metric"]) == ("keep", 1.0)


def test_a_folder_of_artefacts_cannot_replace_a_protected_file_in_it(ar: Cli, tmp_path: Path) -> None:
    config = TWO.replace("out/made.txt", "out")
    files = {"rules.py": RULES.replace("answer.txt", "out/answer.txt"), "out/answer.txt": "1.0\n"}
    lab = Lab(ar, tmp_path, files, experiment=config)
    forged, better = lab.tried(make(more="(out / 'answer.txt').write_text('3.0')\n"), make(2.0))
    assert forged["outcome"] == "tampered"
    assert "out/answer.txt" in str(forged["reason"])
    assert (better["decision"], better["metric"]) == ("keep", 1.0)


def test_a_tracked_file_that_is_named_itself_may_be_made(ar: Cli, tmp_path: Path) -> None:
    lab = Lab(ar, tmp_path, {"out/made.txt": "1.0\n"})
    better, none = lab.tried(make(2.0), make(more="made.unlink()\n"))
    assert better["metric"] == 1.0
    # That of the base does not take its place.
    assert none["outcome"] == "no metric"


def test_the_edited_files_themselves_can_be_the_artefacts(ar: Cli, tmp_path: Path) -> None:
    evaluate = "from pathlib import Path\nprint('score:', Path('make.py').read_text().split('X = ')[1].split()[0])\n"
    config = TWO.replace("out/made.txt", "make.py")
    lab = Lab(ar, tmp_path, {"evaluate.py": evaluate}, experiment=config)
    [better] = lab.tried(make(2.0))
    assert (better["decision"], better["metric"]) == ("keep", 2.0)


def test_artefacts_never_go_through_a_link_into_the_persons_data(ar: Cli, tmp_path: Path) -> None:
    config = TWO.replace('"out/made.txt"', '"out/made.txt", "*/**/*.txt"')
    lab = Lab(ar, tmp_path, {".gitignore": "/data/\n"}, experiment=f'{config}data = ["data"]\n')
    write(lab.root, {"data/train/answer.txt": "mine"})
    attack = "os.unlink('data')\nos.makedirs('data/train')\nPath('data/train/answer.txt').write_text('forged')\n"
    write(lab.root, {"make.py": make(more="Path('data/train').is_dir() or exit(9)\n")})
    git(lab.root, "commit", "--quiet", "--all", "--message=data is needed")
    base = make(more="Path('data/train').is_dir() or exit(9)\n")
    folder = patches(tmp_path / "p", ("make.py", base, base + attack))
    done = ar(lab.root, "run", "--json", "--replay", str(folder), "--isolation", "basic")
    assert done.code == 0, done.err
    assert (lab.root / "data/train/answer.txt").read_text() == "mine"


# --- with everything else


def test_a_metrics_file_counts_when_evaluate_writes_it(ar: Cli, tmp_path: Path) -> None:
    evaluate = (
        "import json, os\nfrom rules import score\nx = float(open('out/made.txt').read())\n"
        "if x > 2.5: json.dump({'score': score(x)}, open('out/m.json', 'w'))\n"
    )
    config = TWO.replace("out/made.txt", "out")
    lab = Lab(ar, tmp_path, {"evaluate.py": evaluate}, experiment=config, rest="metrics_file = 'out/m.json'")
    forged = "(out / 'm.json').write_text('{\"score\": 0}')\n"
    unwritten, real = lab.tried(make(2.0, forged), make(2.75, forged))
    assert real["metric"] == 3.0625
    assert unwritten["outcome"] == "no metric"


def test_the_time_that_counts_is_that_of_the_command(ar: Cli, tmp_path: Path) -> None:
    evaluate = "import time\ntime.sleep(1.5)\nprint('size: 3')\n"
    lab = Lab(ar, tmp_path, {"evaluate.py": evaluate})
    config = (lab.root / "autoresearch.toml").read_text().replace("'score'", "'ar.seconds'")
    write(lab.root, {"autoresearch.toml": config + "[decision]\nbaseline_samples = 1\nfinal_check = false\n"})
    done = lab.run("broken")
    assert done.code == 0, done.err
    baseline = done.named("experiment-finished")[0]
    assert baseline["metric"] < 1.0 < 1.5 < baseline["seconds"]


def test_numbers_of_the_command_can_be_constraints_and_money_but_never_the_metric(ar: Cli, tmp_path: Path) -> None:
    printing = "import sys\nprint('vram: 5')\nprint('usd: 0.5')\nprint('size: 1')\n"
    rest = "[constraints]\nvram = '<= 7'\nsize = '<= 7'\n[decision]\nfinal_check = false"
    files = {"make.py": MAKE + printing, "evaluate.py": EVALUATE + "print('size: 6')\n"}
    lab = Lab(ar, tmp_path, files, experiment=TWO + "cost = 'usd'\n", rest=rest)
    before = MAKE + printing
    folder = patches(tmp_path / "p", ("make.py", before, before.replace("X = 3.0", "X = 2.0").replace("m: 5", "m: 8")))
    done = ar(lab.root, "run", "--json", "--replay", str(folder))
    assert done.code == 0, done.err
    baseline, larger = done.named("experiment-finished")
    assert larger["reason"] == "breaks the constraint vram <= 7: it is 8"
    assert baseline["cost_usd"] == 0.5 * len(baseline["samples"])


def test_what_evaluate_says_reaches_the_proposer(ar: Cli, tmp_path: Path) -> None:
    lab = Lab(ar, tmp_path, {"evaluate.py": EVALUATE + "print('FEEDBACK it was too large')\n"})
    lab.tried(make(2.0))
    assert (lab.root / ".autoresearch/runs/t/0001/feedback.md").read_text().strip() == "it was too large"


def test_checks_setup_holdout_and_data_work_with_it(ar: Cli, tmp_path: Path) -> None:
    config = (
        TWO.replace('["out/made.txt"]', "['out']")
        + "data = ['data']\nsetup = 'echo 1 > prepared'\nchecks = ['test -e prepared && test ! -e evaluated']\n"
    )
    evaluate = (
        "import os\nassert not os.path.exists('prepared')\nassert open('data/x').read() == '0'\n"
        f"open('evaluated', 'w')\n{EVALUATE}"
    )
    hidden = "import os\nassert not os.path.exists('prepared')\nassert 'X = 3.0' in open('make.py').read()\n"
    hidden += "assert not os.path.islink('out/made.txt')\nprint('hidden:', float(open('out/made.txt').read()))\n"
    rest = f"[holdout]\ncommand = '{PYTHON} hidden.py'\nmetric = 'hidden'\ndirection = 'max'"
    files = {"evaluate.py": evaluate, "hidden.py": hidden, ".gitignore": "/data/\n"}
    files["make.py"] = MAKE + "assert open('data/x').read() == '0'\n"
    lab = Lab(ar, tmp_path, files, experiment=config, rest=rest)
    write(lab.root, {"data/x": "0"})
    before = files["make.py"]
    folder = patches(
        tmp_path / "p",
        ("make.py", before, before.replace("3.0", "2.0")),
        ("make.py", before, before.replace("3.0", "4.0") + "open('out/made.txt', 'w').write('-0.5')\n"),
    )
    done = ar(lab.root, "run", "--json", "--tag", "t", "--replay", str(folder))
    assert done.code == 0, done.err
    _, worse, again = done.named("experiment-finished")
    assert "holdout" in worse["reason"]
    assert worse["decision"] == "discard"
    assert again["decision"] == "discard"


def test_repeats_and_the_fresh_sample_are_evaluated_too(ar: Cli, tmp_path: Path) -> None:
    noisy = "import random, os\nrandom.seed(int(os.environ['AR_SEED']))\nprint(end='')\n"
    evaluate = f"{noisy}{EVALUATE.replace('))))', '))) + random.gauss(100, 0.1))')}"
    assert "gauss" in evaluate
    lab = Lab(ar, tmp_path, {"evaluate.py": evaluate})
    config = (lab.root / "autoresearch.toml").read_text().replace("seed = 'not random'\n", "")
    write(lab.root, {"autoresearch.toml": config.replace('S make.py"', 'S make.py --seed {seed}"')})
    done = lab.run(make(2.0), more=("--budget", "1x"))
    assert done.code == 0, done.err
    kept = done.named("experiment-finished")[1]
    assert kept["decision"] == "keep"
    assert len(kept["samples"]) > 1
    assert len(set(kept["samples"])) > 1


def test_a_suspicious_gain_is_made_and_evaluated_in_fresh_worktrees(ar: Cli, tmp_path: Path) -> None:
    lab = Lab(ar, tmp_path)
    [perfect] = lab.tried(make(1.0))
    assert (perfect["decision"], perfect["metric"]) == ("keep", 0.0)
    assert "suspicious" in lab.shown(1)
    assert "in a fresh worktree" in ar(lab.root, "log", "1", "--output").out


def test_in_a_subdirectory_paths_are_relative_to_it_and_may_leave_it(ar: Cli, tmp_path: Path) -> None:
    inside = {f"sub/{name}": text for name, text in FILES.items()}
    inside["sub/make.py"] = MAKE.replace('Path("out")', 'Path("../out")')
    inside["sub/evaluate.py"] = EVALUATE.replace("out/made", "../out/made")
    config = toy(tmp_path / "other", command=f"{PYTHON} make.py", experiment=TWO.replace("out/", "../out/"))
    text = (config / "autoresearch.toml").read_text().replace("solve.py", "make.py")
    root = toy(tmp_path / "repo", {**inside, "sub/autoresearch.toml": text, "sub/program.md": "Try.\n"})
    before = inside["sub/make.py"]
    folder = patches(tmp_path / "p", ("sub/make.py", before, before.replace("3.0", "2.0")))
    done = ar(root / "sub", "run", "--json", "--tag", "t", "--replay", str(folder))
    assert done.code == 0, done.err
    assert [one["metric"] for one in done.named("experiment-finished")] == [4.0, 1.0]
    assert (root / ".autoresearch/artifacts/t/0001/out/made.txt").read_text() == "2.0"


def test_a_kept_experiment_can_be_taken_back(ar: Cli, tmp_path: Path) -> None:
    lab = Lab(ar, tmp_path)
    lab.tried(make(2.0))
    done = ar(lab.root, "revert", "last")
    assert done.code == 0, done.err
    assert ar(lab.root, "log", "2", "--json").events[0]["metric"] == 4.0


def test_the_check_of_init_and_the_run_after_it_use_it(ar: Cli, tmp_path: Path) -> None:
    lab = Lab(ar, tmp_path)
    done = ar(lab.root, "init", "--check")
    assert done.code == 0, done.err
    assert "sample 1 of 3: score 4" in done.out
    run = lab.run(make(2.0))
    assert run.code == 0, run.err
    assert [one["number"] for one in run.named("experiment-finished")] == [1]


def test_a_baseline_that_makes_nothing_fails_with_the_name_of_what_is_missing(ar: Cli, tmp_path: Path) -> None:
    lab = Lab(ar, tmp_path, experiment=TWO.replace("out/made.txt", "out/model.bin"))
    done = lab.run(make(2.0))
    assert done.code == 1
    assert "the command made no out/model.bin to evaluate" in done.error


def test_an_evaluation_that_fails_is_told_from_a_command_that_fails(ar: Cli, tmp_path: Path) -> None:
    lab = Lab(ar, tmp_path)
    fails, cannot_be_read = lab.tried(make(more="raise ValueError('boom')\n"), make(more="made.write_text('x')\n"))
    assert fails["reason"] == "exit code 1: ValueError: boom"
    assert cannot_be_read["reason"] == "evaluate: exit code 1: ValueError: could not convert string to float: 'x'"


def test_both_commands_share_the_limit_of_a_sample(ar: Cli, tmp_path: Path) -> None:
    evaluate = f"import time\nif open('out/made.txt').read() == '2.0': time.sleep(600)\n{EVALUATE}"
    lab = Lab(ar, tmp_path, {"evaluate.py": evaluate}, experiment=f"{TWO}timeout = '2s'\n")
    [hangs] = lab.tried(make(2.0))
    assert (hangs["outcome"], hangs["reason"]) == ("timed out", "evaluate: timed out after 2 s")
    assert float(str(hangs["seconds"])) < 8


# --- the canary


def test_the_canary_finds_a_command_that_does_not_use_the_editable_files(ar: Cli, tmp_path: Path) -> None:
    experiment = TWO.replace("canary = false\n", "")
    lab = Lab(ar, tmp_path, {"other.py": MAKE}, experiment=experiment, command=f"{PYTHON} other.py")
    done = lab.run(make(2.0))
    assert done.code == 2
    assert "does not use the editable files" in done.error


def test_the_canary_is_content_where_only_evaluate_notices(ar: Cli, tmp_path: Path) -> None:
    """The edited source itself is what is made."""
    files = {"evaluate.py": "exec(open('out/made.py').read())\nprint('score:', X)\n"}
    experiment = TWO.replace("canary = false\n", "").replace("made.txt", "made.py")
    lab = Lab(ar, tmp_path, files, experiment=experiment, command="cp make.py out/made.py")
    done = lab.run(make(2.0))
    assert done.code == 0, done.err
    assert "not proved" not in done.out + done.err


# --- its configuration


def test_evaluate_without_artefacts_is_an_error_of_the_configuration(ar: Cli, tmp_path: Path) -> None:
    lab = Lab(ar, tmp_path, experiment=f'canary = false\nevaluate = "{PYTHON} evaluate.py"\n')
    done = lab.run(make(2.0))
    assert done.code == 2
    assert "`[experiment] evaluate` has nothing to measure" in done.error


def test_an_artefact_that_is_the_evaluator_is_an_error_of_the_configuration(ar: Cli, tmp_path: Path) -> None:
    lab = Lab(ar, tmp_path, experiment=TWO.replace("out/made.txt", "evaluate.py"))
    done = lab.run(make(2.0))
    assert done.code == 2
    assert '"evaluate.py" is what `evaluate` runs' in done.error


def test_another_evaluate_starts_a_new_run_and_says_so(ar: Cli, tmp_path: Path) -> None:
    lab = Lab(ar, tmp_path)
    lab.tried(make(2.0))
    config = (lab.root / "autoresearch.toml").read_text()
    write(lab.root, {"autoresearch.toml": config.replace("evaluate.py", "-B evaluate.py")})
    done = ar(lab.root, "run", "--proposer", "tuner", "--budget", "1x")
    assert done.code == 0, done.err
    assert "evaluate changed since t" in done.out
