"""Commands that look at a model's fit: loo, plot, sbc."""

from typing import Annotated

import typer

from bayes_sf.cli.app import app
from bayes_sf.cli.given import HIDING, LEDGER, OWN, STUDY, WORKPLACES, Given, with_options, writing
from bayes_sf.cli.options import (
    AnalysesArgument,
    AnalysisArgument,
    JobsOption,
    PictureArgument,
    RopeOption,
    one_unit,
    read_rope,
)
from bayes_sf.errors import ConvergenceError, UsageError


@app.command()
@with_options(OWN, WORKPLACES, HIDING, LEDGER, writing("loo"))
def loo(
    analyses: AnalysesArgument,
    *,
    given: Given,
    by_industry: Annotated[
        bool, typer.Option("--by-industry", "--by-group", help="Leave whole groups out, too.")
    ] = False,
) -> None:
    """Compare models of the same workplaces by leave-one-out, and check what they predict.

    Example: bayes-sf loo q13 q13_slopes q13_student
    """
    from bayes_sf.spec.analysis import load_analysis

    asked = tuple(load_analysis(name) for name in analyses)
    given.ready()
    from bayes_sf.output.runs.loo import run_loo

    given.finish(run_loo(asked, given.workplaces(), given.asked, by_group=by_industry))


@app.command()
@with_options(OWN, STUDY, HIDING, LEDGER, writing("pictures"))
def plot(
    analysis: AnalysisArgument,
    picture: PictureArgument,
    *,
    given: Given,
    engine: Annotated[
        str | None, typer.Option("--engine", help="exact or nuts; by default what it takes.")
    ] = None,
    dpi: Annotated[
        int, typer.Option("--dpi", help="Dots of the PNG for an inch; 300 is for print.")
    ] = 150,
    sort: Annotated[
        str, typer.Option("--sort", help="Slopes of forest: model or estimate (largest on top).")
    ] = "model",
    rope: RopeOption = None,
) -> None:
    """Draw a picture of every model of an analysis, as SVG and PNG.

    Example: bayes-sf plot q17_slopes slopes --data replica --lang nb
    """
    from bayes_sf.spec.analysis import load_analysis

    asked = load_analysis(analysis)
    from bayes_sf.output.figures.pictures import (
        check_asked,
        check_dpi,
        check_picture,
        forest_options,
    )

    check_picture(picture)
    check_dpi(dpi, "--dpi")
    if engine not in (None, "exact", "nuts"):
        raise UsageError("--engine", "must be exact or nuts", got=engine)
    region = None
    if rope is not None:  # a band means one thing in every picture
        units = (spec.unit for spec in asked.specs)
        region = read_rope(rope, one_unit("--rope", units, "plot outcomes of one unit"))
    options = forest_options(picture, sort, region)
    for spec in asked.specs:
        check_asked(spec, picture, engine=engine, rows=given.source != "published")
    given.ready()
    from bayes_sf.output.runs.plot import run_plot

    run = run_plot(asked, given.study(), given.asked, picture, engine=engine, dpi=dpi,
                   options=options)  # fmt: skip
    given.finish(run)


@app.command()
@with_options(OWN, WORKPLACES, writing("sbc", lang=False))
def sbc(
    analysis: AnalysisArgument,
    *,
    given: Given,
    n: Annotated[int, typer.Option("-n", help="Simulated data sets for each model.")] = 200,
    engine: Annotated[
        str | None, typer.Option("--engine", help="exact or nuts; by default what it takes.")
    ] = None,
    jobs: JobsOption = 1,
) -> None:
    """Calibrate a model by simulation: prior, data, fit, rank of the truth; n times.

    Example: bayes-sf sbc q13 -n 200
    """
    from bayes_sf.spec.analysis import load_analysis

    asked = load_analysis(analysis)
    from bayes_sf.analysis.checks.calibration import check_calibration

    for spec in asked.specs:
        check_calibration(spec, n=n, engine=engine)
    given.ready()
    from bayes_sf.output.runs.sbc import run_sbc

    run, calibrated = run_sbc(asked, given.workplaces(), given.asked, n=n, engine=engine, jobs=jobs)
    given.finish(run)
    failed = [found.spec.key for found in calibrated if not found.passed]
    if failed:
        raise ConvergenceError("sbc", "ranks of the truth must be uniform", got=failed)
