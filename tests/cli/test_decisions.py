"""What a change must hold to be kept, from the outside: real commands, real git, the words that people read."""

from __future__ import annotations

import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import PYTHON, Cli, Done, patches, toy
from tests.support.repositories import git, write

SOLVE = "X = 10.0\nSIZE = 5\n"
PRINT = "from solve import X, SIZE\nprint(f'score: {X}')\nprint(f'size: {SIZE}')\n"
NOISY = "import os, random\nfrom solve import X\nr = random.Random(int(os.environ['AR_SEED']))\n"
NOISY += "print('score:', X * r.gauss(1, 0.01))\n"


@pytest.fixture
def ar(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "home")


class Lab:
    """A task of one file, solve.py, and calls of `ar run` that replay other texts of it."""

    def __init__(self, ar: Cli, folder: Path, evaluate: str = PRINT, **settings: str) -> None:
        self.ar = ar
        self.folder = folder
        self.root = toy(folder / "repo", {"solve.py": SOLVE, "evaluate.py": evaluate}, **settings)
        self.count = 0

    def run(self, *texts: str, more: tuple[str, ...] = (), chained: bool = False) -> Done:
        """`chained`: each text is a change of the one before it, which must have been kept."""
        self.count += 1
        before = (SOLVE, *texts) if chained else [SOLVE] * len(texts)
        changes = (("solve.py", old, new) for old, new in zip(before, texts, strict=False))
        folder = patches(self.folder / f"patches-{self.count}", *changes)
        return self.ar(self.root, "run", "--json", "--replay", str(folder), *more)

    def finished(self, *texts: str, chained: bool = False) -> list[dict[str, object]]:
        """The experiments after the baseline."""
        done = self.run(*texts, chained=chained)
        assert done.code == 0, done.err
        return [event for event in done.named("experiment-finished") if event["number"]]


def solve(x: float, size: int = 5, more: str = "") -> str:
    return f"X = {x}\nSIZE = {size}\n{more}"


# --- constraints


def test_a_change_that_breaks_a_constraint_is_discarded_and_the_reason_names_number_and_limit(
    ar: Cli, tmp_path: Path
) -> None:
    lab = Lab(ar, tmp_path, rest="[constraints]\nsize = '<= 6'")
    larger, allowed = lab.finished(solve(9.0, 7), solve(8.0, 6))
    assert (larger["outcome"], larger["decision"]) == ("measured", "discard")
    assert larger["reason"] == "breaks the constraint size <= 6: it is 7"
    assert "vetoed" in larger["flags"]
    assert allowed["decision"] == "keep"


def test_a_relative_constraint_is_one_of_the_baselines_number(ar: Cli, tmp_path: Path) -> None:
    lab = Lab(ar, tmp_path, rest="[constraints]\nsize = '<= 1.1x'\n'ar.peak_rss_mb' = '<= 50x'")
    larger, allowed = lab.finished(solve(9.0, 6), solve(8.0, 5))
    assert larger["reason"] == "breaks the constraint size <= 1.1x: it is 6, 5.5 here"
    assert allowed["decision"] == "keep"


def test_a_constraint_on_a_number_that_is_not_printed_ends_the_run_before_anything_is_tried(
    ar: Cli, tmp_path: Path
) -> None:
    lab = Lab(ar, tmp_path, rest="[constraints]\nsiez = '<= 6'")
    done = lab.run(solve(9.0))
    assert done.code == 1
    assert "the constraint siez <= 6: that number was not printed; numbers that are printed: siez" not in done.error
    assert "siez <= 6: that number was not printed; numbers that are printed: size" in done.error


def test_a_change_that_no_longer_prints_a_constrained_number_is_not_kept(ar: Cli, tmp_path: Path) -> None:
    evaluate = "import solve\nprint('score:', solve.X)\nif hasattr(solve, 'SIZE'): print('size:', solve.SIZE)\n"
    lab = Lab(ar, tmp_path, evaluate, rest="[constraints]\nsize = '<= 6'")
    [silent] = lab.finished("X = 1.5\n")
    assert (silent["decision"], silent["reason"]) == (
        "discard",
        "breaks the constraint size <= 6: that number was not printed",
    )


# --- checks


def test_checks_run_only_on_what_would_be_kept_and_one_that_fails_is_a_veto(ar: Cli, tmp_path: Path) -> None:
    log = tmp_path / "checked"
    check = f"echo ran >> {log}; grep -q 'SIZE = 5' solve.py"
    lab = Lab(ar, tmp_path, experiment=f'isolation = "basic"\ncanary = false\nchecks = ["{check}"]')
    worse, broken, good = lab.finished(solve(11.0), solve(9.0, 6), solve(8.0))
    assert (worse["outcome"], worse["decision"]) == ("measured", "discard")
    assert (broken["outcome"], broken["decision"]) == ("checks failed", "discard")
    assert str(broken["reason"]).startswith(f"check `{check}`: exit code 1")
    assert good["decision"] == "keep"
    assert log.read_text().split() == ["ran"] * 3


def test_checks_that_fail_on_the_code_as_it_is_end_the_run(ar: Cli, tmp_path: Path) -> None:
    lab = Lab(ar, tmp_path, experiment='canary = false\nchecks = ["true", "echo boom; false"]')
    done = lab.run(solve(9.0))
    assert done.code == 1
    assert "the baseline failed: check `echo boom; false`: exit code 1: boom" in done.error
    assert [event["outcome"] for event in done.named("experiment-finished")] == ["checks failed"]


def test_a_check_that_hangs_ends_at_its_limit_and_has_failed(ar: Cli, tmp_path: Path) -> None:
    check = "grep -q 'SIZE = 5' solve.py || sleep 600"
    lab = Lab(ar, tmp_path, experiment=f'canary = false\ntimeout = "2s"\nchecks = ["{check}"]')
    hangs, good = lab.finished(solve(9.0, 6), solve(8.0))
    assert (hangs["outcome"], hangs["reason"]) == ("checks failed", f"check `{check}`: timed out after 2 s")
    assert good["decision"] == "keep"


# --- holdout

HIDDEN = "from solve import X, SIZE\nprint('score:', 417.25 + X + 100 * (SIZE - 5))\n"


def stored(root: Path) -> Iterator[bytes]:
    """Everything that lies in the repository's folder: files, and every object of git."""
    for path in root.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            yield data
            if path.parent.parent.name == "objects":
                yield zlib.decompress(data)


def test_what_gets_worse_in_the_holdout_is_not_kept_and_its_number_is_nowhere_to_be_read(
    ar: Cli, tmp_path: Path
) -> None:
    lab = Lab(ar, tmp_path, rest=f"[holdout]\ncommand = '{PYTHON} hidden.py'")
    write(lab.root, {"hidden.py": HIDDEN})
    git(lab.root, "add", ".")
    git(lab.root, "commit", "-qm", "hidden")
    done = lab.run(solve(9.0, 6), solve(8.0))
    cheats, good = (event for event in done.named("experiment-finished") if event["number"])
    assert (cheats["outcome"], cheats["decision"]) == ("measured", "discard")
    assert cheats["reason"] == "better in the metric, but the holdout is worse by more than its noise"
    assert good["decision"] == "keep"
    numbers = (b"427.25", b"526.25", b"425.25")
    assert not [number for number in numbers if number in done.out.encode()]
    assert not [number for number in numbers for data in stored(lab.root) if number in data]
    shown = ar(lab.root, "log", "2").out
    assert "425.25" in shown
    assert "427.25" in ar(lab.root, "log", "baseline").out
    without_key = Cli(tmp_path / "another home")(lab.root, "log", "2")
    assert (without_key.code, "425.25" in without_key.out) == (0, False)


def test_the_holdout_finds_the_artefacts_of_the_sample_and_nothing_else_that_it_made(ar: Cli, tmp_path: Path) -> None:
    evaluate = PRINT + "open('model.txt', 'w').write(str(X)); open('rubbish.txt', 'w').write('x')\n"
    hidden = "import os\nassert not os.path.exists('rubbish.txt')\nprint('acc:', open('model.txt').read())\n"
    rest = f"[holdout]\ncommand = '{PYTHON} hidden.py'\nmetric = 'acc'\ndirection = 'min'"
    lab = Lab(ar, tmp_path, evaluate, experiment="canary = false\nartifacts = ['model.txt']", rest=rest)
    write(lab.root, {"hidden.py": hidden})
    git(lab.root, "add", ".")
    git(lab.root, "commit", "-qm", "hidden")
    [good] = lab.finished(solve(8.0))
    assert good["decision"] == "keep", good


def test_a_holdout_that_fails_ends_the_run_on_the_baseline_and_is_a_veto_later(ar: Cli, tmp_path: Path) -> None:
    rest = f"[holdout]\ncommand = '{PYTHON} hidden.py'"
    lab = Lab(ar, tmp_path, rest=rest)
    done = lab.run(solve(8.0))
    assert done.code == 1
    assert "the holdout failed: exit code 2" in done.error
    write(lab.root, {"hidden.py": "from solve import *\nassert SIZE == 5, 'secret 77.5'\nprint('score:', X)\n"})
    git(lab.root, "add", ".")
    git(lab.root, "commit", "-qm", "hidden")
    [broken] = lab.finished(solve(9.0, 6))
    assert (broken["outcome"], broken["reason"]) == ("checks failed", "the holdout failed: exit code 1")


# --- what is too good, what is simpler


def test_a_gain_that_is_too_good_is_sampled_again_in_a_fresh_worktree_with_empty_caches(
    ar: Cli, tmp_path: Path
) -> None:
    cheat = "import os\nX = 0.0 if os.path.exists('build/warm') else 7.0\nSIZE = 5\n"
    evaluate = PRINT + "import os\nopen('build/warm', 'w').close()\n"
    lab = Lab(ar, tmp_path, evaluate, experiment="canary = false\ncache = ['build']")
    cheating, honest = lab.finished(cheat, solve(8.0))
    assert (cheating["samples"], cheating["decision"]) == ([0.0, 7.0], "discard"), cheating
    assert honest["decision"] == "keep"
    assert (lab.root / ".autoresearch/cache/0/build/warm").exists()


def test_an_exact_zero_is_believed_after_a_fresh_sample_and_flagged(ar: Cli, tmp_path: Path) -> None:
    lab = Lab(ar, tmp_path)
    [perfect] = lab.finished("X = 0.0\nSIZE = 5\n")
    assert (perfect["decision"], perfect["samples"]) == ("keep", [0.0, 0.0])
    assert "suspicious at first (exactly 0, which the baseline was not)" in str(perfect["reason"])
    assert "Flags: suspicious" in git(lab.root, "log", "-1", "--format=%B", "autoresearch/" + tag(lab.root))
    assert "in a fresh worktree" in ar(lab.root, "log", "1", "--output").out


def test_a_gain_five_times_the_largest_so_far_is_suspicious_from_the_third_keep_on(ar: Cli, tmp_path: Path) -> None:
    lab = Lab(ar, tmp_path)
    kept = lab.finished(solve(9.5), solve(9.0), solve(3.0), solve(2.5), chained=True)
    assert [len(one["samples"]) for one in kept] == [1, 1, 2, 1]  # type: ignore[arg-type]
    assert "the gain is 12 times the largest one kept so far" in str(kept[2]["reason"])


def test_a_change_that_removes_code_may_lose_a_little_and_all_of_them_together_no_more(ar: Cli, tmp_path: Path) -> None:
    long = SOLVE + "A = 1\nB = 2\nC = 3\n"
    lab = Lab(ar, tmp_path, rest="[simplify]\nmax_loss = '1%'")
    write(lab.root, {"solve.py": long})
    git(lab.root, "commit", "-qam", "longer")
    folder = patches(
        tmp_path / "simpler",
        ("solve.py", long, "X = 10.06\nSIZE = 5\nA = 1\nB = 2\n"),
        ("solve.py", "X = 10.06\nSIZE = 5\nA = 1\nB = 2\n", "X = 10.12\nSIZE = 5\nA = 1\n"),
        ("solve.py", "X = 10.06\nSIZE = 5\nA = 1\nB = 2\n", "X = 10.07\nSIZE = 5\nA = 1\nB = 2\nD = 1\n"),
    )
    done = ar(lab.root, "run", "--json", "--replay", str(folder))
    simpler, too_much, longer = (event for event in done.named("experiment-finished") if event["number"])
    assert simpler["decision"] == "keep"
    assert str(simpler["reason"]).startswith("simpler, and loses no more than 0.1: 10.06 against 10")
    assert (too_much["decision"], longer["decision"]) == ("discard", "discard")


# --- money


def test_money_that_the_command_spends_counts_against_the_budget_for_every_sample(ar: Cli, tmp_path: Path) -> None:
    evaluate = PRINT + "print('cost_usd: 0.30')\n"
    rest = "[decision]\nbaseline_samples = 1\n"
    lab = Lab(ar, tmp_path, evaluate, experiment="canary = false\ncost = 'cost_usd'", rest=rest)
    done = lab.run(*(solve(11.0 + number) for number in range(8)), more=("--budget", "1usd"))
    assert done.named("run-finished")[0]["why"] == "the money budget of 1 usd is used up"
    assert [event["cost_usd"] for event in done.named("experiment-finished")] == [0.3, 0.3, 0.3, 0.3]
    assert "1.20 usd" in ar(lab.root, "status").out


def test_a_price_that_is_not_printed_is_an_error_at_the_baseline(ar: Cli, tmp_path: Path) -> None:
    lab = Lab(ar, tmp_path, experiment="canary = false\ncost = 'dollars'")
    done = lab.run(solve(9.0))
    assert done.code == 1
    assert 'cost = "dollars": that number was not printed; numbers that were: size' in done.error


def test_the_time_of_the_machine_costs_money(ar: Cli, tmp_path: Path) -> None:
    lab = Lab(ar, tmp_path, experiment='canary = false\nprice = "3600000usd/h"')
    done = lab.run(solve(9.0), solve(8.0), more=("--budget", "1usd"))
    assert done.named("run-finished")[0]["why"] == "the money budget of 1 usd is used up"


# --- samples


def test_no_number_in_the_middle_of_the_repeats_is_the_end_of_the_experiment(ar: Cli, tmp_path: Path) -> None:
    evaluate = NOISY.replace("print(", "bad = X < 9 and os.environ['AR_SAMPLE'] == '2'\nprint(", 1).replace(
        "X * r.gauss(1, 0.01)", "'nan' if bad else X * r.gauss(1, 0.01)"
    )
    lab = Lab(ar, tmp_path, evaluate)
    [lost] = lab.finished(solve(5.0))
    assert (lost["outcome"], lost["decision"], len(lost["samples"])) == ("no metric", "discard", 2)  # type: ignore[arg-type]
    assert 'was given as "nan": no finite number' in str(lost["reason"])


def test_a_candidate_that_crashes_on_its_second_sample_is_discarded_as_crashed(ar: Cli, tmp_path: Path) -> None:
    evaluate = NOISY + "assert X > 9 or os.environ['AR_SAMPLE'] == '1'\n"
    lab = Lab(ar, tmp_path, evaluate)
    [crashed] = lab.finished(solve(5.0))
    assert (crashed["outcome"], crashed["decision"]) == ("crashed", "discard")
    assert crashed["samples"][1] is None  # type: ignore[index]


def test_with_seeds_that_vary_a_large_gain_is_proved_with_two_samples(ar: Cli, tmp_path: Path) -> None:
    lab = Lab(ar, tmp_path, NOISY)
    worse, better = lab.finished(solve(11.0), solve(5.0))
    assert (worse["decision"], len(worse["samples"])) == ("discard", 1)  # type: ignore[arg-type]
    assert (better["decision"], len(better["samples"])) == ("keep", 2)  # type: ignore[arg-type]
    assert str(better["reason"]).startswith("proved better: ")


@pytest.mark.parametrize("evaluate", [NOISY.replace("int(os.environ['AR_SEED'])", "7"), PRINT])
def test_with_a_fixed_seed_nothing_is_called_proved(ar: Cli, tmp_path: Path, evaluate: str) -> None:
    lab = Lab(ar, tmp_path, evaluate)
    text = (lab.root / "autoresearch.toml").read_text().replace("'not random'", "'none'")
    write(lab.root, {"autoresearch.toml": text})
    [better] = lab.finished(solve(5.0))
    assert better["decision"] == "keep"
    assert str(better["reason"]).endswith("one seed: luck of the seed not ruled out")
    assert "proved" not in str(better["reason"])
    assert "proved" not in ar(lab.root, "log", "1").out.replace("unproved", "")


def test_a_seed_that_is_not_declared_is_an_error_that_changes_nothing(ar: Cli, tmp_path: Path) -> None:
    lab = Lab(ar, tmp_path)
    text = (lab.root / "autoresearch.toml").read_text().replace("seed = 'not random'\n", "")
    write(lab.root, {"autoresearch.toml": text})
    before = git(lab.root, "for-each-ref")
    done = ar(lab.root, "run")
    assert done.code == 2
    assert 'seed = "not random"' in done.hints
    assert 'seed = "none"' in done.hints
    assert git(lab.root, "for-each-ref") == before
    assert not (lab.root / ".autoresearch").exists()


def test_a_duration_gets_one_execution_to_warm_up_that_does_not_count(ar: Cli, tmp_path: Path) -> None:
    counted = tmp_path / "executions"
    evaluate = PRINT + f"open({str(counted)!r}, 'a').write('x')\n"
    lab = Lab(ar, tmp_path, evaluate, experiment='canary = false\nisolation = "basic"')
    text = (lab.root / "autoresearch.toml").read_text().replace("[metric]", "[metric]\ntiming = true")
    write(lab.root, {"autoresearch.toml": text})
    lab.finished(solve(11.0))
    samples = git(
        lab.root,
        "log",
        "--format=%(trailers:key=Samples,valueonly)",
        "refs/autoresearch/" + tag(lab.root) + "/0000",
        "-1",
    )
    assert len(samples.split()) == 3
    assert counted.read_text() == "x" * 5


# --- the end


def test_baseline_and_best_are_sampled_once_more_before_the_end(ar: Cli, tmp_path: Path) -> None:
    lab = Lab(ar, tmp_path, NOISY)
    done = lab.run(*(solve(12.0 + number) for number in range(19)), solve(5.0), more=("--budget", "20x"))
    again = done.named("sample-started")[-2:]
    assert [event["experiment"] for event in again] == [0, 20]
    record = git(
        lab.root,
        "log",
        "-1",
        "--format=%(trailers:key=Final-Check,valueonly)",
        f"refs/autoresearch/{tag(lab.root)}/run",
    )
    assert record.startswith("0 ")
    assert " / 20 " in record
    seeds = [line for line in ar(lab.root, "log", "20", "--output").out.splitlines() if line.startswith("--- sample")]
    assert len(set(seeds)) == len(seeds) == 3


def test_a_metric_without_noise_needs_no_final_check(ar: Cli, tmp_path: Path) -> None:
    lab = Lab(ar, tmp_path)
    done = lab.run(*(solve(12.0 + number) for number in range(19)), solve(5.0), more=("--budget", "20x"))
    assert len(done.named("sample-started")) == 3 + 20


def tag(root: Path) -> str:
    """The tag of the one run."""
    return git(root, "for-each-ref", "--format=%(refname:lstrip=3)", "refs/heads/autoresearch").strip()


def test_a_holdout_for_the_end_vetoes_nothing_and_shows_baseline_and_best(ar: Cli, tmp_path: Path) -> None:
    lab = Lab(ar, tmp_path, rest=f"[holdout]\ncommand = '{PYTHON} hidden.py'\nwhen = 'end'")
    write(lab.root, {"hidden.py": HIDDEN})
    git(lab.root, "add", ".")
    git(lab.root, "commit", "-qm", "hidden")
    done = lab.run(solve(9.0, 6))
    assert [event["decision"] for event in done.named("experiment-finished")] == ["keep", "keep"]
    held_out = [event["experiment"] for event in done.named("sample-started") if event["task"] == "holdout"]
    assert held_out == [0, 0, 1]
    assert not [data for data in stored(lab.root) if b"526.25" in data]
    assert "526.25" in ar(lab.root, "log", "best").out


SEEDED = {
    "train.py": "SEED = 1337\nRATE = 0.1\n",
    "train.toml": "[train]\nseed = 1337\nrate = 0.1\n",
    "train_cli.py": "import argparse\np = argparse.ArgumentParser()\np.add_argument('--seed', default=1337)\n",
}


@pytest.mark.parametrize("name", SEEDED)
def test_a_change_that_only_replaces_a_seed_is_rejected_before_it_runs(ar: Cli, tmp_path: Path, name: str) -> None:
    runs = tmp_path / "executions"
    evaluate = PRINT + f"open({str(runs)!r}, 'a').write('x')\n"
    lab = Lab(ar, tmp_path, evaluate, experiment='canary = false\nisolation = "basic"')
    text = (lab.root / "autoresearch.toml").read_text().replace('["solve.py"]', f'["{name}"]')
    write(lab.root, {**SEEDED, "autoresearch.toml": text})
    git(lab.root, "add", ".")
    git(lab.root, "commit", "-qm", "seeded")
    folder = patches(tmp_path / "lucky", (name, SEEDED[name], SEEDED[name].replace("1337", "42")))
    done = ar(lab.root, "run", "--json", "--replay", str(folder))
    [lucky] = (event for event in done.named("experiment-finished") if event["number"])
    assert (lucky["outcome"], lucky["decision"], lucky["samples"]) == ("rejected", "discard", [])
    assert str(lucky["reason"]).startswith("only a random seed changes: a lucky seed is no gain")
    assert runs.read_text() == "xxx"
    write(lab.root, {"autoresearch.toml": text + "\n[decision]\nallow_seed_change = true\n"})
    allowed = ar(lab.root, "run", "--json", "--replay", str(folder))
    assert [event["outcome"] for event in allowed.named("experiment-finished")] == ["measured"]


def test_after_a_return_the_holdout_of_the_new_incumbent_is_measured_when_it_is_needed(ar: Cli, tmp_path: Path) -> None:
    lab = Lab(ar, tmp_path, rest=f"[holdout]\ncommand = '{PYTHON} hidden.py'")
    write(lab.root, {"hidden.py": HIDDEN})
    git(lab.root, "add", ".")
    git(lab.root, "commit", "-qm", "hidden")
    assert [one["decision"] for one in lab.finished(solve(9.0))] == ["keep"]
    assert ar(lab.root, "revert", "last").code == 0
    done = lab.run(solve(8.0), solve(8.0, 6))
    good, _ = done.named("experiment-finished")
    held_out = [event["experiment"] for event in done.named("sample-started") if "holdout" in event["task"]]
    assert (good["decision"], held_out) == ("keep", [3, 2])
    assert "427.25" in ar(lab.root, "log", "2").out
    assert not [data for data in stored(lab.root) if b"427.25" in data]


def test_a_constraint_that_is_added_later_is_tried_on_the_recorded_baseline(ar: Cli, tmp_path: Path) -> None:
    lab = Lab(ar, tmp_path)
    assert lab.run(solve(11.0)).code == 0
    text = (lab.root / "autoresearch.toml").read_text()
    write(lab.root, {"autoresearch.toml": text + "[constraints]\nsize = '< 5'\n"})
    done = lab.run(solve(12.0))
    assert (done.code, done.error) == (
        1,
        "the baseline of this run cannot do what is asked now: the constraint size < 5: it is 5",
    )
    assert done.hints == "ar run --new"


def test_a_holdout_that_needs_an_artefact_finds_it_also_after_everything_was_cleared_away(
    ar: Cli, tmp_path: Path
) -> None:
    evaluate = PRINT + "open('model.txt', 'w').write(str(X))\n"
    rest = f"[holdout]\ncommand = '{PYTHON} hidden.py'\nmetric = 'acc'"
    lab = Lab(ar, tmp_path, evaluate, experiment="canary = false\nartifacts = ['model.txt']", rest=rest)
    write(lab.root, {"hidden.py": "print('acc:', open('model.txt').read())\n"})
    git(lab.root, "add", ".")
    git(lab.root, "commit", "-qm", "hidden")
    assert [one["decision"] for one in lab.finished(solve(9.0))] == ["keep"]
    assert ar(lab.root, "revert", "last").code == 0
    shutil.rmtree(lab.root / ".autoresearch")
    [good] = lab.finished(solve(8.0))
    assert good["decision"] == "keep", good


def test_what_the_holdout_says_when_it_fails_is_not_recorded(ar: Cli, tmp_path: Path) -> None:
    rest = f"[holdout]\ncommand = '{PYTHON} hidden.py'"
    lab = Lab(ar, tmp_path, rest=rest)
    write(lab.root, {"hidden.py": "raise SystemExit('the hidden accuracy is 0.7125')\n"})
    git(lab.root, "add", ".")
    git(lab.root, "commit", "-qm", "hidden")
    done = lab.run(solve(9.0))
    assert (done.code, "0.7125" in done.err) == (1, True)
    assert "0.7125" not in done.out
    assert not [data for data in stored(lab.root) if b"0.7125" in data and b"SystemExit" not in data]


def test_what_a_failed_baseline_cost_is_on_the_next_one(ar: Cli, tmp_path: Path) -> None:
    evaluate = PRINT + "print('cost_usd: 0.30')\nimport os\nassert os.path.exists('../../../go')\n"
    rest = "[decision]\nbaseline_samples = 1\n"
    lab = Lab(ar, tmp_path, evaluate, experiment="canary = false\nprice = '3600usd/h'", rest=rest)
    failed = lab.run(solve(11.0))
    assert failed.code == 1
    [spent] = [event["cost_usd"] for event in failed.named("experiment-finished")]
    write(lab.root, {"go": ""})
    [baseline, _] = lab.run(solve(11.0)).named("experiment-finished")
    assert baseline["cost_usd"] > spent > 0


def test_simplifications_need_the_rule_that_can_show_a_loss(ar: Cli, tmp_path: Path) -> None:
    lab = Lab(ar, tmp_path, rest="[simplify]\nmax_loss = '1%'\n[decision]\nrule = 'keep-if-better'")
    done = lab.run(solve(9.0))
    assert (done.code, done.hints) == (2, 'rule = "proved"    in [decision]')


def test_checks_that_are_newer_than_the_baseline_are_told(ar: Cli, tmp_path: Path) -> None:
    lab = Lab(ar, tmp_path)
    assert lab.run(solve(11.0)).code == 0
    text = (lab.root / "autoresearch.toml").read_text()
    write(lab.root, {"autoresearch.toml": text.replace("canary = false", 'canary = false\nchecks = ["true"]')})
    assert "the checks are newer than the baseline" in str(lab.run(solve(12.0)).named("warning"))
    again = ar(lab.root, "run", "--new", "--json", "--budget", "1x")
    assert "newer than the baseline" not in str(again.named("warning"))
