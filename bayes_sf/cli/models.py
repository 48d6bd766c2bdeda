"""Commands on models: init, which begins a study of one's own, fit, compare, diagnose."""

from pathlib import Path
from typing import Annotated

import typer

from bayes_sf.cli.app import app
from bayes_sf.cli.completion import analysis_names
from bayes_sf.cli.console import stdout
from bayes_sf.cli.given import HIDING, LEDGER, OWN, STUDY, Given, with_options, writing
from bayes_sf.cli.options import (
    AnalysisArgument,
    ControlOption,
    JsonOption,
    LangOption,
)
from bayes_sf.errors import ConvergenceError, UsageError, closest, legible


@app.command()
def init(
    file: Annotated[Path, typer.Argument(help="Your data: CSV, Excel, SPSS, Stata or Parquet.")],
    *,
    group: Annotated[
        str, typer.Option("--group", help="Column that groups rows, where several could.")
    ] = "",
    outcome: Annotated[
        list[str] | None,
        typer.Option("--outcome", help="Column that models are of; may be repeated."),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", help="New folder that the file is copied to.",
                     show_default="study.toml beside the file"),
    ] = None,
) -> None:  # fmt: skip
    """Write a first study.toml of your data, and say what was assumed.

    Example: bayes-sf init pupils.csv --group school --outcome score
    """
    from bayes_sf.inputs.own_study.draft import draft_study
    from bayes_sf.inputs.own_study.folder import read_study

    made = draft_study(file, group=group, outcomes=outcome or (), folder=to)
    console = stdout()
    lines = [f"Written: {made.path}", "Assumed, and to be mended there:"]
    lines += [f"- {line}" for line in made.assumed]
    for line in lines:
        console.print(legible(line), markup=False, highlight=False)
    read_study(made.path)  # what it cannot read it says
    to_it = f"--study {made.path.parent}"
    last = f"Next: bayes-sf describe {to_it}, bayes-sf fit {made.analyses[0]} {to_it}, then report"
    console.print(legible(last), markup=False, highlight=False, soft_wrap=True)


@app.command()
@with_options(OWN, STUDY, HIDING, LEDGER, writing("fits"))
def fit(
    analysis: Annotated[
        str,
        typer.Argument(
            help="Name of an analysis, or a TOML file; with --study or --table also a formula.",
            autocompletion=analysis_names,
        ),
    ],
    *,
    given: Given,
    table: Annotated[
        Path | None,
        typer.Option("--table", help="A table of your own that the formula is fitted to."),
    ] = None,
    missing: Annotated[
        str | None,
        typer.Option("--missing", help="Of a table's gaps: drop (if not said), error or model."),
    ] = None,
    engine: Annotated[
        str, typer.Option("--engine", help="exact, reml, ols or nuts; of a formula ml, too.")
    ] = "exact",
    resume: Annotated[
        bool | None,
        typer.Option(
            "--resume/--no-resume", help="Take saved nuts fits as they are.", show_default="resume"
        ),
    ] = None,
) -> None:
    """Fit every model of an analysis; with nuts each fit is saved as it finishes.

    Example: bayes-sf fit bivariate --engine nuts --out fits
    """
    if not engine:
        raise UsageError("--engine", "must be one of exact, reml, ml, ols, nuts", got=engine)
    if table is not None:
        _fit_table(analysis, table, given, engine, resume, missing=missing or "drop")
        return
    if missing is not None:
        fix = "leave it out: analyses say it themselves"
        raise UsageError("--missing", "goes with --table", got=missing, fix=fix)
    if "~" in analysis and given.own is None:
        fix = "give --study FOLDER, or --table FILE"
        raise UsageError("a formula", "needs data of your own", got=analysis, fix=fix)
    from bayes_sf.engines.fit import ENGINES
    from bayes_sf.spec.analysis import load_analysis

    known = [*ENGINES] if given.own is None else [*ENGINES, "ml"]
    if engine not in known:
        rule = f"must be one of {', '.join(known)}"
        raise UsageError("--engine", rule, got=engine, fix=closest(engine, known))
    if resume is not None and engine != "nuts":
        option = "--resume" if resume else "--no-resume"
        raise UsageError(option, "goes with --engine nuts: only its fits are saved", got=engine)
    asked = load_analysis(analysis)
    given.ready()
    from bayes_sf.output.runs.fit import run_fit, run_fit_formula

    as_fields = given.rules.active or engine == "nuts"  # a slope that varies is sampled so
    if given.own is not None and asked.written and (asked.specs[0].formula or not as_fields):
        given.workplaces()
        given.finish(run_fit_formula(asked, given.own, given.asked, engine=engine))
        return
    given.finish(
        run_fit(
            asked, given.study(), given.asked, folder=given.folder, engine=engine,
            resume=resume is not False,
        )
    )  # fmt: skip


def _fit_table(
    formula: str, path: Path, given: Given, engine: str, resume: bool | None, *, missing: str
) -> None:
    """Fit a formula to a table."""
    from bayes_sf.disclosure.gate import unprotected
    from bayes_sf.output.runs.fit import run_fit_table

    for option, value in (
        ("--study", given.own_study), ("--data", given.data), ("--survey", given.survey),
        ("--register", given.register), ("--map", given.mapping), ("--ledger", given.ledger),
        ("--backend", given.backend), ("--resume", resume),
    ):  # fmt: skip
        if value is not None and value != []:
            raise UsageError("--table", f"goes without {option}", got=str(value))
    given.source = "frame"
    unprotected(None, given.rules)
    given.ready()
    given.finish(
        run_fit_table(
            formula, path, given.asked, engine=engine, missing=missing, decimal=given.decimal
        )
    )


@app.command()
@with_options(OWN, STUDY, HIDING, LEDGER, writing("pooling"))
def compare(
    analysis: AnalysisArgument,
    *,
    given: Given,
) -> None:
    """Compare complete, no and partial pooling, and show how far each industry is shrunk.

    Example: bayes-sf compare null --out pooling
    """
    from bayes_sf.spec.analysis import load_analysis

    asked = load_analysis(analysis)
    given.ready()
    from bayes_sf.output.runs.compare import run_compare

    given.finish(run_compare(asked, given.study(), given.asked))


@app.command()
def diagnose(
    file: Annotated[Path, typer.Argument(help="A fit that `fit --engine nuts` has saved.")],
    *,
    lang: LangOption = "en",  # noqa: ARG001  # the option sets it
    as_json: JsonOption = False,
    disclosure_control: ControlOption = True,
) -> None:
    """Judge a saved fit: R-hat, ESS, MCSE, divergences, energy, tree depth.

    Example: bayes-sf diagnose fits/null-absence_mean-0123456789ab.nc
    """
    from bayes_sf.output.runs.diagnose import diagnose_file, print_diagnosis

    found = diagnose_file(file, protected=disclosure_control)
    print_diagnosis(stdout(), found, as_json=as_json)
    if not found.converged:
        failed = ", ".join(check.name for check in found.checks if not check.passed)
        raise ConvergenceError(str(file), "must pass every check", got=failed)
