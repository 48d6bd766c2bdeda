"""Command export: publication tables of any analysis, in the formats of reports."""

from pathlib import Path
from typing import Annotated

import typer

from bayes_sf.cli.app import app
from bayes_sf.cli.completion import ENGINES, FORMATS, analysis_names, one_of
from bayes_sf.cli.console import progress_bar, stdout
from bayes_sf.cli.data import language_of, load_study, rules_of, source_of
from bayes_sf.cli.options import (
    ControlOption,
    DataOption,
    DecimalOption,
    DominanceOption,
    JsonOption,
    LangOption,
    MapOption,
    OutOption,
    PersonsOption,
    QuietOption,
    RegisterOption,
    SeedOption,
    SurveyOption,
    ThresholdOption,
)
from bayes_sf.errors import UsageError


@app.command()
def export(
    analyses: Annotated[
        list[str] | None,
        typer.Argument(
            help="Analyses; without any the report's tables beside ours.",
            autocompletion=analysis_names,
        ),
    ] = None,
    *,
    data: DataOption = None,
    survey: SurveyOption = None,
    register: RegisterOption = None,
    mapping: MapOption = None,
    decimal: DecimalOption = None,
    engine: Annotated[
        str | None,
        typer.Option(
            "--engine",
            help="exact, reml, ols or nuts; by default what it takes.",
            autocompletion=one_of(ENGINES),
        ),
    ] = None,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            help="html, latex, markdown, csv, excel or word; may be repeated.",
            show_default="html and csv",
            autocompletion=one_of(FORMATS),
        ),
    ] = None,
    norwegian_csv: Annotated[
        bool, typer.Option("--norwegian-csv", help="CSV as Excel opens it in Norway.")
    ] = False,
    lang: LangOption = "en",
    disclosure_control: ControlOption = True,
    min_workplaces: ThresholdOption = 3,
    min_persons: PersonsOption = 5,
    dominance: DominanceOption = (75.0, 90.0, 10.0),
    out: OutOption = Path("tables"),
    as_json: JsonOption = False,
    seed: SeedOption = 1,
    quiet: QuietOption = False,
) -> None:
    """Write tables: estimates, poolings, shrinkage; of workplaces also sample flow and answers.

    Example: bayes-sf export null q13 --format word --format csv --lang nb
    """  # fmt: skip
    from bayes_sf.output.files import ready_folder
    from bayes_sf.spec.analysis import load_analysis

    language, wanted = language_of(lang), tuple(formats or ("html", "csv"))
    if engine is not None:
        _check("--engine", engine, ENGINES)
    if engine is not None and not analyses:
        raise UsageError(
            "--engine",
            "goes with analyses: the report's tables have theirs",
            got=engine,
            fix="name an analysis, or leave it out",
        )
    for value in wanted:
        _check("--format", value, FORMATS)
    if norwegian_csv and "csv" not in wanted:
        raise UsageError("--norwegian-csv", "goes with --format csv", got=", ".join(wanted))
    asked = tuple(load_analysis(name) for name in dict.fromkeys(analyses or ()))
    source = source_of(data, survey, register)
    rules = rules_of(disclosure_control, min_workplaces, min_persons, dominance)
    folder = ready_folder(out)
    from bayes_sf.disclosure.control import Control
    from bayes_sf.output.runs.export import gather, print_export, run_export

    study = load_study(source, survey, register, mapping, seed, decimal=decimal, lang=language)
    control, progress = Control.of(study, rules), progress_bar(quiet=quiet)
    found = gather(asked, study, control=control, engine=engine, seed=seed, progress=progress)
    done = run_export(
        folder, **found, source=source, formats=wanted, lang=language,
        csv_style="norwegian" if norwegian_csv else "plain", control=control,
    )  # fmt: skip
    print_export(stdout(), done, source=source, as_json=as_json)


def _check(option: str, value: str, known: tuple[str, ...]) -> None:
    """Refuse a value that is not known, before any work is done."""
    if value not in known:
        raise UsageError(option, f"must be one of {', '.join(known)}", got=value)
