"""`bayes-sf sbc`: simulation-based calibration of an analysis."""

from typing import TYPE_CHECKING, Any

from bayes_sf.analysis.checks.calibration import Calibration, calibrate
from bayes_sf.disclosure.control import Control
from bayes_sf.disclosure.gate import holds_no_data
from bayes_sf.output.figures.calibration import rank_figure
from bayes_sf.output.run import Asked, Content, Run
from bayes_sf.output.tables.table import Column, Table, table_from_frame
from bayes_sf.spec.analysis import Analysis

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["run_sbc"]

_COLUMNS = (
    Column("quantity", "quantity", "text"),
    Column("p", "p of uniform ranks", "probability"),
    Column("mean", "mean rank (0.5)", decimals=2),
    Column("sd", "sd of rank (0.29)", decimals=2),
)
_SIMULATED = "SIMULATED data: outcomes drawn from the model itself, on the design of {}."


def run_sbc(
    analysis: Analysis, data: Any, asked: Asked, *, n: int, engine: str | None = None, jobs: int = 1
) -> tuple[Run, tuple[Calibration, ...]]:
    """Calibrate every model of an analysis.

    Parameters
    ----------
    analysis : Analysis
        What is asked.
    data : AnalysisSample
        The design.
    asked : Asked
    n : int
        Simulated data sets for each model.
    engine : {"exact", "nuts"}, optional
        By default what the model takes.
    jobs : int
        Processes.

    Returns
    -------
    run : Run
    found : tuple of Calibration
        One per model.
    """
    found = tuple(
        calibrate(
            spec, data, n=n, engine=engine, seed=asked.seed, jobs=jobs, progress=asked.progress
        )
        for spec in analysis.specs
    )
    control = Control.of(data, asked.rules)
    passed = holds_no_data(found, "ranks of simulated outcomes")
    return Run(asked, control, passed.map(lambda all_: _content(analysis, all_, asked, n))), found


def _content(analysis: Analysis, found: tuple[Calibration, ...], asked: Asked, n: int) -> Content:
    """Tables, pictures and files."""
    names = {f"{one.spec.name}-{one.spec.outcome}": one for one in found}
    tables = [one.table().rename_axis("quantity").reset_index() for one in found]
    return Content(
        frames={name: one.ranks for name, one in names.items()},
        tables=[_table(one, table) for one, table in zip(found, tables, strict=True)],
        figures={
            name: rank_figure(
                one.ranks, one.kept, title=f"{one.spec.outcome} ~ {one.spec.name} ({one.engine})"
            )
            for name, one in names.items()
        },
        about={
            "analysis": analysis.name, "design": asked.source, "data_sets": n,
            "models": [
                {
                    "model": one.spec.name, "outcome": one.spec.outcome, "engine": one.engine,
                    "priors": str(one.spec.priors), "passed": one.passed, "refused": one.refused,
                    "not_converged": one.not_converged,
                }
                for one in found
            ],
        },
        said={
            "calibration": [
                {"model": one.spec.name, "outcome": one.spec.outcome, **row}
                for one, table in zip(found, tables, strict=True)
                for row in table.to_dict("records")
            ]
        },
        unsaid=tuple(names),
        statement=_SIMULATED.format(asked.source),
    )  # fmt: skip


def _table(one: Calibration, table: "pd.DataFrame") -> Table:
    """Ranks of a model's quantities, and the verdict."""
    title = f"Calibration of {one.spec.outcome} ~ {one.spec.name}, engine {one.engine}"
    limit = 0.05 / len(table)
    verdict = "passed" if one.passed else "FAILED"
    said = (
        f"{len(one.ranks)} data sets, {len(one.refused)} that could not be fitted, "
        f"{one.not_converged} not converged. {verdict}: the smallest p is "
        f"{table['p'].min():.4f}, the limit 0.05/{len(table)} = {limit:.4f}."
    )
    notes = (said, f"Priors: {one.spec.priors}.")
    return table_from_frame(table, title, columns=_COLUMNS, notes=notes)
