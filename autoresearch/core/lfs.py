"""Git LFS where its client is missing: git is told to take pointers as they are, or it would end at the first of them.

`git lfs install` makes its filters required, for all repositories of a person; a service's PATH may lack the client all
the same. Not here: other filters, which run as the person has set them up.
"""

from __future__ import annotations

import shutil

CLIENT = "git-lfs"
_LEAVE_ALONE = ("process=", "smudge=", "clean=", "required=false")


def has_client() -> bool:
    """Is the client on our PATH?"""
    return shutil.which(CLIENT) is not None


def settings() -> tuple[str, ...]:
    """Options for every call of git that looks at files; none where the client is there."""
    return () if has_client() else tuple(word for one in _LEAVE_ALONE for word in ("-c", f"filter.lfs.{one}"))
