"""The command line: thin; heavy libraries are imported inside the commands."""

from bayes_sf.cli import report, models, checks, missing, sensitivity, tables, doctor  # noqa: I001  # order of the help
from bayes_sf.cli.app import app, main

__all__ = [
    "app", "checks", "doctor", "main", "missing", "models", "report", "sensitivity", "tables",
]  # fmt: skip
