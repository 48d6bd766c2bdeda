"""The command line: thin; heavy libraries are imported inside the commands."""

from bayes_sf.cli import report, models, checks, choices  # noqa: I001  # the help lists them in this order
from bayes_sf.cli.app import app, main

__all__ = ["app", "checks", "choices", "main", "models", "report"]
