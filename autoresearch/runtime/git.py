"""Calls git so that nothing of the user's takes part: no hook, no signature, no prompt, no `GIT_*`, no secret.

For worktrees only; the record is written elsewhere.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from autoresearch.core import lfs
from autoresearch.core.secrets import harmless
from autoresearch.errors import RecordError
from autoresearch.runtime.undisturbed import undisturbed

_QUIET = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.checkStat": "default",
    "core.trustctime": "true",
    "core.fileMode": "true",
    "core.logAllRefUpdates": "false",
    "commit.gpgSign": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "submodule.recurse": "false",
    "advice.detachedHead": "false",
}


def git(arguments: list[str], cwd: Path) -> str:
    """What `git arguments` prints, exactly. File names that are no UTF-8 come as Python's surrogates.

    Raises RecordError with git's own words when it fails.
    """
    settings = [part for key, value in _QUIET.items() for part in ("-c", f"{key}={value}")]
    environment = {name: value for name, value in harmless(os.environ).items() if not name.startswith("GIT_")}
    environment |= {"GIT_TERMINAL_PROMPT": "0", "GIT_NO_REPLACE_OBJECTS": "1", "LC_ALL": "C"}
    try:
        with undisturbed():
            done = subprocess.run(
                ["git", *settings, *lfs.settings(), *arguments],
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                start_new_session=True,
            )
    except OSError as error:
        raise RecordError(f"git cannot be called in {cwd}: {error.strerror}") from error
    if done.returncode:
        said = os.fsdecode(done.stderr).strip() or f"exit code {done.returncode}"
        command = next((word for word in arguments if not word.startswith("-")), "")
        raise RecordError(f"git {command} failed in {cwd}: {said}")
    return os.fsdecode(done.stdout)


def common_directory(root: Path) -> Path:
    """Where the repository's objects and refs lie; linked worktrees share it. Raises RecordError outside of one."""
    return Path(git(["rev-parse", "--path-format=absolute", "--git-common-dir"], root).removesuffix("\n"))
