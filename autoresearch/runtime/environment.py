"""The environment of an experiment: the user's, without what looks secret, with what `ar` tells it.

Held back is what has the name of a secret, and what has a known secret, a login or a well-known kind of key in its
value. A secret of another kind under an innocent name is not found. Files with keys stay readable, and nothing here
keeps an experiment from the network.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from autoresearch.archiver import next_archiver
from autoresearch.core.ports import Job
from autoresearch.core.secrets import hidden

_NO_ARCHIVER = "#!/bin/sh\necho 'ar: there is no archiver on PATH' >&2\nexit 127\n"


@dataclass(frozen=True, slots=True)
class Environment:
    """Variables for a command, and the names of the user's that were held back from it (`GIT_*` not counted)."""

    variables: Mapping[str, str]
    withheld: tuple[str, ...]


def filtered(inherited: Mapping[str, str], pass_env: Sequence[str]) -> Environment:
    """The inherited variables that an experiment may see. `pass_env` names those to pass all the same (`WANDB_*`)."""
    secret = hidden(inherited)
    kept, withheld = {}, []
    for name, value in inherited.items():
        if any(fnmatchcase(name, pattern) for pattern in pass_env):
            kept[name] = value
        elif name in secret:
            withheld.append(name)
        elif not name.startswith("GIT_"):
            kept[name] = value
    return Environment(kept, tuple(sorted(withheld)))


def placed(variables: Mapping[str, str], cwd: Path, tools: Path, moved: tuple[Path, Path]) -> dict[str, str]:
    """The variables as they must be in a worktree: `tools` stands first on PATH, and the entries of PYTHONPATH that
    lie in the checkout `moved[0]` are replaced by their counterparts in the worktree `moved[1]`.
    """
    checkout, worktree = moved
    there = {name: value for name, value in variables.items() if name != "OLDPWD"}
    there["PATH"] = os.pathsep.join((str(tools), variables.get("PATH", os.defpath)))
    there["PWD"] = str(cwd)
    # Python keeps back what it prints into a pipe: the last line could not be shown, and would be lost when stopped.
    there.setdefault("PYTHONUNBUFFERED", "1")
    if "PYTHONPATH" in variables:
        entries = (Path(entry) for entry in variables["PYTHONPATH"].split(os.pathsep) if entry)
        there["PYTHONPATH"] = os.pathsep.join(
            str(worktree / entry.relative_to(checkout) if entry.is_relative_to(checkout) else entry)
            for entry in entries
        )
    return there


def facts(job: Job, tag: str, device: str) -> dict[str, str]:
    """What an experiment is told about itself: `AR_SEED` and its like. The limit is in seconds."""
    told = {
        "AR_SEED": str(job.seed),
        "AR_SAMPLE": str(job.sample),
        "AR_EXPERIMENT": str(job.number),
        "AR_TAG": tag,
        "AR_TIME_LIMIT": f"{job.limit:.3f}".rstrip("0").rstrip("."),
    }
    return told | ({"AR_DEVICE": device} if device else {})


def placeholders(command: str, *, seed: int, sample: int, experiment: int, tag: str) -> str:
    """Replace `{seed}`, `{sample}`, `{experiment}` and `{tag}`, literally; other braces stay as they are."""
    values = {"seed": str(seed), "sample": str(sample), "experiment": str(experiment), "tag": tag}
    return re.sub(r"\{(seed|sample|experiment|tag)\}", lambda found: values[found[1]], command)


def provide_archiver(tools: Path, path: str) -> None:
    """Make `tools/ar` the system's archiver, the next on the search path that is not ours; never our own `ar`."""
    tools.mkdir(parents=True, exist_ok=True)
    link, program = tools / "ar", next_archiver(path)
    if _leads_to(link, program):
        return
    # Put in its place in one step: an experiment that runs beside this may call it, and another slot may do the same.
    fresh = tools / f"ar.new-{threading.get_ident()}"
    fresh.unlink(missing_ok=True)
    if program is None:
        fresh.write_text(_NO_ARCHIVER)
        fresh.chmod(0o755)
    else:
        fresh.symlink_to(program)
    fresh.replace(link)


def _leads_to(link: Path, program: str | None) -> bool:
    if program is None:
        return link.is_file() and not link.is_symlink() and link.read_text(errors="replace") == _NO_ARCHIVER
    return link.is_symlink() and str(link.readlink()) == str(program)
