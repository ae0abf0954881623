"""Where `ar` is asked to work: what makes it refuse before anything is written, and what it only warns of.

The lock files of the person's own git are no reason for either: `ar` uses neither their index nor their branches. Not
here: whether the task can be measured (`choose`, `check_files`), room for experiments on the disk (the runtime's), and
whether a level of isolation works. What is mounted where is known on Linux only.
"""

from __future__ import annotations

import os
import pwd
import re
import shlex
from collections.abc import Iterator
from os.path import normpath
from pathlib import Path

from autoresearch.cli.project import Project
from autoresearch.core.layout import Layout
from autoresearch.core.lfs import has_client
from autoresearch.errors import RunError
from autoresearch.record import state
from autoresearch.record.repository import Repository

SHOWN = 3
LEAST = 1 << 20
"""Bytes without which not even the record of one experiment could be written."""
NETWORK = re.compile(
    r"nfs\d?|cifs|smb\w*|9p|afs|ceph|lustre|gpfs|beegfs|glusterfs|vboxsf|prl_fs"
    r"|fuse\.(sshfs|s3fs|gcsfuse|rclone|glusterfs|ceph(-fuse)?|davfs2?|juicefs|goofys|blobfuse2?|mfs|vmhgfs-fuse)"
)
"""Types in mountinfo of file systems that lie on another machine, or on the other side of a virtual one."""
MOUNTS = Path("/proc/self/mountinfo")


def refuse_in_progress(place: Path) -> None:
    """Raises RunError while git waits for the person to end something in the checkout `place`."""
    operation = state.in_progress(place)
    if operation is not None:
        raise RunError(
            f"a {operation.name} is in progress in {place}: its files are between two states",
            hint="\n".join((f"end it: {operation.ways[0]}", *(f"or:     {way}" for way in operation.ways[1:]))),
        )


def refuse_unwritable(repository: Repository) -> None:
    """Raises RunError where the record, or what lies in `.autoresearch`, could not be written."""
    for place in _places_of_the_record(repository.common_dir):
        _refuse_unwritable(place)
    _refuse_full(repository.common_dir)
    layout = Layout(repository.root, "")
    for folder in (layout.home, layout.worktrees, layout.home / "cache", layout.home / "runs"):
        _refuse_no_folder(folder)
        if folder.is_dir():
            _refuse_unwritable(folder)
    if not layout.home.exists():
        _refuse_unwritable(repository.root)


def _places_of_the_record(common: Path) -> Iterator[Path]:
    """Folders in which files are made, and the logs that git adds to; a single one can belong to somebody else."""
    yield from (common, common / "refs", common / "refs" / "heads", common / "objects")
    yield from (common / "objects").glob("[0-9a-f][0-9a-f]")
    for part in ("worktrees", "logs", "logs/refs", "logs/refs/heads"):
        yield from (common / part,) if (common / part).is_dir() else ()
    for part in ("refs/autoresearch", "refs/heads/autoresearch", "logs/refs/heads/autoresearch"):
        yield from (path for path in (common / part, *(common / part).glob("*")) if path.is_dir() or "logs" in part)


def _refuse_unwritable(place: Path) -> None:
    wanted = os.W_OK | (os.X_OK if place.is_dir() else 0)
    if not place.exists() or os.access(place, wanted):
        return
    name, owner = shlex.quote(str(place)), place.stat().st_uid
    if os.statvfs(place).f_flag & os.ST_RDONLY:
        why, hint = "its file system is mounted read-only", "work in a clone elsewhere: git clone"
    elif owner != os.geteuid():
        why, hint = f"it belongs to {_user(owner)}", f'sudo chown -R "$USER" {name}'
    else:
        why, hint = "its mode forbids it", f"chmod -R u+rwX {name}"
    raise RunError(f"{place} cannot be written: {why}; nothing was changed", hint=hint)


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def _refuse_full(common: Path) -> None:
    room, is_root = os.statvfs(common), os.geteuid() == 0
    left = (room.f_bfree if is_root else room.f_bavail) * room.f_frsize
    files = room.f_ffree if is_root else room.f_favail
    # Some file systems know no numbers and say 0 of 0.
    if (room.f_blocks and left < LEAST) or (room.f_files and not files):
        raise RunError(
            f"no space left on the device for the record in {common}; nothing was changed",
            hint="free some space, then the same command again",
        )


def _refuse_no_folder(folder: Path) -> None:
    """A link would let an experiment's worktree, and the tidying-up after it, lie among other files."""
    if folder.is_symlink():
        what = f"is a link to {folder.readlink()}"
    elif folder.exists() and not folder.is_dir():
        what = "is no folder"
    else:
        return
    name = shlex.quote(str(folder))
    raise RunError(f"{folder} {what}: ar keeps its own files there", hint=f"move it away: mv {name} {name}.old")


def warnings_about(project: Project) -> list[str]:
    """What may surprise the person in the night, a line each; only what is true of this repository and process."""
    return list(_warnings(project))


def _warnings(project: Project) -> Iterator[str]:
    repository = project.repository
    data = [normpath(Path(project.base) / name) for name in project.config.experiment.data]
    modules = [path for path in state.submodules(repository) if not any(_covers(one, path) for one in data)]
    if modules:
        yield f"submodules are empty in the worktree of experiments: {_some(modules)}; data = […] links them"
    if not has_client() and (pointers := state.lfs_files(repository)):
        yield f"git-lfs is not installed: experiments get pointers instead of the content of {_some(pointers)}"
    if missing := state.objects_elsewhere(repository):
        yield f"this clone is partial: git will ask its remote for {missing} objects of the last commit"
    if kind := network_file_system(repository.common_dir):
        yield f"the repository is on a network file system ({kind}): git is slow, other machines may not see the lock"
    if os.geteuid() == 0:
        yield "running as root: only isolation, not file modes, confines experiments"


def _covers(data: str, path: str) -> bool:
    """Is the submodule, or something in it, linked?"""
    return Path(path).is_relative_to(data) or Path(data).is_relative_to(path)


def _some(paths: list[str]) -> str:
    rest = len(paths) - SHOWN
    return ", ".join(paths[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def network_file_system(path: Path, mounts: Path = MOUNTS) -> str:
    """The type of the file system that `path` lies on, if another machine keeps it; else empty (proc(5), mountinfo)."""
    try:
        rows = mounts.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return ""
    place, found = path.resolve(), ("", "")
    for row in rows:
        fields, _, kind = row.partition(" - ")
        mounted = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), fields.split()[4])
        # Of two mounts at one place the later one hides the other.
        if place.is_relative_to(mounted) and len(mounted) >= len(found[0]):
            found = mounted, kind.split()[0]
    return found[1] if NETWORK.fullmatch(found[1]) else ""
