"""The fixed half of the task: how many branches of some parsers do the inputs in inputs.jsonl reach?

The parsers are those of Python's standard library for TOML, INI files, HTML and mail addresses; a branch is a jump
from one line to another that coverage.py counts as one of several. They are counted in three rounds, each with inputs
of its own and from zero; the mean counts, for a single round has a lot of luck in it. This runs in a checkout where no
edited code is, and reads the inputs as data: `{"parser": "toml", "text": "..."}`, one a line.
"""

import _markupbase
import configparser
import email._header_value_parser
import email.errors
import html.parser
import json
import sys
import tempfile
import tomllib._parser
from pathlib import Path

try:
    import coverage
except ImportError:
    sys.exit("this task needs coverage.py: pip install coverage")

ROUNDS = 3
INPUTS = 300  # of each round; what is left over does not count
LONGEST = 400  # characters of each that count
LARGEST_FILE = 1_000_000  # bytes
MODULES = {
    "toml": (tomllib._parser,),
    "ini": (configparser,),
    "html": (html.parser, _markupbase),
    "mail": (email._header_value_parser,),
}
REFUSALS = (ValueError, AssertionError, RecursionError, configparser.Error, email.errors.MessageError)
FAULTS = (LookupError, AttributeError, TypeError)  # of the parser: it should have refused the text in its own words


def read(path: Path) -> list[tuple[str, str]]:
    """The inputs as (parser, text); ends the program with what is wrong when they cannot be read."""
    if not path.is_file() or path.stat().st_size > LARGEST_FILE:
        sys.exit(f"{path} is missing or larger than {LARGEST_FILE} bytes: generator.py writes it")
    inputs = []
    for number, line in enumerate(
        path.read_text(encoding="ascii", errors="replace").splitlines()[: ROUNDS * INPUTS], 1
    ):
        try:
            one = json.loads(line)
            parser, text = one["parser"], one["text"]
        except (ValueError, LookupError, TypeError):
            sys.exit(f'{path}, line {number}: expected {{"parser": ..., "text": ...}}, found {line[:60]!r}')
        if not isinstance(parser, str) or parser not in MODULES or not isinstance(text, str):
            sys.exit(f"{path}, line {number}: the parser is one of {', '.join(MODULES)}, the text a text")
        inputs.append((parser, text[:LONGEST]))
    return inputs


def parse(parser: str, text: str) -> None:
    """Let one parser read one text to its end, and look at what it made of it."""
    match parser:
        case "toml":
            tomllib.loads(text)
        case "ini":
            found = configparser.ConfigParser(strict=False)
            found.read_string(text)
            for section in found.sections():
                found.items(section)
        case "html":
            reader = html.parser.HTMLParser()
            reader.feed(text)
            reader.close()
        case "mail":
            addresses, _ = email._header_value_parser.get_address_list(text)
            [(one.display_name, one.addr_spec) for one in addresses.mailboxes]


def covered(inputs: list[tuple[str, str]], report: Path) -> dict[str, tuple[int, int]]:
    """By file, how many branches one round of inputs reaches, and how many there are."""
    files = [module.__file__ for modules in MODULES.values() for module in modules]
    tracer = coverage.Coverage(data_file=None, branch=True, include=files, config_file=False)
    with tracer.collect():
        for parser, text in inputs:
            try:
                parse(parser, text)
            except REFUSALS:
                pass
            except FAULTS as error:
                print(f"a fault of the parser, {error!r}, found by {parser} {text!r}")
    if not tracer.get_data().measured_files():
        return {}
    tracer.json_report(outfile=str(report))
    found = {file: one["summary"] for file, one in json.loads(report.read_text())["files"].items()}
    return {Path(file).name: (one["covered_branches"], one["num_branches"]) for file, one in found.items()}


def main() -> None:
    inputs = read(Path("inputs.jsonl"))
    totals = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS):
            found = covered(inputs[number * INPUTS :][:INPUTS], Path(folder) / "report.json")
            print(", ".join(f"{file} {reached} of {there}" for file, (reached, there) in found.items()))
            totals.append(sum(reached for reached, _ in found.values()))
    print(f"branches: {sum(totals) / ROUNDS:.2f}")


if __name__ == "__main__":
    main()
