"""Which run goes on, and from which files: after commits, with uncommitted work, from other folders and worktrees."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.cli import PYTHON, Cli, Done, config, improvements, patches, solve, toy
from tests.support.repositories import git, make_repository, state_of, write


@pytest.fixture
def ar(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "home")


@pytest.fixture
def changes(tmp_path: Path) -> str:
    return str(improvements(tmp_path / "patches"))


def commit(repository: Path, files: dict[str, str]) -> None:
    write(repository, files)
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message=more")


def metrics(done: Done) -> list[float | None]:
    """Of the experiments of a call with `--json`, in order."""
    assert done.code == 0, done.err
    return [one["metric"] for one in done.named("experiment-finished")]


def test_a_run_goes_on_unless_what_it_measures_has_changed(ar: Cli, tmp_path: Path, changes: str) -> None:
    context = config(top="context = ['notes.md']")
    repository = toy(tmp_path / "repo", {"autoresearch.toml": context, "notes.md": "", "README.md": ""})
    assert metrics(ar(repository, "run", "--tag", "t", "--budget", "1x", "--replay", changes, "--json")) == [6.25, 3.25]
    base = git(repository, "rev-parse", "HEAD")

    def first_line(*options: str) -> str:
        done = ar(repository, "run", "--dry-run", "--replay", changes, *options)
        assert (done.code, done.err) == (0, "")
        return done.out.splitlines()[0]

    assert first_line() == f"going on with t, from {base[:10]}"
    assert first_line("--new", "--tag", "u") == f"new run u, from {base[:10]}"
    taken = ar(repository, "run", "--new", "--tag", "t", "--replay", changes)
    assert (taken.code, taken.error) == (2, "the run t exists already")
    commit(repository, {"README.md": "more words\n"})
    write(repository, {"program.md": "Try harder.\n", "autoresearch.toml": f"# better\n{context}"})
    assert first_line() == f"going on with t, from {base[:10]}"

    for file in ("solve.py", "notes.md", "evaluate.py"):
        commit(repository, {file: f"{(repository / file).read_text()}# changed\n"})
        line = first_line()
        assert line.startswith("new run ")
        assert f": {file} changed since t's base {base[:10]}, from " in line
        git(repository, "reset", "--quiet", "--hard", "HEAD~1")
    for old, new, what in (
        ("'score'", "'result'", "metric"),
        ("'min'", "'max'", "direction"),
        ("evaluate.py", "evaluate.py --fast", "command"),
        ("solve.py", "*.py", "editable"),
    ):
        write(repository, {"autoresearch.toml": context.replace(old, new)})
        assert f": {what} changed since t, from " in first_line()

    git(repository, "checkout", "--quiet", "autoresearch.toml")
    again = ar(repository, "run", "--budget", "1x", "--replay", changes, "--json")
    assert metrics(again) == [None]
    assert again.named("run-started")[0]["tag"] == "t"
    git(repository, "branch", "--quiet", "-D", "autoresearch/t")
    assert ": autoresearch/t is gone, from " in first_line()


def test_what_is_measured_with_another_environment_is_not_compared(ar: Cli, tmp_path: Path, changes: str) -> None:
    scaled = "import os\nfrom solve import X, Y\n\nprint('score:', float(os.environ['SCALE']) * (X**2 + Y**2))\n"
    settings = config(experiment="canary = false\nenv = { SCALE = '1' }")
    repository = toy(tmp_path / "repo", {"autoresearch.toml": settings, "evaluate.py": scaled})
    assert metrics(ar(repository, "run", "--tag", "t", "--budget", "1x", "--replay", changes, "--json"))[0] == 13.0
    write(repository, {"autoresearch.toml": settings.replace("'1'", "'0.5'")})
    refused = ar(repository, "run", "--tag", "t", "--budget", "1x", "--replay", changes)
    assert (refused.code, refused.error) == (2, "run t cannot go on from here: env changed since t")
    reverted = ar(repository, "revert", "last")
    assert (reverted.code, reverted.error) == (
        1,
        "that state cannot be measured as the others were: env changed since t",
    )
    anew = ar(repository, "run", "--dry-run", "--replay", changes)
    assert ": env changed since t, from " in anew.out.splitlines()[0]


def test_where_nothing_was_measured_yet_there_is_nothing_to_compare_with(ar: Cli, tmp_path: Path, changes: str) -> None:
    needs = "import os\nfrom solve import X\n\nprint('score:', X * float(os.environ['SCALE']))\n"
    repository = toy(tmp_path / "repo", {"evaluate.py": needs})
    failed = ar(repository, "run", "--tag", "t", "--budget", "1x", "--replay", changes)
    assert (failed.code, failed.error) == (1, "the baseline failed: exit code 1: KeyError: 'SCALE'")
    write(repository, {"autoresearch.toml": config(experiment="canary = false\nenv = { SCALE = '1' }")})
    goes_on = ar(repository, "run", "--budget", "1x", "--replay", changes, "--json")
    assert goes_on.named("run-started")[0]["tag"] == "t"
    assert metrics(goes_on)[0] == 3.0


def test_the_merged_branch_goes_on_and_another_history_does_not(ar: Cli, tmp_path: Path, changes: str) -> None:
    repository = toy(tmp_path / "repo")
    ar(repository, "run", "--tag", "t", "--budget", "1x", "--replay", changes)
    git(repository, "merge", "--quiet", "--ff-only", "autoresearch/t")
    on_branch = ar(repository, "run", "--budget", "1x", "--replay", changes, "--json")
    assert (metrics(on_branch), on_branch.named("run-started")[0]["tag"]) == ([None], "t")
    git(repository, "switch", "--quiet", "--orphan", "other")
    git(repository, "commit", "--quiet", "--allow-empty", "--message=other")
    git(repository, "checkout", "--quiet", "main", "--", ".")
    git(repository, "commit", "--quiet", "--message=the same files")
    done = ar(repository, "run", "--tag", "t", "--dry-run", "--replay", changes)
    assert "HEAD is not on top of t's base" in done.error
    assert done.hints == "ar run --new"


def test_uncommitted_work_is_left_alone_and_started_from_when_asked_for(ar: Cli, tmp_path: Path, changes: str) -> None:
    repository = toy(tmp_path / "repo", {"staged.txt": "old\n"})
    write(repository, {"staged.txt": "new\n", "solve.py": solve(y=1.5), "untracked.txt": "mine\n"})
    git(repository, "add", "staged.txt")
    os.utime(repository / "program.md", (1, 1))
    before, index = state_of(repository), (repository / ".git" / "index").read_bytes()
    os.utime(repository / "program.md", (2, 2))
    taken = ar(repository, "run", "--tag", "s", "--snapshot", "--budget", "1x", "--replay", changes, "--json")
    assert metrics(taken) == [8.0, 5.0]
    assert (repository / ".git" / "index").read_bytes() == index
    assert state_of(repository) == before
    assert git(repository, "show", "autoresearch/s:staged.txt") == "new"
    assert git(repository, "rev-parse", "autoresearch/s~3") == before["head"]
    assert "untracked.txt" not in git(repository, "ls-tree", "--name-only", "autoresearch/s")

    folder = str(patches(tmp_path / "more", ("solve.py", solve(y=1.5), solve(y=0.5))))
    goes_on = ar(repository, "run", "--budget", "1x", "--replay", folder, "--json")
    assert (metrics(goes_on), goes_on.named("run-started")[0]["tag"]) == ([2.0], "s")
    write(repository, {"solve.py": solve(y=2.5)})
    assert "uncommitted changes in solve.py, staged.txt" in ar(repository, "run", "--replay", folder).error
    anew = ar(repository, "run", "--snapshot", "--dry-run", "--replay", folder)
    assert "it starts from a snapshot of your uncommitted work" in anew.out
    left = ar(repository, "run", "--committed", "--tag", "c", "--budget", "1x", "--replay", changes, "--json")
    assert metrics(left) == [6.25, 3.25]
    assert git(repository, "rev-parse", "autoresearch/c~2") == before["head"]


def test_names_with_spaces_and_umlauts_a_subfolder_and_a_linked_worktree(ar: Cli, tmp_path: Path) -> None:
    name = "lösung 1.py"
    command = f"{PYTHON} 'bewerte es.py'"
    evaluate = f"import runpy\n\nX = runpy.run_path({name!r})['X']\nprint('größe:', X)\n"
    settings = config(command, editable=("lösung*.py",)).replace("'score'", "'größe'")
    files = {f"täglich/{name}": solve(), "täglich/bewerte es.py": evaluate, "täglich/autoresearch.toml": settings}
    repository = make_repository(
        tmp_path / "mein repo ü", {**files, "täglich/program.md": "Los.\n", "täglich/a b/c": ""}
    )
    git(repository, "switch", "--quiet", "--create", "größer/als")
    change = (f"täglich/{name}", solve(), solve(x=2.0))
    folder = str(patches(tmp_path / "pätch es", change, (change[0], solve(), solve(x=1.0))))
    before = state_of(repository)
    inside = repository / "täglich" / "a b"
    done = ar(inside, "run", "--tag", "t", "--budget", "1x", "--replay", folder)
    assert done.code == 0, done.err
    assert "#1 keep 2 (−33.3 %)" in done.out
    assert "git diff 'größer/als...autoresearch/t'" in done.out
    assert state_of(repository) == before
    assert sorted(one.name for one in inside.iterdir()) == ["c"]
    assert git(repository, "show", f"autoresearch/t:täglich/{name}") == solve(x=2.0).rstrip()
    assert ar(inside, "log", "1", "--diff").out.count("+X = 2.0") == 1

    linked = tmp_path / "zweiter baum"
    git(repository, "worktree", "add", "--quiet", "--detach", str(linked))
    goes_on = ar(linked / "täglich", "run", "--replay", folder, "--json")
    assert goes_on.named("run-started")[0]["tag"] == "t"
    assert [one["outcome"] for one in goes_on.named("experiment-finished")] == ["rejected", "rejected"]
    assert git(linked, "status", "--porcelain") == ""
    assert (linked / ".autoresearch").is_dir()


def test_each_configuration_of_a_repository_has_runs_of_its_own(ar: Cli, tmp_path: Path, changes: str) -> None:
    repository = toy(
        tmp_path / "repo",
        {"sub/program.md": "", "sub/autoresearch.toml": config(f"{PYTHON} ../evaluate.py", editable=("../solve.py",))},
    )
    ar(repository, "run", "--tag", "above", "--budget", "1x", "--replay", changes)
    ar(repository / "sub", "run", "--tag", "below", "--budget", "1x", "--replay", changes)
    assert ar(repository, "status").out.startswith("autoresearch/above ")
    assert ar(repository / "sub", "status").out.startswith("autoresearch/below ")
    named = ar(repository, "run", "--config", "sub/autoresearch.toml", "--replay", changes, "--budget", "1x", "--json")
    assert named.named("run-started")[0]["tag"] == "below"
