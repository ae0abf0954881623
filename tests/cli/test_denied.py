"""What a level denied becomes a hint with the setting that allows it, and never one that opens too much."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoresearch.cli.denied import Setting, denials
from autoresearch.cli.diagnose import explain
from autoresearch.cli.project import open_project
from autoresearch.core.isolation import Level
from autoresearch.errors import BaselineFailed
from tests.support.cli import Cli, config, patches, solve, toy
from tests.support.repositories import write

pytestmark = pytest.mark.thorough


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a home, and in it a repository and the folder of a tool."""
    for name in ("home/repo/.autoresearch/worktrees/0", "home/tool", "home/repo/data"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "home" / "tool" / "model.bin").touch()
    return tmp_path


def told(place: Path, output: str, level: Level = Level.GUARDED) -> str:
    root = place / "home" / "repo"
    setting = Setting(level, root, root / ".autoresearch" / "worktrees")
    return "\n".join(denials(output.replace("HOME", str(place / "home")), setting)).replace(str(place / "home"), "HOME")


TOOL = 'write_paths = ["HOME/tool"]    in [experiment] lets experiments write there'


@pytest.mark.parametrize(
    "line",
    [
        "PermissionError: [Errno 13] Permission denied: 'HOME/tool/x'",
        "OSError: [Errno 30] Read-only file system: 'HOME/tool/x'",
        "sh: 1: cannot create HOME/tool/x: Permission denied",
        "mkdir: cannot create directory ‘HOME/tool/deep/er’: Permission denied",
        "bash: HOME/tool/x: Keine Berechtigung",
        "touch: impossible de faire un touch 'HOME/tool/x': Permission non accordée",
        "open HOME/tool/x: permission denied",
        "Error: EACCES: permission denied, open 'HOME/tool/x'",
        "java.io.FileNotFoundException: HOME/tool/x (Permission denied)",
        'failed to write `HOME/tool/x`: Permission denied (os error 13)',
        "touch: «HOME/tool/x»: Отказано в доступе",
    ],
)  # fmt: skip
def test_a_folder_that_may_not_be_written_is_named_with_the_setting(place: Path, line: str) -> None:
    assert told(place, f"working\n{line}\nbye") == TOOL
    assert told(place, line, Level.STRICT) == TOOL
    assert told(place, line, Level.BASIC) == ""


def test_a_folder_that_holds_the_repository_is_never_opened(place: Path) -> None:
    denied = "PermissionError: [Errno 13] Permission denied: "
    assert told(place, f"{denied}'HOME/.tool/deep/x'") == (
        'mkdir "HOME/.tool"; then write_paths = ["HOME/.tool"]    in [experiment] lets experiments write there'
    )
    assert "write_paths" not in told(place, f"{denied}'HOME/history'")
    assert "cannot be opened" in told(place, f"{denied}'HOME/history'")
    assert "is in your checkout" in told(place, f"{denied}'HOME/repo/data/x'")
    assert "write_paths" not in told(place, f"{denied}'HOME/repo/.git/config'")


@pytest.mark.parametrize(
    "line",
    [
        "PermissionError: [Errno 13] Permission denied: '/etc/passwd'",
        "PermissionError: [Errno 13] Permission denied: 'HOME/repo/.autoresearch/worktrees/0/data/x'",
        "PermissionError: [Errno 13] Permission denied: 'relative/x'",
        "https://example.org/a/b: Permission denied",
        "Permission denied (publickey).",
        "wrote HOME/tool/x",
        "",
    ],
)
def test_nothing_is_suggested_where_no_setting_is_to_blame(place: Path, line: str) -> None:
    assert told(place, line) == ""
    assert told(place, line, Level.STRICT) == ""


def test_temporary_files_have_a_folder_of_their_own(place: Path) -> None:
    assert "$TMPDIR" in told(place, "PermissionError: [Errno 13] Permission denied: '/tmp/some-file'")


@pytest.mark.parametrize(
    "line",
    [
        "OSError: [Errno 101] Network is unreachable",
        "socket.gaierror: [Errno -3] Temporary failure in name resolution",
        "curl: (6) Could not resolve host: example.org",
        "dial tcp: lookup example.org: no such host",
        "Error: getaddrinfo EAI_AGAIN example.org",
        "connect: Das Netzwerk ist nicht erreichbar",
    ],
)
def test_a_network_that_strict_takes_away_is_named(place: Path, line: str) -> None:
    assert "network = true" in told(place, line, Level.STRICT)
    assert told(place, line) == ""


def test_a_file_that_strict_hides_is_told_from_one_that_is_not_there(place: Path) -> None:
    missing = "FileNotFoundError: [Errno 2] No such file or directory: "
    hidden = told(place, f"{missing}'HOME/tool/model.bin'", Level.STRICT)
    assert "HOME/tool/model.bin exists, but strict hides everything below /" in hidden
    assert "--isolation guarded" in hidden
    assert 'data = ["data"]' in told(place, f"{missing}'HOME/repo/data'", Level.STRICT)
    assert told(place, f"{missing}'HOME/tool/other.bin'", Level.STRICT) == ""
    assert told(place, f"{missing}'HOME/tool/model.bin'") == ""


# --- where it is shown


def explained(root: Path, message: str, output: str) -> str:
    project = open_project(root / "autoresearch.toml")
    return explain(BaselineFailed(message, output=output), project, (), project.layout("t"), Level.GUARDED).hint


def test_a_failed_baseline_gets_the_hint(place: Path, tmp_path: Path) -> None:
    denied = f"PermissionError: [Errno 13] Permission denied: '{place}/home/tool/x'"
    hint = explained(toy(tmp_path / "toy"), "the baseline failed: exit code 1", denied)
    assert f'write_paths = ["{place}/home/tool"]' in hint


def test_a_baseline_that_writes_what_is_tracked_is_told_what_to_do(tmp_path: Path, ar: Cli) -> None:
    evaluate = "from solve import X\nopen('results.csv', 'a').write('x')\nprint('score:', X)\n"
    root = toy(tmp_path / "toy", {"evaluate.py": evaluate, "results.csv": "x\n"})
    done = ar(root, "run", "--budget", "1x")
    assert done.code == 1
    assert "it changed what it may not: results.csv (changed)" in done.error
    assert 'artifacts = ["results.csv"]' in done.hints
    assert "git rm --cached results.csv" in done.hints
    write(root, {"autoresearch.toml": config(experiment='canary = false\nartifacts = ["results.csv"]')})
    assert ar(root, "run", "--budget", "1x").code == 0


@pytest.fixture
def ar(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "home")


def test_of_a_failed_change_the_log_shows_the_hint_below_the_reason(place: Path, ar: Cli, tmp_path: Path) -> None:
    root = toy(tmp_path / "toy")
    tool = place / "home" / "tool"
    folder = patches(tmp_path / "p", ("solve.py", solve(), f"open('{tool}/x', 'w')\n{solve(x=2.0)}"))
    done = ar(root, "run", "--replay", str(folder), "--isolation", "guarded")
    assert done.code == 0, done.err
    shown = ar(root, "log", "1").out.splitlines()
    assert "PermissionError" in shown[1]
    assert shown[2].split() == [
        "hint",
        *f'write_paths = ["{tool}"] in [experiment] lets experiments write there'.split(),
    ]
    assert "hint" not in ar(root, "log", "0").out
