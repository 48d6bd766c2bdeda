"""A run of `bayes-sf impute`, read back from its folder: what sampling said of what is missing."""

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final

from bayes_sf.analysis.missing.imputation import MethodRow, MissingStudy
from bayes_sf.errors import UsageError
from bayes_sf.inputs.panel import build_panel
from bayes_sf.inputs.sample import AnalysisSample

__all__ = ["read_imputation"]

_FILES: Final = ("provenance.json", "methods.csv", "delta.csv", "tipping_points.csv")


def read_imputation(folder: Path, study: MissingStudy, sample: AnalysisSample) -> MissingStudy:
    """Add what a saved run found to a study of complete rows.

    Parameters
    ----------
    folder : pathlib.Path
        Where `impute` wrote.
    study : MissingStudy
        As `study_complete` gives it.
    sample : AnalysisSample
        The workplaces of that study.

    Returns
    -------
    MissingStudy
        With the run's rows for treatments that need sampling, its effects and tipping points.

    Raises
    ------
    UsageError
        For a folder that `impute` did not write; for a run that did not converge; and for one of
        other workplaces or another model.
    """
    import pandas as pd

    where = f"--imputed {folder}"
    for name in _FILES:
        if not (folder / name).is_file():
            rule = "must be a folder that bayes-sf impute wrote"
            raise UsageError(where, rule, got=f"no {name} in it")
    said: dict[str, Any] = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    if not said.get("converged"):
        raise UsageError(where, "must be a run that converged", fix="run impute again")
    effects = pd.read_csv(folder / "delta.csv")
    unlinked = bool((effects["pattern"] == "unlinked").any())
    predictors = study.complete_case[0].spec.predictors
    if said.get("panel") != build_panel(sample, predictors, unlinked=unlinked).digest:
        fix = "run impute with the same files, and without naming an analysis"
        raise UsageError(where, "must be of the same workplaces and model", fix=fix)
    names = {field.name for field in fields(MethodRow)}
    saved = pd.read_csv(folder / "methods.csv", keep_default_na=True)
    saved = saved.fillna({"pattern": "", "unit": ""})
    rows = [
        MethodRow(**{str(key): value for key, value in record.items() if key in names})
        for record in saved.to_dict("records")
    ]
    known = {row.method for row in study.rows}
    return replace(
        study, rows=(*study.rows, *(row for row in rows if row.method not in known)),
        effects=effects, tipping=pd.read_csv(folder / "tipping_points.csv"),
    )  # fmt: skip
