"""Where the secrets of the person's environment are after a run: nowhere but in that environment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.beside import secret_of_this_worker
from tests.support.chat_server import ChatServer, HttpFault
from tests.support.cli import PYTHON, Cli, Done, config, toy
from tests.support.repositories import git

pytestmark = pytest.mark.thorough

KEY, PASSWORD = secret_of_this_worker("Zq9x8Y7w6V5u4T3s2R1q"), secret_of_this_worker("p/9 Kd_t7 vWx")
SECRETS = (KEY, PASSWORD, quote(PASSWORD, safe=""))
VARIABLES = {
    "OPENAI_API_KEY": KEY,
    "DATABASE_URL": f"postgres://ada:{quote(PASSWORD, safe='')}@db/x",
    "NOTES": f"the password is {PASSWORD}",
    "HARMLESS": "yes",
}
EVALUATE = """\
import os, sys
from pathlib import Path
from solve import X, Y

secrets = [text[::-1] for text in REVERSED]
print(dict(os.environ))
for place in Path("/proc").glob("[0-9]*/environ"):
    try:
        text = place.read_bytes().decode(errors="replace")
    except OSError:
        continue
    if f"HOME={os.environ['HOME']}\\0" in text:
        print("read", place, "of", place.with_name("comm").read_text())
    for secret in secrets:
        if secret in text:
            print("found in", place, "of", place.with_name("cmdline").read_bytes())
print("FEEDBACK my arguments are", sys.argv)
Path("feedback.md").write_text(f"in a file: {sys.argv}")
print("in pieces", end=" ", flush=True)
for letter in sys.argv[-1]:
    print(letter, end="", flush=True)
print(f"\\nscore: {(X - 1) ** 2 + (Y + 0.5) ** 2}")
if Y == -2.5:
    sys.exit(f"it broke because of {sys.argv[-1]}")
""".replace("REVERSED", repr([text[::-1] for text in SECRETS]))


def reply(name: str, before: float, after: float) -> str:
    return (
        f"Title: {name} = {after} with {KEY}\nHypothesis: The key {KEY} should help.\n\n"
        f"<<<<<<< SEARCH\n{name} = {before}\n=======\n{name} = {after}  # {KEY}\n>>>>>>> REPLACE\n"
    )


def repository(folder: Path, server: ChatServer) -> Path:
    """Its configuration and its instructions, which are not committed, hold the key."""
    root = toy(folder, {"evaluate.py": EVALUATE, ".gitignore": "autoresearch.toml\nprogram.md\nfeedback.md\n"})
    model = f'[proposer]\nmodel = "openai/stub"\napi_base = "{server.base_url}"\nrepair_attempts = 0'
    more = 'canary = false\nfeedback = "feedback.md"\nisolation = "basic"'
    text = config(f"{PYTHON} evaluate.py --login {KEY}", experiment=more, rest=model)
    (root / "autoresearch.toml").write_text(f"# {KEY} {PASSWORD}\n{text}")
    (root / "program.md").write_text(f"The key is {KEY}.\n")
    return root


def run(tmp_path: Path, root: Path, *arguments: str) -> Done:
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    return Cli(tmp_path / "home", VARIABLES)(root, "run", *arguments, PATH=path)


def watched_git(folder: Path) -> Path:
    """A git that writes down its environment each time; the file that it writes to."""
    program, told = folder / "bin" / "git", folder / "environments"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nenv >> {told}\nexec {shutil.which("git")} "$@"\n')
    program.chmod(0o755)
    return told


def everything(root: Path, server: ChatServer, *calls: Done) -> str:
    """All that a run leaves and says."""
    batch = ["git", "cat-file", "--batch-all-objects", "--batch"]
    objects = subprocess.run(batch, cwd=root, capture_output=True, check=True).stdout.decode(errors="replace")
    files = [path for folder in (".autoresearch", ".git") for path in (root / folder).rglob("*") if path.is_file()]
    kept = [path.read_bytes().decode(errors="replace") for path in files]
    sent = [json.dumps(request.body) for request in server.requests]
    return "\n".join([objects, *kept, *sent, *(call.out + call.err for call in calls)])


def test_after_a_run_no_secret_is_anywhere(tmp_path: Path) -> None:
    refusal = HttpFault(401, f"{'long ' * 51}no such key: {KEY}")
    with ChatServer([reply("X", 3.0, 2.0), reply("Y", -2.0, -2.5)], [None, None, refusal]) as server:
        root, environments = repository(tmp_path / "toy", server), watched_git(tmp_path)
        calls = [run(tmp_path, root, "--budget", "2x"), run(tmp_path, root, "--budget", "1x", "--json", "--debug")]
        calls.append(run(tmp_path, root, "--dry-run"))
    assert [done.code for done in calls] == [0, 1, 0], [done.err for done in calls]
    text = everything(root, server, *calls) + environments.read_text()
    assert not [line for line in text.splitlines() for secret in SECRETS if secret[:10] in line]
    assert environments.read_text().count("HARMLESS=yes") > 20
    assert "going on with" in calls[1].err
    assert "long no such key: [secr" in calls[1].named("run-finished")[0]["why"]
    assert "ProposerBroken" in calls[1].err
    assert "The key is [secret]." in calls[2].out
    output = "".join(path.read_text() for path in root.glob(".autoresearch/runs/*/*/output.log"))
    assert "'HARMLESS': 'yes'" in output
    assert "read /proc/" in output
    assert "found in" not in output
    assert "in pieces [secret]" in output
    commits = git(root, "log", "--all", "--format=%B")
    assert "X = 2.0 with [secret]" in commits
    assert "because of [secret]" in commits
    [branch] = git(root, "branch", "--list", "--format=%(refname)", "autoresearch/*").split()
    assert "X = 2.0  # [secret]\n" in git(root, "show", f"{branch}:solve.py")


def test_errors_about_the_configuration_do_not_repeat_a_secret(tmp_path: Path) -> None:
    root = toy(tmp_path / "toy", {"autoresearch.toml": f"goal = 'x'\neditable = ['{KEY}.py']\n"})
    for arguments in (["run"], ["--debug", "run"]):
        done = Cli(tmp_path / "home", VARIABLES)(root, *arguments)
        assert done.code == 2
        assert KEY not in done.out + done.err
