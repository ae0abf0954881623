"""What an experiment gets to see, and what is held back from it."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from autoresearch.core.ports import Job
from autoresearch.core.secret_names import looks_secret
from autoresearch.runtime.environment import facts, filtered, placed, placeholders, provide_archiver


@pytest.mark.parametrize(
    "name",
    [
        "OPENAI_API_KEY",
        "WANDB_API_KEY",
        "KEYS",
        "my_key",
        "HF_TOKEN",
        "GITHUBTOKEN2",
        "DB_PASSWORD",
        "PGPASSWORD",
        "MYSQL_PWD",
        "SSHPASS",
        "CLIENT_SECRET",
        "secretsauce",
        "AWS_REGION",
        "AZURE_TENANT",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "SSH_AUTH_SOCK",
        "GH_PAT",
        "SENTRY_DSN",
        "apiKey",
        "NPM_CREDS",
        "GPG_PASSPHRASE",
        "ANTHROPIC_BASE_URL",
        "KUBECONFIG",
    ],
)
def test_what_looks_secret_is_withheld(name: str) -> None:
    assert looks_secret(name)
    assert filtered({name: "x", "HOME": "/home/ada"}, ()).variables == {"HOME": "/home/ada"}
    assert filtered({name: "x"}, ()).withheld == (name,)


@pytest.mark.parametrize(
    "name",
    [
        "PATH",
        "HOME",
        "PWD",
        "VIRTUAL_ENV",
        "CONDA_PREFIX",
        "WANDB_MODE",
        "TOKENIZERS_PARALLELISM",
        "KEYBOARD_LAYOUT",
        "HF_HOME",
        "LANG",
        "TMPDIR",
        "CUDA_VISIBLE_DEVICES",
        "OMP_NUM_THREADS",
        "XAUTHORITY",
        "PASSENGERS",
        "PATTERN",
        "LD_LIBRARY_PATH",
        "MONKEYPATCH",
        "MONKEY",
        "XDG_SESSION_TYPE",
        "SSH_TTY",
    ],
)
def test_what_does_not_look_secret_is_passed_on(name: str) -> None:
    assert filtered({name: "x"}, ()).variables == {name: "x"}


def test_what_is_named_is_passed_on_and_git_is_dropped_in_silence() -> None:
    inherited = {"WANDB_API_KEY": "w", "HF_TOKEN": "h", "GIT_DIR": "/x", "GIT_SSH_COMMAND": "ssh", "AWS_REGION": "r"}
    environment = filtered(inherited, ("WANDB_API_KEY", "AWS_*", "GIT_SSH_COMMAND"))
    assert environment.variables == {"WANDB_API_KEY": "w", "GIT_SSH_COMMAND": "ssh", "AWS_REGION": "r"}
    assert environment.withheld == ("HF_TOKEN",)


def test_what_has_a_secret_in_its_value_is_withheld_under_any_name() -> None:
    inherited = {
        "HF_TOKEN": "hf-0123456789",
        "ARGS": "--login hf-0123456789 --all",
        "DATABASE_URL": "postgres://ada:pw@db/x",
        "PIP_INDEX_URL": "https://mirror.example.org/simple",
        "FOO": "github_pat_0123456789abcdefghij",
        "GIT_CONFIG_VALUE_0": "none",
        "MAX_TOKENS": "4096",
    }
    environment = filtered(inherited, ())
    assert list(environment.variables) == ["PIP_INDEX_URL", "MAX_TOKENS"]
    assert environment.withheld == ("ARGS", "DATABASE_URL", "FOO", "HF_TOKEN")
    assert list(filtered(inherited, ("HF_*", "ARGS")).variables) == ["HF_TOKEN", "ARGS", "PIP_INDEX_URL", "MAX_TOKENS"]


def test_the_users_python_path_is_moved_into_the_worktree() -> None:
    checkout, worktree = Path("/home/ada/code"), Path("/home/ada/code/.autoresearch/worktrees/0")
    variables = {"PATH": "/usr/bin", "PYTHONPATH": "/home/ada/code/src::lib:/opt/x:/home/ada/code", "OLDPWD": "/"}
    there = placed(variables, worktree / "sub", Path("/tools"), (checkout, worktree))
    assert there["PYTHONPATH"] == f"{worktree}/src:lib:/opt/x:{worktree}"
    assert there["PATH"] == "/tools:/usr/bin"
    assert there["PWD"] == f"{worktree}/sub"
    assert "OLDPWD" not in there


def test_a_sample_is_told_about_itself() -> None:
    job = Job(number=12, commit="c", sample=3, seed=99, limit=600.0, convention=None)
    told = {"AR_SEED": "99", "AR_SAMPLE": "3", "AR_EXPERIMENT": "12", "AR_TAG": "nov23", "AR_TIME_LIMIT": "600"}
    assert facts(job, "nov23", "") == told
    assert facts(job, "nov23", "cuda:1") == told | {"AR_DEVICE": "cuda:1"}


def test_placeholders_are_literal_and_other_braces_stay() -> None:
    command = "x {seed} {sample}/{experiment} {tag} ${HOME} {{seed}} {other} {} awk '{print $1}' {seed:3}"
    assert (
        placeholders(command, seed=1, sample=2, experiment=3, tag="{seed}")
        == "x 1 2/3 {seed} ${HOME} {1} {other} {} awk '{print $1}' {seed:3}"
    )


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_the_archiver_of_an_experiment_is_the_next_one_that_is_not_ours(tmp_path: Path) -> None:
    program(tmp_path / "venv" / "ar", "#!/usr/bin/python\nfrom autoresearch.__main__ import main\n")
    program(tmp_path / "plain" / "ar", "not executable").chmod(0o644)
    theirs = program(tmp_path / "usr" / "ar", "#!/bin/sh\necho archived\n")
    path = os.pathsep.join(str(tmp_path / name) for name in ("missing", "venv", "plain", "usr"))
    tools = tmp_path / "tools dir"
    for _ in range(2):
        provide_archiver(tools, path)
        assert (tools / "ar").readlink() == theirs
    env = {"PATH": f"{tools}:{path}"}
    assert (
        subprocess.run(["/bin/sh", "-c", "ar rcs x"], env=env, capture_output=True, check=True).stdout == b"archived\n"
    )


def test_several_slots_may_provide_it_at_the_same_time(tmp_path: Path) -> None:
    theirs, together = program(tmp_path / "usr" / "ar", "#!/bin/sh\n"), Barrier(4)

    def provide(tools: Path) -> None:
        together.wait()
        provide_archiver(tools, str(theirs.parent))

    for turn in range(100):
        tools = tmp_path / f"tools {turn}"
        with ThreadPoolExecutor(4) as slots:
            for done in [slots.submit(provide, tools) for _ in range(4)]:
                done.result()
        assert [(path.name, path.readlink()) for path in tools.iterdir()] == [("ar", theirs)]


def test_without_an_archiver_ours_is_not_called_either(tmp_path: Path) -> None:
    ours = program(tmp_path / "venv" / "ar", "#!/bin/sh\n# autoresearch\necho ours\n").parent
    provide_archiver(tmp_path / "tools", str(ours))
    done = subprocess.run(
        ["/bin/sh", "-c", "ar rcs x"], env={"PATH": f"{tmp_path}/tools:{ours}"}, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (127, b"ar: there is no archiver on PATH\n")
