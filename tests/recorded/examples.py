"""Examples of the documentation, run for all that they make, not only for what they print."""

import doctest
import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import bayes_sf

ROOMS = ("inputs", "spec", "engines", "recovery", "replica", "analysis")


def modules() -> Iterator[str]:
    """Names of the modules of the computing rooms."""
    for found in pkgutil.walk_packages(bayes_sf.__path__, "bayes_sf."):
        if found.name.split(".")[1] in ROOMS:
            yield found.name


#: Examples that take more than a tenth of a second, or hold pseudonyms: their own tests look at them.
LONG = (
    "analysis.checks.loo.compare_models", "analysis.checks.model_fit", "analysis.choices.influence",
    "analysis.choices.influence.influence", "analysis.replay.tables.Tables.read",
    "analysis.simulated.bootstrap", "engines.sets.impute.impute", "inputs.codebook",
    "inputs.sample.design", "inputs.variables.Codebook.term", "replica.published.recover.change_moments",
    "replica.published.recover.mean_moments",
)  # fmt: skip


def _named() -> Iterator[tuple[str, Callable[[], doctest.DocTest]]]:
    """Name of every example that is recorded, and the example, read when it is needed."""
    for module in modules():
        for found in doctest.DocTestFinder().find(importlib.import_module(module)):
            name = found.name.removeprefix("bayes_sf.")
            if found.examples and name not in LONG:
                yield name, lambda found=found: found


EXAMPLES: dict[str, Callable[[], doctest.DocTest]] = dict(_named())


def made(example: doctest.DocTest) -> dict[str, Any]:
    """What an example binds and what it shows."""
    before, shown = set(example.globs), {}
    space = dict(example.globs)

    def show(value: object) -> None:
        if value is not None:
            shown[f"{len(shown)}"] = value

    with patch.object(sys, "displayhook", show):
        for each in example.examples:
            try:
                exec(compile(each.source, example.name, "single"), space)
            except Exception as error:
                if not each.exc_msg:
                    raise
                shown[f"{len(shown)}"] = str(error)
    bound = (key for key in space if key not in before and not key.startswith("_"))
    return {key: space[key] for key in bound} | shown
