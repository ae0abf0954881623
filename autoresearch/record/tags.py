"""Names for runs: a free one, and whether a given one can be used. Branches and refs lie like files in folders.

What is not here: whether a run of that name goes on (`resume`).
"""

from __future__ import annotations

import re
from datetime import datetime
from itertools import chain, count

from autoresearch.errors import UsageError
from autoresearch.record.repository import Repository

TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*")


def free_tag(repository: Repository, today: datetime) -> str:
    """Month and day (`nov23`), with `-2`, `-3` … where that is taken. Raises UsageError where no run can be begun."""
    _check_namespace(repository)
    stem = f"{today:%b}".lower() + str(today.day)
    names = chain([stem], (f"{stem}-{number}" for number in count(2)))
    return next(name for name in names if not _in_the_way(repository, name))


def check_tag(repository: Repository, tag: str) -> str:
    """The tag, when it can name a new run. Raises UsageError."""
    if not TAG.fullmatch(tag) or tag.endswith(".lock"):
        raise UsageError(f"{tag!r} cannot name a run", hint="letters, digits, - and _, for example --tag nov23-wide")
    _check_namespace(repository)
    if repository.resolve(f"refs/autoresearch/{tag}/run"):
        raise UsageError(f"the run {tag} exists already", hint=f"ar run --tag {tag} goes on with it; or another --tag")
    if ref := _in_the_way(repository, tag):
        raise UsageError(
            f"no run can be called {tag}: {ref} exists, and belongs to none",
            hint=f"ar run --new --tag {tag}-2{_way_out(ref)}",
        )
    return tag


def _in_the_way(repository: Repository, tag: str) -> str:
    """A ref of that run's name, or one that lies where its name would be a folder, or below it; empty: there is none.

    All kinds of them: a branch of the person's own, and numbers that were fetched or left without their run.
    """
    places = f"refs/heads/autoresearch/{tag}", f"refs/autoresearch/{tag}"
    return repository.git("for-each-ref", "--count=1", "--format=%(refname)", *places)


def _way_out(ref: str) -> str:
    branch = ref.removeprefix("refs/heads/")
    return f"\ngit branch -m {branch} NAME    gives that branch another name" if branch != ref else ""


def _check_namespace(repository: Repository) -> None:
    """Branches lie like files in folders, so `a` and `a/b` exclude each other."""
    if repository.resolve("refs/heads/autoresearch"):
        raise UsageError(
            "a branch is called autoresearch, so autoresearch/<tag> cannot be made",
            hint="git branch -m autoresearch NAME",
        )
    if repository.resolve("refs/autoresearch"):
        raise UsageError(
            "a ref is called refs/autoresearch, so that no experiment can be recorded below it",
            hint="git update-ref -d refs/autoresearch    removes it",
        )
