"""The command line: thin; heavy libraries are imported inside the commands."""

from bayes_sf.cli.interruption import leaving_when_interrupted

with leaving_when_interrupted():
    from bayes_sf.cli import (  # noqa: I001  # the help lists them in this order
        report, models, checks, missing, sensitivity, choices, tables,
    )  # fmt: skip
    from bayes_sf.cli.app import app, main

__all__ = [
    "app", "checks", "choices", "main", "missing", "models", "report", "sensitivity", "tables",
]  # fmt: skip
