"""The application itself, and `main`: one clear line and the right exit code for every error.

Results go to stdout; progress, warnings and errors to stderr. Exit codes: 0 done, 1 unexpected,
2 usage or specification, 3 data, 4 not converged, 5 withheld by disclosure control, 130
interrupted.
"""

import sys
from importlib import metadata
from typing import Annotated, NoReturn

import typer

from bayes_sf.errors import BayesSFError, OutputError

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


def main() -> None:
    """Run the command line; one clear line and the right exit code for every error."""
    debug = "--debug" in sys.argv[1:]
    try:
        code = app([a for a in sys.argv[1:] if a != "--debug"], standalone_mode=False)
    except BayesSFError as error:
        _fail(str(error), error.exit_code, debug=debug)
    except typer.TyperException as error:  # a misspelt command or option
        _fail(f"{error.format_message()} (see bayes-sf --help)", error.exit_code, debug=debug)
    except OSError as error:
        where = str(error.filename or "file system")
        _fail(str(OutputError(where, "cannot be used", got=error.strerror)), 2, debug=debug)
    except Exception as error:  # noqa: BLE001  # the last resort says where to report it
        text = f"unexpected {type(error).__name__}: {error} (run with --debug for the traceback)"
        _fail(text, 1, debug=debug)
    if code == 130:  # typer turns Ctrl-C into this
        _fail("interrupted", code, debug=False)
    sys.exit(code)


def _fail(text: str, code: int, *, debug: bool) -> NoReturn:
    """Say what is wrong on stderr and leave."""
    if debug:
        import traceback

        traceback.print_exc()
    sys.stderr.write(f"bayes-sf: {text}\n")
    sys.exit(code)
