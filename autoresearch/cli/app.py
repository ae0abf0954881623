"""The command line: the five commands, and the one place where errors become words and exit codes.

    0    done, also when nothing was kept        2    wrong usage or configuration      130  interrupted
    1    the run cannot go on                    3    another `ar run` holds the lock

No secret of the environment is in those words, nor where other processes could read it. Imports nothing but typer: `ar
--help` stays as quick as an empty program. What is not here: what the commands do.
"""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import suppress
from io import TextIOWrapper
from types import TracebackType
from typing import Annotated, NoReturn

import typer
from typer.exceptions import TyperException

from autoresearch import __version__
from autoresearch.archiver import next_archiver
from autoresearch.cli.init import init
from autoresearch.cli.log import log
from autoresearch.cli.render.terminal import takes_output
from autoresearch.cli.revert import revert
from autoresearch.cli.run import run
from autoresearch.cli.status import status
from autoresearch.core.secrets import Secrets
from autoresearch.errors import ArError, BaselineFailed, RunError
from autoresearch.runtime.undumpable import hide_environment

INTERRUPTED = 130
IDENTITY = ("GIT_AUTHOR_", "GIT_COMMITTER_")
LINES_SHOWN = 20
"""Of the output of a baseline that failed."""

app = typer.Typer(
    name="ar",
    help="Run experiments on a git repository until the budget is used up: propose a change, measure it, keep it or "
    "not. Kept changes are commits on a branch of their own; your checkout is never touched.",
    epilog="Begin with: [bold]ar init[/] in your repository, or [bold]ar init --from gpt demo[/] for a ready one.",
    rich_markup_mode="rich",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS = (init, run, status, log, revert)
for command in COMMANDS:
    app.command(no_args_is_help=command is revert)(command)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ar {__version__} (autoresearch)")
        archiver = next_archiver(os.environ.get("PATH", os.defpath))
        typer.echo(f"archiver calls go to {archiver}" if archiver else "no archiver behind it on PATH")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Options that stand before the command."""
    context.obj = debug


def main() -> None:
    """Run the command line and exit. Errors are told in two lines: what is wrong, what to type next."""
    debug = "--debug" in sys.argv
    if debug and sys.argv[1:2] != ["--debug"]:
        sys.argv = [sys.argv[0], "--debug", *(word for word in sys.argv[1:] if word != "--debug")]
    sys.excepthook = in_full if debug else unexpected
    for name in [name for name in os.environ if name.startswith("GIT_") and not name.startswith(IDENTITY)]:
        # Set by a hook or a shell for another repository or index than the one that we stand in.
        del os.environ[name]
    hide_environment()
    for stream in (sys.stdout, sys.stderr):
        # A terminal or a pipe that has no letter for `→` or `é` gets a `?`.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    refused = ""
    try:
        # Not `app()`: that installs an exception hook of Typer's, in place of ours.
        code = typer.main.get_command(app)(standalone_mode=False, prog_name="ar")
    except (ArError, TyperException, typer.Abort, KeyboardInterrupt) as error:
        if debug:
            raise
        code = tell(error)
    except OSError as error:
        # Of the output, which is told below, or a defect of ours. Where nothing is buffered, nothing is left to flush:
        # a line end more shows which of them it is.
        if debug or error.filename is not None or not (refused := _refused("\n")):
            raise
        code = 0
    code = code if isinstance(code, int) else 0
    if code == 0 and (why := refused or _refused()):
        hint = "free some space, or write it somewhere else"
        code = tell(RunError(f"the output cannot be written: {why}", hint=hint))
    leave(code)


def _refused(more: str = "") -> str:
    """Why stdout does not take what was printed; empty where it does, also when its reader has seen enough and left."""
    try:
        if not sys.stdout.isatty() or takes_output(sys.stdout.fileno()):
            sys.stdout.write(more)
            sys.stdout.flush()
    except BrokenPipeError:
        return ""
    except OSError as error:
        return error.strerror or str(error)
    return ""


def unexpected(kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    """A defect of ours: one line for the person, the traceback on request."""
    sys.stderr.write(f"error: unexpected {kind.__name__}: {_visible(str(error))}\n")
    sys.stderr.write("hint: the same command with --debug shows where; what is finished is in the record\n")
    leave(1)


def in_full(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Any error, with `--debug`."""
    sys.stderr.write(_without_secrets("".join(traceback.format_exception(kind, error, trace))))
    leave(error.exit_code if isinstance(error, ArError) else INTERRUPTED if kind is KeyboardInterrupt else 1)


def leave(code: int) -> NoReturn:
    """End at once: a thread that hangs in somebody's library must not keep a finished process alive.

    Nor must a terminal that takes nothing; a pipe is waited for.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            if not stream.isatty() or takes_output(stream.fileno()):
                stream.flush()
    os._exit(code)


def tell(error: ArError | TyperException | typer.Abort | KeyboardInterrupt) -> int:
    """Print an error for a person; returns the exit code."""
    match error:
        case ArError(message=message, hint=hint, exit_code=code):
            pass
        case TyperException():
            message, hint, code = _usage(error)
        case _:
            message, hint, code = "interrupted", "", INTERRUPTED
    if isinstance(error, BaselineFailed):
        sys.stderr.writelines(f"  | {_visible(line)}\n" for line in error.output.rstrip().splitlines()[-LINES_SHOWN:])
    # `ar` alone prints its help, and says no more.
    sys.stderr.write(f"error: {_visible(message)}\n" if message else "")
    sys.stderr.writelines(f"hint: {_visible(line)}\n" for line in hint.splitlines())
    return code


def _visible(text: str) -> str:
    """One line: names of files may hold line ends and escapes, which must not move the cursor or forge a hint."""
    text = _without_secrets(text)
    return "".join(char if char.isprintable() else " " if char.isspace() else "?" for char in text)


def _without_secrets(text: str) -> str:
    return Secrets.of(os.environ).redact(text)


def _usage(error: TyperException) -> tuple[str, str, int]:
    """A wrong option or command, in our form: the sentence, and where to read on."""
    text = str(getattr(error, "format_message", error.__str__)()).replace("Value error, ", "").rstrip(".")
    context = getattr(error, "ctx", None)
    path = context.command_path if context else _as_typed()
    if near := getattr(error, "possibilities", None):
        return text.partition(" (Possible options")[0], f"did you mean {' or '.join(near)}?", 2
    first, mean, rest = text.partition(" Did you mean ")
    hint = f"did you mean {rest.rstrip('?')}?" if mean else f"{path} --help" if text else ""
    return first.rstrip("."), hint, 2


def _as_typed() -> str:
    """`ar log`: of an option without its value Typer does not say which command's it is."""
    names = {command.__name__ for command in COMMANDS}
    return " ".join(["ar", *[word for word in sys.argv[1:] if word in names][:1]])
