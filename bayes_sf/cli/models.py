"""Commands on models: fit, compare, diagnose."""

from pathlib import Path
from typing import Annotated

import typer

from bayes_sf.cli.app import app
from bayes_sf.cli.console import progress_bar, refuse, stderr, stdout
from bayes_sf.cli.data import language_of, load_study, rules_of, source_of
from bayes_sf.cli.options import (
    AnalysisArgument,
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
from bayes_sf.errors import ConvergenceError, UsageError


@app.command()
def fit(
    analysis: AnalysisArgument,
    *,
    data: DataOption = None,
    survey: SurveyOption = None,
    register: RegisterOption = None,
    mapping: MapOption = None,
    decimal: DecimalOption = None,
    engine: Annotated[str, typer.Option("--engine", help="exact, reml, ols or nuts.")] = "exact",
    disclosure_control: ControlOption = True,
    min_workplaces: ThresholdOption = 3,
    min_persons: PersonsOption = 5,
    dominance: DominanceOption = (75.0, 90.0, 10.0),
    out: OutOption = Path("fits"),
    resume: Annotated[
        bool | None,
        typer.Option(
            "--resume/--no-resume", help="Take saved nuts fits as they are.", show_default="resume"
        ),
    ] = None,
    lang: LangOption = "en",
    as_json: JsonOption = False,
    seed: SeedOption = 1,
    quiet: QuietOption = False,
) -> None:
    """Fit every model of an analysis; with nuts each fit is saved as it finishes.

    Example: bayes-sf fit bivariate --engine nuts --out fits
    """
    from bayes_sf.engines.fit import ENGINES
    from bayes_sf.output.files import ready_folder
    from bayes_sf.spec.analysis import load_analysis

    if engine not in ENGINES:
        raise UsageError("--engine", f"must be one of {', '.join(ENGINES)}", got=engine)
    if resume is not None and engine != "nuts":
        option = "--resume" if resume else "--no-resume"
        raise UsageError(option, "goes with --engine nuts: only its fits are saved", got=engine)
    language, asked = language_of(lang), load_analysis(analysis)
    source = source_of(data, survey, register)
    rules = rules_of(disclosure_control, min_workplaces, min_persons, dominance)
    folder = ready_folder(out)
    from bayes_sf.output.runs.fit import print_fit, run_fit

    run = run_fit(
        folder, asked,
        load_study(source, survey, register, mapping, seed, decimal=decimal, lang=language),
        source=source, engine=engine, seed=seed, resume=resume is not False,
        console=stderr(quiet=quiet), rules=rules, lang=language,
    )  # fmt: skip
    print_fit(stdout(), run, as_json=as_json)
    refuse(run.results.not_converged)


@app.command()
def compare(
    analysis: AnalysisArgument,
    *,
    data: DataOption = None,
    survey: SurveyOption = None,
    register: RegisterOption = None,
    mapping: MapOption = None,
    decimal: DecimalOption = None,
    disclosure_control: ControlOption = True,
    min_workplaces: ThresholdOption = 3,
    min_persons: PersonsOption = 5,
    dominance: DominanceOption = (75.0, 90.0, 10.0),
    out: OutOption = Path("pooling"),
    lang: LangOption = "en",
    as_json: JsonOption = False,
    seed: SeedOption = 1,
    quiet: QuietOption = False,
) -> None:
    """Compare complete, no and partial pooling, and show how far each industry is shrunk.

    Example: bayes-sf compare null --out pooling
    """
    from bayes_sf.output.files import ready_folder
    from bayes_sf.spec.analysis import load_analysis

    language, asked = language_of(lang), load_analysis(analysis)
    source = source_of(data, survey, register)
    rules = rules_of(disclosure_control, min_workplaces, min_persons, dominance)
    folder = ready_folder(out)
    from bayes_sf.output.runs.compare import print_pooling, run_pooling

    run = run_pooling(
        folder, asked,
        load_study(source, survey, register, mapping, seed, decimal=decimal, lang=language),
        source=source, progress=progress_bar(quiet=quiet), rules=rules, lang=language,
    )  # fmt: skip
    print_pooling(stdout(), run, as_json=as_json)


@app.command()
def diagnose(
    file: Annotated[Path, typer.Argument(help="A fit that `fit --engine nuts` has saved.")],
    *,
    lang: LangOption = "en",
    as_json: JsonOption = False,
) -> None:
    """Judge a saved fit: R-hat, ESS, MCSE, divergences, energy, tree depth.

    Example: bayes-sf diagnose fits/null-absence_mean-0123456789ab.nc
    """
    from bayes_sf.output.runs.diagnose import diagnose_file, print_diagnosis

    language, found = language_of(lang), diagnose_file(file)
    print_diagnosis(stdout(), found, as_json=as_json, lang=language)
    if not found.converged:
        failed = ", ".join(check.name for check in found.checks if not check.passed)
        raise ConvergenceError(str(file), "must pass every check", got=failed)
