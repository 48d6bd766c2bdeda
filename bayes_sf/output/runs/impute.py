"""`bayes-sf impute`: what is missing modelled instead of dropped."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from bayes_sf.analysis.missing.imputation import MissingStudy, study_missing
from bayes_sf.disclosure.control import Control
from bayes_sf.disclosure.gate import Passed
from bayes_sf.disclosure.protected_cases import pass_with_consent
from bayes_sf.disclosure.protected_missing import ProtectedStudy, protect_missing
from bayes_sf.disclosure.protected_models import keep_open
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.output.figures.imputation import delta_figure, distribution_figure, quarters_figure
from bayes_sf.output.formats.completed import completed_files
from bayes_sf.output.formats.delimited import CsvStyle
from bayes_sf.output.progress import show_sampling
from bayes_sf.output.run import Asked, Content, Run, described
from bayes_sf.output.tables.imputation_tables import imputation_tables, is_asked
from bayes_sf.spec.analysis import Analysis

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["run_impute"]

#: Completed data sets for Rubin's rules where none are to be written.
_SETS = 20
#: Of `study_missing`, for progress.
_STEPS = 3


def run_impute(
    analysis: Analysis,
    sample: AnalysisSample,
    asked: Asked,
    *,
    completed: int = 0,
    quarters: bool = False,
    deltas: Sequence[float],
    pattern: str,
    csv_style: CsvStyle = "plain",
) -> tuple[Run, MissingStudy]:
    """Fit an analysis under every treatment of what is missing.

    Parameters
    ----------
    analysis : Analysis
        What is asked; its models have the same predictors.
    sample : AnalysisSample
        The workplaces.
    asked : Asked
    completed : int
        Completed data sets to write: MICRODATA. With 0 none are, and under disclosure control no
        picture of single workplaces of one's own files is drawn.
    quarters : bool
        Whether to write their quarters, too.
    deltas, pattern
        As in `study_missing`.
    csv_style : {"plain", "norwegian"}
        Of the completed data sets.

    Returns
    -------
    run : Run
    study : MissingStudy
        What was found, as it may leave.
    """
    control = Control.of(sample, asked.rules)
    kept = keep_open(analysis, control)
    with show_sampling(asked.console, _STEPS) as begin:
        study = study_missing(
            kept.shown.specs, sample, deltas=deltas, pattern=pattern, n_sets=completed or _SETS,
            seed=asked.seed, begin=begin,
        )  # fmt: skip
    shown = kept.also(protect_missing(study, study.panel_fit.summary().reset_index(), control))
    safe, single = shown.shown[1], completed or not control.active
    withheld = not set(study.panel_fit.panel.industries) - set(safe.industries)
    passed = shown.map(
        lambda both: _content(
            both[0], both[1], asked, completed, spread=not withheld, protected=control.active
        )
    )
    if single:
        files: dict[str, str | bytes] = {}
        if completed:
            files |= completed_files(
                safe.study.sets, source=asked.source, quarters=quarters, csv_style=csv_style,
            )  # fmt: skip
        passed = _with_workplaces(passed, safe.study, asked, files)
    return Run(asked, control, passed, withheld=("distributions",) if withheld else ()), safe.study


def _content(
    analysis: Analysis,
    safe: ProtectedStudy,
    asked: Asked,
    completed: int,
    *,
    spread: bool,
    protected: bool,
) -> Content:
    """Tables, pictures and files."""
    study, source = safe.study, asked.source
    figures = {"delta": delta_figure(_drawn(study), study.tipping, source=source)}
    if spread:
        figures["distributions"] = distribution_figure(
            study.panel_fit.panel,
            study.done,
            source=source,
            hidden=safe.industries,
            least=asked.rules.min_workplaces if protected else 0,
        )
    frames = {
        "tipping_points": study.tipping, "missing": study.missing, "won_back": study.won,
        "delta": study.effects, "panel": safe.panel,
    }  # fmt: skip
    return Content(
        frames={
            "methods": pd.DataFrame(study.rows),
            **{name: frame.assign(source=source) for name, frame in frames.items()},
        },
        tables=imputation_tables(study),
        figures=figures,
        about=_about(analysis, study, completed),
        unsaid=("panel",),
    )  # fmt: skip


def _with_workplaces(
    passed: Passed[Content], study: MissingStudy, asked: Asked, files: dict[str, str | bytes]
) -> Passed[Content]:
    """Add what shows single workplaces: of the replica, or for those who asked for it."""
    figure = quarters_figure(study.panel_fit.panel, study.done, source=asked.source)
    return passed.also(pass_with_consent((figure, files))).map(_added)


def _added(both: "tuple[Content, tuple[Figure, dict[str, str | bytes]]]") -> Content:
    """Content with one picture and some files more."""
    content, (figure, files) = both
    figures = {**content.figures, "quarters": figure}
    private = ("quarters.svg", "quarters.png", *files)
    return replace(content, figures=figures, texts={**content.texts, **files}, private=private)


def _drawn(study: MissingStudy) -> "pd.DataFrame":
    """Slopes that are asked for, and the ICC."""
    terms = study.effects["term"]
    return study.effects[[term == "icc" or is_asked(term, study) for term in terms]]


def _about(analysis: Analysis, study: MissingStudy, completed: int) -> dict[str, Any]:
    """Where the figures come from."""
    fitted = study.panel_fit
    return {
        "analysis": analysis.name, "question": analysis.question,
        "completed_sets_written": completed,
        "completed_sets_pooled": study.sets.n_sets, "draws_of_gaps": len(study.done.y),
        "panel": fitted.panel.digest, "converged": study.converged,
        "sampler": dict(fitted.settings),
        "models": [
            described(result)
            for result in (*study.complete_case, *study.results)
        ],
    }  # fmt: skip
