"""Commands that look at a model's fit: loo, plot, sbc."""

from pathlib import Path
from typing import Annotated

import typer

from bayes_sf.cli.app import app
from bayes_sf.cli.console import progress_bar, refuse, stderr, stdout
from bayes_sf.cli.data import language_of, load_study, rules_of, source_of
from bayes_sf.cli.options import (
    AnalysesArgument,
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
    PictureArgument,
    QuietOption,
    RegisterOption,
    SeedOption,
    SurveyOption,
    ThresholdOption,
    WorkplacesOption,
)
from bayes_sf.errors import ConvergenceError, UsageError


@app.command()
def loo(
    analyses: AnalysesArgument,
    *,
    data: WorkplacesOption = None,
    survey: SurveyOption = None,
    register: RegisterOption = None,
    mapping: MapOption = None,
    decimal: DecimalOption = None,
    by_industry: Annotated[
        bool, typer.Option("--by-industry", help="Leave whole industries out, too.")
    ] = False,
    disclosure_control: ControlOption = True,
    min_workplaces: ThresholdOption = 3,
    min_persons: PersonsOption = 5,
    dominance: DominanceOption = (75.0, 90.0, 10.0),
    out: OutOption = Path("loo"),
    lang: LangOption = "en",
    as_json: JsonOption = False,
    seed: SeedOption = 1,
    quiet: QuietOption = False,
) -> None:
    """Compare models of the same workplaces by leave-one-out, and check what they predict.

    Example: bayes-sf loo q13 q13_slopes q13_student
    """
    from bayes_sf.output.files import ready_folder
    from bayes_sf.spec.analysis import load_analysis

    language, asked = language_of(lang), tuple(load_analysis(name) for name in analyses)
    source = source_of(data, survey, register, ("replica",))
    rules = rules_of(disclosure_control, min_workplaces, min_persons, dominance)
    folder = ready_folder(out)
    from bayes_sf.output.runs.loo import print_loo, run_loo

    run = run_loo(
        folder, asked,
        load_study(source, survey, register, mapping, seed, decimal=decimal, lang=language),
        source=source, seed=seed, by_group=by_industry, console=stderr(quiet=quiet),
        rules=rules, lang=language,
    )  # fmt: skip
    print_loo(stdout(), run, as_json=as_json)
    refuse(tuple(result for result in run.results if not result.converged))


@app.command()
def plot(
    analysis: AnalysisArgument,
    picture: PictureArgument,
    *,
    data: DataOption = None,
    survey: SurveyOption = None,
    register: RegisterOption = None,
    mapping: MapOption = None,
    decimal: DecimalOption = None,
    engine: Annotated[
        str | None, typer.Option("--engine", help="exact or nuts; by default what it takes.")
    ] = None,
    lang: LangOption = "en",
    disclosure_control: ControlOption = True,
    min_workplaces: ThresholdOption = 3,
    min_persons: PersonsOption = 5,
    dominance: DominanceOption = (75.0, 90.0, 10.0),
    out: OutOption = Path("pictures"),
    seed: SeedOption = 1,
    quiet: QuietOption = False,
) -> None:
    """Draw a picture of every model of an analysis, as SVG and PNG.

    Example: bayes-sf plot q17_slopes slopes --data replica --lang nb
    """
    language = language_of(lang)
    from bayes_sf.output.files import ready_folder
    from bayes_sf.spec.analysis import load_analysis

    asked, source = load_analysis(analysis), source_of(data, survey, register)
    from bayes_sf.output.figures.pictures import OF_CHAINS, check_picture, picture_files

    check_picture(picture)
    if engine not in (None, "exact", "nuts"):
        raise UsageError("--engine", "must be exact or nuts", got=engine)
    rules = rules_of(disclosure_control, min_workplaces, min_persons, dominance)
    folder = ready_folder(out)
    from bayes_sf.disclosure.control import Control
    from bayes_sf.disclosure.protected_models import blunt_of, check_withheld, keep_open
    from bayes_sf.engines.fit import fit
    from bayes_sf.output.audit import notice
    from bayes_sf.output.files import write_files
    from bayes_sf.output.formats.terminal import print_end
    from bayes_sf.output.progress import show_sampling

    study = load_study(source, survey, register, mapping, seed, decimal=decimal, lang=language)
    control = Control.of(study, rules)
    asked, withheld = keep_open(asked, control)
    files: dict[str, bytes] = {}
    with show_sampling(stderr(quiet=quiet), len(asked.specs)) as begin:
        for spec in asked.specs:
            begin(f"{spec.name} of {spec.outcome}")
            needed = spec.engines[0] if picture not in OF_CHAINS else "nuts"
            result = fit(spec, study, engine=engine or needed, seed=seed)
            check_withheld(result, picture, control)
            blunt = blunt_of(result, control)
            unsaid = control.unsaid(spec)
            files |= picture_files(result, picture, unsaid=unsaid, blunt=blunt, lang=language)
    written = write_files(folder, files)
    said = notice(control, withheld, language, page=True)
    print_end(stdout(), written, lang=language, disclosure=said)


@app.command()
def sbc(
    analysis: AnalysisArgument,
    *,
    n: Annotated[int, typer.Option("-n", help="Simulated data sets for each model.")] = 200,
    data: WorkplacesOption = None,
    survey: SurveyOption = None,
    register: RegisterOption = None,
    mapping: MapOption = None,
    decimal: DecimalOption = None,
    engine: Annotated[
        str | None, typer.Option("--engine", help="exact or nuts; by default what it takes.")
    ] = None,
    out: OutOption = Path("sbc"),
    as_json: JsonOption = False,
    seed: SeedOption = 1,
    quiet: QuietOption = False,
) -> None:
    """Calibrate a model by simulation: prior, data, fit, rank of the truth; n times.

    Example: bayes-sf sbc q13 -n 200
    """
    from bayes_sf.output.files import ready_folder
    from bayes_sf.spec.analysis import load_analysis

    asked = load_analysis(analysis)
    source = source_of(data, survey, register, ("replica",))
    folder = ready_folder(out)
    from bayes_sf.output.runs.sbc import print_calibration, run_calibration

    run = run_calibration(
        folder, asked,
        load_study(source, survey, register, mapping, seed, decimal=decimal),
        source=source, n=n, engine=engine, seed=seed, progress=progress_bar(quiet=quiet),
    )  # fmt: skip
    print_calibration(stdout(), run, as_json=as_json)
    failed = [found.spec.key for found in run.found if not found.passed]
    if failed:
        raise ConvergenceError("sbc", "ranks of the truth must be uniform", got=failed)
