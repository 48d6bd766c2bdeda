"""`bayes-sf compare`: the poolings of an analysis, as files and on a terminal."""

import math
import platform
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayes_sf.analysis.pooling import GroupRow, Pooling, TermRow, compare_pooling
from bayes_sf.engines.fit import versions
from bayes_sf.output.disclosure import HIDDEN, Control, Hidden, Rules, disclosure_files, notice
from bayes_sf.output.files import csv_text, json_text, write_files
from bayes_sf.output.formats.terminal import print_table
from bayes_sf.output.numbers import fixed, interval, significant_decimals
from bayes_sf.output.protected_models import keep_open, protect_pooling
from bayes_sf.output.summary import SOURCES
from bayes_sf.output.tables import Table, printed_table
from bayes_sf.spec.analysis import Analysis

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["PoolingRun", "print_pooling", "run_pooling"]

#: Analyses of more models are in the files; so many are printed.
_SHOWN = 4


@dataclass(frozen=True, eq=False)
class PoolingRun:
    """One run of `compare`.

    Parameters
    ----------
    source : str
        ``published``, ``replica`` or ``microdata``.
    found : tuple of Pooling
        One per model.
    provenance : dict
        As in `provenance.json`.
    files : tuple of pathlib.Path
        What was written.
    disclosure : str
        What disclosure control did.
    """

    source: str
    found: tuple[Pooling, ...]
    provenance: dict[str, Any]
    files: tuple[Path, ...]
    disclosure: str = ""


def run_pooling(
    folder: Path,
    analysis: Analysis,
    data: Any,
    *,
    source: str,
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
    rules: Rules | None = None,
) -> PoolingRun:
    """Compare the poolings of every model of an analysis and write them.

    Parameters
    ----------
    folder : pathlib.Path
        An existing folder.
    analysis : Analysis
        What is asked.
    data : PublishedStudy or AnalysisSample
        Its data.
    source : {"published", "replica", "microdata"}
        Which data they are.
    progress : callable
        Wraps the models.
    rules : Rules, optional
        Of disclosure control.
    """
    control = Control.of(data, rules or Rules())
    analysis, withheld = keep_open(analysis, control)
    shown, log = [], list[Hidden](withheld)
    for spec in progress(analysis.specs):
        one, hidden = protect_pooling(compare_pooling(spec, data), control)
        shown.append(one)
        log += hidden
    found = tuple(shown)
    provenance = {
        "analysis": analysis.name, "question": analysis.question, "source": source,
        "statement": SOURCES[source], "versions": versions(), "platform": platform.platform(),
        "models": [
            {
                "model": one.spec.name, "outcome": one.spec.outcome, "unit": one.spec.unit,
                "priors": str(one.exact.priors), "spec": one.exact.provenance.spec,
                "data": one.exact.provenance.data, "no_pooling": one.missing or "fitted",
            }
            for one in found
        ],
    }  # fmt: skip
    files = write_files(
        folder,
        {
            "pooling.csv": csv_text(TermRow, (row for one in found for row in one.terms)),
            "shrinkage.csv": csv_text(GroupRow, (row for one in found for row in one.groups)),
            "provenance.json": json_text(provenance),
            **disclosure_files(control, log),
        },
    )
    return PoolingRun(source, found, provenance, files, notice(control, log))


def print_pooling(console: "Console", run: PoolingRun, *, as_json: bool) -> None:
    """Print the poolings as tables, or as one JSON object.

    Parameters
    ----------
    console : rich.console.Console
        Stdout.
    run : PoolingRun
        What to print.
    as_json : bool
        One object with keys ``pooling, shrinkage, provenance``, of microdata ``disclosure``.
    """
    if as_json:
        content = {
            "pooling": [asdict(row) for one in run.found for row in one.terms],
            "shrinkage": [asdict(row) for one in run.found for row in one.groups],
            "provenance": run.provenance,
            **({"disclosure": run.disclosure} if run.disclosure else {}),
        }
        console.file.write(json_text(content))
        return
    console.print(SOURCES[run.source], style="bold")
    for one in run.found[:_SHOWN]:
        print_table(console, _terms(one))
        print_table(console, _shrinkage(one))
    console.print()
    left = len(run.found) - _SHOWN
    if left > 0:
        console.print(f"{left} more models are in the files.")
    if run.disclosure:
        console.print(run.disclosure, highlight=False)
    names = ", ".join(path.name for path in run.files)
    console.print(f"Written to {run.files[0].parent}: {names}")


def _terms(one: Pooling) -> Table:
    """Coefficients, standard deviations and ICC, a line for each pooling."""
    header = ("term", "pooling", "engine", "estimate", "sd", "interval")
    rows = tuple(_term_row(row) for row in sorted(one.terms, key=lambda row: _order(one, row)))
    prob = f"{100 * one.exact.prob:.0f} %"
    note = (
        f"{prob} intervals: Wald (ols, dummies, reml), equal-tailed credible (exact); "
        f"{one.exact.moments.n_obs} rows, outcome in {one.spec.unit or 'its own unit'}. "
        f"Priors: {one.exact.priors}."
    )
    if one.missing:
        note += f" No estimate without pooling: {one.missing}."
    return printed_table(f"{one.spec.name} of {one.spec.outcome}: poolings", header, rows, note)


def _order(one: Pooling, row: TermRow) -> int:
    """Coefficients first, in the model's order; poolings stay as they are."""
    terms = (*one.exact.moments.terms, "sd_group", "sd_resid", "icc")
    return terms.index(row.term)


def _term_row(row: TermRow) -> tuple[str, ...]:
    """Two digits of the uncertainty."""
    decimals = significant_decimals(row.sd)
    span = "" if math.isnan(row.lower) else interval(row.lower, row.upper, decimals)
    return (
        row.term, row.pooling, row.engine, fixed(row.estimate, decimals), fixed(row.sd, decimals),
        span,
    )  # fmt: skip


def _shrinkage(one: Pooling) -> Table:
    """Levels of the groups, and how far they are shrunk."""
    header = (
        one.spec.group, "n", "raw mean", "no pooling", "REML", "posterior", "interval", "factor",
        "interval of factor", "more to halve",
    )  # fmt: skip
    rows = tuple(
        (row.group, *(HIDDEN,) * (len(header) - 1)) if str(row.mean) == HIDDEN else
        (
            row.group, str(row.n), fixed(row.raw, 2), fixed(row.none, 2), fixed(row.reml, 2),
            fixed(row.mean, 2), interval(row.lower, row.upper, 2), fixed(row.factor, 3),
            interval(row.factor_lower, row.factor_upper, 3),
            fixed(row.more, 0) if math.isfinite(row.more) else "no number",
        )
        for row in one.groups
    )  # fmt: skip
    note = (
        f"Levels at the predictors' means; complete pooling puts every group at "
        f"{fixed(one.groups[0].complete, 2)}. Factor: weight of the group's own data, 1 without "
        "pooling, 0 with complete pooling (posterior median). More to halve: further rows of this "
        "group that would halve the interval of its level."
    )
    return printed_table(f"{one.spec.name} of {one.spec.outcome}: shrinkage", header, rows, note)
