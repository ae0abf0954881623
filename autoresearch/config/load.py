"""From the file to a `Config`, or to one error that names everything wrong in it.

Not in here: the words for what is wrong (`config.problems`), and whether the files that it names exist
(`config.files`).
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from pydantic import ValidationError

from autoresearch.config.lines import Lines
from autoresearch.config.model import Config
from autoresearch.config.problems import config_error, place, problems
from autoresearch.errors import ConfigError


def load(path: Path) -> Config:
    """Read and check the file. Raises what `parse` raises, and ConfigError when it cannot be read."""
    return parse(read(path), path)


def parse(text: str, path: Path | str) -> Config:
    """Check a text; `path` is what errors call it.

    Raises ConfigError with the first problem as its message and the others, one a line, as its hint.
    """
    path = Path(path)
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise _broken(path, text, str(error)) from error
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        raise config_error(path, problems(error, Lines(text))) from error


def read(path: Path) -> str:
    """The text of the file. Raises ConfigError when there is none, or when it is not UTF-8."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{place(path)}: cannot be read: {error.strerror}") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{place(path, line)}: not UTF-8", hint="save the file as UTF-8") from error


def _broken(path: Path, text: str, reason: str) -> ConfigError:
    at = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", reason)
    if at is None:
        return ConfigError(f"{place(path)}: broken TOML: {reason}")
    lines = text.rstrip("\n").split("\n")
    number = min(int(at[1] or len(lines)), len(lines))
    wrong = lines[number - 1].strip()
    return ConfigError(
        f"{place(path, number)}: broken TOML: {reason[: at.start()]}",
        hint=f"look at: {wrong} (text goes in quotes)" if wrong else "",
    )
