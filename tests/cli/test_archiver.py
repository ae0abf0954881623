"""`ar` is the system's archiver, too: an activated environment must not break C builds, inside experiments or outside.

What is handed over in detail is tested with `autoresearch.archiver`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.support.cli import PYTHON, Cli, improvements, toy
from tests.support.repositories import write

SCRIPTS = sysconfig.get_path("scripts")
"""Where pip has put our `ar`; as in an activated environment, it comes first."""
ACTIVATED = f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}"
PROJECT = {
    "Makefile": "program: libtwice.a main.c\n\tcc main.c -L. -ltwice -o program\n\n"
    "libtwice.a: twice.c\n\tcc -c twice.c\n\tar rcs libtwice.a twice.o\n",
    "twice.c": "int twice(int x) { return 2 * x; }\n",
    "main.c": '#include <stdio.h>\nint twice(int);\nint main(void) { printf("score: %d\\n", twice(21)); }\n',
}


def shell(folder: Path, command: str, path: str = ACTIVATED) -> subprocess.CompletedProcess[str]:
    env = {"PATH": path, "HOME": str(folder)}
    return subprocess.run(["/bin/sh", "-c", command], cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.fixture
def without_archiver(tmp_path: Path) -> str:
    """A search path on which our `ar` is the only one."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "git"):
        (tools / name).symlink_to(str(shutil.which(name)))
    return f"{SCRIPTS}{os.pathsep}{tools}"


def test_make_builds_a_library_with_our_ar_first_on_the_path(tmp_path: Path) -> None:
    write(tmp_path, PROJECT)
    assert shell(tmp_path, "command -v ar").stdout == f"{SCRIPTS}/ar\n"
    built = shell(tmp_path, "make --silent && ./program && ar t libtwice.a && ar -p libtwice.a twice.o | wc -c")
    assert (built.returncode, built.stderr) == (0, "")
    printed = built.stdout.split("\n")
    assert printed[:2] == ["score: 42", "twice.o"]
    assert int(printed[2]) == (tmp_path / "twice.o").stat().st_size
    failed = shell(tmp_path, "ar t no-such-library.a")
    assert failed.returncode == shell(tmp_path, "ar t no-such-library.a", os.environ["PATH"]).returncode != 0


def test_the_version_is_ours_and_names_the_archiver(tmp_path: Path, without_archiver: str) -> None:
    first, second = shell(tmp_path, "ar --version").stdout.splitlines()
    assert first.startswith("ar 0.")
    place = Path(second.removeprefix("archiver calls go to "))
    assert (place.name, place.parent != Path(SCRIPTS), place.is_file()) == ("ar", True, True)
    assert "no archiver behind it" in shell(tmp_path, "ar --version", without_archiver).stdout
    lost = shell(tmp_path, "ar rcs libtwice.a twice.o", without_archiver)
    assert lost.returncode == 127
    assert lost.stderr.startswith("error: this looks like a call of the archiver")


def test_an_experiment_never_sees_our_ar(tmp_path: Path, without_archiver: str) -> None:
    command = f"make --silent && ./program && {PYTHON} evaluate.py"
    evaluate = "import solve\n"
    files = {**PROJECT, "evaluate.py": evaluate}
    repository = toy(tmp_path / "repo", files, command=command, experiment="setup = 'command -v ar'")
    ar, changes = Cli(tmp_path / "home", {"PATH": ACTIVATED}), str(improvements(tmp_path / "patches"))
    done = ar(repository, "run", "--tag", "t", "--budget", "1x", "--replay", changes)
    assert (done.code, done.err) == (0, "")
    assert "#0 keep 42" in done.out
    printed = ar(repository, "log", "0", "--output").out.splitlines()
    assert printed[1] == f"{repository}/.autoresearch/bin/ar"
    assert (repository / ".autoresearch" / "bin" / "ar").resolve() != Path(SCRIPTS, "ar").resolve()

    missing = ar(repository, "run", "--new", "--replay", changes, PATH=without_archiver)
    assert (missing.code, "command not found: make" in missing.error) == (1, True)
    stub = shell(repository, ".autoresearch/bin/ar rcs x.a", without_archiver)
    assert (stub.returncode, stub.stderr) == (127, "ar: there is no archiver on PATH\n")


def test_a_program_that_cannot_be_read_is_still_an_archiver(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    program = tmp_path / "ar"
    shutil.copy("/bin/true", program)
    program.chmod(0o111)
    assert shell(tmp_path, "ar rcs x.a", f"{SCRIPTS}{os.pathsep}{tmp_path}").returncode == 0
