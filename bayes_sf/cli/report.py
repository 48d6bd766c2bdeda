"""Commands on the report itself: reproduce, report, check-published, describe, select, replica."""

from pathlib import Path
from typing import Annotated

import typer

from bayes_sf.cli.app import app
from bayes_sf.cli.console import announce, progress_bar, refuse, stdout
from bayes_sf.cli.data import (
    language_of,
    load_study,
    load_workplaces,
    read_secret,
    rules_of,
    source_of,
)
from bayes_sf.cli.options import (
    ControlOption,
    DataOption,
    DecimalOption,
    DominanceOption,
    JsonOption,
    KeyOption,
    LangOption,
    MapOption,
    OutOption,
    PersonsOption,
    QuietOption,
    RegisterOption,
    SeedOption,
    SurveyOption,
    ThresholdOption,
    WithDataOption,
    WorkplacesOption,
    YearsOption,
)
from bayes_sf.errors import UsageError


@app.command()
def reproduce(
    *,
    data: DataOption = None,
    survey: SurveyOption = None,
    register: RegisterOption = None,
    mapping: MapOption = None,
    decimal: DecimalOption = None,
    engine: Annotated[str, typer.Option("--engine", help="exact or nuts.")] = "exact",
    disclosure_control: ControlOption = True,
    min_workplaces: ThresholdOption = 3,
    min_persons: PersonsOption = 5,
    dominance: DominanceOption = (75.0, 90.0, 10.0),
    with_data: WithDataOption = False,
    lang: LangOption = "en",
    out: OutOption = Path("results"),
    as_json: JsonOption = False,
    seed: SeedOption = 1,
    quiet: QuietOption = False,
) -> None:
    """Re-do every multilevel result of the report, beside REML and its posterior.

    Example: bayes-sf reproduce --out results
    """
    from bayes_sf.output.files import ready_folder

    if engine not in {"exact", "nuts"}:
        raise UsageError("--engine", "must be exact or nuts", got=engine)
    source, language = source_of(data, survey, register), language_of(lang)
    rules = rules_of(disclosure_control, min_workplaces, min_persons, dominance)
    folder = ready_folder(out)
    announce("reading the data (from the published tables about ten seconds) ...", quiet=quiet)
    from bayes_sf.output.runs.reproduce import print_reproduction, run_reproduction

    run = run_reproduction(
        folder, source=source,
        load=lambda: load_study(
            source, survey, register, mapping, seed, decimal=decimal, lang=language
        ),
        engine=engine, seed=seed, progress=progress_bar(quiet=quiet),
        rules=rules, with_data=with_data, lang=language,
    )  # fmt: skip
    print_reproduction(stdout(), run, as_json=as_json)
    refuse(run.not_converged)


@app.command()
def report(
    *,
    data: DataOption = None,
    survey: SurveyOption = None,
    register: RegisterOption = None,
    mapping: MapOption = None,
    decimal: DecimalOption = None,
    lang: LangOption = "en",
    rope: Annotated[
        float | None,
        typer.Option(
            "--rope",
            help="Largest difference that does not matter, in percentage "
            "points: judge every item by it. There is no default.",
        ),
    ] = None,
    with_data: Annotated[
        bool,
        typer.Option(
            "--with-data",
            help="Put sufficient statistics of your own files into the "
            "page, so that priors can be moved there.",
        ),
    ] = False,
    imputed: Annotated[
        Path | None,
        typer.Option(
            "--imputed", help="Folder that `impute` wrote: what it found goes into the page."
        ),
    ] = None,
    disclosure_control: ControlOption = True,
    min_workplaces: ThresholdOption = 3,
    min_persons: PersonsOption = 5,
    dominance: DominanceOption = (75.0, 90.0, 10.0),
    out: OutOption = Path("results"),
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier page.")] = False,
    seed: SeedOption = 1,
    quiet: QuietOption = False,
) -> None:
    """Write everything as one HTML page that opens anywhere, with a prior to move by hand.

    --out may name the page itself, as page.html.

    Example: bayes-sf report --data replica --lang nb
    """  # fmt: skip
    from bayes_sf.output.files import ready_folder

    source, language = source_of(data, survey, register), language_of(lang)
    if rope is not None and not 0 < rope < float("inf"):
        raise UsageError("--rope", "must be a positive number of percentage points", got=rope)
    rules = rules_of(disclosure_control, min_workplaces, min_persons, dominance)
    named = out.suffix == ".html" and not out.is_dir()
    name = out.name if named else f"report_{source}_{language}.html"
    page = ready_folder(out.parent if named else out) / name
    if page.exists() and not force:
        raise UsageError(
            str(page), "is there already", fix="add --force, or choose another place with --out"
        )
    from bayes_sf.output.formats.terminal import print_end
    from bayes_sf.output.report.material import gather
    from bayes_sf.output.report.page import write_report

    announce("reading the data (from the published tables about ten seconds) ...", quiet=quiet)
    study = load_study(source, survey, register, mapping, seed, decimal=decimal, lang=language)
    material = gather(
        study, lang=language, rope=rope, seed=seed, with_data=with_data, rules=rules,
        imputed=imputed, progress=progress_bar(quiet=quiet),
    )  # fmt: skip
    print_end(stdout(), write_report(page, material), lang=language)


@app.command("check-published")
def check_published(*, lang: LangOption = "en", as_json: JsonOption = False) -> None:
    """Test every published number against every other that it depends on.

    Example: bayes-sf check-published --lang nb
    """
    language = language_of(lang)
    from bayes_sf.analysis.replay.consistency import replay
    from bayes_sf.output.files import json_text
    from bayes_sf.output.words.commands import say
    from bayes_sf.output.words.findings import findings_lines, replay_line

    outcomes = replay()
    if as_json:
        typer.echo(json_text(outcomes), nl=False)
        return
    for line in findings_lines(outcomes, language):
        typer.echo(line)
    typer.echo("")
    typer.echo(replay_line(outcomes, language))
    typer.echo("")
    typer.echo(say("rules", language))
    for outcome in outcomes:
        typer.echo(f"{outcome.comparisons:14d}  {len(outcome.findings):8d}  {outcome.rule}")


@app.command()
def describe(
    *,
    data: WorkplacesOption = None,
    survey: SurveyOption = None,
    register: RegisterOption = None,
    mapping: MapOption = None,
    decimal: DecimalOption = None,
    lang: LangOption = "en",
    disclosure_control: ControlOption = True,
    min_workplaces: ThresholdOption = 3,
    min_persons: PersonsOption = 5,
    dominance: DominanceOption = (75.0, 90.0, 10.0),
    out: OutOption = Path("description"),
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Tables 11-45, figures 1-4 and 6, who is left after each rule, and what is missing.

    Example: bayes-sf describe --survey answers.sav --register extract.csv --out description
    """
    from bayes_sf.output.files import ready_folder

    language = language_of(lang)
    source = source_of(data, survey, register, known=("replica",))
    rules = rules_of(disclosure_control, min_workplaces, min_persons, dominance)
    folder = ready_folder(out)
    from bayes_sf.disclosure.control import refuse_withheld
    from bayes_sf.output.runs.describe import print_description, write_description

    sample = load_workplaces(source, survey, register, mapping, decimal=decimal, lang=language)
    described = write_description(
        folder, sample, lang=language, rules=rules, progress=progress_bar(quiet=quiet)
    )
    print_description(stdout(), described, as_json=as_json)
    refuse_withheld(described.withheld)


@app.command()
def select(
    *,
    data: WorkplacesOption = None,
    survey: SurveyOption = None,
    register: RegisterOption = None,
    mapping: MapOption = None,
    decimal: DecimalOption = None,
    years: YearsOption = (2017, 2020),
    top: Annotated[int, typer.Option("--top", help="Length of a list per industry.")] = 40,
    key_file: KeyOption = None,
    seed: SeedOption = 1,
    disclosure_control: ControlOption = True,
    min_workplaces: ThresholdOption = 3,
    min_persons: PersonsOption = 5,
    dominance: DominanceOption = (75.0, 90.0, 10.0),
    with_data: WithDataOption = False,
    out: OutOption = Path("selection"),
    lang: LangOption = "en",
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Annex 1's lists of cases, by its rule and by posterior, and how many truly belong.

    Example: bayes-sf select --years 2017 2020 --out selection
    """
    from bayes_sf.output.files import ready_folder

    language, source = language_of(lang), source_of(data, survey, register, known=("replica",))
    key = read_secret(key_file) if key_file else None
    from bayes_sf.output.runs.select import Choice, print_cases, write_cases

    choice = Choice(years, top, seed)
    rules = rules_of(disclosure_control, min_workplaces, min_persons, dominance)
    folder = ready_folder(out)
    sample = load_workplaces(source, survey, register, mapping, key, decimal=decimal, lang=language)
    announce("ranking the workplaces by draws (some seconds) ...", quiet=quiet)
    cases = write_cases(folder, sample, choice, rules=rules, with_data=with_data, lang=language)
    print_cases(stdout(), cases, as_json=as_json)


@app.command()
def replica(
    *,
    seed: SeedOption = 1,
    out: OutOption = Path("replica"),
    force: Annotated[
        bool, typer.Option("--force", help="Also into a folder that has other files.")
    ] = False,
    quiet: QuietOption = False,
) -> None:
    """Make the synthetic survey and register extracts; may take ten minutes.

    Seed 1 gives the copy that travels with the package (--data replica).

    Example: bayes-sf replica --seed 1 --out replica
    """
    from bayes_sf.output.files import ready_folder
    from bayes_sf.output.tables.summary import SOURCES
    from bayes_sf.replica import make_replica, write_replica
    from bayes_sf.replica.writing import FILES

    others = sorted({path.name for path in ready_folder(out).iterdir()} - set(FILES))
    if others and not force:
        raise UsageError(
            f"--out {out}", "must be empty or have an earlier replica only", got=others[0],
            fix="choose another folder, or add --force",
        )  # fmt: skip
    if not quiet:
        typer.echo(f"Making the replica of seed {seed}: this may take ten minutes.", err=True)
    made = make_replica(seed)
    files = write_replica(made, out)
    typer.echo(
        f"{SOURCES['replica']}\n"
        f"Returned: {made.compared - len(made.misses)} of {made.compared} printed figures of the "
        f"coefficient tables; the others are listed in {out / 'README.md'}.\n"
        f"Written to {out}: {', '.join(path.name for path in files)}"
    )
