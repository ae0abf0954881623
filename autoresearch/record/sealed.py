"""The holdout's numbers in the record, unreadable for the experiments that they judge.

A commit of the repository can be read by everything that runs in it. So these numbers stand there encrypted, with a
key that lies outside the repository: `$XDG_STATE_HOME/ar/holdout.key`, or below `~/.local/state`. Without the key the
decisions stay, and only these numbers are not shown. What is not here: keeping an experiment from reading that file,
which needs an isolation that hides the home folder.

The cipher is a keystream of HMAC-SHA256 in counter mode (NIST SP 800-108) with a random nonce, and an HMAC over both
(encrypt-then-MAC, RFC 7366): the standard library has none, and eight bytes a number are no reason for a dependency.
"""

from __future__ import annotations

import base64
import hmac
import os
import secrets
import struct
from collections.abc import Sequence
from pathlib import Path

from autoresearch.errors import RecordError

_NONCE, _MAC, _BLOCK, _NUMBER = 12, 16, 32, 8


def key_path() -> Path:
    """Where the key of this user lies, whether there is one or not."""
    state = os.environ.get("XDG_STATE_HOME", "")
    return Path(state or Path.home() / ".local" / "state") / "ar" / "holdout.key"


def known_key() -> bytes | None:
    """The key, None where there is none."""
    try:
        return bytes.fromhex(key_path().read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        return None


def make_key() -> bytes:
    """The key; made when there is none yet, readable for this user only. Raises RecordError."""
    path = key_path()
    if (key := known_key()) is not None:
        return key
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")
    except FileExistsError:
        # Somebody was faster, or it holds no key.
        if known_key() is None:
            raise RecordError(f"{path} holds no key", hint=f"mv {path} {path}.old") from None
    except OSError as error:
        raise RecordError(
            f"the key of the holdout's numbers cannot be written: {path}: {error.strerror}",
            hint="export XDG_STATE_HOME=/a/folder/that/can/be/written",
        ) from error
    key = known_key()
    if key is None:
        raise RecordError(f"{path} cannot be read")
    return key


def seal(values: Sequence[float], key: bytes) -> str:
    """The numbers as one word."""
    nonce = secrets.token_bytes(_NONCE)
    hidden = _mixed(struct.pack(f">{len(values)}d", *values), key, nonce)
    return base64.b64encode(nonce + _tag(nonce + hidden, key) + hidden).decode("ascii")


def unseal(word: str, key: bytes | None) -> tuple[float, ...]:
    """The numbers; empty with another key, or for a word that was tampered with."""
    try:
        raw = base64.b64decode(word, validate=True)
    except ValueError:
        return ()
    nonce, tag, hidden = raw[:_NONCE], raw[_NONCE : _NONCE + _MAC], raw[_NONCE + _MAC :]
    if key is None or len(hidden) % _NUMBER or not hmac.compare_digest(tag, _tag(nonce + hidden, key)):
        return ()
    return struct.unpack(f">{len(hidden) // _NUMBER}d", _mixed(hidden, key, nonce))


def _tag(data: bytes, key: bytes) -> bytes:
    return hmac.digest(key, b"tag" + data, "sha256")[:_MAC]


def _mixed(data: bytes, key: bytes, nonce: bytes) -> bytes:
    """Encrypts, and decrypts what it has encrypted."""
    blocks = range(-(-len(data) // _BLOCK))
    stream = b"".join(hmac.digest(key, b"stream" + nonce + block.to_bytes(4, "big"), "sha256") for block in blocks)
    return bytes(one ^ other for one, other in zip(data, stream, strict=False))
