"""Command doctor: whether this installation is sound, in under a second."""

from typing import Annotated

import typer

from bayes_sf.cli.app import app
from bayes_sf.cli.console import stdout
from bayes_sf.cli.options import JsonOption

__all__ = ["doctor"]


@app.command()
def doctor(
    *,
    as_json: JsonOption = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit code 1 when something is wrong.")
    ] = False,
) -> None:
    """Say which versions are installed, and what would make the first run slow or fail.

    Example: bayes-sf doctor
    """
    from bayes_sf.output.runs.doctor import examine, print_health

    found = examine()
    print_health(stdout(), found, as_json=as_json)
    if strict and any(check.verdict == "wrong" for check in found):
        raise typer.Exit(1)
