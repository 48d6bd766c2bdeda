"""`bayes-sf sbc`: simulation-based calibration of an analysis, as files and on a terminal."""

import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayes_sf.analysis.checks.calibration import Calibration, calibrate
from bayes_sf.engines.fit import versions
from bayes_sf.output.figures.calibration import rank_figure
from bayes_sf.output.figures.page import figure_files
from bayes_sf.output.files import json_text, write_files
from bayes_sf.output.formats.terminal import print_end, print_table
from bayes_sf.output.tables.table import Column, table_from_frame
from bayes_sf.spec.analysis import Analysis

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["CalibrationRun", "print_calibration", "run_calibration"]

_COLUMNS = (
    Column("quantity", "quantity", "text"),
    Column("p", "p of uniform ranks", "probability"),
    Column("mean", "mean rank (0.5)", decimals=2),
    Column("sd", "sd of rank (0.29)", decimals=2),
)
_SIMULATED = "SIMULATED data: outcomes drawn from the model itself, on the design of {}."


@dataclass(frozen=True, eq=False)
class CalibrationRun:
    """One run of `sbc`.

    Parameters
    ----------
    source : str
        Whose design: ``replica`` or ``microdata``.
    found : tuple of Calibration
        One per model.
    provenance : dict
        As in `provenance.json`.
    files : tuple of pathlib.Path
    """

    source: str
    found: tuple[Calibration, ...]
    provenance: dict[str, Any]
    files: tuple[Path, ...]


def run_calibration(
    folder: Path,
    analysis: Analysis,
    data: Any,
    *,
    source: str,
    n: int,
    engine: str | None,
    seed: int,
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> CalibrationRun:
    """Calibrate every model of an analysis, and write ranks and pictures.

    Parameters
    ----------
    folder : pathlib.Path
        An existing folder.
    analysis : Analysis
        What is asked.
    data : AnalysisSample
        The design.
    source : {"replica", "microdata"}
        Whose.
    n : int
        Simulated data sets for each model.
    engine : {"exact", "nuts"}, optional
        By default what the model takes.
    seed : int
        Seed of everything.
    progress : callable
        Wraps the rounds of each model.
    """
    found = tuple(
        calibrate(spec, data, n=n, engine=engine, seed=seed, progress=progress)
        for spec in analysis.specs
    )
    provenance = {
        "analysis": analysis.name, "design": source, "seed": seed, "data_sets": n,
        "statement": _SIMULATED.format(source), "versions": versions(),
        "platform": platform.platform(),
        "models": [
            {
                "model": one.spec.name, "outcome": one.spec.outcome, "engine": one.engine,
                "priors": str(one.spec.priors), "passed": one.passed, "refused": one.refused,
                "not_converged": one.not_converged,
            }
            for one in found
        ],
    }  # fmt: skip
    files: dict[str, str | bytes] = {"provenance.json": json_text(provenance)}
    for one in found:
        stem = f"{one.spec.name}-{one.spec.outcome}"
        files[f"{stem}.csv"] = str(one.ranks.to_csv(index=False, lineterminator="\n"))
        title = f"{one.spec.outcome} ~ {one.spec.name} ({one.engine})"
        files |= figure_files(stem, rank_figure(one.ranks, one.kept, title=title))
    return CalibrationRun(source, found, provenance, write_files(folder, files))


def print_calibration(console: "Console", run: CalibrationRun, *, as_json: bool) -> None:
    """Print what was found as tables, or as one JSON object.

    Parameters
    ----------
    console : rich.console.Console
        Stdout.
    run : CalibrationRun
        What to print.
    as_json : bool
        One object with keys ``calibration`` and ``provenance``.
    """
    tables = [one.table().rename_axis("quantity").reset_index() for one in run.found]
    if as_json:
        named = zip(run.found, tables, strict=True)
        content = [
            {"model": one.spec.name, "outcome": one.spec.outcome, **row}
            for one, table in named
            for row in table.to_dict("records")
        ]
        console.file.write(json_text({"calibration": content, "provenance": run.provenance}))
        return
    console.print(run.provenance["statement"], style="bold")
    for one, table in zip(run.found, tables, strict=True):
        title = f"Calibration of {one.spec.outcome} ~ {one.spec.name}, engine {one.engine}"
        limit = 0.05 / len(table)
        verdict = "passed" if one.passed else "FAILED"
        said = (
            f"{len(one.ranks)} data sets, {len(one.refused)} that could not be fitted, "
            f"{one.not_converged} not converged. {verdict}: the smallest p is "
            f"{table['p'].min():.4f}, the limit 0.05/{len(table)} = {limit:.4f}."
        )
        notes = (said, f"Priors: {one.spec.priors}.")
        print_table(console, table_from_frame(table, title, columns=_COLUMNS, notes=notes))
    print_end(console, run.files, lang="en")
