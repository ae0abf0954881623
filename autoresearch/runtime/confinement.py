"""What a level of isolation means for one worktree: which places may be written, by whom that is enforced, and with
which folders the tools of an experiment work instead of the user's own.

Whether a level works here is not guessed: `problem` runs the real launcher.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autoresearch.core.isolation import Level
from autoresearch.errors import RunError
from autoresearch.runtime import landlock
from autoresearch.runtime.bubblewrap import PROGRAM, Sandbox, programs, wrapper
from autoresearch.runtime.command import FREE, Command, Confinement, Finished, Limits
from autoresearch.runtime.output import OutputLog
from autoresearch.runtime.process import Process
from autoresearch.runtime.scratch import Scratch

PROBE_LIMIT = 20.0
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts", "shm")
_GPUS = ("nvidia*", "dri", "kfd")
_CACHES = {
    "XDG_CACHE_HOME": "xdg",
    "TRITON_CACHE_DIR": "triton",
    "TORCHINDUCTOR_CACHE_DIR": "inductor",
    "UV_CACHE_DIR": "uv",
    "npm_config_cache": "npm",
    "CCACHE_DIR": "ccache",
    "GOCACHE": "go-build",
}
_DOWNLOADS = {"HF_HOME": "huggingface", "TORCH_HOME": "torch"}
"""What was downloaded once is still found, where the person has it."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The places of one slot."""

    worktree: Path
    cwd: Path
    temp: Path
    caches: Path
    """The run's own cache folder, for tools that would use the person's."""
    write_paths: tuple[Path, ...] = ()
    readable: tuple[Path, ...] = ()
    """What a command needs and might be hidden: the record, data, sources."""
    protected: tuple[str, ...] = ()
    changing: tuple[str, ...] = ()


def confine(level: Level, places: Surroundings, variables: Mapping[str, str], *, network: bool) -> Confinement:
    """How a command is started at that level."""
    own = (places.worktree, places.temp, places.caches, *places.write_paths)
    match level:
        case Level.BASIC:
            return FREE
        case Level.GUARDED:
            gpus = [node for pattern in _GPUS for node in Path("/dev").glob(pattern)]
            return Confinement(writable=(*own, *(Path("/dev", name) for name in _DEVICES), *gpus))
        case Level.STRICT:
            sandbox = Sandbox(
                worktree=places.worktree,
                cwd=places.cwd,
                temp=places.temp,
                writable=(places.caches, *places.write_paths),
                readable=(*programs(variables.get("PATH", "")), *places.readable),
                network=network,
                protected=places.protected,
                changing=places.changing,
            )
            return Confinement(wrapper=wrapper(sandbox))


def caches(level: Level, folder: Path, variables: Mapping[str, str]) -> dict[str, str]:
    """Variables that lead tools to a cache of the run: the person's holds hard links into their environments."""
    if not level.protects_files:
        return {}
    theirs = Path(variables.get("XDG_CACHE_HOME") or Path(variables.get("HOME", "/"), ".cache"))
    kept = {name: str(theirs / below) for name, below in _DOWNLOADS.items() if (theirs / below).is_dir()}
    # `uv run` would install again what is linked into the worktree.
    return kept | {name: str(folder / below) for name, below in _CACHES.items()} | {"UV_NO_SYNC": "1"}


def problem(level: Level) -> str:
    """Why the level cannot be had on this machine; empty when it works."""
    if level is Level.GUARDED and landlock.abi() < landlock.OLDEST_ABI:
        found = f"version {landlock.abi()} of it" if landlock.abi() else "none, or it is switched off (lsm=)"
        return f"it needs Landlock of Linux 6.2 or later, and this kernel has {found}"
    if level is Level.STRICT and shutil.which(PROGRAM) is None:
        return "it needs bubblewrap, which is not installed (apt-get install bubblewrap)"
    scratch = Scratch(Path.cwd() / "probe")
    scratch.clear()
    try:
        return _try_out(level, scratch.path)
    finally:
        scratch.remove()


def _try_out(level: Level, folder: Path) -> str:
    """Write inside and outside, as an experiment would, and see what came of it."""
    inside, temp, outside = folder / "inside", folder / "temp", folder / "outside"
    for place in (inside, temp, outside):
        place.mkdir()
    environment = {"PATH": os.environ.get("PATH", os.defpath)}
    places = Surroundings(inside, inside, temp, temp, readable=(outside,))
    command = Command(
        arguments='echo 1 > here || exit 9; echo 1 > "$OUTSIDE/there"; exit 0',
        cwd=inside,
        env=environment | {"OUTSIDE": str(outside)},
        limit=PROBE_LIMIT,
        confinement=confine(level, places, environment, network=False),
        limits=Limits(),
    )
    try:
        with OutputLog(folder / "log", "probe") as log:
            done = Process(command).wait(lambda _: None, log)
    except RunError as error:
        return error.message
    if not isinstance(done, Finished) or done.exit_code != 0 or not (inside / "here").exists():
        said = (done.tail.strip().splitlines() or ["it ended without a word"])[-1]
        return f"it does not work here: {said}{_advice(said)}"
    if level.protects_files and (outside / "there").exists():
        return "a file outside could be written all the same"
    return ""


def _advice(said: str) -> str:
    if PROGRAM in said and "ermission denied" in said:
        return " (are user namespaces allowed? sysctl kernel.apparmor_restrict_unprivileged_userns)"
    return ""


def choose(wanted: Level | None) -> tuple[Level, str]:
    """The level that is used, and why it is not better. Raises RunError when the one that was asked for does not work.

    None: `guarded` where it works, else `basic`.
    """
    if wanted is Level.BASIC:
        return wanted, ""
    reason = problem(wanted or Level.GUARDED)
    if not reason:
        return wanted or Level.GUARDED, ""
    if wanted is not None:
        raise RunError(
            f"isolation {wanted} cannot be had on this machine: {reason}",
            hint="ar run --isolation basic    runs with less; what that means: ar run --help, and the README",
        )
    return Level.BASIC, reason
