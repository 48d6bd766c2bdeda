"""Alternatives that the report weighs: other choices, gaps treated otherwise, others who differ.

All of it is exact and takes seconds. What has to be sampled is read from a saved run.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bayes_sf.analysis.choices.multiverse import Explored, explore
from bayes_sf.analysis.missing.imputation import MissingStudy, study_complete
from bayes_sf.analysis.missing.tipping import tipping_points
from bayes_sf.analysis.missing.unobserved import shift_effects
from bayes_sf.disclosure.control import Control, Hidden
from bayes_sf.disclosure.protected_choices import protect_explored
from bayes_sf.disclosure.protected_missing import protect_missing, protect_moved
from bayes_sf.disclosure.protected_models import keep_open
from bayes_sf.engines.result import Result
from bayes_sf.errors import BayesSFError, UsageError
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.output.report.saved_imputation import read_imputation
from bayes_sf.output.tables.imputation_tables import is_asked
from bayes_sf.spec.analysis import load_analysis
from bayes_sf.spec.multiverse import load_multiverse

if TYPE_CHECKING:
    import pandas as pd

    from bayes_sf.recovery.study import PublishedStudy

__all__ = ["explore_choices", "move_unobserved", "treat_gaps"]

#: The multiverse of the page, and of choices with many options those that it has: the whole takes
#: half a minute, and `bayes-sf multiverse` gives it.
_CHOICES: Final = "q13"
_SOME: Final[Mapping[str, tuple[object, ...]]] = {
    "min_quarters": (1, 3, 6, 12), "prior": ("2.5 sd", "sceptical"),
}  # fmt: skip
#: The analysis of what is missing, as `bayes-sf impute` has it.
_PANEL: Final = "q13_panel"


def move_unobserved(
    results: Sequence[Result], data: "PublishedStudy | AnalysisSample", control: Control
) -> "tuple[pd.DataFrame, pd.DataFrame, tuple[Hidden, ...]]":
    """Move the outcome of workplaces without one.

    How many these are is said, and how many gave an answer that the model uses: an item is left out
    where that tells of one or two workplaces.

    Parameters
    ----------
    results : sequence of Result
        Models of one item.
    data : PublishedStudy or AnalysisSample
    control : Control

    Returns
    -------
    effects, tipping : pandas.DataFrame
        As `shift_effects` and `tipping_points` give them.
    log : tuple of Hidden
    """
    effects = shift_effects(results, data)
    log: tuple[Hidden, ...] = ()
    if control.active and isinstance(data, AnalysisSample):
        without = {
            quantity: int(data.frame[f"absence_{quantity}"].isna().sum())
            for quantity in effects["quantity"].unique()
        }
        few = np.array([
            any(
                control.rules.sensitive_count(count, inf)
                for count in (gone, len(data.frame) - n, without[quantity] - gone)
            )
            for gone, n, quantity in zip(
                effects["n_workplaces"], effects["n"], effects["quantity"], strict=True
            )
        ], dtype=bool)  # fmt: skip
        if few.any() and not few.all():  # by itself it would be known why
            least = effects[~few].sort_values("n_workplaces").iloc[0]
            few |= ((effects["term"] == least["term"])
                    & (effects["quantity"] == least["quantity"])).to_numpy()  # fmt: skip
        told = effects[few].drop_duplicates(["term", "quantity"])
        log = tuple(
            Hidden("unobserved", term, quantity, "difference")
            for term, quantity in zip(told["term"], told["quantity"], strict=True)
        )
        effects = effects[~few]
    moved = protect_moved(effects, results, control)
    return moved, tipping_points(moved), log


def explore_choices(
    data: "PublishedStudy | AnalysisSample",
    control: Control,
    progress: Callable[[Iterable[Any]], Iterable[Any]],
) -> tuple[Explored | str | None, tuple[Hidden, ...]]:
    """Fit a part of a multiverse; quarters and controls of the study are not published.

    Parameters
    ----------
    data : PublishedStudy or AnalysisSample
    control : Control
    progress : callable
        Wraps the combinations.

    Returns
    -------
    explored : Explored or str or None
        Why there is none, where files of one's own lack what it asks for.
    log : tuple of Hidden
    """
    if not isinstance(data, AnalysisSample):
        return None, ()
    whole = load_multiverse(_CHOICES)
    choices = {
        key: tuple(option for option in options if option in _SOME.get(key, options))
        for key, options in whole.choices.items()
    }
    try:
        explored = explore(replace(whole, choices=choices), data, progress=progress)
        return protect_explored(explored, control)
    except BayesSFError as error:
        return str(error), ()


def treat_gaps(
    data: "PublishedStudy | AnalysisSample", control: Control, imputed: Path | None
) -> tuple[MissingStudy | str | None, tuple[Hidden, ...]]:
    """Treat what is missing as far as that needs no sampling, and add what a saved run says.

    Parameters
    ----------
    data : PublishedStudy or AnalysisSample
    control : Control
    imputed : pathlib.Path or None
        Folder of a run of `impute`.

    Returns
    -------
    study : MissingStudy or str or None
        Of the first predictor and the ICC; why there is none, where files of one's own lack what
        it asks for.
    log : tuple of Hidden

    Raises
    ------
    UsageError
        For a saved run that does not belong to the data.
    """
    import pandas as pd

    if not isinstance(data, AnalysisSample):
        if imputed is not None:
            fix = "use it with --data replica, or files of your own"
            raise UsageError("--imputed", "needs workplaces", got="published tables", fix=fix)
        return None, ()
    try:
        asked, closed = keep_open(load_analysis(_PANEL), control)
        study = study_complete(asked.specs, data)
    except BayesSFError as error:
        if imputed is not None:
            raise
        return str(error), ()
    if imputed is not None:
        study = read_imputation(imputed, study, data)

    def wanted(term: str) -> bool:
        return term == "icc" or is_asked(term, study)

    rows = tuple(row for row in study.rows if wanted(row.term))
    effects, tipping = (
        frame[frame["term"].map(wanted).astype(bool)] for frame in (study.effects, study.tipping)
    )
    parameters = pd.DataFrame(columns=["parameter", "mean", "sd", "lower", "upper"])
    safe, log = protect_missing(
        replace(study, rows=rows, effects=effects, tipping=tipping), parameters, control
    )
    return safe.study, (*closed, *log)
