"""The application itself, and `main`: one clear line and the right exit code for every error.

Results go to stdout; progress, warnings and errors to stderr. Exit codes: 0 done, 1 unexpected,
2 usage or specification, 3 data, 4 not converged, 5 withheld by disclosure control, 130
interrupted. A reader of stdout that goes away (``| head -1``) changes nothing of that.
"""

import os
import sys
from collections.abc import Callable
from functools import cache
from importlib import metadata
from typing import Annotated, Any, NoReturn

import typer

from bayes_sf.cli.interruption import heed_interrupts, interrupted
from bayes_sf.cli.streams import prepare_streams
from bayes_sf.errors import BayesSFError, OutputError, legible
from bayes_sf.threads import THREADS

__all__ = ["app", "main"]

app = typer.Typer(
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="The report's multilevel results on sickness absence, re-read as posteriors.",
)


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,  # noqa: ARG001  # main takes it
) -> None:
    if version:
        typer.echo(f"bayes-sf {metadata.version('bayes-sf')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@cache
def _command() -> Callable[..., Any]:
    """Make the commands of their signatures, once in a process."""
    return typer.main.get_command(app)


def main() -> None:
    """Run the command line; one clear line and the right exit code for every error."""
    arguments = sys.argv[1:]
    debug = "--debug" in arguments
    for name in THREADS:  # matrices are small: threads of algebra would wait for each other
        os.environ.setdefault(name, "1")
    heed_interrupts()
    prepare_streams(as_json="--json" in arguments)
    try:
        code = _command()([a for a in arguments if a != "--debug"], standalone_mode=False)
        sys.stdout.flush()
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001  # the last resort says where to report it
        _fail(*_ending(error), debug=debug)
    if code == 130:  # typer turns Ctrl-C into this
        _fail(_INTERRUPTED, code, debug=False)
    sys.exit(code)


_INTERRUPTED = "interrupted"


def _ending(error: BaseException) -> tuple[str, int]:
    """What is said of an error, and the exit code."""
    if interrupted() or isinstance(error, KeyboardInterrupt):
        return _INTERRUPTED, 130
    if isinstance(error, BayesSFError):
        return str(error), error.exit_code
    if isinstance(error, typer.TyperException):  # a misspelt command or option
        return f"{error.format_message()} (see bayes-sf --help)", error.exit_code
    if isinstance(error, OSError):
        where = str(error.filename or "file system")
        return str(OutputError(where, "cannot be used", got=error.strerror)), 2
    kind = type(error).__name__
    return f"unexpected {kind}: {error} (run with --debug for the traceback)", 1


def _fail(text: str, code: int, *, debug: bool) -> NoReturn:
    """Say what is wrong on stderr and leave."""
    if debug:
        import traceback

        traceback.print_exc()
    sys.stderr.write(f"bayes-sf: {legible(text)}\n")
    sys.exit(code)
