"""`bayes-sf impute`: what is missing modelled instead of dropped, as files and on a terminal."""

import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayes_sf.analysis.missing.imputation import MethodRow, MissingStudy, study_missing
from bayes_sf.disclosure.control import Control, Rules
from bayes_sf.disclosure.protected_missing import protect_missing
from bayes_sf.disclosure.protected_models import keep_open
from bayes_sf.engines.fit import versions
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.inputs.variables import Language
from bayes_sf.output.audit import disclosure_files, notice
from bayes_sf.output.figures.imputation import delta_figure, distribution_figure, quarters_figure
from bayes_sf.output.figures.page import figure_files
from bayes_sf.output.files import csv_text, json_text, write_files
from bayes_sf.output.formats.delimited import CsvStyle
from bayes_sf.output.formats.terminal import print_end, print_table
from bayes_sf.output.progress import show_sampling
from bayes_sf.output.runs.completed_files import completed_files
from bayes_sf.output.tables.imputation_tables import imputation_tables, is_asked
from bayes_sf.output.words.sentences import STATEMENTS
from bayes_sf.spec.analysis import Analysis

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

__all__ = ["ImputationRun", "print_imputation", "run_imputation"]

#: Completed data sets for Rubin's rules where none are to be written.
_SETS = 20
#: Of `study_missing`, for progress.
_STEPS = 3


@dataclass(frozen=True, eq=False)
class ImputationRun:
    """One run of `impute`.

    Parameters
    ----------
    source : str
        ``replica`` or ``microdata``.
    study : MissingStudy
        What was found.
    lang : {"en", "nb"}
        Language.
    provenance : dict
        As in `provenance.json`.
    files : tuple of pathlib.Path
        What was written.
    disclosure : str
        What disclosure control did.
    """

    source: str
    study: MissingStudy
    lang: Language
    provenance: dict[str, Any]
    files: tuple[Path, ...]
    disclosure: str = ""
    withheld: tuple[str, ...] = ()


def run_imputation(
    folder: Path,
    analysis: Analysis,
    sample: AnalysisSample,
    *,
    source: str,
    completed: int,
    quarters: bool,
    deltas: Sequence[float],
    pattern: str,
    seed: int,
    lang: Language,
    csv_style: CsvStyle,
    console: "Console",
    rules: Rules | None = None,
) -> ImputationRun:
    """Fit an analysis under every treatment of what is missing, and write what was found.

    Parameters
    ----------
    folder : pathlib.Path
        An existing folder.
    analysis : Analysis
        What is asked; its models have the same predictors.
    sample : AnalysisSample
        The workplaces.
    source : {"replica", "microdata"}
        Which they are.
    completed : int
        Completed data sets to write: MICRODATA. With 0 none are, and under disclosure control no
        picture of single workplaces of one's own files is drawn.
    quarters : bool
        Whether to write their quarters, too.
    deltas, pattern, seed
        As in `study_missing`.
    lang : {"en", "nb"}
        Language of tables, figures and labels.
    csv_style : {"plain", "norwegian"}
        Of the completed data sets.
    console : rich.console.Console
        Stderr, for progress.
    rules : Rules, optional
        Of disclosure control.
    """
    control = Control.of(sample, rules or Rules())
    analysis, closed = keep_open(analysis, control)
    with show_sampling(console, _STEPS) as begin:
        study = study_missing(
            analysis.specs, sample, deltas=deltas, pattern=pattern, n_sets=completed or _SETS,
            seed=seed, begin=begin,
        )  # fmt: skip
    parameters = study.panel_fit.summary().reset_index()
    safe = protect_missing(study, parameters, control)
    study = safe.study
    provenance = _provenance(analysis, study, source, seed, completed)
    figures = {"delta": delta_figure(_drawn(study), study.tipping, source=source, lang=lang)}
    withheld = not set(study.panel_fit.panel.industries) - set(safe.industries)
    if not withheld:
        figures["distributions"] = distribution_figure(
            study.panel_fit.panel, study.done, source=source, lang=lang, hidden=safe.industries
        )
    if source == "replica" or completed or not control.active:
        figures["quarters"] = quarters_figure(
            study.panel_fit.panel, study.done, source=source, lang=lang
        )
    files: dict[str, str | bytes] = {"methods.csv": csv_text(MethodRow, study.rows)}
    for name, table in {
        "missing": study.missing, "won_back": study.won, "delta": study.effects,
        "tipping_points": study.tipping, "panel": safe.panel,
    }.items():  # fmt: skip
        said = table.assign(source=source)
        files[f"{name}.csv"] = str(said.to_csv(index=False, lineterminator="\n"))
    log = (*safe.log, *closed)
    files |= disclosure_files(control, log)
    for name, figure in figures.items():
        files |= figure_files(name, figure)
    if completed:
        files |= completed_files(
            study.sets, source=source, quarters=quarters, lang=lang, csv_style=csv_style
        )
    files["provenance.json"] = json_text(provenance)
    written = write_files(folder, files)
    return ImputationRun(
        source, study, lang, provenance, written, notice(control, log, lang),
        ("distributions",) if withheld else (),
    )  # fmt: skip


def _drawn(study: MissingStudy) -> "pd.DataFrame":
    """Slopes that are asked for, and the ICC."""
    terms = study.effects["term"]
    return study.effects[[term == "icc" or is_asked(term, study) for term in terms]]


def _provenance(
    analysis: Analysis, study: MissingStudy, source: str, seed: int, completed: int
) -> dict[str, Any]:
    """Where the figures come from."""
    fitted = study.panel_fit
    return {
        "analysis": analysis.name, "question": analysis.question, "source": source,
        "statement": STATEMENTS["en"][source], "seed": seed, "versions": versions(),
        "platform": platform.platform(), "completed_sets_written": completed,
        "completed_sets_pooled": study.sets.n_sets, "draws_of_gaps": len(study.done.y),
        "panel": fitted.panel.digest, "converged": study.converged,
        "sampler": dict(fitted.settings),
        "models": [
            {
                "model": result.spec.name, "outcome": result.spec.outcome,
                "engine": result.engine, "n": result.moments.n_obs, "priors": str(result.priors),
                "spec": result.provenance.spec, "data": result.provenance.data,
                "seconds": round(result.provenance.seconds, 1),
            }
            for result in (*study.complete_case, *study.results)
        ],
    }  # fmt: skip


def print_imputation(console: "Console", run: ImputationRun, *, as_json: bool) -> None:
    """Print a run as tables, or as one JSON object.

    Parameters
    ----------
    console : rich.console.Console
        Stdout.
    run : ImputationRun
        What to print.
    as_json : bool
        One object with keys ``methods, tipping_points, missing, won_back, delta, provenance,
        files, disclosure``; no completed data.
    """
    study = run.study
    if as_json:
        tables = {
            "tipping_points": study.tipping, "missing": study.missing, "won_back": study.won,
            "delta": study.effects,
        }  # fmt: skip
        content = {
            "methods": [asdict(row) for row in study.rows],
            **{name: table.to_dict("records") for name, table in tables.items()},
            "provenance": run.provenance, "disclosure": run.disclosure,
            "files": [str(path) for path in run.files],
        }  # fmt: skip
        console.file.write(json_text(content))
        return
    console.print(STATEMENTS[run.lang][run.source], style="bold")
    for table in imputation_tables(study, lang=run.lang):
        print_table(console, table)
    console.print()
    print_end(console, run.files, lang=run.lang, disclosure=run.disclosure)
