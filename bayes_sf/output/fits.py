"""`bayes-sf fit`: any analysis by any engine, its estimates as files; NUTS saved fit by fit."""

import math
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayes_sf.engines.fit import fit, group_sizes, versions
from bayes_sf.engines.result import Result, Results
from bayes_sf.engines.store import fit_saved
from bayes_sf.output.disclosure import (
    Control,
    Hidden,
    Rules,
    disclosure_files,
    notice,
)
from bayes_sf.output.files import json_text, write_files
from bayes_sf.output.formats.terminal import print_table
from bayes_sf.output.numbers import fixed, interval, probability, significant_decimals
from bayes_sf.output.progress import show_sampling
from bayes_sf.output.protected_models import keep_open, protect_diagnostics, protect_estimates
from bayes_sf.output.result_tables import answered_notes
from bayes_sf.output.summary import SOURCES
from bayes_sf.output.tables import Table, printed_table
from bayes_sf.spec.analysis import Analysis
from bayes_sf.spec.moments import INTERCEPT

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

__all__ = ["FitRun", "print_fit", "run_fit"]

#: An analysis of so few models is printed with its standard deviations and ICC.
_FEW = 4
_SPREADS = ("sd_group", "sd_resid", "icc")
_MARK = "NOT CONVERGED"


@dataclass(frozen=True, eq=False)
class FitRun:
    """One run of `fit`.

    Parameters
    ----------
    source : str
        ``published``, ``replica`` or ``microdata``.
    results : Results
    resumed : int
        How many were taken from files.
    tables : dict of pandas.DataFrame
        ``estimates`` and, for nuts, ``diagnostics``, as written.
    provenance : dict
        As in `provenance.json`.
    files : tuple of pathlib.Path
        Tables and provenance.
    disclosure : str
        What disclosure control did.
    """

    source: str
    results: Results
    resumed: int
    tables: "dict[str, pd.DataFrame]"
    provenance: dict[str, Any]
    files: tuple[Path, ...]
    disclosure: str = ""


def run_fit(
    folder: Path,
    analysis: Analysis,
    data: Any,
    *,
    source: str,
    engine: str,
    seed: int,
    resume: bool,
    console: "Console",
    rules: Rules | None = None,
) -> FitRun:
    """Fit every model of an analysis and write what was found.

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
    engine : {"exact", "reml", "ols", "nuts"}
        With ``nuts`` every fit is saved as it finishes.
    seed : int
        Seed of everything random.
    resume : bool
        Whether saved fits of the same question are taken as they are.
    console : rich.console.Console
        Stderr, for progress.
    rules : Rules, optional
        Of disclosure control: effects of hidden groups are in no table and no file.
    """
    control = Control.of(data, rules or Rules())
    analysis, withheld = keep_open(analysis, control)
    kept: list[tuple[Result, bool]] = []
    with show_sampling(console, len(analysis.specs)) as begin:
        for spec in analysis.specs:
            begin(f"{spec.name} of {spec.outcome}")
            if engine == "nuts":
                hide = tuple(control.hidden_groups(group_sizes(spec, data)))
                kept.append(fit_saved(spec, data, folder, seed=seed, resume=resume, hide=hide))
            else:
                kept.append((fit(spec, data, engine=engine, seed=seed), False))
    results = Results(tuple(result for result, _ in kept))
    tables, log = _tables(results, source, control)
    log += withheld
    resumed = sum(found for _, found in kept)
    provenance = {
        "analysis": analysis.name, "question": analysis.question, "source": source,
        "statement": SOURCES[source], "engine": engine, "seed": seed, "resumed": resumed,
        "versions": versions(), "platform": platform.platform(),
        "models": [_described(result) for result in results.values()],
    }  # fmt: skip
    texts = {f"{name}.csv": _csv(table) for name, table in tables.items()}
    texts |= {"provenance.json": json_text(provenance), **disclosure_files(control, log)}
    files = write_files(folder, texts)
    said = notice(control, log)
    return FitRun(source, results, resumed, tables, provenance, files, said)


def _csv(table: "pd.DataFrame") -> str:
    """Numbers in full."""
    return str(table.to_csv(index=False, lineterminator="\n"))


def _tables(
    results: Results, source: str, control: Control
) -> "tuple[dict[str, pd.DataFrame], tuple[Hidden, ...]]":
    """Estimates, and diagnostics where there are any; every row says whether to believe it."""
    import pandas as pd

    frames: dict[str, list[pd.DataFrame]] = {"estimates": [], "diagnostics": []}
    log: list[Hidden] = []
    for result in results.values():
        table, hidden = protect_estimates(result, control)
        log += hidden
        frames["estimates"].append(_marked(table, result, source))
        if result.engine == "nuts":
            table = protect_diagnostics(result, control)
            table.insert(0, "outcome", result.spec.outcome)
            table.insert(1, "model", result.spec.name)
            frames["diagnostics"].append(_marked(table, result, source))
    tables = {name: pd.concat(rows, ignore_index=True) for name, rows in frames.items() if rows}
    return tables, tuple(log)


def _marked(table: "pd.DataFrame", result: Result, source: str) -> "pd.DataFrame":
    """Add which data, and whether to believe it."""
    return table.assign(source=source, converged=result.converged)


def _described(result: Result) -> dict[str, Any]:
    """A model's provenance."""
    described = {
        "model": result.spec.name, "outcome": result.spec.outcome,
        "predictors": result.spec.predictors, "priors": str(result.priors or "none"),
        "spec": result.provenance.spec, "data": result.provenance.data,
        "n": result.moments.n_obs, "seconds": round(result.provenance.seconds, 4),
        "converged": result.converged,
    }  # fmt: skip
    if result.engine == "nuts":
        described["sampler"] = dict(result.fitted.settings)
    return described


def print_fit(console: "Console", run: FitRun, *, as_json: bool) -> None:
    """Print a run's main rows, or everything as one JSON object.

    Parameters
    ----------
    console : rich.console.Console
        Stdout.
    run : FitRun
        What to print.
    as_json : bool
        One object with keys ``estimates, provenance``, for nuts ``diagnostics``, of microdata
        ``disclosure``.
    """
    if as_json:
        tables = {name: table.to_dict("records") for name, table in run.tables.items()}
        said = {"disclosure": run.disclosure} if run.disclosure else {}
        console.file.write(json_text({**tables, "provenance": run.provenance, **said}))
        return
    console.print(SOURCES[run.source], style="bold")
    print_table(console, _main_rows(run))
    console.print()
    if run.disclosure:
        console.print(run.disclosure, highlight=False)
    if run.resumed:
        console.print(f"{run.resumed} of {len(run.results)} fits were there from an earlier run.")
    names = ", ".join(path.name for path in run.files)
    console.print(f"Written to {run.files[0].parent}: {names}")


def _main_rows(run: FitRun) -> Table:
    """Slopes of every model; in a small analysis everything but the groups."""
    first = next(iter(run.results.values()))
    bayesian = first.has_draws
    header = (
        "model", "outcome", "term", "mean" if bayesian else first.engine,
        f"{100 * first.prob:.0f} % interval", "P(direction)" if bayesian else "t", "n", "",
    )  # fmt: skip
    rows = tuple(row for result in run.results.values() for row in _rows(result, len(run.results)))
    kind = "equal-tailed credible" if bayesian else "Wald confidence"
    note = f"{100 * first.prob:.0f} % {kind} intervals; outcomes in {first.spec.unit}."
    if any(f"{slope} | " in row[2] for slope in first.moments.predictors for row in rows):
        group = first.spec.group
        note += f" A slope | {group} is how far that {group}'s is from the slope of all."
    if bayesian:
        note += f" Priors of the first model: {first.priors}."
    note += "".join(f" {said}" for said in answered_notes(run.results.values(), "en"))
    return printed_table(run.provenance["question"], header, rows, note)


def _rows(result: Result, models: int) -> Iterator[tuple[str, ...]]:
    """Printed rows of one model: slopes, and in a small analysis all but the groups' levels."""
    slopes = result.moments.predictors
    small = models <= _FEW or not slopes
    for row in result.rows:
        if row.term not in slopes and (not small or (row.group and row.term == INTERCEPT)):
            continue
        decimals = 3 if row.term == "icc" else significant_decimals(row.sd)
        span = "" if math.isnan(row.lower) else interval(row.lower, row.upper, decimals)
        yield (
            result.spec.name, result.spec.outcome,
            f"{row.term} | {row.group}" if row.group else row.term,
            fixed(row.estimate, decimals), span,
            probability(row.statistic) if result.has_draws else fixed(row.statistic, 2),
            str(result.moments.n_obs),
            "" if result.converged else _MARK,
        )  # fmt: skip
