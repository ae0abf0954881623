"""Secrets of the person's environment: which variables hold one, and their values taken out of text and of streams.

Found are the values as they are, as JSON or Python would print them, and as a URL has them; of a key of several lines
also each long line; of a URL the password in it. Not found: a secret that is encoded in another way (base64, reversed),
cut in pieces or spread over two streams, one of fewer than 8 characters, and one that no variable holds. Pure, but for
a look whether a value is the path of a file: those are names, not secrets.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import AnyStr
from urllib.parse import quote, unquote

from autoresearch.core.secret_names import looks_secret, says_secret

MASK = "[secret]"
SHORTEST = 8
"""Characters of a value that is looked for: shorter ones are in too many texts by chance."""
LONG_LINE = 16
"""Characters of a line of a key that is looked for by itself."""

_KEY_SHAPE = re.compile(
    r"(sk-|sk_live_|gh[oprsu]_|github_pat_|glpat-|hf_|xox[abeprs]-|AKIA|AIza)[\w-]{16}|-----BEGIN .*PRIVATE"
)
"""How well-known keys begin, whatever their variable is called."""
_LOGIN = re.compile(r"://([^\s/?#:@]*)(?::([^\s/?#]*))?@")
_FIELD = re.compile(r"(?:password|passwd|pwd|accountkey|accesskey)\s*=\s*([^\s;&\"']+)", re.IGNORECASE)
_LONG_USER = 20
"""Characters of a name that stands in a URL without a password, and is a token."""
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S*$")
_SCHEME = re.compile(r"(?:basic|bearer|token)\s+(\S+)$", re.IGNORECASE)
_LINE_END = re.compile(r"[\r\n]+|\\n")
_SHORT_NUMBER = re.compile(r"[-+.,:\dEe]{1,15}$")
_PLAIN_WORD = re.compile(r"(?=.{1,11}$)[a-z]+([_-][a-z]+)*$")
_WORDS = frozenset(
    "anonymous changeme default development disabled enabled localhost lm-studio no-key-required none not-needed "
    "optional password postgres production required undefined".split()
)
_PLACES = frozenset("HOME LOGNAME PATH PWD PYTHONPATH SHELL TMPDIR USER VIRTUAL_ENV".split())
"""Nothing works without them: a password that is the person's name as well must not take them away."""
GIT_NEEDS = "SSH_AUTH_SOCK"
"""The path of a socket, no secret by itself: a partial clone gets through it what it lacks."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What must not be seen, in every form that is looked for, the longest first. `Secrets()` has none."""

    forms: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, *variables: Mapping[str, str], is_path: Callable[[str], bool] = os.path.exists) -> Secrets:
        """The secrets that these variables hold."""
        pairs = [pair for one in variables for pair in one.items()]
        values = {value for name, text in pairs for value in _values(name, text.strip(), is_path)}
        return cls(tuple(sorted({form for value in values for form in _forms(value)}, key=len, reverse=True)))

    def redact(self, text: str) -> str:
        """The text with `[secret]` in place of each."""
        pieces, at = [], 0
        for start, end in _spans(text, self.forms):
            pieces += [text[at:start], MASK]
            at = end
        return "".join([*pieces, text[at:]]) if pieces else text

    def found_in(self, text: str) -> bool:
        return any(form in text for form in self.forms)

    def not_in(self, text: str) -> Secrets:
        """Those that the text does not hold already."""
        return Secrets(tuple(form for form in self.forms if form not in text))


NO_SECRETS = Secrets()


class Redactor:
    """Takes secrets out of a stream. Only bytes that may be the beginning of one wait for those that come next."""

    def __init__(self, secrets: Secrets) -> None:
        self._forms = tuple(form.encode("utf-8", "surrogateescape") for form in secrets.forms)
        self._held = b""
        self._masked = 0
        """So many of the held bytes belong to a secret whose mask was passed on already."""

    def feed(self, data: bytes) -> bytes:
        """What can be passed on now."""
        if not self._forms:
            return data
        data = self._held + data
        return self._pass_on(data, _begun(data, self._forms))

    def end(self) -> bytes:
        """What was held back: nothing comes any more."""
        return self._pass_on(self._held, len(self._held))

    def _pass_on(self, data: bytes, size: int) -> bytes:
        """The first `size` bytes without their secrets; the others are held."""
        if not size:
            self._held = data
            return b""
        pieces, at = [], 0
        for start, end in _spans(data, self._forms, self._masked):
            if start >= size:
                break
            pieces += [data[at:start], MASK.encode() if start or not self._masked else b""]
            at = end
        self._held, self._masked = data[size:], max(0, at - size)
        return b"".join([*pieces, data[at:size]])


def hidden(variables: Mapping[str, str]) -> frozenset[str]:
    """Names of the variables that are secret by their name, or by what is in them: any secret, any login."""
    secrets = Secrets.of(variables)
    return frozenset(
        name
        for name, value in variables.items()
        if looks_secret(name) or (name not in _PLACES and _holds_secret(value, secrets))
    )


def harmless(variables: Mapping[str, str]) -> dict[str, str]:
    """The other ones, and what git needs: what a process of ours has in its environment others can read."""
    secret = hidden(variables) - {GIT_NEEDS}
    return {name: value for name, value in variables.items() if name not in secret}


@contextmanager
def set_aside(environ: MutableMapping[str, str]) -> Iterator[None]:
    """For as long as this lasts, only what is harmless is there. While there is one thread."""
    taken = {name: environ.pop(name) for name in hidden(environ) - {GIT_NEEDS}}
    try:
        yield
    finally:
        environ.update(taken)


def _holds_secret(value: str, secrets: Secrets) -> bool:
    return bool(_KEY_SHAPE.match(value)) or any(_passwords(value)) or secrets.found_in(value)


def _values(name: str, text: str, is_path: Callable[[str], bool]) -> Iterator[str]:
    """The secrets in a variable."""
    yield from (password for password in _passwords(text) if not _is_plain("PASSWORD", password, is_path))
    is_secret = says_secret(name) or bool(_KEY_SHAPE.match(text))
    if not is_secret or _URL.match(text) or _is_plain(name, text, is_path):
        return
    yield text
    if (scheme := _SCHEME.match(text)) and len(scheme[1]) >= SHORTEST:
        yield scheme[1]
    if len(lines := _LINE_END.split(text)) > 1:
        bare = (line.strip() for line in lines)
        yield from (line for line in bare if len(line) >= LONG_LINE and not line.startswith("-----"))


def _passwords(text: str) -> Iterator[str]:
    """The passwords of all URLs and connection strings in a text; where a URL has none, a name as long as a token."""
    yield from (found[1] for found in _FIELD.finditer(text))
    for found in _LOGIN.finditer(text):
        word = found[2] or (found[1] if len(found[1]) >= _LONG_USER else "")
        yield from {word, unquote(word)} - {""}


def _is_plain(name: str, text: str, is_path: Callable[[str], bool]) -> bool:
    """Is the value of a secret's variable something else: short, a path, a number, a word?"""
    if len(text) < SHORTEST or text.lower() in _WORDS or _SHORT_NUMBER.match(text):
        return True
    if text.startswith("~/") or (text.startswith("/") and is_path(text)):
        return True
    return bool(_PLAIN_WORD.match(text)) and not re.search("PASS|SECRET|PWD", name.upper())


def _forms(value: str) -> set[str]:
    """As it is, in JSON, in Python, in a URL."""
    shown = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]}
    return {value, *shown, *(quote(value, safe=safe, errors="surrogateescape") for safe in ("", "/"))}


def _spans(text: AnyStr, forms: Sequence[AnyStr], masked: int = 0) -> list[tuple[int, int]]:
    """Where secrets are, in order; those that overlap are one. The first `masked` characters are known to be one."""
    found = [(0, masked)] if masked else []
    for form in forms:
        at = text.find(form)
        while at >= 0:
            found.append((at, at + len(form)))
            at = text.find(form, at + 1)
    merged: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _begun(data: bytes, forms: Sequence[bytes]) -> int:
    """Where the longest end of the data begins that may be the beginning of a secret; its length where none may."""
    first, line = len(data), data.rfind(b"\n") + 1
    for form in forms:
        # Nearly always the data end with a line, and secrets are of one line.
        start = max(0 if b"\n" in form else line, len(data) - len(form) + 1)
        at = data.find(form[:1], start)
        while 0 <= at < first:
            if form.startswith(data[at:]):
                first = at
            at = data.find(form[:1], at + 1)
    return first
